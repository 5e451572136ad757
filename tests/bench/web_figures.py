"""Figures of loading from a server over a line of known rate and round trip.

The line and the series are those of the shared folder's bench of Cornerstone3D, whose README says
what a floor is; where that folder is absent the rows say so and measure nothing.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any

from tests.bench.data import FOLDER, ROOT, folder_of
from tests.bench.figures import Figure, Measure, Raw
from tests.bench.subjects import ours as window_command
from tests.bench.subjects import run_once
from tests.bench.window_figures import environment

BENCH = ROOT.parent / "shared" / "bench" / "cornerstone"
DATA = FOLDER / "web174"
ROUNDS = 3
MBIT = 30.0
HEADER = 560
"""Bytes of an answer's header there, as bench.py counts them."""
EIGHTH, QUARTER, FRAME = 4461, 15471, 190_000
PEER_CONFIGS = "interleaved,bytes64k,tuned"

Sample = dict[str, Any]


class Absent(RuntimeError):
    """The shared folder is not here."""


def measured(name: str, unit: str, bar: float | None) -> Callable[..., Measure]:
    """Make a figure of a function that gives value, words and raw numbers."""

    def make(take: Callable[[], tuple[float, str, Raw]]) -> Measure:
        @wraps(take)
        def figure() -> Figure:
            try:
                value, how, raw = take()
            except Absent as error:
                return Figure(name, 0.0, unit, bar, "not measured", void=str(error))
            return Figure(name, value, unit, bar, how, raw)

        return figure

    return make


@cache
def manifest() -> dict[str, Any]:
    """Give what is known of the series, made if it is not there."""
    if not (BENCH / "serve.py").is_file():
        raise Absent(f"{BENCH} is not here")
    if not (DATA / "manifest.json").exists():
        print(f"making {DATA} ...", file=sys.stderr)
        command = [sys.executable, str(BENCH / "make_data.py"), str(DATA)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found: dict[str, Any] = json.loads((DATA / "manifest.json").read_text("utf-8"))
    return found


@contextmanager
def served(mbit: float, rtt_ms: float, *options: str) -> Iterator[str]:
    """Serve the series over a fresh line; gives its address."""
    manifest()
    command = [sys.executable, str(BENCH / "serve.py"), str(DATA), *options]
    command += ["--mbit", str(mbit), "--rtt-ms", str(rtt_ms)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield json.loads(server.stdout.readline())["series"]
    finally:
        server.terminate()
        server.wait(20)
        assert server.stdout
        server.stdout.close()


def run(command: list[str], environment: Mapping[str, str] | None = None) -> Sample:
    """Run a measured process and give the JSON that it prints last."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=True,
    )
    sample: Sample = json.loads([x for x in done.stdout.splitlines() if x.startswith("{")][-1])
    return sample


def voxtide(url: str) -> Sample:
    """Run the command line as the contract of the shared bench has it."""
    words = "import sys; from app.cli import main; sys.exit(main(sys.argv[1:]))"
    sample = run([sys.executable, "-c", words, "load", url, "--json", "--checksum"])
    assert sample["failures"] == 0
    assert sample["sums"] == manifest()["sums_every_7th"]
    return sample


def ours(kind: str, url: str, environment: Mapping[str, str] | None = None) -> Sample:
    return run([sys.executable, "-m", "tests.bench.our_web", kind, url], environment)


@cache
def loads(rtt_ms: float) -> list[Sample]:
    samples = []
    for _ in range(ROUNDS):
        with served(MBIT, rtt_ms) as url:
            samples.append(voxtide(url))
    return samples


def on_the_line_ms(count: float) -> float:
    """Give how long bytes take at the line's rate."""
    return count * 8e-3 / MBIT


def floor_ms(rtt_ms: float, kind: str) -> float:
    """Give the link's floor as bench.py computes it; with the rest of the slice on screen."""
    slices = manifest()["slices"]
    if kind == "full_ms":
        mean = manifest()["bytes"]["frames"] / slices + 110
        return rtt_ms + on_the_line_ms(slices * (mean + HEADER))
    part = EIGHTH if kind == "own_ms" else QUARTER
    rest = manifest()["bytes"]["frames"] / slices - part
    return rtt_ms + on_the_line_ms(slices * (part + HEADER)) + on_the_line_ms(rest)


def _vs_floor(rtt_ms: float, kind: str) -> tuple[float, str, Raw]:
    values = [float(sample[kind]) for sample in loads(rtt_ms)]
    floor = floor_ms(rtt_ms, kind)
    words = (
        f"174 HTJ2K slices at {MBIT:g} Mbit/s and {rtt_ms:g} ms, metadata parsed to {kind} / the "
        f"link's floor of {floor:.0f} ms; median of {ROUNDS}, voxtide load"
    )
    return statistics.median(values) / floor, words, {"voxtide": values, "floor": [floor]}


def _floor_figures() -> dict[str, Measure]:
    bars = {
        (40.0, "own_ms"): 1.3,
        (40.0, "quarter_ms"): 1.15,
        (40.0, "full_ms"): 1.03,
        (10.0, "own_ms"): 1.25,
        (10.0, "quarter_ms"): 1.15,
        (10.0, "full_ms"): 1.02,
    }
    figures = {}
    for (rtt_ms, kind), bar in bars.items():
        name = f"web{rtt_ms:g}.{kind.removesuffix('_ms')}_vs_floor"

        def take(rtt_ms: float = rtt_ms, kind: str = kind) -> tuple[float, str, Raw]:
            return _vs_floor(rtt_ms, kind)

        figures[name] = measured(name, "ratio", bar)(take)
    return figures


@measured("web40.own_vs_peer", "ratio", 0.16)
def own_vs_peer() -> tuple[float, str, Raw]:
    """Run the shared bench with the peer's best configurations and ours, in turn."""
    manifest()
    work = ROOT / "build" / "bench-web"
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "data").exists():
        (work / "data").symlink_to(DATA)
    viewer = f"voxtide={sys.executable} -m app load {{url}} --json --checksum"
    command = [sys.executable, str(BENCH / "bench.py"), "--links", "30:40", "--rounds", "3"]
    command += ["--configs", PEER_CONFIGS, "--no-reference", "--viewer", viewer]
    command += ["--work", str(work), "--out", str(work / "results.json")]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=1500, check=False)
    if done.returncode:
        raise Absent("Cornerstone3D cannot be run here: chromium, nodejs and npm are needed")
    link = json.loads((work / "results.json").read_text("utf-8"))["links"][0]
    raw = {
        name: [run["own_ms"] for run in runs if run.get("own_ms")]
        for name, runs in link["runs"].items()
    }
    best = min(statistics.median(v) for name, v in raw.items() if name != "voxtide" and v)
    value = statistics.median(raw["voxtide"]) / best
    words = f"every slice its own data, 30 Mbit/s and 40 ms / the best of {PEER_CONFIGS}, in turn"
    return value, words, raw


