"""T43, N2: times, echoes and diffusion weights of one series are one volume; nothing is lost."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest
from pydicom.uid import generate_uid

import loading
from loading.dicom import tags
from loading.dicom.describe import sort_out
from loading.files import describe
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.enhanced_objects import frame_groups, shared_groups, write_enhanced
from tests.helpers.header_records import PLAIN, attributes, record

SHAPE = (4, 12, 10)
PLACES = 4
STEP = 2.0


@pytest.fixture
def stored():
    return phantom(SHAPE)


def series(points, shared=None, places=PLACES):
    """Make the records of a series; each point is a mapping of own attributes."""
    numbers = itertools.count(1)
    return [
        record(next(numbers), STEP * k, PLAIN if shared is None else shared[t], **own)
        for t, own in enumerate(points)
        for k in range(places)
    ]


def only(records):
    found = sort_out(records)
    assert not found.skipped
    assert not found.images
    (entry,) = found.volumes
    return entry.spec


def b_value(value):
    return struct.pack("<d", value)


def direction(*parts):
    return struct.pack("<3d", *parts)


KEYED: dict[str, tuple[list[dict[str, object]], str, list[str]]] = {
    "temporal position": ([{"TEMPORAL_POSITION": t} for t in (10, 9, 2)], "time", ["2", "9", "10"]),
    "echo time": ([{"ECHO_TIME": t} for t in ("12.0", "4.92")], "echo time", ["4.92 ms", "12 ms"]),
    "echo number": ([{"ECHO_NUMBER": n} for n in (2, 1)], "echo time", ["1", "2"]),
    "b-value": (
        [{"B_VALUE": b_value(b)} for b in (1000.0, 0.0)],
        "diffusion",
        ["0 s/mm\u00b2", "1000 s/mm\u00b2"],
    ),
    "trigger time": (
        [{"TRIGGER_TIME": t} for t in (1000, 90, 0)],
        "time",
        ["0 ms", "90 ms", "1000 ms"],
    ),
    "frame reference time": (
        [{"FRAME_REFERENCE_TIME": t} for t in ("2500.5", "300")],
        "time",
        ["300 ms", "2500.5 ms"],
    ),
    "acquisition time": (
        [{"ACQUISITION_TIME": t} for t in ("090000.5", "085959")],
        "time",
        ["08:59:59", "09:00:00.5"],
    ),
    "acquisition number": ([{"ACQUISITION_NUMBER": n} for n in (11, 2)], "time", ["2", "11"]),
    "content time": (
        [{"CONTENT_TIME": t} for t in ("101112", "101110")],
        "time",
        ["10:11:10", "10:11:12"],
    ),
    "nothing": ([{}, {}], "time", []),
}


@pytest.mark.parametrize("name", KEYED)
def test_each_key_makes_points(name):
    """T43: numbers are sorted as numbers, and each point is called by its value."""
    points, axis, labels = KEYED[name]
    spec = only(series(points))
    assert (spec.time_points, spec.shape_kji[0]) == (len(points), PLACES)
    assert spec.time_axis == axis
    assert list(spec.time_labels) == labels
    assert spec.files == len(points) * PLACES


@pytest.mark.parametrize(
    ("block", "creator", "tag", "values"),
    [
        ("SIEMENS_BLOCK", b"SIEMENS MR HEADER", "SIEMENS_B_VALUE", [b"0 ", b"800 "]),
        ("GE_BLOCK", b"GEMS_PARM_01", "GE_B_VALUE", [b"0\\1\\2", b"1000000800\\1\\2"]),
        (
            "PHILIPS_BLOCK",
            b"Philips Imaging DD 001",
            "PHILIPS_B_VALUE",
            [struct.pack("<f", 0.0), struct.pack("<f", 800.0)],
        ),
    ],
)
def test_private_diffusion_weights(block, creator, tag, values):
    """T43: vendors' own attributes count where their block says whose they are."""
    shared = attributes(**{block: creator})
    spec = only(series([{tag: value} for value in values], [shared, shared]))
    assert spec.time_axis == "diffusion"
    assert spec.time_labels == ("0 s/mm\u00b2", "800 s/mm\u00b2")
    unnamed = only(series([{tag: value} for value in values]))
    assert unnamed.time_axis == "time"


def test_directions_of_one_weight():
    points = [
        {"B_VALUE": b_value(0), "GRADIENT": direction(0, 0, 0)},
        {"B_VALUE": b_value(1000), "GRADIENT": direction(1, 0, 0)},
        {"B_VALUE": b_value(1000), "GRADIENT": direction(0, 1, 0)},
    ]
    spec = only(series(points))
    assert (spec.time_points, spec.time_axis) == (3, "diffusion")
    assert spec.time_labels == (
        "0 s/mm\u00b2, 0 0 0",
        "1000 s/mm\u00b2, 0 1 0",
        "1000 s/mm\u00b2, 1 0 0",
    )


