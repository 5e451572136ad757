"""The demo: published, served behind a line, opened by its address; from its folder if need be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import loading
from app import demo
from loading.web import frame_cache

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "resources" / "demo" / "colin27"


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Give a demo's server of its own, with an empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    one = demo.DemoServer()
    monkeypatch.setattr(demo, "server", one)
    demo.register()
    yield one
    one.end()
    loading.registry.unregister(demo.SCHEME)


def codes(catalogue: loading.Catalogue) -> list[str]:
    return [one.code for one in catalogue.warnings]


def test_the_demo_comes_over_the_line_and_is_the_head(server, tmp_path):
    """Y4: the same voxels and places as in the folder; the second time nothing is published."""
    frame_cache.use(frame_cache.FrameCache(tmp_path / "frames", 1 << 30))
    try:
        catalogue = loading.describe(demo.URI)
        assert catalogue.uri.startswith("http://127.0.0.1:")
        assert codes(catalogue) == []
        volume = loading.open_entry(catalogue.volumes[0])
        assert volume.wait(60) is loading.LoadState.COMPLETE
    finally:
        frame_cache.use(None)
    assert not list(tmp_path.rglob("*.frame")), "a server that goes is not kept on the disk"
    with loading.open_entry(loading.describe(str(FOLDER)).volumes[0]) as folder, volume:
        folder.wait(60)
        np.testing.assert_array_equal(volume.array, folder.array)
        np.testing.assert_allclose(volume.spec.affine_lps, folder.spec.affine_lps)
    (tree,) = (tmp_path / "cache").glob("voxtide/demo/*/studies")
    before = {path: path.stat().st_mtime_ns for path in tree.rglob("*")}
    server.end()
    assert codes(loading.describe(demo.URI)) == []
    assert {path: path.stat().st_mtime_ns for path in tree.rglob("*")} == before


def test_where_nothing_can_be_kept_the_folder_is_opened(server, monkeypatch, tmp_path):
    """A cache folder that is a file: the head is there all the same, and the reason is told."""
    (tmp_path / "cache").write_text("no folder")
    catalogue = loading.describe(demo.URI)
    assert catalogue.uri == str(FOLDER)
    assert codes(catalogue) == ["demo_from_folder"]
    assert "cannot be written" in catalogue.warnings[0].message


@pytest.mark.parametrize("command", [["false"], ["/nowhere/voxtide"], ["echo", "not an address"]])
def test_where_no_server_starts_the_folder_is_opened(server, monkeypatch, command):
    def start():
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    monkeypatch.setattr(demo, "_start", start)
    catalogue = loading.describe(demo.URI)
    assert codes(catalogue) == ["demo_from_folder"]
    assert catalogue.volumes[0].spec.shape_kji[0] == 181


def test_a_demo_that_is_cancelled_stops(server, monkeypatch):
    def start():
        return subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                text=True)  # fmt: skip

    monkeypatch.setattr(demo, "_start", start)
    cancel = loading.CancelToken()
    cancel.cancel()
    with pytest.raises(loading.Cancelled):
        loading.describe(demo.URI, cancel=cancel)


def test_the_server_ends_with_the_program(tmp_path):
    """Even with a program that is killed: nothing goes on serving behind its back."""
    script = (
        "import os, signal, loading; from app import demo; demo.register();"
        "loading.describe(demo.URI); print(demo.server._process.pid, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    child = int(done.stdout)
    for _ in range(200):
        if not Path(f"/proc/{child}").exists() or "Z" in _state(child):
            return
        subprocess.run(["sleep", "0.1"], check=True)
    pytest.fail("the server goes on")


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
