"""What the status line says, as pure functions of numbers: no widget, no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.language import tr

if TYPE_CHECKING:
    from loading import Progress, VolumeSpec

REMAINING_AFTER_S = 2.0
"""No guess is made before: the first seconds say little about the rest."""


SLOW_S = 20.0
"""From here on it is the line that people wait for."""


def loading_words(progress: Progress, *, is_line: bool = False) -> str:
    """Say how far a load is: "Reduced resolution; 149 of 480 slices complete, about 6 s".

    Over a slow line: "12 Mbit/s, about 4 min; the slices you look at come first".
    """
    if is_line and progress.elapsed_s >= REMAINING_AFTER_S and (progress.remaining_s or 0) > SLOW_S:
        return _slow_words(progress, progress.remaining_s or 0)
    count = tr("{done} of {total} slices complete").format(done=progress.full, total=progress.total)
    if progress.own > progress.full:
        text = tr("Reduced resolution; {count}").format(count=count)
    elif progress.shown > progress.own:
        text = tr("Some slices are copies; {count}").format(count=count)
    else:
        text = count
    if progress.failed:
        text += tr(", {count} failed").format(count=progress.failed)
    if progress.remaining_s is not None and progress.elapsed_s >= REMAINING_AFTER_S:
        text += tr(", about {time}").format(time=duration_words(progress.remaining_s))
    return text


def _slow_words(progress: Progress, remaining_s: float) -> str:
    rate = 8e-6 * progress.bytes_read / progress.elapsed_s
    text = tr("{rate} Mbit/s, about {time}; the slices you look at come first").format(
        rate=f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}", time=duration_words(remaining_s)
    )
    return text + tr(", {count} failed").format(count=progress.failed) if progress.failed else text


def paused_words(progress: Progress) -> str:
    """Say where a load was stopped."""
    return tr("Paused at {done} of {total}.").format(done=progress.full, total=progress.total)


def done_words(spec: VolumeSpec, failed: int = 0, *, is_flat: bool = False) -> str:
    """Say what was loaded: "480 slices, 512 x 512, 0.70 x 0.70 x 1.00 mm, 252 MB".

    Flat pictures have no distance from one to the next, and perhaps none between pixels either.
    """
    planes, rows, columns = spec.shape_kji
    slices = planes - len(spec.absent)
    steps = spec.spacing_ijk_mm[:2] if is_flat else spec.spacing_ijk_mm
    one, more = tr("1 slice"), tr("{count} slices")
    if is_flat:
        one, more = tr("1 picture"), tr("{count} pictures")
    parts = [
        one if slices == 1 else more.format(count=slices),
        f"{columns} x {rows}",
        " x ".join(f"{step:.2f}" if step >= 0.1 else f"{step:.2g}" for step in steps) + " mm",
        size_words(spec.size_bytes),
    ]
    if any(told.code == "no_spacing" for told in spec.warnings):
        del parts[2]
    text = ", ".join(parts)
    if spec.time_points > 1:
        text = tr("{count} time points, ").format(count=spec.time_points) + text
    if failed:
        text += tr(". {count} could not be read").format(count=failed)
    return text


def headers_words(done: int, total: int) -> str:
    """Say how far the search for images is."""
    if total:
        return tr("reading headers, {done} of {total}").format(done=done, total=total)
    return tr("reading headers, {done}").format(done=done) if done else tr("reading headers")


def duration_words(seconds: float) -> str:
    """Write a time that is a guess: seconds below one minute, never above."""
    if seconds < 60:
        return tr("{count} s").format(count=max(1, round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 60:
        return tr("{count} min").format(count=minutes)
    return tr("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)


def size_words(count: float) -> str:
    """Write a number of bytes for people: 252 MB, 41 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return (
                f"{count:.0f} {unit}" if unit == "bytes" or count >= 10 else f"{count:.1f} {unit}"
            )
        count /= 1000
    return f"{count:.1f} TB"


def middle_words(text: str, length: int) -> str:
    """Shorten a name in its middle, so that both ends stay readable."""
    if len(text) <= length:
        return text
    head = (length - 1) // 2
    return f"{text[:head]}\u2026{text[len(text) - (length - 1 - head) :]}"
