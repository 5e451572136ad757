from datetime import date

import pytest

from app.logs import redact
from app.start_page import day_words
from app.status_words import (
    done_words,
    duration_words,
    headers_words,
    loading_words,
    middle_words,
    paused_words,
)
from loading import Progress


def progress(**changes):
    values = {"total": 480, "full": 149, "own": 149, "shown": 149, "failed": 0, "bytes_read": 0,
              "elapsed_s": 5.0, "remaining_s": 6.2}  # fmt: skip
    return Progress(**{**values, **changes})


def test_loading_says_what_is_on_the_screen():
    text = "149 of 480 slices complete, about 6 s"
    assert loading_words(progress(own=300)) == f"Reduced resolution; {text}"
    assert loading_words(progress(shown=480)) == f"Some slices are copies; {text}"
    assert loading_words(progress()) == text
    assert loading_words(progress(failed=2)) == "149 of 480 slices complete, 2 failed, about 6 s"


def test_a_slow_line_is_told_by_its_rate():
    far = {"bytes_read": 30_000_000, "elapsed_s": 20.0, "remaining_s": 230.0}
    words = "12 Mbit/s, about 4 min; the slices you look at come first"
    assert loading_words(progress(**far), is_line=True) == words
    assert loading_words(progress(**far, failed=2), is_line=True) == f"{words}, 2 failed"
    slow = progress(bytes_read=1_000_000, elapsed_s=20.0, remaining_s=9000.0)
    assert loading_words(slow, is_line=True).startswith("0.4 Mbit/s, about 2 h 30 min;")
    assert "Mbit" not in loading_words(progress(**far)), "a disk is no line"
    assert "Mbit" not in loading_words(progress(bytes_read=9, remaining_s=6.0), is_line=True)


def test_remaining_time_is_guessed_only_after_two_seconds():
    assert "about" not in loading_words(progress(elapsed_s=1.9))
    assert "about" not in loading_words(progress(remaining_s=None))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (59, "59 s"), (61, "1 min"), (230, "4 min"), (7500, "2 h 5 min")],
)
def test_no_seconds_above_one_minute(seconds, words):
    assert duration_words(seconds) == words


def test_pause_and_headers():
    assert paused_words(progress()) == "Paused at 149 of 480."
    assert headers_words(120, 480) == "reading headers, 120 of 480"
    assert headers_words(0, 0) == "reading headers"


def test_done_names_size_spacing_and_what_failed():
    import numpy as np

    from loading import Level, VolumeSpec

    affine = np.diag([0.7, 0.7, 1.0, 1.0])
    level = Level((480, 512, 512), affine, (1, 512, 512))
    spec = VolumeSpec("k", "Thorax", "CT", "HU", (level,), np.dtype(np.int16))
    assert done_words(spec) == "480 slices, 512 x 512, 0.70 x 0.70 x 1.00 mm, 252 MB"
    assert done_words(spec, 3).endswith("252 MB. 3 could not be read")
    fine = Level((40, 48, 56), np.diag([0.00065, 0.00065, 0.002, 1.0]), (1, 48, 56))
    spec = VolumeSpec("k", "Felt", "OT", "", (fine,), np.dtype(np.uint8))
    assert "0.00065 x 0.00065 x 0.002 mm" in done_words(spec)


def test_long_names_lose_their_middle():
    assert middle_words("short", 10) == "short"
    cut = middle_words("a-very-long-name-of-a-file.dcm", 15)
    assert len(cut) == 15
    assert cut.startswith("a-very-")
    assert cut.endswith("file.dcm"[-7:])


def test_days_are_named_as_people_do():
    today = date(2026, 11, 21)
    assert day_words(today, today) == "today"
    assert day_words(date(2026, 11, 20), today) == "yesterday"
    assert day_words(date(2026, 11, 17), today) == "4 days ago"
    assert "2026" in day_words(date(2026, 1, 5), today) or "26" in day_words(
        date(2026, 1, 5), today
    )


@pytest.mark.parametrize(
    ("text", "gone", "kept"),
    [
        ("series 1.2.840.113619.2.5.1762583153", "113619", "1762583153"),
        ("GET https://pacs.example/studies?PatientName=Miller", "Miller", "pacs.example"),
        ("https://user:secret@pacs.example/", "secret", "pacs.example"),
        ("Authorization: Bearer abc.def", "abc.def", "Authorization"),
    ],
)
def test_the_log_keeps_no_names_ids_or_tokens(text, gone, kept):
    assert gone not in redact(text)
    assert kept in redact(text)


def test_a_picture_has_no_third_spacing():
    import numpy as np

    from loading import Level, VolumeSpec, notice

    level = Level((1, 100, 200), np.diag([0.5, 0.5, 1.0, 1.0]), (1, 100, 200))
    spec = VolumeSpec("k", "", "DX", "", (level,), np.dtype(np.uint8))
    assert done_words(spec, is_flat=True) == "1 picture, 200 x 100, 0.50 x 0.50 mm, 20 kB"
    unknown = VolumeSpec(
        "k", "", "DX", "", (level,), np.dtype(np.uint8), warnings=(notice("no_spacing"),)
    )
    assert done_words(unknown, is_flat=True) == "1 picture, 200 x 100, 20 kB"
