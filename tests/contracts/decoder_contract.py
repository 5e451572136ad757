"""What every decoder must do; a new one subclasses `DecoderContract` and says how to encode."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from loading import codecs
from loading.codecs import registry
from loading.errors import CorruptFrame, LoadError


class DecoderContract:
    """Inherit, and give `syntax`, `library` (a row of the registry) and `encode`."""

    syntax: str
    library: str

    def encode(self, pixels: np.ndarray) -> bytes:
        raise AssertionError("say how a frame is encoded")

    @pytest.fixture
    def only_this_library(self, monkeypatch):
        family = registry.SYNTAX_FAMILY[self.syntax]
        rows = [r for r in registry.ROWS if r.family == family and r.library == self.library]
        assert rows, "the registry has no such row"
        monkeypatch.setattr(registry, "ROWS", rows)

    @pytest.fixture
    def pixels(self):
        y, x = np.mgrid[0:45, 0:61]
        noise = np.random.default_rng(8).normal(0, 20, (45, 61))
        return np.clip(900 + 500 * np.sin(x / 9) * np.cos(y / 7) + noise, 0, 4095).astype(np.uint16)

    def decode(self, data, pixels):
        out = np.full(pixels.shape, 31, pixels.dtype)
        return out, codecs.decode(self.syntax, data, self.expected(pixels), out)

    def expected(self, pixels, **changes):
        facts = {
            "rows": pixels.shape[0],
            "columns": pixels.shape[1],
            "samples": 1,
            "allocated": pixels.dtype.itemsize * 8,
            "stored": 12 if pixels.dtype.itemsize > 1 else 8,
            "signed": False,
        }
        return codecs.Expected(**{**facts, **changes})

    @pytest.mark.usefixtures("only_this_library")
    def test_what_was_encoded_comes_back(self, pixels):
        out, facts = self.decode(self.encode(pixels), pixels)
        assert np.array_equal(out, pixels)
        assert not facts.lossy

    @pytest.mark.usefixtures("only_this_library")
    def test_bytes_as_well(self, pixels):
        pixels = (pixels >> 4).astype(np.uint8)
        out, _ = self.decode(self.encode(pixels), pixels)
        assert np.array_equal(out, pixels)

    @pytest.mark.usefixtures("only_this_library")
    def test_four_threads_at_once(self, pixels):
        pictures = [np.roll(pixels, n, axis=1) for n in range(12)]
        data = [self.encode(picture) for picture in pictures]
        with ThreadPoolExecutor(4) as pool:
            decoded = list(pool.map(lambda n: self.decode(data[n], pictures[n])[0], range(12)))
        assert all(map(np.array_equal, decoded, pictures))

    @pytest.mark.usefixtures("only_this_library")
    @pytest.mark.parametrize("twentieth", range(20))
    def test_a_cut_frame_is_refused(self, pixels, twentieth):
        """E3: never a picture of half the bytes."""
        data = self.encode(pixels)
        with pytest.raises(LoadError):
            self.decode(data[: len(data) * twentieth // 20], pixels)

    @pytest.mark.usefixtures("only_this_library")
    @pytest.mark.parametrize("rubbish", [b"", b"\0" * 100, b"<html>sign in</html>" * 9])
    def test_rubbish_is_refused(self, pixels, rubbish):
        with pytest.raises(CorruptFrame):
            self.decode(rubbish, pixels)

    @pytest.mark.parametrize("changes", [{"rows": 44}, {"columns": 30_000}, {"samples": 3}])
    def test_another_picture_than_promised_is_refused(self, pixels, changes):
        """Size and samples are held against the header before a library sees the bytes."""
        with pytest.raises(CorruptFrame):
            codecs.inspect(self.syntax, self.encode(pixels), self.expected(pixels, **changes))
