"""Where the parts of the window stand: bars, panels, picture, and what lies over them.

Below 1000 px of width the panels become overlays from the edges; "only pictures" and full screen
fold everything but the picture.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QResizeEvent
from PySide6.QtWidgets import QApplication, QStackedWidget, QWidget

from app.motion import Fold
from app.start_page import StartPage
from app.status_line import StatusLine
from app.theme import (
    COMPACT_BELOW,
    DISPLAY_WIDTH,
    SERIES_WIDTH,
    status_height,
    toolbar_height,
)
from app.toolbar import Toolbar

_EDGE_DELAY_MS = 200


class Deck(QWidget):
    """The window's centre; places its children itself, since panels may lie over the picture.

    Attributes
    ----------
    is_empty : bool
        The start page is shown: no panels, no status line.
    pictures_only, is_full_screen : bool
        Everything but the picture is folded.
    """

    resized = Signal()
    mode_changed = Signal()

    def __init__(
        self,
        toolbar: Toolbar,
        series: QWidget,
        start: StartPage,
        display: QWidget,
        status: StatusLine,
    ) -> None:
        super().__init__()
        self.setObjectName("deck")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.toolbar, self.series, self.display, self.status = toolbar, series, display, status
        self.centre = QStackedWidget()
        self.centre.addWidget(start)
        for part in (self.centre, series, display, status, toolbar):
            part.setParent(self)
        self.is_empty = True
        self.pictures_only = False
        self.is_full_screen = False
        self.wants_series = True
        self.wants_display = True
        self.wants_toolbar = True
        self._bar: QWidget | None = None
        self._overlay = ""
        self._series_fold, self._display_fold = Fold(series, -1), Fold(display, 1)
        self._edge = QTimer(self)
        self._edge.setSingleShot(True)
        self._edge.setInterval(_EDGE_DELAY_MS)
        self._edge.timeout.connect(self._show_bar_at_edge)

    # -- what is shown -----------------------------------------------------------------------------

    @property
    def is_compact(self) -> bool:
        """Tell whether the window is too narrow for panels beside the picture."""
        return self.width() < COMPACT_BELOW

    @property
    def is_bare(self) -> bool:
        """Tell whether only the picture is shown."""
        return self.pictures_only or self.is_full_screen

    def shows(self, panel: str) -> bool:
        """Tell whether "series" or "display" is unfolded."""
        if self.is_empty or self.is_bare:
            return False
        if self.is_compact:
            return self._overlay == panel
        return self.wants_series if panel == "series" else self.wants_display

    def toggle(self, panel: str) -> None:
        """Fold or unfold "series" or "display"."""
        if self.is_compact:
            self._overlay = "" if self._overlay == panel else panel
        elif panel == "series":
            self.wants_series = not self.wants_series
        else:
            self.wants_display = not self.wants_display
        self.arrange(is_moving=True)

    def close_overlay(self) -> None:
        """Fold a panel that lies over the picture."""
        if self._overlay:
            self._overlay = ""
            self.arrange(is_moving=True)

    def set_bar(self, bar: QWidget | None) -> None:
        """Put a bar under the toolbar, or none; it takes its room from the picture."""
        if self._bar is not None:
            self._bar.hide()
        self._bar = bar
        if bar is not None:
            bar.setParent(self)
            bar.show()
            bar.raise_()
        self.arrange()

    # -- where it stands ---------------------------------------------------------------------------

    def arrange(self, *, is_moving: bool = False) -> None:
        """Place everything anew; panels that fold may take their time, the picture never does."""
        width, height = self.width(), self.height()
        bar = self.wants_toolbar and not self.is_bare
        line = not self.is_empty and not self.is_bare
        top = toolbar_height() if bar else 0
        if self._bar is not None:
            asked = max(self._bar.heightForWidth(width), self._bar.minimumSizeHint().height())
            self._bar.setGeometry(0, top, width, asked)
            top += asked
        bottom = height - (status_height() if line else 0)
        left = SERIES_WIDTH if self.shows("series") and not self.is_compact else 0
        right = DISPLAY_WIDTH if self.shows("display") and not self.is_compact else 0
        self.centre.setGeometry(left, top, width - left - right, bottom - top)
        self.toolbar.setGeometry(0, 0, width, toolbar_height())
        self.status.setGeometry(0, bottom, width, status_height())
        for name, fold, x, across in (
            ("series", self._series_fold, 0, SERIES_WIDTH),
            ("display", self._display_fold, width - DISPLAY_WIDTH, DISPLAY_WIDTH),
        ):
            place = QRect(x, top, across, bottom - top)
            fold.arrange(place, is_open=self.shows(name), is_moving=is_moving)
        self._watch_edge(self.is_bare)
        self.toolbar.setVisible(bar)
        self.status.setVisible(line)
        self.toolbar.set_state(is_empty=self.is_empty, is_compact=self.is_compact)
        self.mode_changed.emit()

    @property
    def room(self) -> QRect:
        """Give the part of the window that is not a bar."""
        return self.centre.geometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place everything anew."""
        super().resizeEvent(event)
        self.arrange()
        self.resized.emit()

    # -- the bar of a full screen ------------------------------------------------------------------

    def _watch_edge(self, is_wanted: bool) -> None:
        """See every event of the program only while no bar is shown: it costs."""
        application = QApplication.instance()
        assert application is not None
        application.removeEventFilter(self)
        if is_wanted:
            application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Watch for the pointer at the top edge while no bar is shown."""
        if event.type() == QEvent.Type.MouseMove and self.is_bare and self.isVisible():
            y = self.mapFromGlobal(QCursor.pos()).y()
            if y <= 1 and not self._edge.isActive() and self.toolbar.isHidden():
                self._edge.start()
            elif y > 1:
                self._edge.stop()
            if y > toolbar_height() + 8 and self.toolbar.isVisible():
                self.toolbar.hide()
        return False

    def _show_bar_at_edge(self) -> None:
        if self.is_bare:
            self.toolbar.show()
            self.toolbar.raise_()
