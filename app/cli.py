"""The command line: parses, dispatches, and turns errors into one line and a status.

`info`, `probe`, `load` and `export` import the engine only; Qt and VTK are imported when a window
or a picture is asked for. JSON goes to standard output in one line, everything else to standard
error. Exit status: 0 something was opened, 1 nothing could be, 2 wrong usage.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

VERSION = "0.1.0"
SWITCH_S = 0.5e-3
"""How long a thread may keep the interpreter from others. With the usual 5 ms a line stands idle
while its one thread waits for two that decode: coverage over 30 Mbit/s came 1.5 times later."""
COMMANDS = ("info", "probe", "load", "snapshot", "export", "publish", "serve", "demo")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; `arguments` are those after its name, by default the process's own."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.setswitchinterval(SWITCH_S)
    if words[:1] == ["--decode-apart"]:
        from loading.codecs import child

        child.main()
        return 0
    if not any(word.startswith("-") or word in COMMANDS for word in words):
        # a double click: the window is on the screen before argparse would have been imported
        from app.main import run_window

        return run_window(words)
    # a name that the terminal's encoding does not have must not end the listing
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    import logging

    # what decoders and libraries would print belongs into the log, not among the results
    logging.basicConfig(level=logging.CRITICAL)
    if words == ["--self-test"]:
        from app import self_test

        return self_test.run()
    if words[0] not in (*COMMANDS, "-h", "--help"):
        return _open_window(_window_parser().parse_args(words))
    options = _parser().parse_args(words)
    if options.command == "demo":
        return _open_demo(options)
    return _run(options)


def _run(options: argparse.Namespace) -> int:
    """Run a command that prints; a LoadError becomes one line, and JSON where asked for."""
    import json

    import loading
    from app import cli_reports, cli_web

    commands = {
        "info": cli_reports.info,
        "probe": cli_reports.probe,
        "load": cli_reports.load,
        "export": cli_reports.export,
        "snapshot": cli_reports.snapshot,
        "publish": cli_web.run_publish,
        "serve": cli_web.run_serve,
    }
    if ":" in str(getattr(options, "uri", "")):
        _look_into_keyring()
    try:
        return commands[options.command](options)
    except loading.LoadError as error:
        print(f"voxtide: {error}", file=sys.stderr)
        if getattr(options, "json", False):
            report = cli_reports.empty_report(error) if options.command == "info" else {}
            print(json.dumps({**report, "error": str(error)}))
        return 1
    except KeyboardInterrupt:
        print("voxtide: stopped", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1


def _look_into_keyring() -> None:
    """Let servers be given the sign-ins that the window has kept; nobody is asked here."""
    from app.keyring_vault import KeyringVault
    from loading.web.credentials import credentials

    credentials.vault = KeyringVault()


def _parser() -> argparse.ArgumentParser:
    from app import cli_web
    from app.cli_parser import OneLineParser

    parser: argparse.ArgumentParser = OneLineParser(
        prog="voxtide",
        description="Drop a folder, see the volume. Without a command: voxtide [URI ...] opens the "
        "window.",
        epilog="Not a medical device.",
    )
    parser.add_argument("--version", action="version", version=f"voxtide {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    info = _command(commands, "info", "say what is there, from metadata")
    info.add_argument("--checksum", action="store_true", help="hash the values of each volume")
    probe = _command(commands, "probe", "give the value at points in space")
    probe.add_argument(
        "--lps",
        nargs=3,
        type=float,
        action="append",
        required=True,
        metavar=("X", "Y", "Z"),
        help="a point in LPS millimetres; may be repeated",
    )
    load = _command(commands, "load", "load a volume and print when it reached what")
    load.add_argument("--checksum", action="store_true", help="hash the loaded values")
    load.add_argument("--plan", default="coarse_first", help="order of loading")
    snapshot = _command(commands, "snapshot", "render a picture without a window", has_json=False)
    snapshot.add_argument("-o", "--output", required=True, help="PNG file")
    snapshot.add_argument("--size", default="1280x960", help="WIDTHxHEIGHT in pixels")
    snapshot.add_argument("--layout", default="four_up")
    snapshot.add_argument("--at", choices=("complete", "first", "coverage"), default="complete")
    export = _command(commands, "export", "write NIfTI or NRRD", has_json=False)
    export.add_argument("-o", "--output", required=True, help="file ending in .nii.gz or .nrrd")
    for which in (probe, load, snapshot, export):
        which.add_argument("--volume", help="number or label; see info")
        which.add_argument("--time", type=int, help="time point, from 0")
    cli_web.add_publish(commands)
    cli_web.add_serve(commands)
    demo = commands.add_parser("demo", help="open the window on the built-in head")
    _add_window_options(demo)
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    purpose: str,
    *,
    has_json: bool = True,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=purpose, description=purpose)
    parser.add_argument("uri", help="folder, file, ZIP or address")
    if has_json:
        parser.add_argument("--json", action="store_true", help="one line of JSON")
    return parser


def _window_parser() -> argparse.ArgumentParser:
    from app.cli_parser import OneLineParser

    parser: argparse.ArgumentParser = OneLineParser(prog="voxtide", description="Open the window.")
    parser.add_argument("--version", action="version", version=f"voxtide {VERSION}")
    parser.add_argument("uris", nargs="*", metavar="URI", help="folder, file, ZIP or address")
    parser.add_argument(
        "--self-test",
        action="store_true",
        help="decode a sample of every format, draw a picture, tell what fails",
    )
    _add_window_options(parser)
    return parser


def _add_window_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--new-window", action="store_true", help="open a window of its own beside the one there is"
    )
    parser.add_argument("--software-gl", action="store_true", help="draw without the graphics card")
    parser.add_argument(
        "--screenshot", metavar="FILE", help="save the window once everything is there, then quit"
    )


def _open_window(options: argparse.Namespace) -> int:
    from app.main import run_window

    return run_window(
        options.uris,
        software_gl=options.software_gl,
        screenshot=options.screenshot,
        new_window=options.new_window,
    )


def _open_demo(options: argparse.Namespace) -> int:
    from app import demo

    demo.server.begin()  # beside all that the window needs
    options.uris = [demo.URI]
    return _open_window(options)


if __name__ == "__main__":
    sys.exit(main())
