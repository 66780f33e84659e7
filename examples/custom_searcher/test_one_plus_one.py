"""The conformance suite, inherited; and what only this strategy promises."""

from __future__ import annotations

import pytest
from one_plus_one import OnePlusOne

from harness.errors import UserError
from harness.spaces import get_space
from harness.testing import SearcherSuite
from harness.testing.conversation import converse


class TestOnePlusOne(SearcherSuite):
    searcher = "one_plus_one:patience=5"
    initial_design = 1


def test_a_child_differs_from_its_parent_in_one_decision() -> None:
    space = get_space("tss")
    talk = converse(OnePlusOne(space, seed=1), space, asks=2)
    parent, child = (proposal.architecture for proposal in talk.proposals)
    assert sum(a != b for a, b in zip(parent, child, strict=True)) == 1


def test_impatience_is_refused() -> None:
    with pytest.raises(UserError, match="patience=0; must be at least 1"):
        OnePlusOne(get_space("tss"), seed=1, patience=0)
