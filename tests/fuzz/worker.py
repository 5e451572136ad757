"""The process that opens cases: told one a line, answers one a line; its end is an answer too.

usage: python -m tests.fuzz.worker [FAULT]
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import traceback
import warnings

from tests.fuzz import planted
from tests.fuzz.judge import Verdict, Watch, judge

ROOM_BYTES = 2 << 30
"""Addresses beyond those that the imports took."""


def _limit_memory() -> None:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        have = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (have + ROOM_BYTES, have + ROOM_BYTES))


def _import_all() -> None:
    """Import what opening would import, so that no case pays for it."""
    import imagecodecs
    import nibabel
    import nrrd
    import pydicom.filereader
    import tensorstore
    import tifffile

    import loading

    _ = imagecodecs, nibabel, nrrd, pydicom.filereader, tensorstore, tifffile, loading


def main() -> None:
    _import_all()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    if len(sys.argv) > 1:
        planted.plant(sys.argv[1])
    _limit_memory()
    watch = Watch()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        target, folder = json.loads(line)
        try:
            verdict = judge(target, folder, watch)
        except BaseException as error:
            last = traceback.format_exc().splitlines()[-7:]
            verdict = Verdict(f"raised {type(error).__name__}: {error}\n" + "\n".join(last), "")
        sys.stdout.write(json.dumps(verdict) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
