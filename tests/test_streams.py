"""Random streams: repeatable for ever, independent, and uniform."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from harness.streams import below, choice, distinct, key, shuffled, stream, uniform

WORDS = st.lists(st.one_of(st.text(max_size=5), st.integers(-9, 9)), max_size=4)
KEYS = st.integers(0, 2**64 - 1)


class OnlyRandom(random.Random):
    """Refuses all that may differ between Python versions: only `random()` is guaranteed."""

    def getrandbits(self, k: int) -> int:
        raise AssertionError("getrandbits was used")

    def randrange(self, *args: object, **kwargs: object) -> int:
        raise AssertionError("randrange was used")


def equally_likely(counts: Counter[object], outcomes: int) -> None:
    """All outcomes occur, as often as if they were equally likely (the draws are fixed)."""
    assert len(counts) == outcomes
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_known_values() -> None:
    """Changing any of these would change every digest that was ever published."""
    text = b'[0,"init","tss"]'
    assert key(0, "init", "tss") == int.from_bytes(hashlib.sha256(text).digest()[:8], "little")
    assert key(0, "init", "tss") == 0xBB352BADAB381723
    assert uniform(0xBB352BADAB381723, 5, 2) == (0xA3F0A6F116F797F0 >> 11) / 2**53
    assert stream(7, "x").random() == 0.5463868530300535


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**70), WORDS, st.integers(0, 2**70), WORDS)
def test_a_key_depends_on_seed_and_purpose_alone(
    seed: int, words: list[str | int], other: int, others: list[str | int]
) -> None:
    same = (seed, words) == (other, others)
    assert (key(seed, *words) == key(other, *others)) == same
    assert 0 <= key(seed, *words) < 2**64
    assert key(seed, *words) == key(seed, *words)


def test_joined_and_typed_purposes_differ() -> None:
    keys = {key(1, "ab"), key(1, "a", "b"), key(1, "a,b"), key(1, 2), key(1, "2"), key(12)}
    assert len(keys) == 6


def test_streams_are_independent_of_each_other() -> None:
    first = np.array([stream(s, "init").random() for s in range(4000)])
    second = np.array([stream(s, "search").random() for s in range(4000)])
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.05
    a, b = stream(3, "x"), stream(3, "x")
    a.random()
    assert b.random() == stream(3, "x").random()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 10**6), st.integers(0, 20))
def test_helpers_stay_in_range_and_use_random_alone(seed: int, n: int, k: int) -> None:
    rng = OnlyRandom(seed)
    assert 0 <= below(rng, n) < n
    items = list(range(k + 1))
    assert choice(rng, items) in items
    picked = distinct(rng, n, min(k, n))
    assert len(picked) == len(set(picked)) == min(k, n)
    assert all(0 <= pick < n for pick in picked)
    mixed = shuffled(rng, items)
    assert sorted(mixed) == items == list(range(k + 1))


def test_every_outcome_is_equally_likely() -> None:
    rng = stream(0, "uniformity")
    equally_likely(Counter(below(rng, 7) for _ in range(7000)), 7)
    equally_likely(Counter(choice(rng, "abcde") for _ in range(5000)), 5)
    ordered = list(permutations(range(4), 2))
    equally_likely(Counter(tuple(distinct(rng, 4, 2)) for _ in range(12000)), len(ordered))
    equally_likely(Counter(tuple(shuffled(rng, "abc")) for _ in range(6000)), 6)


@settings(max_examples=50, deadline=None)
@given(KEYS, st.integers(0, 2**31), st.integers(0, 2**31))
def test_uniform_is_the_finaliser_of_splitmix64(stream_key: int, row: int, visit: int) -> None:
    """Against numpy's wrapping arithmetic."""
    with np.errstate(over="ignore"):
        x = np.uint64(stream_key) + np.uint64(row) * np.uint64(0x9E3779B97F4A7C15)
        x = x + np.uint64(visit) * np.uint64(0xD1B54A32D192ED03)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    fraction = uniform(stream_key, row, visit)
    assert 0.0 <= fraction < 1.0
    assert fraction == (int(x) >> 11) / 2**53


@pytest.mark.parametrize(
    "draw",
    [
        lambda i: uniform(key(i, "table"), 3, 0),
        lambda i: uniform(key(0, "table"), i, 0),
        lambda i: uniform(key(0, "table"), 3, i),
    ],
    ids=["seed", "row", "visit"],
)
def test_draws_are_uniform_and_uncorrelated(draw: Callable[[int], float]) -> None:
    draws = np.array([draw(i) for i in range(20_000)])
    assert chisquare(np.histogram(draws, 20, (0, 1))[0]).pvalue > 1e-3
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.03
