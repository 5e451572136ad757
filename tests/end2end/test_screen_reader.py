"""The real program, seen over AT-SPI: what can be reached has a name and a role."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.screen_reader import CHECKED, FOCUSABLE, SHOWING, screen_reader, what_lacks

ROOT = Path(__file__).resolve().parents[2]
MEANINGLESS = {"filler", "unknown", "invalid", "panel"}


@pytest.mark.skipif(bool(what_lacks()), reason=what_lacks())
def test_everything_that_takes_keys_says_what_it_is(display, tmp_path):
    homes = {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "STATE", "CACHE")}
    homes["XDG_RUNTIME_DIR"] = str(tmp_path)
    with screen_reader(homes) as (reader, environment):
        command = [sys.executable, "-m", "app", "demo", "--new-window", "--software-gl"]
        program = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            nodes = reader.wait_for("T1, average of 27, 181 MR")
            reached = [n for n in nodes if {FOCUSABLE, SHOWING} <= n.states]
            nameless = [n for n in reached if not n.name.strip() or n.role in MEANINGLESS]
            assert not [(n.role, n.name) for n in nameless]
            roles = {node.name: node.role for node in reached}
            assert roles["Axial view"] == roles["3D view"] == "graphic"
            assert roles["T1, average of 27, 181 MR"] == "list item"
            assert roles["Shift along the values"] == "slider"
            assert len(reached) > 25

            def crosshair():
                return next(
                    n for n in reader.nodes() if n.name == "Crosshair" and SHOWING in n.states
                )

            box = crosshair()
            assert CHECKED in box.states
            box.do()
            assert CHECKED not in crosshair().states
        finally:
            program.terminate()
            program.wait(timeout=20)
