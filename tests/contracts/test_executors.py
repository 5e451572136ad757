"""Plain threads and Qt's pool keep the same promises."""

from __future__ import annotations

from loading.executor import ThreadExecutor
from loading.qtpool import QtExecutor
from tests.contracts.executor_contract import ExecutorContract


class TestThreadExecutor(ExecutorContract):
    def make(self):
        return ThreadExecutor()


class TestQtExecutor(ExecutorContract):
    def make(self):
        return QtExecutor()
