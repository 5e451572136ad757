"""The notices of one window: what is to be told now, counted in the status line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.language import tr
from app.notices import NoticeRow, catalogue_rows, in_order, row_of, volume_rows

if TYPE_CHECKING:
    from app.main_window import MainWindow


class NoticeBook:
    """Gather notices of catalogue, volume, views and settings."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._kept: list[tuple[str, str]] = []

    def add(self, code: str, message: str) -> None:
        """Keep a notice that belongs to no volume; the same one is kept once."""
        if (code, message) not in self._kept:
            self._kept.append((code, message))
        self.tell()

    def forget_openings(self) -> None:
        """Drop what was said about an opening that failed, since another one succeeded."""
        self._kept = [kept for kept in self._kept if kept[0] != "open_failed"]

    def rows(self) -> list[NoticeRow]:
        """Give every notice, what changes the picture's meaning first."""
        window = self._window
        rows = [_kept_row(code, message) for code, message in self._kept]
        if window.session.volume is not None:
            rows += volume_rows(window.session.volume, self._show_slice, self._retry)
        if window.session.current is not None:
            rows += catalogue_rows(window.session.current)
        return in_order(rows)

    def tell(self) -> None:
        """Bring the count up to date, and the list where it is open."""
        rows = self.rows() if self._kept or self._window.session.opened else []
        serious = any(row.is_serious for row in rows)
        self._window.status.show_notices(len(rows), is_serious=serious)

    def show(self) -> None:
        """Open or close the list."""
        from app.notices_sheet import NoticesSheet

        self._window.show_sheet("notices", lambda: NoticesSheet(self.rows()))

    def _show_slice(self, k: int) -> None:
        self._window.sheets.close()
        window = self._window
        window.views.change(active_view=window.views.acquired_view)
        window.views.go_to_slice(k)

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
