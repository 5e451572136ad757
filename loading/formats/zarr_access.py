"""What an OME-Zarr store holds by name: JSON metadata read here, arrays by tensorstore."""

from __future__ import annotations

import json
import os
import zipfile
from typing import Any

from loading.errors import BadResponse, LoadError

_MAX_METADATA = 1 << 24
_CACHE_BYTES = 256 << 20


class Store:
    """A folder or a ZIP archive with named objects; only names inside it are read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.is_packed = os.path.isfile(path)  # noqa: PTH113
        self.root = ""
        self._names: frozenset[str] = frozenset()
        if self.is_packed:
            try:
                with zipfile.ZipFile(path) as archive:
                    self._names = frozenset(archive.namelist())
            except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
                raise BadResponse("The ZIP archive is damaged", where=path) from error
            self.root = self._find_root()

    def _find_root(self) -> str:
        """Give the one folder of the archive that everything lies in, or ""."""
        if any(mark in self._names for mark in ("zarr.json", ".zattrs", ".zgroup")):
            return ""
        tops = {name.partition("/")[0] for name in self._names if "/" in name}
        return f"{tops.pop()}/" if len(tops) == 1 else ""

    def metadata(self, name: str) -> dict[str, Any] | None:
        """Read a small JSON object; None when there is none of that name."""
        try:
            if self.is_packed:
                if self.root + name not in self._names:
                    return None
                with zipfile.ZipFile(self.path) as archive, archive.open(self.root + name) as file:
                    text = file.read(_MAX_METADATA + 1)
            else:
                path = os.path.join(self.path, *name.split("/"))  # noqa: PTH118
                if not os.path.isfile(path):  # noqa: PTH113
                    return None
                with open(path, "rb") as plain:  # noqa: PTH123
                    text = plain.read(_MAX_METADATA + 1)
            found = json.loads(text[:_MAX_METADATA]) if len(text) <= _MAX_METADATA else None
        except (OSError, ValueError, RecursionError, zipfile.BadZipFile, RuntimeError) as error:
            raise BadResponse(f"The Zarr metadata {name} are damaged", where=self.path) from error
        if not isinstance(found, dict):
            raise BadResponse(f"The Zarr metadata {name} are damaged", where=self.path)
        return found

    def attributes(self, group: str) -> tuple[dict[str, Any], int]:
        """Give the attributes of a group and the version of its Zarr format."""
        third = self.metadata(join(group, "zarr.json"))
        if third is not None:
            inner = third.get("attributes", {})
            return dict(inner.get("ome", inner)), 3
        return self.metadata(join(group, ".zattrs")) or {}, 2

    def open_array(self, name: str, zarr: int) -> Any:
        """Open an array with tensorstore, which is an extra.

        Raises
        ------
        LoadError
            When it is not installed, with what to install; when there is no such array.
        """
        try:
            import tensorstore
        except ImportError as error:
            raise LoadError(
                'OME-Zarr needs tensorstore, which is not installed (pip install "voxtide[zarr]")',
                where=self.path,
            ) from error
        file: dict[str, Any] = {"driver": "file", "path": os.path.abspath(self.path)}  # noqa: PTH100
        if self.is_packed:
            kvstore = {"driver": "zip", "base": file, "path": f"{self.root}{name}/"}
        else:
            kvstore = {"driver": "file", "path": os.path.join(file["path"], *name.split("/"), "")}  # noqa: PTH118
        spec = {
            "driver": "zarr3" if zarr == 3 else "zarr",
            "kvstore": kvstore,
            "context": {"cache_pool": {"total_bytes_limit": _CACHE_BYTES}},
            "recheck_cached_data": "open",
        }
        try:
            return tensorstore.open(spec, read=True, open=True).result()
        except Exception as error:  # tensorstore raises what it meets
            reason = " ".join(str(error).split())[:160]
            raise BadResponse(
                f"The array {name} cannot be opened ({reason})", where=self.path
            ) from error


def join(group: str, name: str) -> str:
    """Give the name of an object in a group ("" is the store itself)."""
    return f"{group}/{name}" if group else name
