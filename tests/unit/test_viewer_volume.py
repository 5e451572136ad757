"""Copies for 3D, presets, and the ray under the pointer."""

from __future__ import annotations

import numpy as np
import pytest

from loading import Qualities, Status
from loading.spec import Level
from tests.helpers.array_source import make_spec
from viewer import presets
from viewer.geometry import apply
from viewer.volume_copy import (
    FollowingCopy,
    averaged_copy,
    placement,
    steps_for_budget,
    steps_for_edge,
)


def cube(edge: int, **changes):
    return make_spec(
        (edge, edge, edge), levels=(Level((edge,) * 3, np.eye(4), (1, edge, edge)),), **changes
    )


def all_there(count: int, **changes) -> Qualities:
    content = np.arange(count, dtype=np.int32)
    for k, value in changes.get("content", {}).items():
        content[k] = value
    status = np.where(content < 0, Status.EMPTY, Status.FULL).astype(np.uint8)
    return Qualities(status, content.copy(), content, np.zeros(count, np.uint8))


def test_steps_keep_an_edge_and_a_budget() -> None:
    assert steps_for_edge((500, 512, 100)) == (4, 4, 1)
    steps = steps_for_budget((500, 512, 512), (0.7, 0.7, 1.0), 8_000_000)
    size = [-(-n // s) for n, s in zip((500, 512, 512), steps, strict=True)]
    assert np.prod(size) <= 8_000_000
    assert steps[1] == steps[2] >= steps[0], "fine axes are thinned first"
    assert steps_for_budget((10, 10, 10), (1, 1, 1), 10_000) == (1, 1, 1)


@pytest.mark.parametrize("averaged", [False, True])
def test_a_copys_voxels_stand_where_their_values_come_from(averaged) -> None:
    """B: strided samples are placed at their own voxel, means in the middle of their block."""
    affine = np.array([[0.5, 0.1, 0, 3], [0, 0.5, 0.2, 4], [0, 0, 2, 5], [0, 0, 0, 1.0]])
    made = placement(affine, (2, 3, 4), averaged=averaged)
    middle = (1.5, 1.0, 0.5) if averaged else (0.0, 0.0, 0.0)
    first = np.array((4.0, 3.0, 2.0)) + middle
    assert np.allclose(apply(made, (1.0, 1.0, 1.0)), apply(affine, first))


def test_the_following_copy_never_takes_planes_that_show_nothing() -> None:
    """F5: empty planes never enter 3D as data."""
    spec = make_spec((6, 8, 8), empty_value=-1000.0)
    stored = np.full((6, 8, 8), 12345, np.int16)
    following = FollowingCopy(spec)
    nothing = all_there(6, content=dict.fromkeys(range(6), -1))
    assert following.update(stored, nothing) is None
    stored[2] = 50
    copy = following.update(stored, all_there(6, content={k: -1 for k in range(6) if k != 2}))
    assert copy is not None
    assert (copy.array[2] == 50).all()
    assert (np.delete(copy.array, 2, axis=0) == -1000).all()
    assert copy.bounds == (-1000, 50)


def test_the_following_copy_reads_only_what_changed() -> None:
    spec = make_spec((4, 8, 8))
    stored = np.zeros((4, 8, 8), np.int16)
    following = FollowingCopy(spec)
    following.update(stored, all_there(4))
    stored[:] = 7
    same = following.update(stored, all_there(4))
    assert same is not None
    assert (same.array == 0).all()
    better = all_there(4)
    better.status[1] = Status.LOSSY
    now = following.update(stored, better)
    assert now is not None
    assert [int(plane.max()) for plane in now.array] == [0, 7, 0, 0]


def test_the_averaged_copy_is_the_mean_and_leaves_out_what_is_nothing() -> None:
    """F5: empty planes and padding are not averaged in."""
    spec = cube(4, empty_value=-1000.0, padding=(-2000.0, -2000.0))
    rng = np.random.default_rng(2)
    stored = rng.integers(0, 100, (4, 4, 4)).astype(np.int16)
    whole = averaged_copy(spec, stored, all_there(4), 8)
    blocks = stored.reshape(2, 2, 2, 2, 2, 2).mean(axis=(1, 3, 5))
    assert np.abs(whole.array - blocks).max() <= 0.5
    stored[1] = 30000
    missing = averaged_copy(spec, stored, all_there(4, content={1: -1}), 8)
    assert np.abs(missing.array[0] - stored[0].reshape(2, 2, 2, 2).mean(axis=(1, 3))).max() <= 0.5
    stored[3, 0, 0] = -2000
    padded = averaged_copy(spec, stored, all_there(4, content={1: -1}), 64)
    assert padded.array.min() >= -1000


def test_half_filled_blocks_are_the_mean_of_what_they_have() -> None:
    spec = cube(3)
    stored = np.arange(27).reshape(3, 3, 3).astype(np.int16)
    made = averaged_copy(spec, stored, all_there(3), 8).array
    assert made.shape == (2, 2, 2)
    assert made[1, 1, 1] == stored[2, 2, 2]
    assert abs(made[0, 1, 1] - stored[:2, 2, 2].mean()) <= 0.5


@pytest.mark.parametrize("name", presets.PRESETS)
def test_presets_are_ascending_and_within_range(name) -> None:
    preset = presets.PRESETS[name]
    for points in (preset.opacity, preset.colour):
        values = [value for value, _ in points]
        assert values == sorted(values)
        assert len(values) >= 2
    assert all(0 <= alpha <= 1 for _, alpha in preset.opacity)
    assert all(0 <= colour <= 0xFFFFFF for _, colour in preset.colour)


def test_the_numbers_are_slicers() -> None:
    cardiac = presets.PRESETS["CT-Cardiac"]
    assert cardiac.opacity[:4] == ((-3024, 0), (-77.7, 0), (95, 0.286), (179, 0.554))
    assert cardiac.colour[1] == (-77.7, 0x8C4026)


def test_bone_leaves_soft_tissue_out() -> None:
    """A body that fills the whole field shows its bones, not a block of muscle and liver."""
    bone = presets.PRESETS["CT-Bone"]
    values, alphas = zip(*bone.opacity, strict=True)
    assert np.interp([-100, 60, 120], values, alphas).max() == 0
    assert np.interp([300, 641], values, alphas).min() > 0.4


@pytest.mark.parametrize("modality", ["CT", "MR", "PT", "US", "OT", ""])
def test_every_modality_has_a_default_among_its_presets(modality) -> None:
    assert presets.default_for(modality) in presets.names_for(modality)


def test_mr_presets_follow_the_data_and_ct_presets_do_not() -> None:
    mr = presets.transfer(presets.PRESETS["MR-Default"], (100.0, 1300.0))
    assert mr.opacity[0][0] == pytest.approx(100)
    assert mr.opacity[4][0] == pytest.approx(100 + 220 / 240 * 1200)
    ct = presets.transfer(presets.PRESETS["CT-Bone"], (100.0, 1300.0))
    assert ct.opacity[2][0] == 260
    assert presets.transfer(presets.PRESETS["CT-Bone"], (0, 1000), 0.1).opacity[2][0] == 360
    assert presets.transfer(presets.PRESETS["CT-Bone"], (0, 1), lighting=False).shade is None


def test_a_shared_copy_tells_which_of_its_planes_changed() -> None:
    """Left-handed volumes are turned, so that VTK lights them from the right side."""
    affine = np.diag([1.0, 1.0, -2.0, 1.0])
    spec = make_spec((5, 8, 8), levels=(Level((5, 8, 8), affine, (1, 8, 8)),))
    stored = np.arange(5, dtype=np.int16)[:, None, None] * np.ones((5, 8, 8), np.int16)
    following = FollowingCopy(spec, is_shared=True)
    first = following.update(stored, all_there(5, content={3: -1}))
    second = following.update(stored, all_there(5))
    assert first is not None
    assert second is not None
    assert second.array is first.array
    assert second.array[:, 0, 0].tolist() == [4, 3, 2, 1, 0]
    assert np.linalg.det(second.affine_lps[:3, :3]) > 0
    assert apply(second.affine_lps, (0.0, 0.0, 0.0)).tolist() == [0.0, 0.0, -8.0]
    assert first.revisions is not None
    assert second.revisions is not None
    assert np.flatnonzero(first.revisions != second.revisions).tolist() == [1]
