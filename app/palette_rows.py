"""Rows of the palette that are no commands: series, recent items, and answers to what was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.language import tr
from app.search import Hit, parse_slice, parse_window

if TYPE_CHECKING:
    from app.main_window import MainWindow

_TAG_LIMIT = 60


def gather(window: MainWindow) -> list[Hit]:
    """Give every row there is: commands, series, recent items."""
    rows = window.commands.hits()
    for entry in window.session.entries:
        rows.append(
            Hit(
                key=f"series:{entry.spec.key}",
                title=entry.spec.label or tr("Series"),
                path=f"{tr('Series')}, {entry.spec.shape_kji[0]} {entry.spec.modality}",
                run=lambda e=entry: window.session.select(e),  # type: ignore[misc]
            )
        )
    if window.settings.value.keep_recent:
        hidden = window.settings.value.names_hidden
        for item in window.recent.items:
            rows.append(
                Hit(
                    key=f"recent:{item.uri}",
                    title=item.shown_name(names_hidden=hidden),
                    path=tr("Recent"),
                    reason="" if item.is_there else tr("not found"),
                    run=lambda u=item.uri: window.door.open([u]),  # type: ignore[misc]
                )
            )
    return rows


def answers(window: MainWindow, text: str) -> list[Hit]:
    """Answer a slice number or a window that was typed."""
    made = []
    if text.startswith("?"):
        return _tag_hits(window, text[1:].strip())
    wanted = parse_window(text)
    reason = "" if window.session.volume is not None else tr("nothing is open")
    if wanted is not None:
        width, level = wanted
        made.append(
            Hit(
                key="answer:window",
                title=tr("Set the window to {width:g} / {level:g}").format(
                    width=width, level=level
                ),
                reason=reason,
                run=lambda: window.views.change(window=width, level=level, window_name=""),
            )
        )
    number = parse_slice(text)
    if number is not None:
        count = window.nav.slice_count()
        if not reason and not 1 <= number <= count:
            reason = tr("there are slices 1 to {count}").format(count=count)
        made.append(
            Hit(
                key="answer:slice",
                title=tr("Go to slice {number}").format(number=number),
                path=tr("of {count}").format(count=count) if count else "",
                reason=reason,
                run=lambda: window.views.go_to_slice(number - 1),
            )
        )
    return made


def _tag_hits(window: MainWindow, words: str) -> list[Hit]:
    """Answer "? window" with the tags of this slice whose name, number or value has the words."""
    from app.tags_sheet import matching, read_tags

    if window.session.volume is None:
        return [Hit("answer:tags", tr("Tags of this slice"), reason=tr("nothing is open"))]
    return [
        Hit(
            key=f"tag:{place}",
            title=row.name,
            path=f"{row.tag}  {row.value}",
            run=lambda name=row.name: window.show_tags(name),  # type: ignore[misc]
        )
        for place, row in enumerate(matching(read_tags(window), words)[:_TAG_LIMIT])
    ]
