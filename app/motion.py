"""How long something may move: never above 150 ms, nothing where the system asks for stillness."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QStyle

LONGEST_MS = 150


def duration_ms(wanted: int) -> int:
    """Give the time an animation takes, 0 for none."""
    hints = QGuiApplication.styleHints().accessibility()
    # the preference arrives with a newer Qt than the oldest one supported
    preference = getattr(hints, "motionPreference", None)
    if preference is not None and getattr(preference(), "name", "") == "ReducedMotion":
        return 0
    style = QApplication.style()
    if style.styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) == 0:
        return 0
    return min(wanted, LONGEST_MS)
