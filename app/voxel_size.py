"""Ask once how large the voxels are where a file does not say, and remember the answer.

The answer is kept with the settings under a digest of the path, so that no name of a folder stands
there. It is used whenever the same file or folder is opened, and stays marked as assumed.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from app.bars import Bar
from app.language import tr
from app.widgets import Field, button, label

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.main_window import MainWindow
    from loading import Catalogue, VolumeEntry, VolumeSpec

MOST_KEPT = 500
_FIELD_WIDTH = 240


class VoxelSizeBar(Bar):
    """Ask for one size, or three; `use` is given millimetres along columns, rows and slices."""

    def __init__(
        self,
        now_mm: tuple[float, float, float],
        use: Callable[[tuple[float, float, float]], object],
        refused: Callable[[], object],
        *,
        takes_focus: bool,
    ) -> None:
        super().__init__(
            tr("How large are the voxels? The file does not say."),
            more=tr("Distances and shapes follow from it. It stays marked as assumed."),
        )
        self._use, self._refused, self._takes_focus = use, refused, takes_focus
        self.trouble = label("", "second")
        self.field = Field(" x ".join(f"{size:.6g}" for size in now_mm))
        self.field.setAccessibleName(tr("Voxel size in millimetres"))
        self.field.setPlaceholderText(tr("0.5, or 0.5 x 0.5 x 2, or 9.5 um"))
        self.field.setMaximumWidth(_FIELD_WIDTH)
        self.field.returnPressed.connect(self._agree)
        self.field.textChanged.connect(lambda _: self.trouble.setText(""))
        self.yes = button(tr("Use"), self._agree, "filled")
        self.no = button(tr("Not now"), self.refuse, "plain")
        for part in (self.field, label(tr("mm"), "second"), self.yes, self.no, self.trouble):
            self.answers.addWidget(part)
        self.answers.addStretch(1)

    def take_focus(self) -> None:
        """Put the keyboard into the field where somebody asked for it; pictures keep it else."""
        if self._takes_focus:
            self.field.setFocus(Qt.FocusReason.OtherFocusReason)
            self.field.selectAll()

    def refuse(self) -> None:
        """Leave the size as it was assumed."""
        if not self._is_left:
            self.leave()
            self._refused()

    def _agree(self) -> None:
        from loading.assumed import sizes_of

        sizes = sizes_of(self.field.text())
        if sizes is None:
            self.trouble.setText(tr("One size or three, in mm unless a unit follows."))
            self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        elif not self._is_left:
            self.leave()
            self._use(sizes)


class VoxelSizes:
    """Ask for voxel sizes in one window, and put answers into what is opened."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._bar: VoxelSizeBar | None = None

    @property
    def reason(self) -> str:
        """Say why no size can be given now; empty when it can."""
        volume = self._window.session.volume
        if volume is None:
            return tr("nothing is open")
        from loading.assumed import is_assumed  # the engine is not imported before it is needed

        is_open = not self._window.session.is_flat and is_assumed(volume.spec)
        return "" if is_open else tr("the file tells the voxel size")

    def adjusted(self, catalogue: Catalogue) -> Catalogue:
        """Put remembered sizes into a catalogue; called on the thread that opens."""
        volumes = tuple(self._adjusted(entry) for entry in catalogue.volumes)
        return dataclasses.replace(catalogue, volumes=volumes)

    def _adjusted(self, entry: VolumeEntry) -> VolumeEntry:
        from loading.assumed import is_assumed, sizes_of, with_voxel_size

        if not is_assumed(entry.spec):
            return entry
        sizes = sizes_of(self._window.settings.value.voxel_sizes.get(_digest(entry.spec), ""))
        return entry if sizes is None else with_voxel_size(entry, sizes)

    def follow(self) -> None:
        """Ask about what has come onto the screen, unless it was asked before."""
        if self._bar is not None:
            self._bar.leave()  # it was about something else
        volume = self._window.session.volume
        known = self._window.settings.value.voxel_sizes
        if volume is not None and not self.reason and _digest(volume.spec) not in known:
            self._show(takes_focus=False)

    def ask(self) -> None:
        """Ask again, since somebody wants it."""
        if self._bar is not None:
            self._bar.leave()
        if not self.reason:
            self._window.sheets.close()
            self._show(takes_focus=True)

    def _show(self, *, takes_focus: bool) -> None:
        entry = self._window.session.entry
        assert entry is not None
        bar = VoxelSizeBar(
            entry.spec.spacing_ijk_mm,
            lambda sizes: self._use(entry, sizes),
            lambda: self._remember(entry.spec, ""),
            takes_focus=takes_focus,
        )
        self._bar = bar
        bar.left.connect(self._forget)
        self._window.door.bars.ask(bar)

    def _forget(self) -> None:
        self._bar = None

    def _use(self, entry: VolumeEntry, sizes: tuple[float, float, float]) -> None:
        from loading.assumed import with_voxel_size

        self._remember(entry.spec, " x ".join(f"{size:.9g}" for size in sizes))
        self._window.session.exchange(entry, with_voxel_size(entry, sizes))

    def _remember(self, spec: VolumeSpec, text: str) -> None:
        """Keep an answer; one that was refused before is not overwritten by nothing."""
        known = dict(self._window.settings.value.voxel_sizes)
        text = text or known.pop(_digest(spec), "")
        kept = list(known.items())[-MOST_KEPT + 1 :]
        self._window.settings.change(voxel_sizes=dict([*kept, (_digest(spec), text)]))


def _digest(spec: VolumeSpec) -> str:
    name = f"{spec.path}\0{spec.label}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(name, digest_size=12).hexdigest()
