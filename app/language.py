"""The words of the program in the user's language.

Text is written in English in the code and marked with `tr`; a translation in
`resources/translations/voxtide_<locale>.qm` replaces it. DICOM codes and units stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from app.resources import resource_path

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication


def tr(text: str) -> str:
    """Give a text in the user's language."""
    return QCoreApplication.translate("Voxtide", text)


def install_translations(application: QApplication) -> None:
    """Load the translation of the system's language where there is one."""
    # QLocale makes classes of all languages and countries: 5 ms that the first paint need not wait
    from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator

    locale = QLocale.system()
    try:
        own = str(resource_path("translations"))
    except FileNotFoundError:
        own = ""
    qt = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    for name, folder in (("qtbase", qt), ("voxtide", own)):
        translator = QTranslator(application)
        if folder and translator.load(locale, name, "_", folder):
            application.installTranslator(translator)
