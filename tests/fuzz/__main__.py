"""Damage files by their grammar and open them, for so many minutes: `make fuzz MINUTES=10`.

python -m tests.fuzz --minutes 10 [--kinds zip groups] [--seed 7]
python -m tests.fuzz --planted          # find three faults that are put there, each within minutes
python -m tests.fuzz --again FOLDER     # open what was found once more

Cases that are answered in a new way are kept and damaged further. What is found is written to
build/fuzz, a folder a finding, with what happened in finding.txt.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.judge import Verdict
from tests.fuzz.planted import FAULTS
from tests.fuzz.seeds import SLOW_KIND, Seed, damaged, make_seeds

ROOT = Path(__file__).resolve().parents[2]
FOUND = ROOT / "build" / "fuzz"
HANG_S = 40.0
MOST_KEPT = 3000
SLOW_SHARE = 0.03
ROOM_BYTES = 8 << 30
"""Addresses of this process; the one that opens cases sets itself a limit of its own."""
CASES_A_WORKER = 3000
SAME_FINDING_KEPT = 3


class Worker:
    """A process that opens cases; started anew when it ended."""

    def __init__(self, fault: str = "") -> None:
        self._fault = fault
        self._process: subprocess.Popen[str] | None = None
        self._done = 0

    def judge(self, target: Path, folder: Path, patience_s: float = HANG_S) -> Verdict:
        """Let a case be opened; an end or a hang of the process is a finding."""
        process = self._started()
        assert process.stdin is not None
        process.stdin.write(json.dumps([str(target), str(folder)]) + "\n")
        process.stdin.flush()
        line = self._line(patience_s)
        self._done += 1
        if line:
            if self._done >= CASES_A_WORKER:
                self.close()
            finding, signature = json.loads(line)
            return Verdict(finding, signature)
        status = process.poll()
        self.close()
        what = (
            f"ended with status {status}" if status is not None else f"no answer in {patience_s} s"
        )
        return Verdict(what, "")

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            with self._process as process:  # closes its pipes
                process.kill()
        self._process, self._done = None, 0

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            command = [
                sys.executable,
                "-m",
                "tests.fuzz.worker",
                *([self._fault] * bool(self._fault)),
            ]
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
            if self._line(120.0) != "ready\n":
                raise SystemExit("the worker did not start")
        return self._process

    def _line(self, timeout_s: float) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], timeout_s)
        return self._process.stdout.readline() if ready else ""


class Fuzzer:
    """Damage seeds, keep what is answered in a new way, write down what is found."""

    def __init__(self, seeds: list[Seed], seed: int, fault: str = "", found: Path = FOUND) -> None:
        self._rng = random.Random(seed)
        self._seeds, self._fresh = seeds, list[Seed]()
        self._worker = Worker(fault)
        self._sound = Worker() if fault else None
        self._found = found
        self._seen: set[str] = set()
        self._name = f"{seed}{fault}"
        self.cases: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()

    def run(self, seconds: float, *, stop_at_first: bool = False) -> float:
        """Go on for so long; give the seconds that it took."""
        began_s = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="voxtide-fuzz-") as place:
            for seed in self._seeds:
                self._try(seed, Path(place), keep=False)
            while time.monotonic() - began_s < seconds and not (stop_at_first and self.findings):
                self._try(self._next(), Path(place), keep=True)
        for worker in (self._worker, self._sound):
            if worker is not None:
                worker.close()
        return time.monotonic() - began_s

    def _next(self) -> Seed:
        kinds = sorted({seed.kind for seed in self._seeds})
        kind = self._rng.choice(kinds)
        if kind == SLOW_KIND and self._rng.random() > SLOW_SHARE:
            kind = kinds[0]
        pool = [seed for seed in self._seeds if seed.kind == kind]
        fresh = [seed for seed in self._fresh if seed.kind == kind]
        chosen = self._rng.choice(fresh if fresh and self._rng.random() < 0.5 else pool)
        return damaged(chosen, self._rng, self._seeds)

    def _try(self, case: Seed, place: Path, *, keep: bool) -> None:
        folder = place / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        target = case.write(folder)
        patience_s = HANG_S * (5 if case.kind == SLOW_KIND else 1)
        verdict = self._worker.judge(target, folder, patience_s)
        self.cases[case.kind] += 1
        if verdict.finding and self._sound and self._sound.judge(target, folder).finding:
            return  # a fault of its own, not the one that was planted
        if verdict.finding:
            self._note(case, verdict.finding)
        elif verdict.signature not in self._seen:
            self._seen.add(verdict.signature)
            if keep and len(self._fresh) < MOST_KEPT:
                self._fresh.append(case)

    def _note(self, case: Seed, finding: str) -> None:
        short = "".join(c for c in finding.splitlines()[0] if not c.isdigit())[:80]
        self.findings[f"{case.kind}: {short}"] += 1
        count = self.findings[f"{case.kind}: {short}"]
        if count > SAME_FINDING_KEPT:
            return
        folder = self._found / f"{self._name}-{sum(self.cases.values())}-{case.kind}"
        case.write(folder / "files")
        (folder / "finding.txt").write_text(f"target: {case.target}\n{finding}\n")
        print(f"{folder}: {finding.splitlines()[0][:200]}", flush=True)


def find_planted(minutes: float, seed: int) -> int:
    """Plant each fault in turn, and say how long it took to find it."""
    seeds = [seed for seed in make_seeds() if seed.kind != SLOW_KIND]
    missed = 0
    with tempfile.TemporaryDirectory(prefix="voxtide-planted-") as place:
        for fault in FAULTS:
            fuzzer = Fuzzer(seeds, seed, fault, Path(place))
            took_s = fuzzer.run(minutes * 60, stop_at_first=True)
            found = next(iter(fuzzer.findings), "")
            missed += not found
            cases = sum(fuzzer.cases.values())
            word = f"found after {took_s:.1f} s, {cases} cases ({found})" if found else "MISSED"
            print(f"{fault}: {word}", flush=True)
    return int(missed > 0)


def again(folder: Path) -> int:
    """Open a finding once more."""
    target = (folder / "finding.txt").read_text().partition("target: ")[2].splitlines()[0]
    files = folder / "files"
    verdict = Worker().judge(files / target if target else files, files)
    print(verdict.finding or f"as promised: {verdict.signature}")
    return int(bool(verdict.finding))


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (ROOM_BYTES, ROOM_BYTES))
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--kinds", nargs="+", default=[])
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--again", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    if options.again:
        return again(options.again.resolve())
    if options.planted:
        return find_planted(options.minutes, options.seed)
    seeds = [s for s in make_seeds() if not options.kinds or s.kind in options.kinds]
    if not seeds:
        raise SystemExit(f"no seeds of these kinds: {' '.join(options.kinds)}")
    fuzzer = Fuzzer(seeds, options.seed)
    took_s = fuzzer.run(options.minutes * 60)
    kinds = "  ".join(f"{kind} {count}" for kind, count in sorted(fuzzer.cases.items()))
    print(
        f"seed {options.seed}: {sum(fuzzer.cases.values())} cases in {took_s / 60:.1f} min: {kinds}"
    )
    for finding, count in fuzzer.findings.most_common():
        print(f"{count} x {finding}")
    return int(bool(fuzzer.findings))


if __name__ == "__main__":
    sys.exit(main())
