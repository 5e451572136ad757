"""Put the figures of build/bench.json into docs/performance.md, between its two marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def write_figures(report: dict[str, Any], page: Path) -> None:
    """Replace what stands between the marks by the table of a report."""
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{page} has no marks {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{_table(report)}{END}{after}", "utf-8")


def _table(report: dict[str, Any]) -> str:
    load = report["load_average"]
    lines = [
        f"{report['cores']} cores, software OpenGL, Python {report['python']}, "
        f"{report['system']}; load average {load['before'][0]:.1f} before, "
        f"{load['after'][0]:.1f} after.",
        "",
        "| figure | value | bar | |",
        "| --- | ---: | ---: | --- |",
    ]
    lines += [_row(figure) for figure in report["figures"]]
    return "\n".join(lines) + "\n"


def _row(figure: dict[str, Any]) -> str:
    is_ratio = figure["unit"] == "ratio"
    value = f"{figure['value']:.3f}" if is_ratio else f"{figure['value']:.1f} {figure['unit']}"
    bar = "" if figure["bar"] is None else f"{figure['bar']:g}"
    word = {True: "holds", False: "**missed**", None: ""}[figure["holds"]]
    if figure["how"].startswith("VOID"):
        word = "void, see its row in the file"
    return f"| `{figure['name']}` | {value} | {bar} | {word} |"