def test_echoes_of_each_time():
    """Two keys together: neither of them alone tells the slices of one place apart."""
    points = [{"TEMPORAL_POSITION": t, "ECHO_TIME": e} for t in (1, 2) for e in (5, 10, 15)]
    spec = only(series(points))
    assert (spec.time_points, spec.time_axis) == (6, "time, echo time")
    assert spec.time_labels[:2] == ("1, 5 ms", "1, 10 ms")


def test_echoes_of_times_that_nothing_names():
    """What a key leaves together is told apart by number."""
    points = [{"ECHO_TIME": e} for _ in range(2) for e in (5, 10)]
    spec = only(series(points))
    assert spec.time_points == 4


def test_a_slice_timed_by_itself_splits_nothing():
    """Acquisition times of fMRI differ by slice too; the number decides then."""
    records = [
        record(t * PLACES + k + 1, STEP * k, ACQUISITION_TIME=f"10000{t}.{k}")
        for t in range(3)
        for k in range(PLACES)
    ]
    spec = only(records)
    assert (spec.time_points, spec.time_labels) == (3, ())


def test_ragged_points_are_volumes_that_say_so():
    """An aborted last time point is not joined with whole ones, and not lost."""
    records = series([{"TEMPORAL_POSITION": t} for t in (1, 2, 3)])[:-2]
    found = sort_out(records)
    assert not found.skipped
    whole, rest = (entry.spec for entry in found.volumes)
    assert (whole.time_points, whole.shape_kji[0], whole.label) == (2, 4, "epi")
    assert (rest.time_points, rest.shape_kji[0], rest.label) == (1, 2, "epi, time 3")
    assert sum(spec.chunk_count for spec in (whole, rest)) == len(records)


def test_kinds_of_images_are_volumes_of_their_own():
    """Magnitude and phase at several echoes: two volumes of two points."""
    phase = attributes(IMAGE_TYPE=b"ORIGINAL\\PRIMARY\\P")
    points = [{"ECHO_TIME": e} for _ in range(2) for e in (5, 10)]
    found = sort_out(series(points, [PLAIN, PLAIN, phase, phase]))
    assert [(e.spec.label, e.spec.time_points) for e in found.volumes] == [
        ("epi, M", 2),
        ("epi, P", 2),
    ]
    assert sum(e.spec.chunk_count for e in found.volumes) == 4 * PLACES


def test_names_say_what_differs():
    """Orientation, size and spacing of one series: each volume is called by what sets it apart."""
    sagittal = attributes(ORIENTATION=b"0\\1\\0\\0\\0\\-1")
    small = attributes(ROWS=b"\x03\x00")
    records = series([{}], [PLAIN]) + series([{}], [small])
    records += [record(50 + k, 0, sagittal, POSITION=f"{3.0 * k}\\0\\0") for k in range(3)]
    records = [
        one._replace(own=(*one.own[:at], f"9.{n}".encode(), *one.own[at + 1 :]))
        for at in (tags.OWN_AT[tags.SOP_INSTANCE],)
        for n, one in enumerate(records)
    ]
    found = sort_out(records)
    assert sorted(entry.spec.label for entry in found.volumes) == [
        "epi, axial, 5 x 3",
        "epi, axial, 5 x 4",
        "epi, sagittal, 5 x 4",
    ]
    assert sum(entry.spec.chunk_count for entry in found.volumes) == len(records)


def test_the_order_of_files_makes_no_difference():
    """M5: shuffled records give the same points."""
    records = series([{"TEMPORAL_POSITION": t, "ECHO_TIME": e} for t in (1, 2) for e in (5, 10)])
    specs = []
    for seed in range(6):
        order = np.random.default_rng(seed).permutation(len(records))
        spec = only([records[at] for at in order])
        specs.append((spec.key, spec.time_labels, spec.affine_lps.tolist()))
    assert all(spec == specs[0] for spec in specs)


