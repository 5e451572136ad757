"""The bench names its figures, measures one and writes what it found. No times are judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import FIGURES, PAGE
from tests.bench.document import BEGIN, END, write_figures
from tests.bench.figures import Figure, floor_check

ROOT = Path(__file__).resolve().parents[2]
PROMISED = (
    "folder.full_vs_simpleitk",
    "folder.coverage_vs_simpleitk",
    "folder.full_vs_floor",
    "folder.peak_memory",
    "multiframe.full_vs_classic",
    "window.peak_memory",
    "htj2k.vs_bare_loop",
    "publish.vs_bare_loop",
    "window.load_vs_headless",
    "window.load_raw_extra_ms",
    "window.longest_block_ms",
    "window.first_slice_ms",
    "window.scroll_fps_while_loading",
    "scan2000.longest_block_ms",
    "status.read_lock_ms",
    "queue.rerank10k_ms",
    "package.deb_mb",
    "start.first_paint_vs_qt",
    "start.first_slice_vs_paint",
    "start.frozen_vs_venv",
    "feel.slice_vs_bare",
    "feel.slice_vs_bare_p99",
    "feel.window_level_vs_bare",
    "feel.window_level_vs_bare_p99",
    "feel.slice_ms",
    "feel.window_level_ms",
    "feel.orbit_ms",
    "feel.planes_while_3d_refines_ms",
    "start.first_paint_ms",
    "start.ready_ms",
    "web40.own_vs_floor",
    "web40.quarter_vs_floor",
    "web40.full_vs_floor",
    "web10.own_vs_floor",
    "web10.quarter_vs_floor",
    "web10.full_vs_floor",
    "web40.own_vs_peer",
    "web40.window_vs_headless",
    "web.longest_block_ms",
    "web.bytes_vs_encoded",
    "web.first_exact_round_trips",
    "web.first_slice_vs_alone",
    "web.wrong_slices",
    "loopback.full_vs_folder",
    "jls.coverage_frames",
    "nifti.full_vs_nibabel",
    "niftigz.full_vs_nibabel",
    "tiffstack.full_vs_tifffile",
    "mixed_folder.first_slice_ms",
    "mixed_folder.list_vs_pydicom",
)


def bench(*arguments: object) -> str:
    command = [sys.executable, "-m", "tests.bench", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_promised_figure_is_there():
    assert set(bench("--list").split()) == set(PROMISED) == set(FIGURES)


def test_a_figure_is_measured_and_written(tmp_path):
    """Y3: the figure is made; what it is worth is seen in docs/performance.md."""
    output = tmp_path / "bench.json"
    table = bench("--only", "queue", "--output", output)
    report = json.loads(output.read_text())
    (figure,) = report["figures"]
    assert figure["name"] == "queue.rerank10k_ms"
    assert figure["name"] in table
    assert {"value", "unit", "bar", "holds", "how"} < set(figure)
    assert len(report["raw"][figure["name"]]["median_ms"]) == 5
    assert report["cores"] >= 1
    assert set(report["load_average"]) == {"before", "after"}


def test_an_unknown_figure_is_refused():
    with pytest.raises(AssertionError, match=r"no figure 'folder\.speed'"):
        bench("--only", "folder.speed")


def test_a_slow_floor_voids_its_figure():
    void = floor_check([20.0], [100.0], known=0.1)
    assert "0.200 of SimpleITK" in void
    assert not floor_check([14.0], [100.0], known=0.1)
    figure = Figure("a", 1.0, "ratio", 1.7, "how", void=void)
    assert figure.holds is None
    assert figure.told.startswith("VOID")


def test_figures_go_between_the_marks_of_the_page(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(PAGE.read_text("utf-8"), "utf-8")
    missed = {"name": "x", "value": 2.0, "unit": "ms", "bar": 1.0, "holds": False, "how": "so"}
    report = {
        "figures": [missed],
        "cores": 2,
        "python": "3",
        "system": "Linux",
        "load_average": {"before": [0.0], "after": [1.0]},
    }
    write_figures(report, page)
    text = page.read_text("utf-8")
    between = text.partition(BEGIN)[2].partition(END)[0]
    assert "| `x` | 2.0 ms | 1 | **missed** |" in between
    assert text.partition(BEGIN)[0] == PAGE.read_text("utf-8").partition(BEGIN)[0]
    assert text.partition(END)[2] == PAGE.read_text("utf-8").partition(END)[2]
