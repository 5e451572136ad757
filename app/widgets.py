"""Small widgets used all over the window: labels by role, choices, switches, folding sections."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QFontMetrics,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollArea,
    QScrollBar,
    QScroller,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.icons import icon, pixmap
from app.theme import TOUCH_HIT, current_theme, hit


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """Make a label; `role` picks its look from the style sheet."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if role:
        made.setProperty("role", role)
    made.setWordWrap(wrap)
    return made


def above(widget: QWidget) -> QWidget:
    """Give the parent of a widget that has one."""
    parent = widget.parentWidget()
    assert parent is not None
    return parent


def line() -> QFrame:
    """Make a line between two things."""
    made = QFrame()
    made.setProperty("role", "line")
    made.setFixedHeight(1)
    return made


def button(text: str, run: Callable[[], object], kind: str = "") -> QPushButton:
    """Make a push button; the mouse does not move the focus to it, the keyboard does."""
    made = QPushButton(text)
    if kind:
        made.setProperty("kind", kind)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setAutoDefault(False)
    made.clicked.connect(lambda: run())
    return made


def icon_button(name: str, tip: str, run: Callable[[], object] | None = None) -> QToolButton:
    """Make a square button with an icon, a tooltip and the tooltip's words for screen readers."""
    made = QToolButton()
    made.setIconSize(QSize(20, 20))
    made.setMinimumSize(hit() + 4, hit())
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setToolTip(tip)
    made.setAccessibleName(tip)
    made.setProperty("icon_name", name)
    made.setIcon(icon(name))
    if run is not None:
        made.clicked.connect(lambda: run())
    return made


def refresh_icons(root: QWidget) -> None:
    """Draw the icons of all buttons below a widget anew after a change of theme."""
    for found in root.findChildren(QAbstractButton):
        name = found.property("icon_name")
        if name:
            found.setIcon(icon(str(name)))


