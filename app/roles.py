"""What screen readers are told that our own widgets are.

Qt knows what its buttons and lists are; a widget that we paint would be "filler". A class says what
it is by `accessible_role`.
"""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget

_made: dict[int, QAccessibleInterface] = {}


def tell_roles() -> None:
    """Have Qt ask here; costs nothing while no screen reader runs."""
    QAccessible.installFactory(_make)


def _make(name: str, widget: QObject) -> QAccessibleInterface | None:
    role = getattr(widget, "accessible_role", None)
    if role is None or not isinstance(widget, QWidget):
        return None
    made = QAccessibleWidget(widget, role, widget.accessibleName())
    # Qt keeps the C++ half; the Python half must live as long
    key = id(widget)
    _made[key] = made
    widget.destroyed.connect(lambda: _made.pop(key, None))
    return made
