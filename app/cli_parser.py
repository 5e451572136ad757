"""The parser of the command line: like argparse's, but what is wrong is said in one line."""

from __future__ import annotations

import argparse
from typing import NoReturn


class OneLineParser(argparse.ArgumentParser):
    """Say what is wrong and where to read on; argparse would put the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        self.exit(2, f"{self.prog}: {message}. See {self.prog} --help.\n")
