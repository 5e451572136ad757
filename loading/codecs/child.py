"""Decode a doubtful codestream in a child process that can be ended.

A thread inside native code cannot be stopped, and a crash there takes the whole program along.
The child gets one frame on its standard input, has a few seconds and bounded memory, and writes
the samples to its standard output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np

from loading.codecs.expected import Expected
from loading.codecs.registry import Frame, decoders_for
from loading.codecs.unraised import watched

WORD = "--decode-apart"
"""The first argument that makes a frozen program the child instead of opening a window."""
TIMEOUT_S = 10.0
MAX_BYTES = 1 << 29
"""A frame larger than this is not decoded apart."""
MEMORY_PER_BYTE = 64
_ROOM = 1 << 30


def decode(syntax: str, data: bytes, expected: Expected, depth: int, out: Frame) -> None:
    """Decode a frame apart into `out`.

    Raises
    ------
    CorruptFrame
        When the child says no, crashes, or takes too long.
    """
    if out.nbytes > MAX_BYTES:
        raise expected.corrupt("The frame has an unusual header and is too large to be tried")
    task = {
        "syntax": syntax,
        "shape": out.shape,
        "dtype": out.dtype.str,
        "depth": depth,
        "memory": _ROOM + MEMORY_PER_BYTE * out.nbytes,
    }
    try:
        answer = subprocess.run(
            _command(),
            input=json.dumps(task).encode() + b"\n" + data,
            capture_output=True,
            timeout=TIMEOUT_S,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise expected.corrupt("The frame keeps its decoder busy without end") from error
    except OSError as error:
        raise expected.corrupt("The frame has an unusual header and could not be tried") from error
    if answer.returncode != 0 or len(answer.stdout) != out.nbytes:
        raise expected.corrupt("The frame has an unusual header and its decoder gave up")
    out[...] = np.frombuffer(answer.stdout, out.dtype).reshape(out.shape)


def _command() -> list[str]:
    """Give what starts a child: a frozen program has no interpreter but itself."""
    if getattr(sys, "frozen", False):
        return [sys.executable, WORD]
    return [sys.executable, "-c", "from loading.codecs.child import main; main()"]


def main() -> None:
    """Be the child: read a task, decode, write the samples."""
    task = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    bound_memory(int(task["memory"]))
    out = np.zeros(tuple(task["shape"]), np.dtype(task["dtype"]))
    with watched():
        decoders_for(task["syntax"])[0].decode(data, out, int(task["depth"]))
    sys.stdout.buffer.write(out.tobytes())


def bound_memory(limit: int) -> None:
    """Let this process have so many addresses at most, or fewer where it has a bound already."""
    try:
        import resource
    except ImportError:  # Windows: the time-out alone must do
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
