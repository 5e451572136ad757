"""The notices of one window: what is to be told now, counted in the status line."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from app.language import tr
from app.notices import (
    NoticeRow,
    catalogue_rows,
    flat_row,
    in_order,
    patients_row,
    row_of,
    volume_rows,
)

if TYPE_CHECKING:
    from app.main_window import MainWindow
    from app.opening_words import Failure
    from app.session import Column


class NoticeBook:
    """Gather notices of catalogue, volume, views and settings."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._kept: list[tuple[str, str]] = []
        self._failures: list[Failure] = []

    def add(self, code: str, message: str) -> None:
        """Keep a notice that belongs to no volume; the same one is kept once."""
        if (code, message) not in self._kept:
            self._kept.append((code, message))
        self.tell()

    def add_failure(self, failure: Failure) -> None:
        """Keep why something could not be opened, until something else is."""
        if failure not in self._failures:
            self._failures.append(failure)
        self.tell()

    def forget_openings(self) -> None:
        """Drop what was said about an opening that failed, since another one succeeded."""
        self._failures.clear()

    def rows(self) -> list[NoticeRow]:
        """Give every notice, what changes the picture's meaning first."""
        window = self._window
        hidden = window.settings.value.names_hidden
        rows = [_kept_row(code, message) for code, message in self._kept]
        for one in self._failures:
            row = _kept_row("open_failed", one.sentence(names_hidden=hidden))
            rows.append(replace(row, names=one.names))
        if window.columns is not None and window.columns.are_different_patients:
            rows.append(patients_row(window.session.volumes, names_hidden=hidden))
        for column in window.session.columns:
            if column.is_flat:
                rows.append(flat_row(window.session.kind_of(column)))
            if column.volume is not None:
                show = partial(self._show_slice, column)
                ask = partial(self._set_size, column)
                rows += volume_rows(column.volume, show, self._retry, ask, names_hidden=hidden)
        for opened in window.session.shown:
            rows += catalogue_rows(opened, names_hidden=hidden)
        return in_order(rows)

    def tell(self) -> None:
        """Bring the count up to date, and the list where it is open."""
        is_quiet = not (self._kept or self._failures or self._window.session.opened)
        rows = [] if is_quiet else self.rows()
        serious = any(row.is_serious for row in rows)
        self._window.status.show_notices(len(rows), is_serious=serious)

    def show(self) -> None:
        """Open or close the list."""
        from app.notices_sheet import NoticesSheet

        self._window.show_sheet("notices", lambda: NoticesSheet(self.rows()))

    def _show_slice(self, column: Column, k: int) -> None:
        self._window.sheets.close()
        window = self._window
        window.session.activate(column)
        window.views.change(active_view=window.views.acquired_view)
        window.views.go_to_slice(k)

    def _set_size(self, column: Column) -> None:
        self._window.sheets.close()
        self._window.session.activate(column)
        self._window.commands.run("image.voxel_size")

    def _retry(self) -> None:
        self._window.sheets.close()
        self._window.commands.run("load.retry")


def _kept_row(code: str, message: str) -> NoticeRow:
    from loading import KINDS, Notice

    if code in KINDS:
        return row_of(Notice(code, message))
    return NoticeRow(code, "warning", message, details=tr("{code}: {message}").format(
        code=code, message=message
    ))  # fmt: skip
