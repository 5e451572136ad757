"""Measured process of ours: what `voxtide load` takes before it loads anything."""

from __future__ import annotations

import json
import sys

import psutil

import app.cli
import app.cli_reports

IMPORTED = (app.cli, app.cli_reports)


def main() -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps({"rss_bytes": psutil.Process().memory_info().rss}), flush=True)


if __name__ == "__main__":
    main()
