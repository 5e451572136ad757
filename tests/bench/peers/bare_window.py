"""Floor: a bare PySide6 program that shows an empty QMainWindow. Imports nothing of ours."""

import sys

from PySide6.QtWidgets import QApplication, QMainWindow

application = QApplication(sys.argv)
window = QMainWindow()
window.resize(1344, 840)
window.show()
sys.exit(application.exec())