@cache
def window_rounds() -> dict[str, list[Sample]]:
    """Load in the window and without one, in turn."""
    manifest()
    samples: dict[str, list[Sample]] = {"window": [], "headless": []}
    for _ in range(ROUNDS):
        with served(MBIT, 40.0) as url:
            command = window_command("our_window", "web", url, folder_of("tiny_raw"))
            samples["window"].append(run_once(command, environment()))
        with served(MBIT, 40.0) as url:
            samples["headless"].append(voxtide(url))
    return samples


@measured("web40.window_vs_headless", "ratio", 1.15)
def window_vs_headless() -> tuple[float, str, Raw]:
    sides = window_rounds()
    raw = {
        f"{side} {key}": [float(sample[key]) for sample in samples]
        for side, samples in sides.items()
        for key in ("own_ms", "full_ms")
    }
    ratios = [
        statistics.median(raw[f"window {key}"]) / statistics.median(raw[f"headless {key}"])
        for key in ("own_ms", "full_ms")
    ]
    return max(ratios), "own data and full, the window open / voxtide load; the worse ratio", raw


@measured("web.longest_block_ms", "ms", 100.0)
def longest_block_ms() -> tuple[float, str, Raw]:
    blocks = [float(sample["longest_block_ms"]) for sample in window_rounds()["window"]]
    words = "longest pause of the GUI thread while a series loads at 30 Mbit/s and 40 ms; median"
    return statistics.median(blocks), words, {"window": blocks}


@measured("web.bytes_vs_encoded", "ratio", 1.01)
def bytes_vs_encoded() -> tuple[float, str, Raw]:
    read = [float(sample["bytes_read"]) for sample in loads(40.0)]
    encoded = float(manifest()["bytes"]["frames"])
    words = "body bytes of a whole load, metadata included / bytes of the encoded frames"
    return max(read) / encoded, words, {"read": read, "encoded": [encoded]}


