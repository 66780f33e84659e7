"""The conformance suites, inherited; and what only these parts promise."""

from __future__ import annotations

import pytest
from committees.searcher import OnePlusOne

from harness.benchmarks import open_benchmark
from harness.errors import UserError
from harness.spaces import get_space
from harness.testing import BenchmarkSuite, SearcherSuite, SpaceSuite
from harness.testing.conversation import converse


class TestCommittees(SpaceSuite):
    space = "committees"


class TestOnePlusOne(SearcherSuite):
    searcher = "one_plus_one:patience=5"
    initial_design = 1


class TestCommitteeCurve(BenchmarkSuite):
    benchmark = "committee-curve"


class TestCommitteeDigits(BenchmarkSuite):
    benchmark = "committee-digits"


def test_the_order_of_members_does_not_matter() -> None:
    space = get_space("committees")
    assert (len(space), len({space.key(space.from_string(t)) for t in ("4+8", "8+4")})) == (146, 1)


def test_a_child_is_a_neighbour_of_its_parent() -> None:
    space = get_space("committees")
    talk = converse(OnePlusOne(space, seed=1), space, asks=2)
    parent, child = (proposal.architecture for proposal in talk.proposals)
    assert child in space.neighbours(parent)


def test_impatience_is_refused() -> None:
    with pytest.raises(UserError, match="patience=0; must be at least 1"):
        OnePlusOne(get_space("committees"), seed=1, patience=0)


def test_early_epochs_rank_differently() -> None:
    """Otherwise there would be nothing to learn from stopping a training early."""
    curve = open_benchmark("committee-curve")
    narrow, wide = (curve.space.from_string(text) for text in ("4+4", "16+8"))
    assert curve.mean(narrow, 1) > curve.mean(wide, 1)
    assert curve.mean(narrow, 27) < curve.mean(wide, 27)
