"""How a volume is first shown: pure functions from scene to state."""

from __future__ import annotations

from loading import VolumeSpec
from loading.values import meant_value
from viewer import presets
from viewer.scene import Scene
from viewer.state import ViewState

# Fields that belong to the person, not to the volume: they stay when another one is shown.
_KEPT = (
    "layout",
    "large_view",
    "active_view",
    "crosshair_visible",
    "text_visible",
    "names_hidden",
    "interpolation",
    "volume_mode",
    "lighting",
)


def first_state(scene: Scene | None, before: ViewState) -> ViewState:
    """Give the state that a volume is opened with; what belongs to the person is kept."""
    kept = {name: getattr(before, name) for name in _KEPT}
    state = ViewState().with_fields(**kept)
    if scene is None:
        return state
    spec = scene.spec
    if scene.is_flat:
        view = scene.acquired
        state = state.with_fields(layout=view, active_view=view, volume_mode="off")
    state = state.with_fields(
        crosshair_lps=scene.centre, preset=presets.default_for(spec.modality), colour_map="grey"
    )
    if spec.windows:
        return with_file_window(state, scene, 0)
    if has_known_window(scene):
        return state.with_fields(window=400.0, level=40.0, window_function="LINEAR")
    low, high = (
        limit * spec.value_map.slope + spec.value_map.intercept for limit in spec.stored_range
    )
    return with_range(state, low, high)


def has_known_window(scene: Scene) -> bool:
    """Tell whether a window is known without looking at values: the file's, or that of CT."""
    return bool(scene.spec.windows) or (scene.spec.modality, scene.spec.unit) == ("CT", "HU")


def auto_window(state: ViewState, scene: Scene) -> ViewState:
    """Fit the window to the data, where neither file nor modality says what it is."""
    if has_known_window(scene) or scene.wide_range is None:
        return state
    return with_range(state, *scene.wide_range)


def spread(percentiles: tuple[float, float], spec: VolumeSpec) -> tuple[float, float]:
    """Give a range that is not empty, for volumes of one value: from nothing to that value.

    Of masks and labels, which may be a few voxels in a thousand, it is that of their window.
    """
    if spec.segments and spec.windows:
        window = spec.windows[0]
        return window.center - window.width / 2, window.center + window.width / 2
    low, high = percentiles
    if low < high:
        return low, high
    nothing = meant_value(spec.empty_value, spec.value_map)
    return min(nothing, high - 1.0), high


def with_file_window(state: ViewState, scene: Scene, number: int) -> ViewState:
    """Give a state with the file's window of this number."""
    window = scene.spec.windows[number]
    function = window.function if window.function in ("LINEAR_EXACT", "SIGMOID") else "LINEAR"
    return state.with_fields(
        window=window.width,
        level=window.center,
        window_function=function,
        window_name=window.name,
    )


def with_range(state: ViewState, low: float, high: float) -> ViewState:
    """Give a state whose window runs from low to high."""
    low, high = min(low, high), max(low, high)
    width = high - low if high > low else 1.0
    return state.with_fields(
        window=width, level=(low + high) / 2, window_function="LINEAR_EXACT", window_name=""
    )
