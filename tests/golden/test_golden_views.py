"""Pictures of the views against stored ones, where a number would not catch what an eye does.

Text and edges are left out (fonts differ between systems). After a wanted change:
`VOXTIDE_GOLDEN=write pytest tests/golden`, look at the new pictures, and commit them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage

import loading
from loading.spec import Level, VolumeSpec
from tests.helpers.array_source import ArraySource
from tests.helpers.views import to_array

FOLDER = Path(__file__).parent
SIZE = 256
EDGE = 36


def head_like() -> np.ndarray:
    """Make a shell with an off-centre core and a notch: nothing in it is symmetric."""
    k, j, i = np.ogrid[:48, :56, :52]
    shell = ((i - 26) / 23) ** 2 + ((j - 28) / 25) ** 2 + ((k - 22) / 22) ** 2
    core = ((i - 20) / 8) ** 2 + ((j - 22) / 10) ** 2 + ((k - 26) / 9) ** 2
    voxels = np.where(shell < 1, 120, 0) + np.where(shell < 0.8, -60, 0) + np.where(core < 1, 70, 0)
    voxels[:, :8, 22:30] = np.where(shell[:, :8, 22:30] < 1.4, 150, 0)
    return voxels.astype(np.int16)


def oblique() -> np.ndarray:
    """Turn and shear: a series that lies askew in the scanner, with a tilted gantry."""
    a = np.deg2rad(14)
    affine = np.eye(4)
    affine[:3, 0] = (np.cos(a), np.sin(a), 0)
    affine[:3, 1] = (-np.sin(a), np.cos(a), 0)
    affine[:3, 2] = (0.0, 0.22, 1.2)
    return affine


CASES: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "axial-straight": ("axial", np.eye(4), {}),
    "coronal-gap": ("coronal", np.eye(4), {"absent": frozenset({20, 21, 22})}),
    "sagittal-askew": ("sagittal", oblique(), {}),
    "four_up-inverted": ("four_up", np.eye(4), {"inverted": True}),
    "volume-straight": ("volume", np.eye(4), {"modality": "MR"}),
    "volume-askew": ("volume", oblique(), {"modality": "MR"}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_picture_is_the_stored_one(name, qapp, tmp_path) -> None:
    from viewer.snapshot import render_snapshot

    layout, affine, changes = CASES[name]
    voxels = head_like()
    level = Level(voxels.shape, affine, (1, *voxels.shape[1:]))
    fields: dict[str, Any] = {
        "modality": "OT",
        "windows": (loading.Window(center=90.0, width=180.0),),
        **changes,
    }
    spec = VolumeSpec(key=name, label=name, unit="", levels=(level,), dtype=voxels.dtype, **fields)
    with loading.open_entry(ArraySource(spec, voxels[np.newaxis]).entry()) as volume:
        volume.wait()
        image = render_snapshot(volume, (SIZE, SIZE), layout)
    stored = FOLDER / f"{name}.png"
    if os.environ.get("VOXTIDE_GOLDEN") == "write":
        assert image.save(str(stored))
    image.save(str(tmp_path / stored.name))
    inside = slice(EDGE, -EDGE)
    drawn = to_array(image).astype(int)[inside, inside]
    wanted = to_array(QImage(str(stored))).astype(int)[inside, inside]
    away = np.abs(drawn - wanted).max(axis=2)
    told = f"{away.mean():.2f} away on average; the picture is {tmp_path / stored.name}"
    assert wanted.max() > 100, "the stored picture is empty"
    assert away.mean() < 2.0, told
    assert (away > 48).mean() < 0.01, told


def test_a_large_volume_is_drawn_like_a_small_one(qapp) -> None:
    """Its first picture too: far planes of VTK's default cut off what is a metre away."""
    from viewer.snapshot import render_snapshot

    voxels, drawn = head_like(), []
    for size_mm in (1.0, 20.0):
        level = Level(voxels.shape, np.diag((size_mm,) * 3 + (1.0,)), (1, *voxels.shape[1:]))
        name = f"{size_mm} mm"
        spec = VolumeSpec(name, name, "MR", "", (level,), voxels.dtype)
        with loading.open_entry(ArraySource(spec, voxels[np.newaxis]).entry()) as volume:
            volume.wait()
            image = render_snapshot(volume, (SIZE, SIZE), "volume")
        drawn.append(to_array(image)[EDGE:-EDGE, EDGE:-EDGE].max(axis=2) > 16)
    small, large = drawn
    assert small.mean() > 0.2
    assert (small != large).mean() < 0.02
