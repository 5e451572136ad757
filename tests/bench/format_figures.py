"""Figures of the formats beside DICOM, and of a folder where everything lies together."""

from __future__ import annotations

import statistics
from pathlib import Path

from tests.bench.data import folder_of
from tests.bench.figures import Figure, Measure, columns, ratio_of_medians
from tests.bench.subjects import ROUNDS, in_turn, ours, peer
from tests.bench.window_figures import GUI, environment


def _only_file(name: str) -> Path:
    (path,) = folder_of(name).iterdir()
    return path


def _nifti(name: str, series: str, warm_up: str, bar: float, what: str) -> Figure:
    samples = in_turn(
        {
            "nibabel": peer("nibabel_array.py", _only_file(series), _only_file(warm_up)),
            "voxtide": ours("our_load", folder_of(series), folder_of(warm_up)),
        }
    )
    raw = columns(samples, voxtide="full_ms", nibabel="ms")
    return Figure(
        name,
        ratio_of_medians(raw["voxtide"], raw["nibabel"]),
        "ratio",
        bar,
        f"{what} of 512^3 int16: call to all slices FULL / numpy.array of nibabel's dataobj; "
        "medians of 5, in turn",
        raw,
    )


def nifti() -> Figure:
    return _nifti(
        "nifti.full_vs_nibabel", "nifti256", "tiny_nifti", 1.1, "an uncompressed NIfTI file"
    )


def nifti_packed() -> Figure:
    return _nifti(
        "niftigz.full_vs_nibabel", "niftigz256", "tiny_niftigz", 1.0, "a gzipped NIfTI file"
    )


def tiff_stack() -> Figure:
    folder, warm_up = folder_of("tiff300"), folder_of("tiny_tiff")
    samples = in_turn(
        {
            "tifffile": peer("tifffile_sequence.py", folder, warm_up),
            "voxtide": ours("our_load", folder, warm_up),
        }
    )
    raw = columns(samples, voxtide="full_ms", tifffile="ms")
    return Figure(
        "tiffstack.full_vs_tifffile",
        ratio_of_medians(raw["voxtide"], raw["tifffile"]),
        "ratio",
        0.8,
        "300 TIFF files of 512x512 uint16: call to all slices FULL / tifffile.imread of the "
        "sequence; medians of 5, in turn",
        raw,
    )


def mixed_first_slice() -> Figure:
    command = ours("our_window", "first", folder_of("mixed20000"), folder_of("tiny_raw"))
    samples = in_turn({"window": command}, environment=environment())["window"]
    assert not any(sample["jumped"] for sample in samples)
    raw = {
        "first_slice_ms": [float(sample["first_slice_ms"]) for sample in samples],
        "described_ms": [float(sample["described_ms"]) for sample in samples],
    }
    return Figure(
        "mixed_folder.first_slice_ms",
        statistics.median(raw["first_slice_ms"]),
        "ms",
        400,
        f"{GUI}: drop of 20 000 files, 40 series and 3 000 files that are not DICOM, to grey "
        f"tissue on the screen, of a series that stays; median of {ROUNDS}",
        raw,
    )


def mixed_list() -> Figure:
    folder, warm_up = folder_of("mixed20000"), folder_of("tiny_raw")
    samples = in_turn(
        {
            "pydicom": peer("pydicom_headers.py", folder, warm_up),
            "voxtide": ours("our_describe", folder, warm_up),
        },
        rounds=3,
    )
    raw = columns(samples, voxtide="ms", pydicom="ms")
    return Figure(
        "mixed_folder.list_vs_pydicom",
        ratio_of_medians(raw["voxtide"], raw["pydicom"]),
        "ratio",
        0.3,
        "the same folder: call to the complete list / pydicom reading the same headers on one "
        "core; medians of 3, in turn",
        raw,
    )


FIGURES: dict[str, Measure] = {
    "nifti.full_vs_nibabel": nifti,
    "niftigz.full_vs_nibabel": nifti_packed,
    "tiffstack.full_vs_tifffile": tiff_stack,
    "mixed_folder.first_slice_ms": mixed_first_slice,
    "mixed_folder.list_vs_pydicom": mixed_list,
}
