"""The disk cache of frames: bounded, whole files only, nothing confidential in its names."""

import os
import stat
import threading

import pytest

from loading.web.frame_cache import CachedFrame, FrameCache

URL = "https://pacs.example/dicom-web/studies/1.2.3/series/4.5.6/instances/7.8.9/frames/1"
FRAME = CachedFrame(b"\xff\x4f" + bytes(2000), "1.2.840.10008.1.2.4.201", '"e1"')


@pytest.fixture
def cache(tmp_path):
    return FrameCache(tmp_path / "frames", 1_000_000)


def files(cache):
    return sorted(path for path in cache.folder.rglob("*.frame"))


def test_a_frame_comes_back_as_it_was_kept_also_for_another_process(cache):
    assert cache.get(URL) is None
    cache.put(URL, FRAME)
    assert cache.get(URL) == FRAME
    assert FrameCache(cache.folder, 1_000_000).get(URL) == FRAME


def test_a_frame_of_another_version_is_not_given(cache):
    cache.put(URL, FRAME, "metadata 1")
    assert cache.get(URL, "metadata 2") is None
    assert cache.get(URL, "metadata 1") == FRAME


def test_the_limit_holds_after_every_frame(cache):
    cache.limit_bytes = 40_000
    for n in range(40):
        cache.put(f"{URL}?{n}", FRAME)
        assert sum(path.stat().st_size for path in files(cache)) <= 40_000
    assert cache.get(f"{URL}?39") == FRAME
    assert cache.get(f"{URL}?3") is None
    assert cache.size_bytes == sum(path.stat().st_size for path in files(cache))


def test_a_frame_in_use_outlives_older_ones(cache):
    for n in range(8):
        cache.put(f"{URL}?{n}", FRAME)
    for n, path in enumerate(files(cache)):
        os.utime(path, (1000 + n, 1000 + n))
    assert cache.get(f"{URL}?5") == FRAME
    cache.limit_bytes = 9000
    cache.put(f"{URL}?8", FRAME)
    assert cache.get(f"{URL}?5") == FRAME
    assert cache.get(f"{URL}?8") == FRAME
    assert len(files(cache)) <= 4


def test_names_and_folder_keep_to_themselves_what_they_hold(cache, tmp_path):
    cache.put(URL, FRAME)
    other = FrameCache(tmp_path / "elsewhere", 1_000_000)
    other.put(URL, FRAME)
    (mine,), (others,) = files(cache), files(other)
    assert mine.name != others.name  # nobody can tell by a list of names what was looked at
    for path in cache.folder.rglob("*"):
        assert not any(part in path.name for part in ("pacs", "1.2.3", "4.5.6", "7.8.9"))
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700
    assert b"pacs.example" not in mine.read_bytes()


def test_what_was_damaged_is_thrown_away(cache):
    cache.put(URL, FRAME)
    (path,) = files(cache)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-1] ^= 1
    for damaged in (whole[:-1], bytes(flipped), b"", b"{}\n", b"[]\n", b"no json", whole + b"x"):
        path.write_bytes(damaged)
        assert cache.get(URL) is None
        assert not path.exists()
        cache.put(URL, FRAME)
        assert cache.get(URL) == FRAME


def test_too_large_a_frame_is_not_kept(cache):
    cache.put(URL, CachedFrame(bytes(300_000)))
    assert cache.get(URL) is None


def test_clearing_leaves_nothing_and_the_cache_goes_on(cache):
    cache.put(URL, FRAME)
    second = FrameCache(cache.folder, 1_000_000)
    assert second.get(URL) == FRAME
    cache.clear()
    assert not cache.folder.exists()
    assert cache.size_bytes == 0
    second.put(URL, FRAME)  # its folder went: it says nothing and goes on with the next frame
    assert second.trouble == ""
    second.put(URL, FRAME)
    assert second.get(URL) == FRAME


def test_a_disk_that_refuses_is_told_once_and_is_no_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = FrameCache(tmp_path / "file" / "frames", 1_000_000)
    cache.put(URL, FRAME)
    assert cache.trouble.startswith("Frames are not kept on the disk: ")
    assert cache.get(URL) is None


def test_several_threads_keep_and_read_at_once(cache):
    cache.limit_bytes = 60_000
    wrong = []

    def work(who):
        for n in range(40):
            frame = CachedFrame(bytes([n]) * 3000)
            cache.put(f"{URL}?{n}", frame)
            found = cache.get(f"{URL}?{n}")
            if found is not None and found != frame:
                wrong.append((who, n))

    threads = [threading.Thread(target=work, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, cache.trouble) == ([], "")
    assert list(cache.folder.rglob("*.part")) == []
    assert sum(path.stat().st_size for path in files(cache)) <= 60_000
