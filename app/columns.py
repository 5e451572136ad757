"""The picture area: one volume, or two side by side, each in a workspace of its own.

A column has a line of its own above the views only while there are two. The second workspace is
made when it is first needed, and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRect, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QSizePolicy, QWidget

from app.icons import icon
from app.language import tr
from app.theme import body_font, current_theme, hit
from app.widgets import icon_button, label
from viewer.link import POSITION, Link, are_different_patients
from viewer.names import person_text
from viewer.view_grid import GAP, GapHandle
from viewer.workspace import Workspace

if TYPE_CHECKING:
    from app.session import Column

_HANDLE = 8
_LEAST = 0.2
_WORDS_FROM = 440
"""A head narrower than this shows its link as an icon alone."""


class ColumnTitle(QWidget):
    """Patient and series in one line, the series shortened where there is no room."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.patient = self.series = ""
        self._is_other = False

    def show_names(self, patient: str, series: str, *, is_other_patient: bool) -> None:
        """Show whose series it is; another patient than in the other column stands out."""
        self.patient, self.series, self._is_other = patient, series, is_other_patient
        self.setAccessibleName(", ".join(part for part in (patient, series) if part))
        self.setToolTip(self.accessibleName())
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Write the names."""
        theme = current_theme()
        painter = QPainter(self)
        room = self.rect()
        for text, strong, colour, share in (
            (self.patient, True, theme.warn if self._is_other else theme.text, 0.6),
            (self.series, False, theme.text_second, 1.0),
        ):
            painter.setFont(body_font(strong=strong))
            painter.setPen(QColor(colour))
            metrics = painter.fontMetrics()
            elide = Qt.TextElideMode.ElideRight
            shown = metrics.elidedText(text, elide, round(room.width() * share))
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), shown)
            if shown:
                room.setLeft(room.left() + metrics.horizontalAdvance(shown) + 12)


class ColumnHead(QWidget):
    """The line above a column: patient, series, the link to the other one, a button to close."""

    used = Signal()
    close_wanted = Signal()
    link_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(hit() + 4)
        self._is_active = False
        self.link = icon_button("link", "", self.link_wanted.emit)
        self.link_words = label(role="caption")
        self.title = ColumnTitle()
        self.close_ = icon_button("close", tr("Close this column"), self.close_wanted.emit)
        for made in (self.link, self.close_):
            made.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # their commands have the keyboard
        across = QHBoxLayout(self)
        across.setContentsMargins(4, 2, 4, 2)
        across.setSpacing(8)
        across.addWidget(self.link)
        across.addWidget(self.link_words)
        across.addWidget(self.title, 1)
        across.addWidget(self.close_)
        self._has_link = False

    def show_link(self, kind: str, *, is_on: bool) -> None:
        """Show how the columns go together; an empty kind shows nothing."""
        self._has_link = bool(kind)
        words = tr("by position") if kind == POSITION else tr("by slice")
        name = "link" if is_on else "unlink"
        self.link.setProperty("icon_name", name)
        self.link.setIcon(icon(name, current_theme().accent if is_on else None))
        self.link_words.setText(words if is_on else tr("not linked"))
        tip = tr("Linked {how}: press to let go") if is_on else tr("Press to link {how}")
        self.link.setToolTip(tip.format(how=words))
        self.link.setAccessibleName(tip.format(how=words))
        self._fit()

    def set_active(self, is_active: bool) -> None:
        """Mark the column that commands are about."""
        self._is_active = is_active
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Make it the column that commands are about."""
        self.used.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave words away where there is no room for them."""
        self._fit()

    def _fit(self) -> None:
        self.link.setVisible(self._has_link)
        self.link_words.setVisible(self._has_link and self.width() >= _WORDS_FROM)
        self.layout().setContentsMargins(4 if self._has_link else 12, 2, 4, 2)  # type: ignore[union-attr]

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ground, and the accent edge of the active one."""
        theme = current_theme()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(theme.raised if self._is_active else theme.panel))
        if self._is_active:
            painter.fillRect(QRect(0, 0, self.width(), 2), QColor(theme.accent))


