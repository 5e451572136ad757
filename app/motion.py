"""How long something may move: never above 150 ms, nothing where the system asks for stillness."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QObject, QRect, QVariantAnimation
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QStyle, QWidget

LONGEST_MS = 150


def duration_ms(wanted: int) -> int:
    """Give the time an animation takes, 0 for none."""
    style_hints = QGuiApplication.styleHints()  # PySide6 6.12 drops what hangs on it with it
    hints = style_hints.accessibility()
    # the preference arrives with a newer Qt than the oldest one supported
    preference = getattr(hints, "motionPreference", None)
    if preference is not None and getattr(preference(), "name", "") == "ReducedMotion":
        return 0
    style = QApplication.style()
    if style.styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) == 0:
        return 0
    return min(wanted, LONGEST_MS)


class Fold(QObject):
    """Fold a panel away over an edge of its parent, or unfold it.

    Only the panel moves: what makes room for it has its place at once, pictures never slide.

    Parameters
    ----------
    panel : QWidget
        What is folded.
    side : int
        -1 for the left edge, 1 for the right one.
    """

    def __init__(self, panel: QWidget, side: int) -> None:
        super().__init__(panel)
        self._panel, self._side = panel, side
        self._place = QRect()
        self._is_open = False
        self._share = 0.0
        self._motion = QVariantAnimation(self)
        self._motion.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._motion.valueChanged.connect(self._follow)

    def arrange(self, place: QRect, *, is_open: bool, is_moving: bool) -> None:
        """Say where the panel stands when it is unfolded, and whether it is.

        Parameters
        ----------
        is_moving : bool
            Go there in some steps; at once where motion is not wanted.
        """
        self._place = place
        if is_open != self._is_open:
            self._is_open = is_open
            self._motion.stop()
            length = duration_ms(LONGEST_MS) if is_moving else 0
            if length:
                self._motion.setDuration(length)
                self._motion.setStartValue(self._share)
                self._motion.setEndValue(float(is_open))
                self._motion.start()
            else:
                self._share = float(is_open)
        self._stand()

    def _follow(self, share: float) -> None:
        self._share = share
        self._stand()

    def _stand(self) -> None:
        """Put the panel where it is now; unfolded by a share of its width."""
        away = round(self._side * (1.0 - self._share) * self._place.width())
        self._panel.setGeometry(self._place.translated(away, 0))
        self._panel.setVisible(self._share > 0.0 or self._is_open)
