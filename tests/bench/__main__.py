"""Measure, print a table, write build/bench.json: `make bench`, or `python -m tests.bench`.

python -m tests.bench --list
python -m tests.bench --only folder htj2k.vs_bare_loop
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench import (
    feel_figures,
    file_figures,
    format_figures,
    publish_figures,
    start_figures,
    web_figures,
    window_figures,
)
from tests.bench.data import ROOT
from tests.bench.document import write_figures
from tests.bench.figures import Figure, Measure

OUTPUT = ROOT / "build" / "bench.json"
PAGE = ROOT / "docs" / "performance.md"
FIGURES: dict[str, Measure] = {
    **file_figures.FIGURES,
    **format_figures.FIGURES,
    **publish_figures.FIGURES,
    **web_figures.FIGURES,
    **window_figures.FIGURES,
    **feel_figures.FIGURES,
    **start_figures.FIGURES,
}


def chosen(words: Sequence[str]) -> dict[str, Measure]:
    """Give the figures that are named, whole or up to a dot; all when none is."""
    unknown = [w for w in words if not any(n == w or n.startswith(f"{w}.") for n in FIGURES)]
    if unknown:
        raise SystemExit(f"no figure {unknown[0]!r}; --list names them")
    return {
        name: measure
        for name, measure in FIGURES.items()
        if not words or any(name == w or name.startswith(f"{w}.") for w in words)
    }


def row(figure: Figure) -> str:
    """Write one line of the table."""
    bar = "-" if figure.bar is None else f"{'>=' if figure.at_least else '<='} {figure.bar:g}"
    word = {True: "holds", False: "MISSED", None: "void" if figure.void else ""}[figure.holds]
    return f"{figure.name:32} {figure.value:10.3f} {figure.unit:6} {bar:>8}  {word}"


def report(figures: Sequence[Figure], loads: dict[str, Sequence[float]]) -> dict[str, Any]:
    """Make what is written to the file."""
    return {
        "figures": [
            {
                "name": f.name,
                "value": f.value,
                "unit": f.unit,
                "bar": f.bar,
                "holds": f.holds,
                "how": f.told,
            }
            for f in figures
        ],
        "raw": {f.name: f.raw for f in figures},
        "cores": os.cpu_count(),
        "load_average": {when: list(load) for when, load in loads.items()},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="whole or up to a dot"
    )
    parser.add_argument("--list", action="store_true", help="name the figures and stop")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FILE")
    parser.add_argument("--display", default="", metavar="NAME", help="instead of a virtual one")
    parser.add_argument(
        "--document", action="store_true", help="put the figures into docs/performance.md as well"
    )
    options = parser.parse_args()
    window_figures.use_display(options.display)
    measures = chosen(options.only)
    if options.list:
        print("\n".join(measures))
        return 0
    loads: dict[str, Sequence[float]] = {"before": os.getloadavg()}
    figures: list[Figure] = []
    for name, measure in measures.items():
        try:
            figure = measure()
        except Exception:
            print(f"{name}: could not be measured", file=sys.stderr)
            traceback.print_exc()
            continue
        figures.append(figure)
        print(row(figure), flush=True)
    window_figures.close_display()
    loads["after"] = os.getloadavg()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    measured = report(figures, loads)
    options.output.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")
    if options.document:
        write_figures(measured, PAGE)
    print(
        f"{options.output}  cores {os.cpu_count()}  load {loads['before'][0]:.2f} before, "
        f"{loads['after'][0]:.2f} after"
    )
    return 0 if len(figures) == len(measures) else 1


if __name__ == "__main__":
    sys.exit(main())
