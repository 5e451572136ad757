"""Figures of publishing."""

from __future__ import annotations

from tests.bench.data import folder_of
from tests.bench.figures import Figure, Measure, columns, ratio_of_medians
from tests.bench.subjects import in_turn, ours, peer


def publish_vs_bare_loop() -> Figure:
    folder, warm_up = folder_of("raw500"), folder_of("tiny_raw")
    samples = in_turn(
        {
            "voxtide": ours("our_publish", folder, warm_up),
            "floor": peer("htj2k_encode_loop.py", folder, 512, 512),
        }
    )
    raw = columns(samples, voxtide="ms", floor="ms")
    return Figure(
        "publish.vs_bare_loop",
        ratio_of_medians(raw["voxtide"], raw["floor"]),
        "ratio",
        1.2,
        "500 raw slices into a new tree in memory, with headers, files, lists / imagecodecs "
        "encoding and decoding back what is in memory, on all cores; medians of 5, in turn",
        raw,
    )


FIGURES: dict[str, Measure] = {"publish.vs_bare_loop": publish_vs_bare_loop}
