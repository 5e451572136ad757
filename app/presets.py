"""Window presets by their usual names, and the colour maps of the slice views.

Width and level are those of the field's programs, for values in Hounsfield units; keys 2 to 9.
"""

from __future__ import annotations

from typing import NamedTuple


class WindowPreset(NamedTuple):
    """A named window; `key` is the digit that sets it."""

    id: str
    title: str
    window: float
    level: float
    key: str


WINDOW_PRESETS = (
    WindowPreset("soft_tissue", "Soft tissue", 400, 40, "2"),
    WindowPreset("lung", "Lung", 1500, -600, "3"),
    WindowPreset("bone", "Bone", 2000, 300, "4"),
    WindowPreset("brain", "Brain", 80, 40, "5"),
    WindowPreset("abdomen", "Abdomen", 350, 50, "6"),
    WindowPreset("mediastinum", "Mediastinum", 350, 25, "7"),
    WindowPreset("liver", "Liver", 150, 90, "8"),
    WindowPreset("stroke", "Stroke", 40, 40, "9"),
)
