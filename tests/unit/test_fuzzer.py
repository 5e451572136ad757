"""The fuzzer's grammars: what they read they write again, and what they change stays small."""

from __future__ import annotations

import random

import pytest

from tests.fuzz import dicom_grammar
from tests.fuzz.__main__ import Fuzzer
from tests.fuzz.file_grammars import is_explicit
from tests.fuzz.seeds import LARGEST_BYTES, damaged, make_seeds


@pytest.fixture(scope="module")
def seeds():
    return make_seeds()


def test_a_tree_that_is_read_is_written_as_it_was(seeds):
    """Without a change the bytes are the same, in sequences and fragments of every form."""
    seen = set()
    for seed in seeds:
        for content in seed.files.values():
            if content[128:132] == b"DICM" and is_explicit(content):
                assert dicom_grammar.write_tree(*dicom_grammar.read_tree(content)) == content
                seen.add(seed.kind)
    assert {"geometry", "headers", "encodings", "groups"} <= seen


def test_damage_of_damage_stays_small(seeds):
    """Cases are damaged over and over: none grows without end, and one seed gives one case."""
    rng, again = random.Random(3), random.Random(3)
    for seed in seeds:
        case, same = seed, seed
        for _ in range(12):
            case, same = damaged(case, rng, seeds), damaged(same, again, seeds)
        assert case.files == same.files
        assert sum(map(len, case.files.values())) <= 2 * LARGEST_BYTES


@pytest.mark.slow
def test_a_planted_fault_is_found(seeds, tmp_path):
    """Names with ".." that are believed are found among archives (all three: make fuzz-planted)."""
    archives = [seed for seed in seeds if seed.kind == "zip"]
    fuzzer = Fuzzer(archives, 5, "climbing-member", tmp_path)
    fuzzer.run(60, stop_at_first=True)
    assert any("path that climbs" in finding for finding in fuzzer.findings)
