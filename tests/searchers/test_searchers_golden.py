"""No searcher's proposals change unnoticed."""

from __future__ import annotations

import json

import pytest
from update_golden import GOLDEN, WORDS, digests

import searchers
from harness.benchmarks.table import TableBenchmark

EXPECTED = json.loads(GOLDEN.read_text())


def test_the_table_is_the_same(synthetic: TableBenchmark) -> None:
    assert synthetic.checksum == EXPECTED["table"]


@pytest.mark.parametrize("word", WORDS)
def test_proposals_are_the_same(word: str, synthetic: TableBenchmark) -> None:
    assert digests(word, synthetic.table) == EXPECTED["traces"][word]


def test_every_searcher_has_golden_traces() -> None:
    # What other libraries propose is theirs to change.
    ours = {name for name in searchers.registry.builtin if not name.startswith("tune:")}
    assert {word.partition(":")[0] for word in EXPECTED["traces"]} >= ours
    assert set(WORDS) == set(EXPECTED["traces"])
