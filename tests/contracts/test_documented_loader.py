"""The loader of docs/adding-a-loader.md is executed, and keeps the contract of sources."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import loading
from tests.contracts.source_contract import SourceContract

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding-a-loader.md"


@pytest.fixture(scope="module")
def loader():
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    names: dict[str, object] = {}
    exec(compile(code.group(1), str(PAGE), "exec"), names)
    yield names["describe"]
    loading.registry.unregister("npy")


@pytest.fixture
def voxels():
    return np.random.default_rng(3).integers(-500, 500, (7, 6, 5)).astype(np.int16)


@pytest.fixture
def uri(tmp_path, voxels):
    path = tmp_path / "felt.npy"
    np.save(path, voxels)
    return f"npy:{path}"


@pytest.mark.usefixtures("loader")
def test_the_documented_loader_opens_a_file(uri, voxels):
    with loading.open_volume(uri) as volume:
        assert volume.wait(10) is loading.LoadState.COMPLETE
        assert np.array_equal(volume.array, voxels)


@pytest.mark.usefixtures("loader")
def test_its_errors_are_load_errors():
    with pytest.raises(loading.NotFound, match="Not a NumPy file"):
        loading.open_volume("npy:/not/there.npy")


def test_an_installed_plugin_is_found(monkeypatch, uri, voxels, loader):
    """Third parties add loaders through the entry-point group `voxtide.loaders`."""
    import importlib.metadata

    class Entry:
        name = "npytest"

        def load(self):
            return lambda uris, progress, cancel: loader(
                [u.replace("npytest:", "npy:") for u in uris], progress, cancel
            )

    def entry_points(group):
        return [Entry()] if group == "voxtide.loaders" else []

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    try:
        with loading.open_volume(uri.replace("npy:", "npytest:")) as volume:
            volume.wait(10)
            assert np.array_equal(volume.array, voxels)
    finally:
        loading.registry.unregister("npytest")


@pytest.mark.usefixtures("loader")
class TestDocumentedSource(SourceContract):
    @pytest.fixture
    def entry(self, uri):
        return loading.describe(uri).volumes[0]

    @pytest.fixture
    def expected(self, voxels):
        return voxels

    @pytest.fixture
    def truncated(self, tmp_path, uri):
        whole = Path(uri.removeprefix("npy:")).read_bytes()

        def cut(share):
            path = tmp_path / "cut.npy"
            path.write_bytes(whole[: int(len(whole) * share)])
            return loading.describe(f"npy:{path}").volumes[0]

        return cut