class Elided(QLabel):
    """A label of one line that shortens its text; the whole text is its tooltip."""

    def __init__(
        self, text: str = "", role: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight
    ) -> None:
        super().__init__()
        self._mode = mode
        self._whole = ""
        if role:
            self.setProperty("role", role)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """Show a text, shortened where it must be."""
        if text != self._whole:
            self._whole = text
            self.setText(text)
            self.setAccessibleName(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the text that fits."""
        shown = QFontMetrics(self.font()).elidedText(self._whole, self._mode, self.width())
        self.setToolTip(self._whole if shown != self._whole else "")
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), int(self.alignment()), shown)

    def minimumSizeHint(self) -> QSize:
        """Let any width do."""
        return QSize(24, super().minimumSizeHint().height())


class Choice(QComboBox):
    """A drop-down list of (value, words); the wheel does not change it by accident."""

    chosen = Signal(str)

    def __init__(self, name: str, choices: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumContentsLength(8)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.set_choices(choices)
        self.activated.connect(lambda _: self.chosen.emit(self.value()))

    def set_choices(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer other values; the present one is kept when it is among them."""
        before = self.value()
        self.clear()
        for value, words in choices:
            self.addItem(words, value)
        self.set_value(before)

    def value(self) -> str:
        """Give the chosen value; empty for none."""
        data = self.currentData()
        return "" if data is None else str(data)

    def set_value(self, value: str) -> None:
        """Choose a value without telling anybody."""
        self.setCurrentIndex(self.findData(value))

    def wheelEvent(self, event: QEvent) -> None:
        """Leave the wheel to whatever scrolls."""
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box, then the arrow in the theme's colour."""
        super().paintEvent(event)
        colour = current_theme().text_second if self.isEnabled() else current_theme().disabled
        painter = QPainter(self)
        arrow = pixmap("chevron-down", colour, 16, self.devicePixelRatioF())
        painter.drawPixmap(self.width() - 24, (self.height() - 16) // 2, arrow)


class Segments(QWidget):
    """A row of buttons of which one is down."""

    accessible_role = QAccessible.Role.Grouping

    chosen = Signal(str)

    def __init__(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.setAccessibleName(name)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}
        for value, words in choices:
            made = QPushButton(words)
            made.setCheckable(True)
            made.setProperty("segment", "true")
            made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            made.setAccessibleName(f"{name}: {words}")
            made.clicked.connect(lambda _=False, v=value: self.chosen.emit(v))
            self._group.addButton(made)
            self._buttons[value] = made
            row.addWidget(made, 1)

    def set_value(self, value: str) -> None:
        """Press a button without telling anybody."""
        if value in self._buttons:
            self._buttons[value].setChecked(True)

    def button(self, value: str) -> QPushButton:
        """Give one of the buttons."""
        return self._buttons[value]


class Switch(QCheckBox):
    """A tick box whose clicks are told apart from changes by the program."""

    switched = Signal(bool)

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumHeight(hit())
        self.clicked.connect(self.switched.emit)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw box, tick and words; the style's own box is lost on dark ground."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(1, (self.height() - 16) / 2, 16, 16)
        edge = theme.text_second if self.isEnabled() else theme.disabled
        if self.isChecked():
            edge = theme.accent if self.isEnabled() else theme.disabled
            painter.setBrush(QColor(edge))
        painter.setPen(QPen(QColor(edge), 1.5))
        painter.drawRoundedRect(box.adjusted(0.75, 0.75, -0.75, -0.75), 4, 4)
        if self.isChecked():
            tick = pixmap("check", theme.on_accent, 16, self.devicePixelRatioF())
            painter.drawPixmap(box.topLeft(), tick)
        painter.setPen(QColor(theme.text if self.isEnabled() else theme.disabled))
        words = QRectF(self.rect()).adjusted(26, 0, 0, 0)
        painter.drawText(words, int(Qt.AlignmentFlag.AlignVCenter), self.text())

    def sizeHint(self) -> QSize:
        """Give room for box and words."""
        return QSize(28 + self.fontMetrics().horizontalAdvance(self.text()), hit())

    def hitButton(self, position: QPoint) -> bool:
        """Take clicks on all of it."""
        return self.rect().contains(position)


class Field(QLineEdit):
    """A field for words; what is dropped on it is the window's: a folder is opened, not written."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setAcceptDrops(False)


class NumberField(Field):
    """A field for one number; `taken` brings it when the user has finished.

    Comma and point both separate decimals; what is no number is put back.
    """

    taken = Signal(float)

    def __init__(self, name: str, decimals: int = 0, empty: str = "") -> None:
        super().__init__()
        self.decimals = decimals
        self._value: float | None = None
        self.setAccessibleName(name)
        self.setPlaceholderText(empty)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.editingFinished.connect(self._take)

    def set_value(self, value: float | None) -> None:
        """Show a number, unless one is being typed; None shows the words for nothing."""
        self._value = value
        if not self.isModified():
            self._show()

    def _show(self) -> None:
        value = self._value
        self.setText("" if value is None else f"{value:.{self.decimals}f}")

    def _take(self) -> None:
        if not self.isModified():
            return
        self.setModified(False)
        typed = self.text().strip().replace(",", ".")
        try:
            number = float(typed) if typed or not self.placeholderText() else 0.0
        except ValueError:
            self._show()
            return
        if math.isfinite(number):
            self.taken.emit(number)
        self._show()


class DropDown(QToolButton):
    """A tool button that opens a menu; an arrow says so where there are words."""

    def __init__(self, name: str, words: str, tip: str, menu: QMenu) -> None:
        super().__init__()
        self.setText(words)
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setProperty("icon_name", name)
        self.setProperty("drop_down", "true" if words else "false")
        self.setIcon(icon(name))
        self.setIconSize(QSize(20, 20))
        self.setMinimumSize(hit() + 4, hit())
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setMenu(menu)

    def set_compact(self, is_compact: bool) -> None:
        """Show the icon alone, or icon, words and arrow."""
        has_words = not is_compact and bool(self.text())
        style = Qt.ToolButtonStyle
        self.setToolButtonStyle(
            style.ToolButtonTextBesideIcon if has_words else style.ToolButtonIconOnly
        )
        self.setProperty("drop_down", "true" if has_words else "false")
        self.style().unpolish(self)
        self.style().polish(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the button, then the arrow."""
        super().paintEvent(event)
        if self.property("drop_down") == "true":
            painter = QPainter(self)
            arrow = pixmap(
                "chevron-down", current_theme().text_second, 16, self.devicePixelRatioF()
            )
            painter.drawPixmap(self.width() - 20, (self.height() - 16) // 2 + 1, arrow)


class PanelScroll(QScrollArea):
    """A scrolling column whose bar lies over its margin, so that nothing moves when it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._bar = QScrollBar(Qt.Orientation.Vertical, self)
        self._bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        own = self.verticalScrollBar()
        own.rangeChanged.connect(self._follow_range)
        own.valueChanged.connect(self._bar.setValue)
        self._bar.valueChanged.connect(own.setValue)
        self._bar.hide()
        if hit() == TOUCH_HIT:
            QScroller.grabGesture(self.viewport(), QScroller.ScrollerGestureType.TouchGesture)

    def _follow_range(self, least: int, most: int) -> None:
        self._bar.setRange(least, most)
        self._bar.setPageStep(self.verticalScrollBar().pageStep())
        self._bar.setSingleStep(24)
        self._bar.setVisible(most > least)
        self._bar.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the bar at the right edge."""
        super().resizeEvent(event)
        self._bar.setGeometry(self.width() - 9, 2, 8, self.height() - 4)


class Section(QWidget):
    """A part of a panel with a heading that folds it."""

    def __init__(self, title: str, open_: bool = True) -> None:
        super().__init__()
        self._head = QToolButton()
        self._head.setText(title)
        self._head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._head.setCheckable(True)
        self._head.setChecked(open_)
        self._head.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._head.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._head.setMinimumHeight(hit())
        self._head.setProperty("section_head", "true")
        self._head.setAccessibleName(title)
        self._head.toggled.connect(self._fold)
        self._body = QWidget()
        self.body = QVBoxLayout(self._body)
        self.body.setContentsMargins(16, 4, 16, 16)
        self.body.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._head)
        column.addWidget(self._body)
        self._fold(open_)

    def set_open(self, is_open: bool) -> None:
        """Fold or unfold it."""
        self._head.setChecked(is_open)

    def _fold(self, open_: bool) -> None:
        name = "chevron-down" if open_ else "chevron-right"
        self._head.setProperty("icon_name", name)
        self._head.setIcon(icon(name))
        self._body.setVisible(open_)


def row(*parts: QWidget | None, spacing: int = 8) -> QHBoxLayout:
    """Put widgets beside each other; None is a gap that grows."""
    made = QHBoxLayout()
    made.setContentsMargins(0, 0, 0, 0)
    made.setSpacing(spacing)
    for part in parts:
        if part is None:
            made.addStretch(1)
        else:
            made.addWidget(part)
    return made


_SIGN_ON_BLACK = "#67727E"


class Thumbnail(QWidget):
    """A square picture on black with rounded corners; empty, or an icon, until it has one."""

    def __init__(self, size: int, radius: int = 6, *, instead: str = "") -> None:
        super().__init__()
        self.setFixedSize(size, size)
        self._radius, self._instead = radius, instead
        self._picture = QPixmap()

    def set_picture(self, picture: QPixmap) -> None:
        """Show a picture, as large as fits."""
        self._picture = picture
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture in the middle of the square."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), self._radius, self._radius)
        painter.setClipPath(shape)
        painter.fillRect(self.rect(), QColor("#000000"))
        ratio = self.devicePixelRatioF()
        if self._picture.isNull():
            if self._instead:
                sign = pixmap(self._instead, _SIGN_ON_BLACK, 32, ratio)
                painter.drawPixmap((self.width() - 32) // 2, (self.height() - 32) // 2, sign)
            return
        # scaled once and well: the painter's own filter looks at four pixels only
        shown = self._picture.scaled(
            self.size() * ratio,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        shown.setDevicePixelRatio(ratio)
        size = shown.deviceIndependentSize()
        painter.drawPixmap(
            QPointF((self.width() - size.width()) / 2, (self.height() - size.height()) / 2), shown
        )
