"""The program's source files as syntax trees, read once for all architecture tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "viewer", "loading")


class Import(NamedTuple):
    """One imported name; `at_start` when it is imported as soon as the module is."""

    line: int
    name: str
    at_start: bool


@cache
def modules() -> dict[str, ast.Module]:
    """Give path (from the root, with slashes) and tree of every file of the program."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def imports(tree: ast.Module, path: str) -> Iterator[Import]:
    """Give every import; `from a import b` counts as `a.b`, dots are resolved."""
    yield from _imports(tree, path, at_start=True)


def _imports(node: ast.AST, path: str, at_start: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inner = at_start and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            inner = False
        if isinstance(child, ast.Import):
            yield from (Import(child.lineno, alias.name, inner) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                base = ".".join([*Path(path).parts[: -child.level], *base.split(".")]).strip(".")
            yield from (Import(child.lineno, f"{base}.{a.name}", inner) for a in child.names)
        else:
            yield from _imports(child, path, inner)


def is_within(name: str, package: str) -> bool:
    """Tell whether a dotted name is a package or something in it."""
    return name == package or name.startswith(package + ".")