def test_a_time_series_is_read_point_by_point(tmp_path, stored):
    """N2: every slice of every point lands where it belongs, also with a slice missing in all."""
    uids = {name: generate_uid() for name in ("SeriesInstanceUID", "StudyInstanceUID")}
    for t in (0, 1, 2):
        paths = write_series(
            tmp_path / str(t),
            stored + t,
            TemporalPositionIdentifier=t + 1,
            RescaleSlope=str(1 + t),
            FrameOfReferenceUID="1.2.3.5",
            **uids,
        )
        paths[2].unlink()
    (entry,) = describe([str(tmp_path)]).volumes
    spec = entry.spec
    assert (spec.time_points, spec.absent, spec.chunk_count) == (3, frozenset({2}), 9)
    assert spec.dtype == np.float32
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert volume.array.shape == (3, *SHAPE)
        assert not volume.failures
        for t, k in itertools.product(range(3), (0, 1, 3)):
            assert np.array_equal(volume.stored(t)[k], (stored[k] + t) * float(1 + t) - 1024)


def test_frames_of_one_object_at_several_times(tmp_path, stored):
    """N1, N2: an enhanced object with times and slices in any order is one volume."""
    pairs = [(t, k) for t in range(3) for k in range(PLACES)]
    order = np.random.default_rng(1).permutation(len(pairs))
    pairs = [pairs[at] for at in order]
    path = write_enhanced(
        tmp_path / "e.dcm",
        np.stack([stored[k] + t for t, k in pairs]),
        [frame_groups((0, 0, 2.0 * k), TemporalPositionIndex=t + 1) for t, k in pairs],
        shared=shared_groups(),
    )
    (entry,) = describe([str(path)]).volumes
    assert (entry.spec.time_points, entry.spec.files) == (3, 1)
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        for t in range(3):
            assert np.array_equal(volume.stored(t), stored + t)


def test_dimension_indices_alone(tmp_path, stored):
    """What no attribute of ours names is told apart by the indices of its dimension."""
    pairs = [(t, k) for k in range(PLACES) for t in range(2)]
    path = write_enhanced(
        tmp_path / "e.dcm",
        np.stack([stored[k] + t for t, k in pairs]),
        [
            frame_groups((0, 0, 2.0 * k), DimensionIndexValues=[k + 1, 2 - t], StackID="1")
            for t, k in pairs
        ],
        shared=shared_groups(),
        dimensions=(0x00209057, 0x00189079),
    )
    (entry,) = describe([str(path)]).volumes
    assert entry.spec.time_labels == ("1", "2")
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert np.array_equal(volume.stored(0), stored + 1)


def test_one_object_for_each_time(tmp_path, stored):
    for t in (0, 1):
        write_enhanced(
            tmp_path / f"{t}.dcm",
            stored + t,
            [frame_groups((0, 0, 2.0 * k)) for k in range(PLACES)],
            shared=shared_groups(),
            InstanceNumber=2 - t,
        )
    (entry,) = describe([str(tmp_path)]).volumes
    assert (entry.spec.time_points, entry.spec.files) == (2, 2)
    with loading.open_entry(entry) as volume:
        volume.wait(60)
        assert np.array_equal(volume.stored(0), stored + 1)


def test_memory_is_checked_for_all_points(stored, tmp_path):
    """M3: the limit holds for the whole series, not for one time point."""
    uids = {name: generate_uid() for name in ("SeriesInstanceUID", "StudyInstanceUID")}
    for t in range(4):
        write_series(
            tmp_path / str(t),
            stored,
            EchoNumbers=t,
            FrameOfReferenceUID="1.2.3.5",
            **uids,
        )
    (entry,) = describe([str(tmp_path)]).volumes
    assert entry.spec.size_bytes == 4 * stored.nbytes
    with pytest.raises(loading.TooLarge):
        loading.OpenVolume(entry, memory_limit_bytes=3 * stored.nbytes)


def five_times(tmp_path, stored):
    uids = {name: generate_uid() for name in ("SeriesInstanceUID", "StudyInstanceUID")}
    for t in range(5):
        write_series(
            tmp_path / str(t),
            stored + t,
            TemporalPositionIdentifier=t + 1,
            FrameOfReferenceUID="1.2.3.5",
            **uids,
        )
    (entry,) = describe([str(tmp_path)]).volumes
    return entry


class Watched:
    """A source that tells which time point it is asked for."""

    def __init__(self, source, told):
        self._source, self._told, self.spec = source, told, source.spec
        self.renditions, self.close = source.renditions, source.close

    def read(self, request, out, cancel):
        self._told(request.chunk)
        return self._source.read(request, out, cancel)


def order_of_times(entry, first, at=None, then=None):
    """Load with one worker; give the time points in the order of their first and last reads."""
    asked = []

    def told(chunk):
        asked.append(chunk.t)
        if len(asked) == at:
            volume.prefer(loading.Demand(t=then))

    watched = loading.VolumeEntry(entry.spec, lambda: Watched(entry.open(), told))
    volume = loading.OpenVolume(watched, worker_count=1)
    with volume:
        volume.prefer(loading.Demand(t=first))
        volume.load()
        volume.wait(60)
        assert volume.progress.full == 5 * PLACES
    return asked


