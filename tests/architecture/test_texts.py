"""What people read goes through the translation, from the start."""

import ast
import re

from tests.architecture.sources import modules

# Where texts are not for the window, and why.
EXEMPT = {
    "app/self_test.py": "a table for who packs the program, printed",
}
TRANSLATES = {"tr", "translate"}
# Their texts are for the log or for who reads the code.
NO_TEXT = {
    "removeprefix",
    "debug",
    "info",
    "warning",
    "error",
    "exception",
    "setObjectName",
    "setProperty",
    "run",
}


def is_sentence(text: str) -> bool:
    return re.match(r"[A-Z][a-z]* [a-z]+", text) is not None


def called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def untranslated(tree: ast.AST) -> list[int]:
    """Give the lines of sentences inside functions that nothing translates."""
    found: list[int] = []

    def walk(node: ast.AST, *, inside: bool) -> None:
        if isinstance(node, ast.Call) and called(node) in TRANSLATES | NO_TEXT:
            return
        if isinstance(node, ast.Raise | ast.Assert | ast.arguments):
            return
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return  # a docstring
        if inside and isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.extend([node.lineno] if is_sentence(node.value) else [])
        inside = inside or isinstance(node, ast.FunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            walk(child, inside=inside)

    walk(tree, inside=False)
    return found


def test_sentences_go_through_the_translation() -> None:
    """Tables at the top of a module are translated where they are shown; windows tests see that."""
    found = [
        f"{path}:{line}"
        for path, tree in modules().items()
        if path.startswith(("app/", "viewer/"))
        and path not in EXEMPT
        and not path.startswith("app/cli")
        for line in untranslated(tree)
    ]
    assert found == []


def test_a_bare_sentence_is_found() -> None:
    lines = ("def f(w):", "    'What it does.'", "    w.show('Try again.')", "    tr('Try again.')")
    assert untranslated(ast.parse("\n".join(lines))) == [3]
