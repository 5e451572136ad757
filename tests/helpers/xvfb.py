"""A virtual X server for tests that open windows on a machine without a screen."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def start_xvfb(screen: str = "1680x1050x24") -> Iterator[str]:
    """Run Xvfb on a free display, give its name, end it afterwards.

    `-noreset`: without it the server resets when its last client leaves and refuses connections
    meanwhile.
    """
    program = shutil.which("Xvfb")
    if program is None:
        raise RuntimeError("Xvfb is not installed: apt-get install xvfb")
    read_end, write_end = os.pipe()
    command = [program, "-displayfd", str(write_end), "-noreset", "-screen", "0", screen]
    server = subprocess.Popen(
        [*command, "+extension", "GLX"],
        pass_fds=(write_end,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        with os.fdopen(read_end) as answer:
            number = answer.readline().strip()
        if not number:
            raise RuntimeError(f"Xvfb did not start (status {server.poll()})")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(timeout=10)
