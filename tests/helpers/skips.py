"""Pytest plugin: where CI is set, a skip is a failure unless tests/allowed_skips.txt names it.

A suite that skips quietly looks green on a machine that tests nothing. Loaded with
`-p tests.helpers.skips` by packaging/test.sh, in every worker process.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Generator
from pathlib import Path

import pytest

ALLOWED_FILE = Path(__file__).resolve().parents[1] / "allowed_skips.txt"


def parse(text: str) -> dict[str, str]:
    """Read `pattern  reason` lines; a pattern is a test's name in which * stands for anything."""
    allowed = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pattern, _, reason = line.partition("  ")
        if not reason.strip():
            raise ValueError(f"a skip needs a reason, two spaces after the name: {line!r}")
        allowed[pattern] = reason.strip()
    return allowed


def is_allowed(nodeid: str, said: str, allowed: dict[str, str]) -> bool:
    """Tell whether a name fits a pattern and the skip says its reason; [ ] mean themselves."""
    return any(
        fnmatch.fnmatchcase(nodeid, pattern.replace("[", "[[]")) and reason in said
        for pattern, reason in allowed.items()
    )


class SkipJudge:
    """Turn skips that nobody allowed into failures."""

    def __init__(self, allowed: dict[str, str]) -> None:
        self._allowed = allowed

    def _judge(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.outcome != "skipped" or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        if is_allowed(report.nodeid, str(reason), self._allowed):
            return
        report.outcome = "failed"
        report.longrepr = (
            f"{report.nodeid} was skipped ({reason}).\n"
            "Here everything must run: install what it needs, or name it in "
            "tests/allowed_skips.txt with the reason."
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        self._judge(report)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self,
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        self._judge(report)
        return report


def pytest_configure(config: pytest.Config) -> None:
    """Judge only where CI is set: at a desk without the data folder a skip is what is wanted."""
    if os.environ.get("CI"):
        config.pluginmanager.register(SkipJudge(parse(ALLOWED_FILE.read_text())), "skip-judge")
