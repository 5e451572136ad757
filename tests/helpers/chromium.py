"""A headless Chromium that opens a page and answers questions about it (DevTools protocol)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--remote-debugging-port=0",
)


def find_chromium() -> str | None:
    """Give the program, None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


def ask_page(program: str, url: str, question: str, timeout_s: float) -> Any:
    """Open a page and evaluate a JavaScript expression until it is no longer null.

    Raises
    ------
    TimeoutError
        When it stays null.
    """
    # A short path: the name of a socket in it has at most 108 characters.
    with (
        tempfile.TemporaryDirectory(prefix="cr-", ignore_cleanup_errors=True) as profile,
        subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "TMPDIR": profile},
        ) as process,
    ):
        try:
            port = _port_of(Path(profile) / "DevToolsActivePort", timeout_s)
            return asyncio.run(_ask(port, url, question, timeout_s))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _port_of(file: Path, timeout_s: float) -> int:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if file.exists() and (lines := file.read_text().split()):
            return int(lines[0])
        time.sleep(0.05)
    raise TimeoutError("Chromium did not start")


async def _ask(port: int, url: str, question: str, timeout_s: float) -> Any:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            pages = [one for one in await answer.json() if one["type"] == "page"]
        address = pages[0]["webSocketDebuggerUrl"]
        async with session.ws_connect(address, max_msg_size=0) as channel:
            await _call(channel, 1, "Page.navigate", url=url)
            end = time.monotonic() + timeout_s
            number = 1
            while time.monotonic() < end:
                await asyncio.sleep(0.1)
                number += 1
                told = await _call(
                    channel, number, "Runtime.evaluate", expression=question, returnByValue=True
                )
                value = told["result"].get("value")
                if value is not None:
                    return value
    raise TimeoutError(f"{question} stayed null")


async def _call(channel: Any, number: int, method: str, **parameters: Any) -> Any:
    await channel.send_json({"id": number, "method": method, "params": parameters})
    async for message in channel:
        told = message.json()
        if told.get("id") == number:
            assert "error" not in told, told
            return told["result"]
    raise ConnectionError("Chromium went away")