class _Frame(QWidget):
    """A workspace under its head."""

    def __init__(self, workspace: Workspace, parent: QWidget) -> None:
        super().__init__(parent)
        self.column: Column | None = None
        self.workspace = workspace
        self.head = ColumnHead()
        for part in (workspace, self.head):
            part.setParent(self)
        self.has_head = False

    def arrange(self) -> None:
        """Place head and views."""
        height = hit() + 4
        top = height if self.has_head else 0
        self.head.setVisible(self.has_head)
        self.head.setGeometry(0, 0, self.width(), height)
        self.workspace.setGeometry(0, top, self.width(), self.height() - top)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place head and views."""
        self.arrange()


class Columns(QWidget):
    """Show what the columns of a session hold.

    Signals
    -------
    used(Column)
        Somebody put a hand on this one.
    close_wanted(Column)
        Its button was pressed.
    link_wanted
        The link was pressed.
    """

    used = Signal(object)
    close_wanted = Signal(object)
    link_wanted = Signal()

    def __init__(self, make: Callable[[], Workspace]) -> None:
        super().__init__()
        self.setObjectName("columns")
        self._make = make
        self._frames: list[_Frame] = []
        self._spare: list[_Frame] = [self._new_frame()]
        self._share = 0.5
        self._is_bare = False
        self.active = self._spare[0].workspace
        self.link: Link | None = None
        self._handle = GapHandle(self, across=True, down=False)
        self._handle.dragged.connect(self._move_gap)
        self._handle.evened.connect(lambda: self._move_gap(QPointF(self.width() / 2, 0)))
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._follow_focus)

    @property
    def workspaces(self) -> list[Workspace]:
        """Give every workspace there is, those that show nothing too."""
        return [frame.workspace for frame in (*self._frames, *self._spare)]

    def workspace_of(self, column: Column) -> Workspace:
        """Give the workspace of a column on the screen; raise KeyError for another."""
        for frame in self._frames:
            if frame.column is column:
                return frame.workspace
        raise KeyError(column)

    def head_of(self, column: Column) -> ColumnHead:
        """Give the line above a column; raise KeyError for one that is not on the screen."""
        head = self.workspace_of(column).parentWidget()
        assert isinstance(head, _Frame)
        return head.head

    # -- what is shown -----------------------------------------------------------------------------

    def follow(self, columns: Sequence[Column], active: Column) -> None:
        """Have a frame for each column, showing its volume, and let go of the others."""
        gone = [frame for frame in self._frames if frame.column not in columns]
        for frame in gone:
            frame.column = None
            frame.workspace.show_volume(None)
            frame.hide()
        kept = {id(frame.column): frame for frame in self._frames if frame not in gone}
        self._spare += gone
        self._frames = [kept.get(id(column)) or self._frame_for(column) for column in columns]
        if len(self._frames) == 2 and self.link is None:
            self.link = Link(self._frames[0].workspace, self._frames[1].workspace)
            self.link.changed.connect(self._show_link)
        for frame in self._frames:
            assert frame.column is not None
            frame.workspace.show_volume(frame.column.volume, is_flat=frame.column.is_flat)
        self.mark(active)
        self.arrange()

    def mark(self, active: Column) -> None:
        """Mark the column that keys act on."""
        self.active = self.workspace_of(active)
        for frame in self._frames:
            frame.head.set_active(frame.column is active)
            frame.workspace.follow(has_keys=frame.column is active)

    def show_names(self, *, names_hidden: bool) -> None:
        """Write into the heads what they stand above."""
        different = self.are_different_patients
        for frame in self._frames:
            volume = frame.workspace.volume
            if volume is None:
                continue
            header = volume.spec.header
            series = header.get("series_description", "") or volume.spec.label
            name = "" if names_hidden else person_text(header.get("patient_name", ""))
            frame.head.title.show_names(name, series, is_other_patient=different)
        self._show_link()

    @property
    def are_different_patients(self) -> bool:
        """Tell whether two patients are side by side."""
        shown = [frame.workspace.volume for frame in self._frames]
        specs = [volume.spec for volume in shown if volume is not None]
        return len(specs) == 2 and are_different_patients(*specs)

    def set_bare(self, is_bare: bool) -> None:
        """Fold the heads away, or bring them back."""
        if is_bare != self._is_bare:
            self._is_bare = is_bare
            self.arrange()

    def grab_picture(self) -> QImage:
        """Give all views of all columns, side by side, with what is drawn over them."""
        pictures = [frame.workspace.grab_picture() for frame in self._frames]
        if len(pictures) == 1:
            return pictures[0]
        ratio = self.devicePixelRatioF()
        width = sum(one.width() for one in pictures) + round(GAP * ratio)
        image = QImage(width, max(one.height() for one in pictures), QImage.Format.Format_RGB32)
        image.fill(self.palette().window().color())
        painter = QPainter(image)
        x = 0
        for picture in pictures:
            picture.setDevicePixelRatio(1.0)
            painter.drawImage(QPoint(x, 0), picture)
            x += picture.width() + round(GAP * ratio)
        painter.end()
        image.setDevicePixelRatio(ratio)
        return image

    def shut_down(self) -> None:
        """End every thread and let go of OpenGL."""
        for workspace in self.workspaces:
            workspace.shut_down()

    @property
    def gap_x(self) -> int:
        """Give where the right column begins."""
        return self._frames[-1].x() if self._frames else 0

    # -- where it stands ---------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the columns anew."""
        self.arrange()

    def arrange(self) -> None:
        """Place the columns beside each other."""
        count = len(self._frames)
        left = round((self.width() - GAP) * self._share) if count == 2 else self.width()
        x = 0
        for frame, width in zip(self._frames, (left, self.width() - GAP - left), strict=False):
            frame.has_head = count == 2 and not self._is_bare
            frame.setGeometry(x, 0, width, self.height())
            frame.arrange()
            frame.show()
            x += width + GAP
        for frame in self._spare:
            frame.setVisible(not self._frames)
            frame.setGeometry(self.rect())
        self._handle.setVisible(count == 2)
        self._handle.setGeometry(left + GAP // 2 - _HANDLE // 2, 0, _HANDLE, self.height())
        self._handle.raise_()

    def _move_gap(self, at: QPointF) -> None:
        share = at.x() / max(1, self.width())
        self._share = min(1 - _LEAST, max(_LEAST, share))
        self.arrange()

    # -- frames ------------------------------------------------------------------------------------

    def _new_frame(self) -> _Frame:
        frame = _Frame(self._make(), self)
        frame.workspace.used.connect(lambda: self._use(frame))
        frame.head.used.connect(lambda: self._use(frame))
        frame.head.link_wanted.connect(self.link_wanted)
        frame.head.close_wanted.connect(lambda: self.close_wanted.emit(frame.column))
        return frame

    def _frame_for(self, column: Column) -> _Frame:
        frame = self._spare.pop() if self._spare else self._new_frame()
        frame.column = column
        return frame

    def _use(self, frame: _Frame) -> None:
        if frame.column is not None:
            self.used.emit(frame.column)

    def _follow_focus(self, _before: QWidget | None, now: QWidget | None) -> None:
        for frame in self._frames:
            if now is not None and frame.isAncestorOf(now):
                self._use(frame)

    def _show_link(self) -> None:
        """Show the link in the right head, beside the gap."""
        kind = self.link.kind if self.link is not None and len(self._frames) == 2 else ""
        for frame in self._frames:
            is_right = frame is self._frames[-1]
            on = self.link is not None and self.link.is_on
            frame.head.show_link(kind if is_right else "", is_on=on)
