"""Habits that a reader may rely on: no stray output, no hidden application, words on everything."""

import ast
import subprocess
from collections.abc import Iterator

import pytest

from tests.architecture.sources import ROOT, modules

COMMAND_LINES = ("app/cli",)
APPLICATIONS = {"QApplication", "QGuiApplication", "QCoreApplication"}


def calls(node: ast.AST, names: set[str], into_functions: bool) -> Iterator[int]:
    """Give the lines on which one of the names is called."""
    for child in ast.iter_child_nodes(node):
        if not into_functions and isinstance(child, ast.FunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.Call):
            target = child.func
            name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
            if name in names:
                yield child.lineno
        yield from calls(child, names, into_functions)


def test_only_command_lines_print():
    found = [
        f"{path}:{line}"
        for path, tree in modules().items()
        if not path.startswith(COMMAND_LINES)
        for line in calls(tree, {"print"}, into_functions=True)
    ]
    assert found == []


def test_importing_a_module_makes_no_application():
    found = [
        f"{path}:{line}"
        for path, tree in modules().items()
        for line in calls(tree, APPLICATIONS, into_functions=False)
    ]
    assert found == []


def undocumented(tree: ast.AST, prefix: str) -> Iterator[str]:
    """Give the public classes, functions and methods without a docstring."""
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if child.name.startswith("_"):
            continue
        decorators = {ast.unparse(one) for one in child.decorator_list}
        is_told_elsewhere = any(
            one.endswith((".setter", "overload", "override")) for one in decorators
        )
        if not is_told_elsewhere and not ast.get_docstring(child):
            yield f"{prefix}:{child.lineno}: {child.name}"
        if isinstance(child, ast.ClassDef):
            yield from undocumented(child, prefix)


def test_everything_public_has_a_docstring():
    found = [name for path, tree in modules().items() for name in undocumented(tree, path)]
    empty = {path for path, tree in modules().items() if not tree.body}
    found += [
        f"{path}: the module"
        for path, tree in modules().items()
        if path not in empty and not ast.get_docstring(tree)
    ]
    assert found == []


@pytest.mark.parametrize("script", sorted((ROOT / "packaging").rglob("*.sh")), ids=lambda p: p.name)
def test_shell_scripts_can_be_read_by_a_plain_shell(script):
    assert script.read_text().startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", script], check=True)
