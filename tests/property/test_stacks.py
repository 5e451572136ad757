"""M5 and the grid: whatever the order and the places of slices, each lands where it says it is."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loading.dicom.describe import sort_out
from tests.helpers.header_records import PLAIN, record

MANY = settings(max_examples=150, deadline=None)


def summary(records):
    """Describe in a form that can be compared."""
    found = sort_out(records)
    volumes = []
    for entry in found.volumes:
        spec = entry.spec
        origins = None if spec.slice_origins_lps is None else spec.slice_origins_lps.tolist()
        volumes.append(
            (
                spec.key,
                spec.shape_kji,
                spec.affine_lps.tolist(),
                repr(origins),
                sorted(spec.absent),
                spec.warnings,
            )
        )
    images = sorted(image.path for image in found.images)
    return sorted(volumes, key=repr), images, sorted(found.skipped, key=repr)


Z = st.integers(-400, 400).map(lambda n: n / 4)


@MANY
@given(st.lists(Z, min_size=1, max_size=25), st.randoms())
def test_the_order_of_records_never_matters(places, random):
    """M5: with gaps, repeats and all, a shuffle changes nothing."""
    records = [record(number, z) for number, z in enumerate(places)]
    first = summary(records)
    random.shuffle(records)
    assert summary(records) == first


@MANY
@given(st.lists(Z, min_size=1, max_size=25))
def test_every_record_is_accounted_for(places):
    """Each file is in a volume, an image, or passed over with a reason; none is lost."""
    records = [record(number, z) for number, z in enumerate(places)]
    found = sort_out(records)
    stacked = sum(entry.spec.files for entry in found.volumes)
    assert stacked + len(found.images) + len(found.skipped) == len(records)
    for entry in found.volumes:
        assert entry.spec.chunk_count == entry.spec.files


@MANY
@given(st.lists(Z, min_size=2, max_size=25, unique=True))
def test_true_positions_are_kept(places):
    """Every slice's origin is its file's position, on the grid or beside it."""
    found = sort_out([record(number, z) for number, z in enumerate(places)])
    seen = []
    for entry in found.volumes:
        spec = entry.spec
        present = sorted(set(range(spec.shape_kji[0])) - spec.absent)
        if spec.slice_origins_lps is None:
            seen += [float((spec.affine_lps @ [0, 0, k, 1])[2]) for k in present]
        else:
            seen += spec.slice_origins_lps[present, 2].tolist()
            assert np.isnan(spec.slice_origins_lps[sorted(spec.absent)]).all()
    single = [places[int(image.path.rpartition("/")[2])] for image in found.images]
    assert np.allclose(sorted(seen + single), sorted(places), atol=2e-4)


@MANY
@given(st.integers(2, 6), st.integers(2, 5), st.randoms())
def test_repeated_places_split_by_what_tells_them_apart(slices, times, random):
    """C2: time points never mix: each point holds one value of the key, in ascending order."""
    records = [
        record(100 * t + k, 2.0 * k, TEMPORAL_POSITION=t)
        for t in range(times)
        for k in range(slices)
    ]
    random.shuffle(records)
    found = sort_out(records)
    (entry,) = found.volumes
    assert (entry.spec.shape_kji[0], entry.spec.time_points) == (slices, times)
    assert entry.spec.time_labels == tuple(map(str, range(times)))
    assert not found.skipped


KEYS = ("TEMPORAL_POSITION", "ECHO_TIME", "ACQUISITION_TIME", "CONTENT_TIME", "TRIGGER_TIME")
SLICES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=25
)


@MANY
@given(SLICES, st.sampled_from(KEYS), st.sampled_from(KEYS), st.randoms())
def test_slices_of_many_times_are_all_somewhere_under_names_of_their_own(
    slices, first, second, random
):
    """Times that lack slices, that repeat, that cross with echoes: nothing is lost, or twice."""
    records = [
        record(number, 2.0 * place, PLAIN, **{first: f"1200{a:02d}", second: f"1300{b:02d}"})
        for number, (place, a, b) in enumerate(slices)
    ]
    random.shuffle(records)
    found = sort_out(records)
    stacked = sum(entry.spec.files for entry in found.volumes)
    assert stacked + len(found.images) + len(found.skipped) == len(records)
    for entry in found.volumes:
        assert entry.spec.chunk_count == entry.spec.files
    labels = [entry.spec.label for entry in found.volumes]
    assert len(set(labels)) == len(labels)