@measured("web.first_exact_round_trips", "", 3.0)
def first_exact_round_trips() -> tuple[float, str, Raw]:
    raw: Raw = {"first": [], "jump": []}
    transfer = on_the_line_ms(manifest()["bytes"]["frames"] / manifest()["slices"])
    for _ in range(ROUNDS):
        with served(MBIT, 40.0) as url:
            sample = ours("jump", url)
        raw["first"].append((sample["first_exact_ms"] - transfer) / 40.0)
        raw["jump"].append((sample["jump_ms"] - transfer) / 40.0)
    words = (
        "the slice on screen exact, in round trips of 40 ms beyond its own time on the line: at "
        "the start, and after a jump to a far slice when 40 % are there; the worse median"
    )
    return max(statistics.median(raw["first"]), statistics.median(raw["jump"])), words, raw


@measured("web.first_slice_vs_alone", "ratio", 1.3)
def first_slice_vs_alone() -> tuple[float, str, Raw]:
    raw: Raw = {"with": [], "alone": []}
    for _ in range(ROUNDS):
        for side, kind in (("with", "jump"), ("alone", "alone")):
            with served(MBIT, 40.0) as url:
                raw[side].append(float(ours(kind, url)["first_exact_ms"]))
    value = statistics.median(raw["with"]) / statistics.median(raw["alone"])
    return value, "the slice on screen exact, everything else loading / alone; 40 ms", raw


@measured("web.wrong_slices", "", 0.0)
def wrong_slices() -> tuple[float, str, Raw]:
    with served(MBIT, 40.0, "--fail-every", "25") as url:
        sample = voxtide(url)
    pairs = zip(sample["sums"], manifest()["sums_every_7th"], strict=True)
    wrong = float(sum(a != b for a, b in pairs) + sample["failures"])
    return wrong, "every 25th frame request answered with 503: slices wrong or given up", {}


@measured("loopback.full_vs_folder", "ratio", 4.0)
def full_vs_folder() -> tuple[float, str, Raw]:
    folder = _as_files()
    raw: Raw = {"loopback": [], "folder": []}
    for _ in range(5):
        with served(0, 0) as url:
            raw["loopback"].append(float(voxtide(url)["full_ms"]))
        raw["folder"].append(float(voxtide(str(folder))["full_ms"]))
    value = statistics.median(raw["loopback"]) / statistics.median(raw["folder"])
    return value, "not shaped, server and program on the same cores / the same files", raw


def _as_files() -> Path:
    """Write the served series as DICOM files, once."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate

    man = manifest()
    folder = FOLDER / "web174-files"
    if (folder / "done").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    series = DATA / "studies" / man["study"] / "series" / man["series"]
    boundary = man["boundary"].encode()
    for number, header in enumerate(json.loads((series / "metadata.json").read_text("utf-8"))):
        header.pop("7FE00010")
        syntax = header.pop("00083002")["Value"][0]
        dataset = Dataset.from_json(header)
        body = (series / "instances" / dataset.SOPInstanceUID / "frames" / "1.mht").read_bytes()
        start = body.index(b"\r\n\r\n") + 4
        dataset.PixelData = encapsulate([body[start : body.rindex(b"\r\n--" + boundary)]])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.save_as(folder / f"{number:03}.dcm", enforce_file_format=True)
    (folder / "done").touch()
    return folder


@measured("jls.coverage_frames", "", 17.0)
def coverage_frames() -> tuple[float, str, Raw]:
    with tempfile.TemporaryDirectory() as folder, served(MBIT, 40.0) as url:
        options = Path(folder) / "retrieve.toml"
        options.write_text("[[retrieve]]\npartial = false\n", "utf-8")
        jls = re.sub("/dicomweb/", "/dicomweb-jls/", url)
        sample = ours("load", jls, {"VOXTIDE_RETRIEVE": str(options)})
    words = (
        "JPEG-LS without smaller copies: whole frames until every slice shows one at most 5 away"
    )
    return float(sample["coverage_frames"]), words, {}


FIGURES: dict[str, Measure] = {
    **_floor_figures(),
    "web40.own_vs_peer": own_vs_peer,
    "web40.window_vs_headless": window_vs_headless,
    "web.longest_block_ms": longest_block_ms,
    "web.bytes_vs_encoded": bytes_vs_encoded,
    "web.first_exact_round_trips": first_exact_round_trips,
    "web.first_slice_vs_alone": first_slice_vs_alone,
    "web.wrong_slices": wrong_slices,
    "loopback.full_vs_folder": full_vs_folder,
    "jls.coverage_frames": coverage_frames,
}
