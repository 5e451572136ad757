"""Killed, damaged, repeated, added to: a tree ends as if it had been written in one go."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loading import Cancelled, LoadError, SourceError
from loading.publish import Alternate, Recipe, publish
from loading.publish.recipe import ALTERNATES
from loading.publish.tree import UNFINISHED, Tree
from loading.sources.base import CancelToken
from tests.helpers.dicom_series import phantom, write_series
from tests.helpers.published import files, read_json, value

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ("--alternate", "jhc", "--alternate", "jls", "--alternate-name", "jlsThumbnail",
          "--alternate-thumbnail")  # fmt: skip


def start(source: Path, tree: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "app.cli", "publish", source, "-o", tree, *RECIPE]
    return subprocess.Popen(list(map(str, command)), cwd=ROOT, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("series")
    write_series(folder, phantom((40, 160, 144)))
    return folder


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory) -> dict[str, bytes]:
    tree = tmp_path_factory.mktemp("whole") / "tree"
    with start(source, tree) as process:
        assert process.wait(180) == 0
    return files(tree)


def test_killed_at_any_time_it_goes_on_to_the_same_bytes(source, whole, tmp_path):
    """kill -9 after some frames, several times; each frame that is there is whole."""
    tree = tmp_path / "tree"
    for wanted in (1, 12, 45, 90, 118):
        process = start(source, tree)
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            if sum(1 for _ in tree.glob("studies/*/series/*/instances/*/*/*.mht")) >= wanted:
                break
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        there = {name: data for name, data in files(tree).items() if UNFINISHED not in name}
        assert {name for name in there if there[name] != whole.get(name)} == set()
    assert start(source, tree).wait(180) == 0
    assert files(tree) == whole


def test_damage_is_mended_and_nothing_else_is_touched(source, whole, tmp_path):
    """A frame cut short, one of another slice in its place, a list that is no JSON, a stray."""
    tree = tmp_path / "tree"
    for name, data in whole.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(data)
    frames = sorted(tree.glob("studies/*/series/*/instances/*/frames/1.mht"))
    frames[0].write_bytes(frames[0].read_bytes()[:-700])
    shutil.copy(frames[1], frames[2])
    (metadata,) = tree.glob("studies/*/series/*/metadata.gz")
    metadata.write_bytes(b"\x1f\x8bno")
    (tree / UNFINISHED).mkdir()
    (tree / UNFINISHED / "7").write_bytes(b"half")
    good = frames[3].stat().st_mtime_ns
    assert start(source, tree).wait(180) == 0
    assert files(tree) == whole
    assert frames[3].stat().st_mtime_ns == good, "what proves right is not written again"


def test_series_are_added_beside_those_that_are_there(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    write_series(one, phantom((3, 20, 16)), StudyInstanceUID="1.2.3", StudyDate="20240101")
    write_series(other, phantom((2, 20, 16)), StudyInstanceUID="1.2.3", SeriesNumber=2)
    publish([str(one)], tmp_path / "by turns")
    publish([str(other)], tmp_path / "by turns")
    publish([str(one), str(other)], tmp_path / "at once")
    assert files(tmp_path / "by turns") == files(tmp_path / "at once")


def test_slices_are_added_to_a_series(tmp_path):
    paths = write_series(tmp_path / "in", phantom((5, 20, 16)), SeriesNumber=4)
    tree = tmp_path / "tree"
    publish([str(path) for path in paths[3:]], tree)
    publish([str(path) for path in paths[:3]], tree)
    (metadata,) = tree.glob("studies/*/series/*/metadata.gz")
    assert [value(one, "00200013") for one in read_json(metadata)] == [1, 2, 3, 4, 5]
    (study,) = read_json(tree / "studies" / "index.json.gz")
    assert value(study, "00201208") == 5


def test_another_recipe_replaces_what_the_last_one_wrote(tmp_path):
    stored = phantom((2, 40, 32))
    write_series(tmp_path / "in", stored)
    tree, fresh = tmp_path / "tree", tmp_path / "fresh"
    for kind in ("jhc", "jls"):
        recipe = Recipe(None, (Alternate("lossy", ALTERNATES[kind]),))
        publish([str(tmp_path / "in")], tree, recipe)
    publish([str(tmp_path / "in")], fresh, recipe)
    assert files(tree) == files(fresh)


def test_one_publisher_at_a_time(tmp_path):
    tree = Tree(tmp_path / "tree")
    write_series(tmp_path / "in", phantom((1, 8, 8)))
    with tree.writing(), pytest.raises(LoadError, match="Another process is publishing there"):
        publish([str(tmp_path / "in")], tree.root)
    publish([str(tmp_path / "in")], tree.root)


def test_stopping_leaves_what_can_be_gone_on_with(tmp_path):
    write_series(tmp_path / "in", phantom((30, 64, 48)))
    cancel = CancelToken()

    def stop(done):
        if done.frames > 5:
            cancel.cancel()

    tree, fresh = tmp_path / "tree", tmp_path / "fresh"
    with pytest.raises(Cancelled):
        publish([str(tmp_path / "in")], tree, progress=stop, cancel=cancel)
    assert not list(tree.rglob("index.json.gz")), "no list names what is not there"
    publish([str(tmp_path / "in")], tree)
    publish([str(tmp_path / "in")], fresh)
    assert files(tree) == files(fresh)


def test_a_full_disk_is_told_and_nothing_half_is_left(tmp_path, monkeypatch):
    """The tenth file does not fit any more."""
    write_series(tmp_path / "in", phantom((12, 32, 24)))
    write, count = Tree.write, iter(range(1000))

    def short(self, path, *parts):
        if next(count) == 10:
            raise OSError(28, "No space left on device", str(path))
        write(self, path, *parts)

    with monkeypatch.context() as patch:
        patch.setattr(Tree, "write", short)
        with pytest.raises(SourceError, match="No space left on device"):
            publish([str(tmp_path / "in")], tmp_path / "tree")
    there = files(tmp_path / "tree")
    publish([str(tmp_path / "in")], tmp_path / "tree")
    after = files(tmp_path / "tree")
    assert {name for name in there if there[name] != after[name]} == set()


def test_all_cores_give_the_same_bytes_as_one(tmp_path):
    write_series(tmp_path / "in", phantom((9, 32, 24)))
    for count in (1, 5):
        publish([str(tmp_path / "in")], tmp_path / str(count), worker_count=count)
    assert files(tmp_path / "1") == files(tmp_path / "5")
