"""Window tests run in one process, on a real X server, and fail on every warning of Qt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.qt_messages import QtMessages


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/windows/" in item.path.as_posix():
            item.add_marker(pytest.mark.windows)


@pytest.fixture(autouse=True)
def qt_messages(qapp: object) -> Iterator[QtMessages]:
    """Collect what Qt says; a warning that the test did not take out fails it."""
    with QtMessages() as messages:
        yield messages
    assert not messages.unexpected(), "Qt warned: " + "; ".join(messages.unexpected())
