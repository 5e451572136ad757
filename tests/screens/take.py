"""Bring the real window into each state, in one theme, and save what it looks like.

usage: python -m tests.screens.take THEME plain|longer FOLDER [NAME ...]
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack, nullcontext
from pathlib import Path

from app.graphics import set_up_graphics


def main() -> int:
    """Take the pictures that are asked for, all without names; 1 when one is not fit to show."""
    theme, words, folder, *only = sys.argv[1:]
    set_up_graphics(software_gl=True)
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    application = QApplication(["voxtide"])
    application.setApplicationName("voxtide")
    from app.settings import SettingsStore, config_folder
    from app.theme import apply_theme
    from tests.helpers.long_words import longer_words
    from tests.helpers.window import main_window
    from tests.screens.judge import troubles
    from tests.screens.states import STATES, Stage

    apply_theme(application, theme)
    Path(folder).mkdir(parents=True, exist_ok=True)
    language = longer_words if words == "longer" else nullcontext
    found = 0
    for number, (name, reach) in enumerate(STATES.items()):
        if only and name not in only:
            continue
        with ExitStack() as stack:
            home, scratch = (stack.enter_context(tempfile.TemporaryDirectory()) for _ in "ab")
            for kind in ("CONFIG", "STATE", "CACHE"):  # nothing is left from the state before
                os.environ[f"XDG_{kind}_HOME"] = f"{home}/{kind}"
            SettingsStore(config_folder()).change(theme=theme)
            stack.enter_context(language())
            window = stack.enter_context(main_window())
            reach(Stage(window, Path(scratch)))
            QTest.qWait(50)
            picture = window.grab().toImage()
            picture.save(str(Path(folder) / f"{number:02d}-{name}.png"))
            for trouble in sorted(set(troubles(window, picture))):
                found += 1
                sys.stdout.write(f"{Path(folder).name}/{name}: {trouble}\n")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
