"""How the views share the picture area: layouts, the gaps between them, and moving those gaps."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from viewer.state import VIEWS, ViewState

GAP: Final = 2
HANDLE: Final = 8
LEAST: Final = 0.12
FOUR_UP: Final = ("axial", "volume", "coronal", "sagittal")


def rectangles(
    layout: str, large_view: str, width: int, height: int, share: tuple[float, float]
) -> dict[str, QRect]:
    """Give the place of each visible view.

    Parameters
    ----------
    share : pair of float
        Where the gaps lie, as parts of width and height (four_up only).
    """
    if layout in VIEWS:
        return {layout: QRect(0, 0, width, height)}
    if layout == "one_plus_three":
        return _one_plus_three(large_view, width, height)
    left = round((width - GAP) * share[0])
    top = round((height - GAP) * share[1])
    right, bottom = width - GAP - left, height - GAP - top
    places = (
        QRect(0, 0, left, top),
        QRect(left + GAP, 0, right, top),
        QRect(0, top + GAP, left, bottom),
        QRect(left + GAP, top + GAP, right, bottom),
    )
    return dict(zip(FOUR_UP, places, strict=True))


def _one_plus_three(large_view: str, width: int, height: int) -> dict[str, QRect]:
    """Place the small views in a column on the right, in a row below where the area is upright."""
    if height > width:
        upright = _one_plus_three(large_view, height, width)
        return {
            view: QRect(place.y(), place.x(), place.height(), place.width())
            for view, place in upright.items()
        }
    small = (width - GAP) // 3
    large = width - GAP - small
    result = {large_view: QRect(0, 0, large, height)}
    others = [view for view in FOUR_UP if view != large_view]
    for n, view in enumerate(others):
        top = (height + GAP) * n // 3
        bottom = (height + GAP) * (n + 1) // 3 - GAP
        result[view] = QRect(large + GAP, top, small, bottom - top)
    return result


class GapHandle(QWidget):
    """An invisible strip over a gap, wide enough to be grasped.

    Signals
    -------
    dragged(QPointF)
        Where the pointer is now, on the parent.
    evened
        A double click: make the sides equal.
    """

    dragged = Signal(QPointF)
    evened = Signal()

    def __init__(self, parent: QWidget, *, across: bool, down: bool) -> None:
        super().__init__(parent)
        shapes = {
            (True, False): Qt.CursorShape.SplitHCursor,
            (False, True): Qt.CursorShape.SplitVCursor,
            (True, True): Qt.CursorShape.SizeAllCursor,
        }
        self.setCursor(shapes[(across, down)])
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell where the gap is dragged to."""
        parent = self.parentWidget()
        if parent is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self.dragged.emit(self.mapTo(parent, event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask for equal sides."""
        self.evened.emit()


class ViewGrid(QWidget):
    """Place the views; the gaps of four-up can be dragged, a double click evens them."""

    def __init__(self, views: dict[str, QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._views = views
        self._layout, self._large = "four_up", "axial"
        self._share = (0.5, 0.5)
        for view in views.values():
            view.setParent(self)
        ways = ((True, False), (False, True), (True, True))
        self._handles = tuple(GapHandle(self, across=a, down=d) for a, d in ways)
        for handle, (across, down) in zip(self._handles, ways, strict=True):
            handle.dragged.connect(
                lambda at, a=across, d=down: self.move_gaps(at, across=a, down=d)
            )
            handle.evened.connect(self.even_out)

    def follow(self, state: ViewState) -> None:
        """Show the layout that the state asks for."""
        if (state.layout, state.large_view) != (self._layout, self._large):
            self._layout, self._large = state.layout, state.large_view
            self._place()

    def move_gaps(self, at: QPointF, *, across: bool, down: bool) -> None:
        """Put the gaps under the pointer."""
        x = at.x() / max(1, self.width()) if across else self._share[0]
        y = at.y() / max(1, self.height()) if down else self._share[1]
        self._share = (min(1 - LEAST, max(LEAST, x)), min(1 - LEAST, max(LEAST, y)))
        self._place()

    def even_out(self) -> None:
        """Make the four views equal again."""
        self._share = (0.5, 0.5)
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the views anew."""
        self._place()

    def _place(self) -> None:
        places = rectangles(self._layout, self._large, self.width(), self.height(), self._share)
        for name, view in self._views.items():
            if name in places:
                view.setGeometry(places[name])
            view.setVisible(name in places)
        is_four = self._layout == "four_up"
        x = places["axial"].width() + GAP // 2 if is_four else 0
        y = places["axial"].height() + GAP // 2 if is_four else 0
        half = HANDLE // 2
        upright, level, both = self._handles
        upright.setGeometry(x - half, 0, HANDLE, self.height())
        level.setGeometry(0, y - half, self.width(), HANDLE)
        both.setGeometry(x - 2 * half, y - 2 * half, 2 * HANDLE, 2 * HANDLE)
        for handle in self._handles:
            handle.setVisible(is_four)
            handle.raise_()