def test_the_time_on_the_screen_is_read_first_then_its_neighbours(tmp_path, stored):
    """N2: current time point first, then t-1 and t+1, outward; the total is the sum of all."""
    asked = order_of_times(five_times(tmp_path, stored), first=2)
    assert len(asked) == 5 * PLACES
    distances = [abs(t - 2) for t in asked]
    assert distances == sorted(distances)


def test_a_step_in_time_ranks_anew(tmp_path, stored):
    """N3: from the next read on, the new time point comes before all others."""
    asked = order_of_times(five_times(tmp_path, stored), first=0, at=2, then=4)
    assert asked[:2] == [0, 0]
    assert asked[2 : 2 + PLACES] == [4] * PLACES
    assert asked[2 + PLACES : 2 + 2 * PLACES] == [3] * PLACES


BROKEN_OFF = {
    "temporal position": lambda t: {"TEMPORAL_POSITION": t},
    "b-value": lambda t: {"B_VALUE": b_value(100.0 * t)},
    "acquisition time": lambda t: {"ACQUISITION_TIME": f"12{t:02d}00"},
    "content time": lambda t: {"CONTENT_TIME": f"12{t:02d}00"},
    "instance number": lambda t: {},
}


@pytest.mark.parametrize("name", BROKEN_OFF)
@pytest.mark.parametrize("last", [1, 2, 3])
def test_a_scan_that_was_broken_off_keeps_its_times(name, last):
    """T43: three times are whole; of the fourth there are some slices, which are shown apart."""
    records = series([BROKEN_OFF[name](t) for t in range(4)])[: 3 * PLACES + last]
    found = sort_out(records)
    whole, *rest = found.volumes
    assert (whole.spec.time_points, whole.spec.shape_kji[0]) == (3, PLACES)
    assert whole.spec.files == 3 * PLACES
    assert not found.skipped
    assert [entry.spec.shape_kji[0] for entry in rest] == ([last] if last > 1 else [])
    assert len(found.images) + len(found.skipped) + sum(e.spec.files for e in rest) == last
    assert [told.code for told in whole.spec.warnings] == []


def test_numbers_with_a_slice_missing_in_between_make_no_times():
    """What comes behind it would be of another time; that is told, and one time is shown."""
    records = series([{}] * 4)
    del records[PLACES + 1]
    found = sort_out(records)
    (entry,) = found.volumes
    assert entry.spec.time_points == 1
    assert "duplicate_slices" in {told.code for told in entry.spec.warnings}
    assert len(found.skipped) == len(records) - PLACES


@pytest.mark.parametrize(
    "missing",
    [
        slice(0, 1),
        slice(0, 2),
        slice(PLACES + 1, 2 * PLACES + 1),
        [0, *range(3 * PLACES + 1, 4 * PLACES)],
    ],
    ids=["the first", "the first two", "a round's worth", "one round's worth from both ends"],
)
@pytest.mark.parametrize("reverse", [False, True])
def test_missing_slices_never_mix_times(missing, reverse):
    """Each place may be there equally often, and yet be of another time than its neighbour."""
    records = series([{}] * 4)
    if reverse:
        heights = [PLACES - 1 - n % PLACES for n in range(len(records))]
        records = [record(n + 1, STEP * k) for n, k in enumerate(heights)]
    kept = list(np.delete(np.arange(len(records)), missing))
    found = sort_out([records[at] for at in kept])
    (entry,) = found.volumes
    assert entry.spec.time_points == 1
    assert "duplicate_slices" in {told.code for told in entry.spec.warnings}


@pytest.mark.parametrize("begin", [0, 1, 2])
def test_a_whole_time_that_is_missing_mixes_nothing(begin):
    """The first, second or third time is not there: those that are stay as they were taken."""
    records = series([{}] * 4)
    del records[begin * PLACES : (begin + 1) * PLACES]
    assert only(records).time_points == 3


def test_slices_that_were_taken_again_are_no_time():
    """A stack and two of its slices once more: the first ones stay, the others are told."""
    again = [{"ACQUISITION_TIME": "120000"}, {"ACQUISITION_TIME": "121500"}]
    found = sort_out(series(again)[: PLACES + 2])
    (entry,) = found.volumes
    assert entry.spec.time_points == 1
    assert "duplicate_slices" in {told.code for told in entry.spec.warnings}
