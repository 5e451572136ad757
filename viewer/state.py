"""What the views show, as plain frozen values; nothing here knows Qt, VTK or a volume.

One `ViewState` holds everything that a person can change about the picture. Views are drawn from
it and never keep a second copy, so that undo is putting an older value back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Final, Literal

View = Literal["axial", "coronal", "sagittal", "volume"]
PLANES: Final[tuple[str, ...]] = ("axial", "coronal", "sagittal")
VIEWS: Final[tuple[str, ...]] = (*PLANES, "volume")
LAYOUTS: Final[tuple[str, ...]] = ("four_up", *VIEWS, "one_plus_three")
INTERPOLATIONS: Final[tuple[str, ...]] = ("nearest", "linear")
VOLUME_MODES: Final[tuple[str, ...]] = ("volume", "mip", "off")
ZOOM_RANGE: Final = (0.01, 200.0)

Point = tuple[float, float, float]
Box = tuple[Point, Point]
"""Lowest and highest index (i, j, k) of a box; its faces lie between voxels."""


@dataclass(frozen=True, slots=True)
class PlaneView:
    """Where a slice view looks.

    Attributes
    ----------
    zoom : float
        1 shows the whole plane with a small margin; 2 shows it twice as large.
    pan_mm : tuple of float, millimetres
        The plane's centre is shown this far right and down of the view's centre.
    """

    zoom: float = 1.0
    pan_mm: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Camera3D:
    """Where the 3D view is seen from, around the volume's centre.

    Attributes
    ----------
    azimuth : float, degrees
        0 looks from the front (anterior), 90 from the patient's left.
    elevation : float, degrees, -90 to 90
        Positive looks from above.
    roll : float, degrees
        Turn of the picture; 0 keeps the head up.
    zoom : float
        1 shows the whole volume.
    pan : tuple of float
        Shift right and down, in halves of the view's height at zoom 1.
    """

    azimuth: float = -30.0
    elevation: float = 6.0
    roll: float = 0.0
    zoom: float = 1.0
    pan: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class ViewState:
    """Everything about the picture that a person can change.

    Attributes
    ----------
    window, level : float, meant values
        Width and centre of the grey ramp; `window_function` says which formula of
        PS3.3 C.11.2.1 they belong to.
    inverted : bool
        Light and dark exchanged by the user, on top of what the file asks for.
    crosshair_lps : tuple of float, millimetres, or None
        The point where the three planes meet; the slices on the screen follow from it.
    time_point : int
        Of a series, echo or diffusion weighting with several, the one on the screen.
    shift : float, -1 to 1
        Moves the 3D preset along the value axis; 1 is the data's 1 to 99 percent range.
    opacity : pairs (value, opacity)
        In the place of the preset's own points, in its own values; empty: the preset's.
    crop : pair of indices, or None
        The part of the volume that 3D shows (`viewer.crop`); None: all of it.
    active_view : str
        The view that keys act on.
    has_keys : bool
        False in a column beside the one that keys act on.
    beyond_at : tuple of float, millimetres, or None
        Where the crosshair was put for want of a better place: the point that it should follow
        lies outside this volume.
    """

    window: float = 400.0
    level: float = 40.0
    window_function: str = "LINEAR"
    window_name: str = ""
    inverted: bool = False
    interpolation: str = "linear"
    colour_map: str = "grey"
    layout: str = "four_up"
    large_view: str = "axial"
    active_view: str = "axial"
    has_keys: bool = True
    crosshair_lps: Point | None = None
    beyond_at: Point | None = None
    time_point: int = 0
    crosshair_visible: bool = True
    text_visible: bool = True
    names_hidden: bool = False
    volume_mode: str = "volume"
    preset: str = ""
    shift: float = 0.0
    opacity: tuple[tuple[float, float], ...] = ()
    lighting: bool = True
    crop: Box | None = None
    axial: PlaneView = field(default_factory=PlaneView)
    coronal: PlaneView = field(default_factory=PlaneView)
    sagittal: PlaneView = field(default_factory=PlaneView)
    camera: Camera3D = field(default_factory=Camera3D)

    @property
    def is_beyond(self) -> bool:
        """Tell whether the point that the crosshair should follow lies outside the volume."""
        return self.beyond_at is not None and self.beyond_at == self.crosshair_lps

    def plane(self, view: str) -> PlaneView:
        """Give zoom and pan of a slice view.

        Raises
        ------
        KeyError
            `view` is not one of `PLANES`.
        """
        return {"axial": self.axial, "coronal": self.coronal, "sagittal": self.sagittal}[view]

    def with_fields(self, **changes: object) -> ViewState:
        """Give a state with some fields changed, each checked and brought into its range.

        Raises
        ------
        TypeError
            A field does not exist.
        ValueError
            A value is none of those allowed.
        """
        unknown = changes.keys() - {one.name for one in fields(self)}
        if unknown:
            raise TypeError(f"the view state has no {', '.join(sorted(unknown))}")
        for name, allowed in _CHOICES.items():
            if name in changes and changes[name] not in allowed:
                raise ValueError(f"{name} is one of {', '.join(allowed)}, got {changes[name]!r}")
        return replace(self, **changes)._in_range()  # type: ignore[arg-type]

    def _in_range(self) -> ViewState:
        """Bring numbers into the ranges in which they mean something."""
        low, high = ZOOM_RANGE
        planes = {
            name: replace(self.plane(name), zoom=min(high, max(low, self.plane(name).zoom)))
            for name in PLANES
        }
        camera = replace(
            self.camera,
            elevation=min(90.0, max(-90.0, self.camera.elevation)),
            azimuth=(self.camera.azimuth + 180.0) % 360.0 - 180.0,
            zoom=min(high, max(low, self.camera.zoom)),
        )
        # PS3.3 C.11.2.1.2.1: LINEAR wants a width of at least one, the others more than none.
        least = 1.0 if self.window_function == "LINEAR" else 1e-9
        return replace(
            self,
            camera=camera,
            shift=min(1.0, max(-1.0, self.shift)),
            window=max(least, self.window),
            **planes,  # type: ignore[arg-type]
        )


_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "layout": LAYOUTS,
    "interpolation": INTERPOLATIONS,
    "volume_mode": VOLUME_MODES,
    "active_view": VIEWS,
    "large_view": VIEWS,
    "window_function": ("LINEAR", "LINEAR_EXACT", "SIGMOID"),
}
