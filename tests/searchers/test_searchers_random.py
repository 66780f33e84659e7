"""Random search, and the draws without replacement that other searchers share."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benchmarks.covered import CoveredSpace
from harness.spaces import CategoricalSpace, get_space
from harness.streams import stream
from harness.testing.conversation import converse
from searchers.random_search import RandomSearch, sample_unseen


@given(
    seed=st.integers(0, 2**40),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    workers=st.integers(1, 5),
)
def test_without_replacement_covers_a_space_exactly_once(
    seed: int, sizes: list[int], workers: int
) -> None:
    space = CategoricalSpace("small", [[str(v) for v in range(n)] for n in sizes])
    talk = converse(RandomSearch(space, seed, replacement=False), space, 1_000, workers=workers)
    assert talk.over
    cells = [p.architecture for p in talk.proposals]
    assert sorted(cells) == sorted(product(*map(range, sizes)))  # type: ignore[type-var]


def test_without_replacement_covers_a_partial_table_exactly_once() -> None:
    covered = {(i % 5, i % 3, i % 2, 0, 4, i % 4) for i in range(70)}
    space = CoveredSpace(get_space("tss"), covered.__contains__)
    talk = converse(RandomSearch(space, 1, replacement=False), space, 1_000)
    assert talk.over
    assert len(talk.proposals) == len(covered)
    assert {p.architecture for p in talk.proposals} == covered


def test_without_replacement_every_order_is_as_likely() -> None:
    space = CategoricalSpace("three", [["a", "b", "c"]])
    orders = Counter(
        tuple(p.architecture for p in converse(searcher, space, 3).proposals)
        for searcher in (RandomSearch(space, seed, replacement=False) for seed in range(3_000))
    )
    counts = np.array(list(orders.values()))
    assert len(counts) == 6
    # Chi-square with 5 degrees of freedom; 25.7 has a probability of 1e-4.
    assert ((counts - 500) ** 2 / 500).sum() < 25.7


def test_with_replacement_is_uniform() -> None:
    space = CategoricalSpace("six", [["a", "b"], ["1", "2", "3"]])
    talk = converse(RandomSearch(space, 1), space, 6_000)
    counts = np.array(list(Counter(p.architecture for p in talk.proposals).values()))
    assert len(counts) == 6
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 25.7


@pytest.mark.parametrize("seen", [0, 3, 5])
def test_sample_unseen_finds_the_rest(seen: int) -> None:
    space = CategoricalSpace("six", [["a", "b"], ["1", "2", "3"]])
    everything = list(product(range(2), range(3)))
    rng = stream(1, "test")
    found = {sample_unseen(space, rng, set(everything[:seen])) for _ in range(300)}
    assert found == set(everything[seen:])
    assert sample_unseen(space, rng, set(everything)) is None
