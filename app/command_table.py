"""Everything the program can do, as one table.

Titles are verbs or names of states. What a later version brings is not here: a row that does
nothing would be worse than none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.actions import Command
from app.language import tr
from app.presets import WINDOW_PRESETS, WindowPreset
from viewer import presets

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from viewer.link import Link

Reason = Callable[[], str]


def build(window: MainWindow) -> tuple[Command, ...]:
    """Give the whole table for a window, in the order of the menus."""
    return (
        *_file(window),
        *_edit(window),
        *_layout(window),
        *_view(window),
        *_go(window),
        *_panels(window),
        *_window_presets(window),
        *_image(window),
        *_volume(window),
        *_load(window),
        *_help(window),
    )


def _nothing_open(window: MainWindow) -> Reason:
    return lambda: "" if window.session.volume is not None else tr("nothing is open")


def _no_volume(window: MainWindow) -> Reason:
    """Give the reason why what needs a place in space cannot be done now."""
    nothing = _nothing_open(window)
    flat = tr("this is no volume")
    return lambda: nothing() or (flat if window.session.is_flat else "")


def _one_column(window: MainWindow) -> Reason:
    """Give the reason why what is about two columns cannot be done now."""
    return lambda: "" if len(window.session.columns) > 1 else tr("there is one column")


def _file(w: MainWindow) -> list[Command]:
    menu, none = tr("File"), _nothing_open(w)

    def not_complete() -> str:
        if w.session.volume is None:
            return tr("nothing is open")
        is_complete = w.session.volume.state.name == "COMPLETE"
        return "" if is_complete else tr("not every slice is there yet")

    return [
        Command("file.open_folder", tr("Open folder"), menu, w.files.open_folder, ("Ctrl+O",)),
        Command("file.open_files", tr("Open files"), menu, w.files.open_files),
        Command("file.open_url", tr("Open DICOMweb URL"), menu, lambda: w.door.show_studies(),
                ("Ctrl+Shift+O",)),
        Command("file.paste", tr("Open what was copied"), menu, lambda: w.door.paste(),
                ("Ctrl+V",)),
        Command("file.open_beside", tr("Open beside"), menu, w.files.open_beside, (), none),
        Command("file.demo", tr("Try the demo"), menu, w.files.open_demo),
        Command("file.save_picture", tr("Save picture"), menu, w.files.save_picture,
                ("Ctrl+Shift+S",), none, group=2),
        Command("file.export", tr("Export volume (NIfTI, NRRD)"), menu, w.files.export,
                reason=not_complete, group=2),
        Command("file.close", tr("Close"), menu, w.close_volume, ("Ctrl+W",),
                lambda: "" if w.session.opened or w.session.is_opening else tr("nothing is open"),
                group=3),
        Command("file.quit", tr("Quit"), menu, w.close, ("Ctrl+Q",), group=3),
    ]  # fmt: skip


def _edit(w: MainWindow) -> list[Command]:
    menu, none = tr("Edit"), _nothing_open(w)

    def can(name: str) -> str:
        return "" if w.workspace is not None and getattr(w.workspace, name) else tr("nothing to do")

    return [
        Command("edit.undo", tr("Undo"), menu, lambda: w.views.undo(), ("Ctrl+Z",),
                lambda: can("can_undo")),
        Command("edit.redo", tr("Redo"), menu, lambda: w.views.redo(), ("Ctrl+Shift+Z", "Ctrl+Y"),
                lambda: can("can_redo")),
        Command("edit.copy_picture", tr("Copy picture"), menu, w.files.copy_picture, ("Ctrl+C",),
                none, group=1),
        Command("edit.copy_value", tr("Copy value under the pointer"), menu, w.copy_value,
                reason=lambda: (
                    "" if w.teller.last_pointer else tr("the pointer was not on a picture")
                ), group=1),
        Command("edit.settings", tr("Settings"), menu, w.preferences.show, ("Ctrl+,",), group=2),
    ]  # fmt: skip


def _layout(w: MainWindow) -> list[Command]:
    menu, none = tr("View") + "/" + tr("Layout"), _no_volume(w)

    def layout(name: str, title: str, run: Callable[[], object], *keys: str) -> Command:
        return Command(
            f"view.layout.{name}", title, menu, run, keys, none,
            is_on=lambda: w.workspace is not None and w.workspace.state.layout == name,
        )  # fmt: skip

    def no_other() -> str:
        if w.session.volume is None:
            return tr("nothing is open")
        others = len(w.session.columns) > 1 or len(w.session.entries) > 1
        return "" if others else tr("there is no other series")

    def link() -> Link | None:
        return w.columns.link if w.columns is not None else None

    def switch_link() -> None:
        shown = link()
        if shown is not None:
            shown.switch(not shown.is_on)

    def alone(name: str, title: str, key: str) -> Command:
        return layout(name, title, lambda: w.views.toggle_alone(name), key)

    return [
        layout("four_up", tr("Four views"), lambda: w.views.change(layout="four_up")),
        layout("one_plus_three", tr("One large, three small"),
               lambda: w.views.change(layout="one_plus_three")),
        alone("axial", tr("Axial"), "A"),
        alone("coronal", tr("Coronal"), "C"),
        alone("sagittal", tr("Sagittal"), "S"),
        alone("volume", tr("3D"), "V"),
        Command("view.layout.compare", tr("Two series side by side"), menu, w.files.compare, (),
                no_other, lambda: len(w.session.columns) > 1, group=1),
        Command("view.link", tr("Link the two columns"), menu, switch_link, (), _one_column(w),
                lambda: (shown := link()) is not None and shown.is_on, group=1),
    ]  # fmt: skip


def _view(w: MainWindow) -> list[Command]:
    menu, none = tr("View"), _nothing_open(w)

    def state(name: str) -> Callable[[], bool]:
        return lambda: w.workspace is not None and bool(getattr(w.workspace.state, name))

    def flip(name: str) -> Callable[[], object]:
        return lambda: w.views.change(**{name: not getattr(w.views.state, name)})

    return [
        Command("view.fit", tr("Fit"), menu, lambda: w.views.fit(), ("F",), none, group=1),
        Command("view.reset", tr("Reset this view"), menu, lambda: w.views.reset_view(), ("R",),
                none, group=1),
        Command("view.reset_all", tr("Reset all views"), menu,
                lambda: w.views.reset_view(everything=True), ("Shift+R",), none, group=1),
        Command("view.actual_size", tr("One pixel to one pixel"), menu,
                lambda: w.views.actual_size(), ("Z",), none, group=1),
        Command("view.zoom_in", tr("Zoom in"), menu, lambda: w.views.zoom_by(1.15), ("+", "="),
                none, group=1),
        Command("view.zoom_out", tr("Zoom out"), menu, lambda: w.views.zoom_by(1 / 1.15), ("-",),
                none, group=1),
        Command("view.crosshair", tr("Crosshair"), menu, flip("crosshair_visible"), ("X",), none,
                state("crosshair_visible"), group=2),
        Command("view.text", tr("Text on the pictures"), menu, flip("text_visible"), ("H",), none,
                state("text_visible"), group=2),
        Command("view.hide_names", tr("Hide names"), menu, w.preferences.toggle_names,
                is_on=lambda: w.settings.value.names_hidden, group=2),
    ]  # fmt: skip


def _go(w: MainWindow) -> list[Command]:
    menu, none = tr("View") + "/" + tr("Go to"), _nothing_open(w)

    def step(name: str, title: str, steps: int, *keys: str) -> Command:
        return Command(f"go.{name}", title, menu, lambda: w.views.step_slice(steps), keys, none,
                       in_views=True)  # fmt: skip

    def series(steps: int) -> str:
        entries = w.session.entries
        if w.session.entry not in entries:
            return tr("nothing is open")
        inside = 0 <= entries.index(w.session.entry) + steps < len(entries)
        return "" if inside else tr("there is no other series that way")

    def end(last: bool) -> Callable[[], object]:
        return lambda: w.nav.go_to_end(last=last)

    def no_times() -> str:
        volume = w.session.volume
        several = volume is not None and volume.spec.time_points > 1
        return "" if several else tr("the volume has one time point")

    return [
        step("previous", tr("Previous slice"), -1, "Up", "Left"),
        step("next", tr("Next slice"), 1, "Down", "Right"),
        step("back_ten", tr("Ten slices back"), -10, "PgUp"),
        step("on_ten", tr("Ten slices on"), 10, "PgDown"),
        Command("go.first", tr("First slice"), menu, end(False), ("Home",), none, in_views=True),
        Command("go.last", tr("Last slice"), menu, end(True), ("End",), none, in_views=True),
        Command("go.previous_time", tr("Previous time point"), menu,
                lambda: w.views.step_time_point(-1), (",",), no_times, in_views=True),
        Command("go.next_time", tr("Next time point"), menu,
                lambda: w.views.step_time_point(1), (".",), no_times, in_views=True),
        Command("go.slice", tr("Slice by number"), menu, lambda: w.open_palette("1"), (), none),
        Command("go.previous_series", tr("Previous series"), menu, lambda: w.session.step(-1),
                ("Ctrl+PgUp",), lambda: series(-1), group=1),
        Command("go.next_series", tr("Next series"), menu, lambda: w.session.step(1),
                ("Ctrl+PgDown",), lambda: series(1), group=1),
        Command("go.next_view", tr("Next view"), menu, lambda: w.nav.next_view(1), ("Tab",), none,
                in_views=True, group=2),
        Command("go.previous_view", tr("Previous view"), menu, lambda: w.nav.next_view(-1),
                ("Shift+Tab",), none, in_views=True, group=2),
        Command("go.other_column", tr("Other column"), menu, w.nav.other_column, ("Ctrl+Tab",),
                _one_column(w), group=2),
        Command("go.next_region", tr("Next part of the window"), menu, lambda: w.nav.next_region(1),
                ("F6",), group=2),
        Command("go.previous_region", tr("Previous part of the window"), menu,
                lambda: w.nav.next_region(-1), ("Shift+F6",), group=2),
    ]  # fmt: skip


def _panels(w: MainWindow) -> list[Command]:
    panels, theme = tr("View") + "/" + tr("Panels"), tr("View") + "/" + tr("Theme")
    none = _nothing_open(w)

    def in_theme(name: str, title: str) -> Command:
        return Command(
            f"view.theme.{name}", title, theme, lambda: w.preferences.change("theme", name),
            is_on=lambda: w.settings.value.theme == name,
        )  # fmt: skip

    return [
        Command("view.panel.series", tr("Series panel"), panels,
                lambda: w.modes.toggle_panel("series"), ("Ctrl+B",), none,
                lambda: w.deck.shows("series")),
        Command("view.panel.display", tr("Display panel"), panels,
                lambda: w.modes.toggle_panel("display"), ("Ctrl+D",), none,
                lambda: w.deck.shows("display")),
        Command("view.panel.toolbar", tr("Toolbar"), panels, w.modes.toggle_toolbar,
                is_on=lambda: w.deck.wants_toolbar),
        in_theme("system", tr("Like the system")),
        in_theme("dark", tr("Dark")),
        in_theme("light", tr("Light")),
        Command("view.only_pictures", tr("Only pictures"), tr("View"), w.modes.toggle_only_pictures,
                ("F9",), none, lambda: w.deck.pictures_only, group=3),
        Command("view.full_screen", tr("Full screen"), tr("View"), w.modes.toggle_full_screen,
                ("F11",), is_on=lambda: w.deck.is_full_screen, group=3),
        Command("view.leave", tr("Back to the whole window"), tr("View"), w.modes.leave, ("Esc",),
                lambda: "" if w.deck.is_bare else tr("the whole window is shown"), group=3),
    ]  # fmt: skip


def _window_presets(w: MainWindow) -> list[Command]:
    menu = tr("Image") + "/" + tr("Window")
    none = _nothing_open(w)
    made = [
        Command("image.window.data", tr("From the data"), menu,
                lambda: w.views.window_from_data(), ("0",), none),
        Command("image.window.file", tr("From the file"), menu,
                lambda: w.views.window_from_file(), ("1",), none),
    ]  # fmt: skip

    def preset(one: WindowPreset) -> Command:
        return Command(
            f"image.window.{one.id}", f"{tr(one.title)}  {one.window:g} / {one.level:g}", menu,
            lambda: w.views.change(window=one.window, level=one.level, window_name=tr(one.title)),
            (one.key,), none, group=1,
        )  # fmt: skip

    return [*made, *(preset(one) for one in WINDOW_PRESETS)]


def _image(w: MainWindow) -> list[Command]:
    menu, none = tr("Image"), _nothing_open(w)
    maps = menu + "/" + tr("Colour map")

    def state(name: str, value: object) -> Callable[[], bool]:
        return lambda: w.workspace is not None and getattr(w.workspace.state, name) == value

    def flip_interpolation() -> None:
        now = w.views.state.interpolation
        w.views.change(interpolation="linear" if now == "nearest" else "nearest")

    def colour_map(name: str, title: str) -> Command:
        return Command(
            f"image.colour_map.{name}", title, maps, lambda: w.views.change(colour_map=name),
            reason=none, is_on=state("colour_map", name),
        )  # fmt: skip

    return [
        *_cine(w),
        Command("image.invert", tr("Invert"), menu,
                lambda: w.views.change(inverted=not w.views.state.inverted), ("I",), none,
                state("inverted", True)),
        Command("image.tags", tr("All tags of this slice"), menu, w.show_tags, ("Ctrl+I",), none),
        Command("image.interpolation", tr("Smooth between voxels"), menu, flip_interpolation,
                ("N",), none, state("interpolation", "linear")),
        Command("image.voxel_size", tr("Set the voxel size"), menu, w.voxel_sizes.ask,
                reason=lambda: w.voxel_sizes.reason),
        colour_map("grey", tr("Grey")),
        colour_map("hot_iron", tr("Hot iron")),
        colour_map("hot", tr("Hot")),
        colour_map("rainbow", tr("Rainbow")),
        colour_map("viridis", tr("Viridis")),
    ]  # fmt: skip


def _cine(w: MainWindow) -> list[Command]:
    menu = tr("Image") + "/" + tr("Cine")

    def one_frame() -> str:
        if w.session.volume is None or w.workspace is None:
            return tr("nothing is open")
        return "" if w.workspace.cine.count > 1 else tr("there is one picture")

    def moves(direction: int) -> Callable[[], bool]:
        return lambda: w.workspace is not None and w.workspace.cine.direction == direction

    return [
        Command("image.cine.play", tr("Play or stop"), menu, lambda: w.views.cine.toggle(), ("K",),
                one_frame, lambda: w.workspace is not None and w.workspace.cine.is_playing),
        Command("image.cine.forward", tr("Play; again: faster"), menu,
                lambda: w.views.cine.play(1), ("L",), one_frame, moves(1)),
        Command("image.cine.back", tr("Play backwards; again: faster"), menu,
                lambda: w.views.cine.play(-1), ("J",), one_frame, moves(-1)),
        Command("image.cine.rate", tr("Rate of the file"), menu,
                lambda: w.views.cine.reset_rate(), reason=one_frame,
                is_on=lambda: w.workspace is not None and w.workspace.cine.is_rate_of_file),
    ]  # fmt: skip


def _volume(w: MainWindow) -> list[Command]:
    menu, none = tr("3D"), _no_volume(w)
    look = menu + "/" + tr("Standard views")

    def mode(name: str, title: str) -> Command:
        return Command(
            f"volume.mode.{name}", title, menu, lambda: w.views.change(volume_mode=name),
            reason=none,
            is_on=lambda: w.workspace is not None and w.workspace.state.volume_mode == name,
        )  # fmt: skip

    def side(name: str, title: str, *keys: str) -> Command:
        return Command(f"volume.look.{name}", title, look, lambda: w.views.orient_volume(name),
                       keys, none)  # fmt: skip

    def preset(name: str) -> Command:
        one = presets.PRESETS[name]
        kind = one.modality or tr("Any")
        return Command(
            f"volume.preset.{name}", tr(one.title), f"{menu}/{tr('Preset')}/{kind}",
            lambda: w.views.change(preset=name, shift=0.0), reason=none,
            is_on=lambda: w.workspace is not None and w.workspace.state.preset == name,
        )  # fmt: skip

    return [
        mode("volume", tr("Volume")),
        mode("mip", tr("Maximum intensity (MIP)")),
        mode("off", tr("Off")),
        Command("volume.light", tr("Light"), menu,
                lambda: w.views.change(lighting=not w.views.state.lighting), (), none,
                lambda: w.workspace is not None and w.workspace.state.lighting, group=1),
        Command("volume.crop", tr("Crop box"), menu, lambda: w.views.toggle_crop(), (), none,
                lambda: w.workspace is not None and w.workspace.state.crop is not None, group=1),
        Command("volume.crop_whole", tr("Crop box around everything"), menu,
                lambda: w.views.crop_whole(), (), none, group=1),
        Command("volume.reset", tr("Reset camera"), menu, w.nav.reset_camera, (), none, group=2),
        *(preset(name) for name in presets.PRESETS),
        side("anterior", tr("From the front"), "Num+1"),
        side("posterior", tr("From behind"), "Num+Shift+1", "Num+End"),
        side("left", tr("From the left"), "Num+3"),
        side("right", tr("From the right"), "Num+Shift+3", "Num+PgDown"),
        side("superior", tr("From above"), "Num+7"),
        side("inferior", tr("From below"), "Num+Shift+7", "Num+Home"),
    ]  # fmt: skip


def _load(w: MainWindow) -> list[Command]:
    menu = tr("Load")

    def loading(is_wanted: bool) -> str:
        volume = w.session.volume
        if volume is None:
            return tr("nothing is open")
        if volume.state.name in ("LOADING", "CANCELLED"):
            is_loading = volume.state.name == "LOADING"
            return "" if is_loading == is_wanted else tr("loading is paused")
        return tr("everything is there")

    def failed() -> str:
        volume = w.session.volume
        return "" if volume is not None and volume.failures else tr("no slice has failed")

    return [
        Command("load.pause", tr("Pause"), menu, w.session.pause,
                reason=lambda: loading(True)),
        Command("load.continue", tr("Continue"), menu, w.session.go_on,
                reason=lambda: "" if not loading(False) else tr("loading is not paused")),
        Command("load.retry", tr("Try failed slices again"), menu, lambda: w.door.retry(),
                reason=failed),
        Command("load.notices", tr("Notices"), menu, w.notices.show,
                reason=lambda: "" if w.notices.rows() else tr("there are none"), group=1),
    ]  # fmt: skip


def _help(w: MainWindow) -> list[Command]:
    menu = tr("Help")
    return [
        Command("help.palette", tr("Search or command"), menu, w.open_palette, ("Ctrl+K",)),
        Command("help.keys", tr("Keyboard sheet"), menu, w.show_keys, ("F1", "?")),
        Command("help.start", tr("Getting started"), menu,
                w.show_help),
        Command("help.colours", tr("What do the colours mean"), menu,
                w.show_colours),
        Command("help.log", tr("Log folder"), menu, w.open_log_folder, group=1),
        Command("help.about", tr("About Voxtide"), menu,
                w.show_about, group=1),
    ]  # fmt: skip
