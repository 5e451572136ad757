"""Which loader opens what; plug-ins; what is told when nobody does."""

from __future__ import annotations

import pytest

import loading
from loading import registry
from loading.catalogue import Catalogue
from tests.helpers.array_source import ArraySource, make_spec


@pytest.fixture
def scheme():
    name = "voxtest"
    yield name
    registry._loaders.pop(name, None)


def catalogue_of(source):
    return lambda uris, progress, cancel: Catalogue(uris[0], volumes=(source.entry(),))


def test_register_look_up_unregister(scheme):
    """R1: by scheme; registering twice raises unless asked for."""
    first, second = (catalogue_of(ArraySource(make_spec())) for _ in range(2))
    registry.register(scheme, first)
    assert registry.loader_for("VoxTest:anything") is first
    with pytest.raises(ValueError, match="registered already"):
        registry.register(scheme, second)
    registry.register(scheme, second, replace=True)
    assert registry.loader_for(f"{scheme}:x") is second
    assert registry.unregister(scheme) is second
    with pytest.raises(loading.LoadError):
        registry.loader_for(f"{scheme}:x")


def test_unknown_scheme_asks_the_fallbacks_then_names_what_is_known():
    """R2: fallback sniffers, then an error that names the known schemes."""
    asked, loader = [], catalogue_of(ArraySource(make_spec()))

    def no(uri):
        asked.append(uri)

    def yes(uri):
        return loader if uri.endswith("known") else None

    registry.register_fallback(no)
    registry.register_fallback(yes)
    try:
        assert registry.loader_for("odd+scheme:known") is loader
        assert asked == ["odd+scheme:known"]
        with pytest.raises(loading.LoadError, match=r"Known are .*file:"):
            registry.loader_for("odd+scheme:other")
    finally:
        registry.unregister_fallback(no)
        registry.unregister_fallback(yes)


@pytest.mark.parametrize(
    ("uri", "scheme"),
    [
        (r"C:\data\series", "file"),
        ("c:/data", "file"),
        (r"\\host\share\series", "file"),
        ("/data/series", "file"),
        ("series:with colon"[6:], "file"),
        ("folder", "file"),
        ("file:///data", "file"),
        ("HTTPS://host/x", "https"),
        ("dicomweb+https://host", "dicomweb+https"),
    ],
)
def test_paths_are_files(uri, scheme):
    r"""R3: C:\data and \\host\share are files."""
    assert registry.scheme_of(uri) == scheme


def test_several_uris_of_several_schemes_become_one_catalogue(scheme, tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    registry.register(scheme, catalogue_of(ArraySource(make_spec())))
    found = registry.describe([f"{scheme}:x", str(tmp_path)])
    assert len(found.volumes) == 1
    assert [skipped.path for skipped in found.skipped]


def test_nothing_is_nothing():
    with pytest.raises(loading.NotFound):
        registry.describe([])
    with pytest.raises(loading.LoadError, match="nowhere"):
        registry.describe("/nowhere/at/all")
