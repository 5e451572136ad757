"""The commands `publish` and `serve`: a static DICOMweb tree, and a server for it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loading import Skipped
    from loading.publish import Published

# Said again here, so that a parser can be made without the engine; a test compares.
ENCODINGS = ("htj2k", "jls", "j2k", "as-is")
ALTERNATES = ("jhc", "jls", "jhcLossless", "jlsLossless")
_TOLD = 5
"""Names of files told one by one; more are counted."""


def add_publish(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe `voxtide publish`."""
    purpose = "write DICOM as a static DICOMweb tree"
    parser = commands.add_parser("publish", help=purpose, description=purpose)
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="folder, file or ZIP")
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder of the tree")
    parser.add_argument(
        "--encode", choices=ENCODINGS, default="htj2k", help="default: %(default)s, lossless"
    )
    parser.add_argument(
        "--alternate",
        choices=ALTERNATES,
        action=_NewAlternate,
        dest="alternates",
        default=[],
        help="write a second copy of each frame; may be repeated, with its own name each time",
    )
    parser.add_argument(
        "--alternate-name", action=_OfAlternate, dest="alternates", help="its folder (lossy)"
    )
    parser.add_argument(
        "--alternate-thumbnail",
        action=_OfAlternate,
        dest="alternates",
        nargs=0,
        help="make it four times smaller in rows and columns",
    )


def add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe `voxtide serve`."""
    purpose = "serve a static DICOMweb tree on this machine"
    parser = commands.add_parser("serve", help=purpose, description=purpose)
    parser.add_argument("root", metavar="DIR", help="folder that voxtide publish wrote")
    parser.add_argument("--port", type=int, default=8042, help="0: any (default: %(default)s)")
    parser.add_argument("--mbit", type=float, default=0, help="simulated line, megabits a second")
    parser.add_argument("--rtt-ms", type=float, default=0, help="simulated round trip")
    parser.add_argument(
        "--origin", action="append", default=[], help="web page that may read; * for any"
    )
    # for the demo: its child process makes the tree where there is none
    parser.add_argument("--publish", metavar="SOURCE", help=argparse.SUPPRESS)
    parser.add_argument("--until-input-ends", action="store_true", help=argparse.SUPPRESS)


def run_serve(options: argparse.Namespace) -> int:
    """Serve until interrupted; the address is the first line on standard output."""
    if not 0 <= options.port < 65536 or not options.mbit >= 0 or not options.rtt_ms >= 0:
        sys.stderr.write("voxtide: port, rate and round trip are numbers from 0\n")
        return 2
    from loading.publish import Recipe, publish
    from loading.serve import Settings, serve

    if options.publish and not (Path(options.root) / "studies" / "index.json.gz").exists():
        publish([options.publish], options.root, Recipe(None))
    settings = Settings(options.port, options.mbit, options.rtt_ms, tuple(options.origin))
    serve(
        options.root,
        settings,
        started=lambda address: print(address.url, flush=True),
        until_input_ends=options.until_input_ends,
    )
    return 0


class _NewAlternate(argparse.Action):
    """Begin another alternate."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), {"kind": values}])


class _OfAlternate(argparse.Action):
    """Say something about the alternate that was named last."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        known = getattr(namespace, self.dest)
        if not known:
            parser.error(f"{option_string} comes after the --alternate that it is for")
        known[-1][option_string] = values


def run_publish(options: argparse.Namespace) -> int:
    """Publish, with a bar where somebody watches; 1 when something could not be published."""
    from tqdm import tqdm

    from loading import Cancelled, publish
    from loading.memory import human_bytes

    recipe = publish.Recipe(
        publish.ENCODINGS[options.encode],
        tuple(
            publish.Alternate(
                one.get("--alternate-name", "lossy"),
                publish.ALTERNATES[one["kind"]],
                "--alternate-thumbnail" in one,
            )
            for one in options.alternates
        ),
    )
    with tqdm(
        desc="publishing", unit=" frames", leave=False, disable=not sys.stderr.isatty()
    ) as bar:

        def report(done: Published) -> None:
            bar.total = done.total or None
            if not done.total:
                bar.set_postfix_str(f"{done.files} headers read")
                return
            bar.set_postfix_str(f"{human_bytes(done.encoded)} written", refresh=False)
            bar.update(done.frames - bar.n)

        try:
            done = publish.publish(options.sources, options.output, recipe, progress=report)
        except KeyboardInterrupt:
            raise Cancelled(
                "Stopped", where=options.output, cure="Run the same again to go on"
            ) from None
    _tell(done, options.output)
    return 1 if done.failed else 0


def _tell(done: Published, root: str) -> None:
    from loading.memory import human_bytes

    say = sys.stderr.write
    ratio = f", {done.raw / done.encoded:.1f} : 1" if done.encoded else ""
    say(
        f"{root}: {done.instances} instances of {len(done.series)} series, {done.frames} frames, "
        f"{human_bytes(done.encoded)}{ratio}\n"
    )
    if done.kept:
        say(f"{done.kept} instances stay as they are: they are lossy or resist the encoding\n")
    for title, items in (("passed over", done.skipped), ("FAILED", done.failed)):
        _list(title, items)


def _list(title: str, items: Sequence[Skipped]) -> None:
    for one in items[:_TOLD]:
        sys.stderr.write(f"{title}: {one.path}: {one.reason}\n")
    if len(items) > _TOLD:
        sys.stderr.write(f"{title}: {len(items) - _TOLD} more\n")
