"""Progressive HTJ2K from files: what a slice shows when its status rises, decoded independently."""

from __future__ import annotations

import threading
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import get_frame

import loading
from loading import LoadState, Status

DEMO = Path(__file__).resolve().parents[2] / "resources" / "demo" / "colin27"
LEVEL = 3


def tile_part_lengths(codestream):
    """Read the TLM marker (ISO/IEC 15444-1 A.7.1) and where the first tile-part begins."""
    at, lengths = 2, []
    while codestream[at : at + 2] != b"\xff\x90":
        size = int.from_bytes(codestream[at + 2 : at + 4], "big")
        if codestream[at : at + 2] == b"\xff\x55":
            kind = codestream[at + 5]
            index, length = (kind >> 4) & 3, 4 if kind & 0x40 else 2
            lengths += [
                int.from_bytes(codestream[entry + index : entry + index + length], "big")
                for entry in range(at + 6, at + 2 + size, index + length)
            ]
        at += 2 + size
    return at, lengths


@pytest.fixture(scope="module")
def decoded():
    """Give for each slice its full picture and the one from the bytes of level 3 alone."""
    pictures = {}
    for path in sorted(DEMO.glob("*.dcm")):
        dataset = pydicom.dcmread(path)
        codestream = get_frame(dataset.PixelData, 0, number_of_frames=1)
        start, lengths = tile_part_lengths(codestream)
        end = start + sum(lengths[: len(lengths) - LEVEL])
        z = float(dataset.ImagePositionPatient[2])
        pictures[z] = (
            imagecodecs.htj2k_decode(codestream),
            imagecodecs.htj2k_decode(codestream[:end], resilient=True),
        )
    return [pictures[z] for z in sorted(pictures)]


def test_each_rise_equals_an_independent_decode(decoded):
    """A status rises only after its pixels are there: coarse equals the cut stream, full the whole.

    F3: the stored values are those that another decoder path gives.
    """
    catalogue = loading.describe(str(DEMO))
    entry = loading.first_choice(catalogue)
    assert entry is not None
    volume = loading.open_entry(entry, plan=loading.INTERLEAVED, start=False)
    seen, lock = {Status.SUBRESOLUTION: 0, Status.FULL: 0}, threading.Lock()
    wrong: list[tuple[int, Status]] = []
    revision = 0

    def look():
        nonlocal revision
        with lock:
            revision, chunks = volume.changes_since(revision)
            for k in {chunk.index for chunk in chunks}:
                status = volume.status(k)
                plane = volume.array[k].copy()
                if status not in seen or volume.status(k) is not status:
                    continue
                seen[status] += 1
                expected = decoded[k][0 if status is Status.FULL else 1]
                if not np.array_equal(plane, expected):
                    wrong.append((k, status))

    with volume:
        volume.listen(look)
        volume.load()
        assert volume.wait(60) is LoadState.COMPLETE
        for k, (full, _) in enumerate(decoded):
            assert np.array_equal(volume.array[k], full)
    assert not wrong
    assert seen[Status.SUBRESOLUTION] > 10
    assert seen[Status.FULL] > 50
