"""Random streams, derived by hashing (seed, what for) and never shared.

Only `random.Random.random` is used downstream: Python guarantees its sequence for a given integer
seed, so a search is the same under every Python version and on every machine.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1


def key(seed: int, *purpose: str | int) -> int:
    """A 64-bit number that depends on the seed and on what it is for, and on nothing else."""
    text = json.dumps([seed, *purpose], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def stream(seed: int, *purpose: str | int) -> random.Random:
    """An independent generator for one purpose: ``stream(seed, "init", "tss")``."""
    return random.Random(key(seed, *purpose))


def below(rng: random.Random, n: int) -> int:
    """A uniform integer in [0, n), from one call of ``random()`` (n far below 2**53)."""
    return int(rng.random() * n)


def choice(rng: random.Random, items: Sequence[T]) -> T:
    """A uniformly drawn item of a non-empty sequence."""
    return items[int(rng.random() * len(items))]


def distinct(rng: random.Random, n: int, k: int) -> list[int]:
    """``k`` distinct integers below ``n``, uniformly and in random order (Floyd's algorithm)."""
    chosen: list[int] = []
    for top in range(n - k, n):
        pick = int(rng.random() * (top + 1))
        # Floyd: an already chosen number is replaced by `top`, at a random place in the order.
        item = top if pick in chosen else pick
        chosen.insert(int(rng.random() * (len(chosen) + 1)), item)
    return chosen


def shuffled(rng: random.Random, items: Sequence[T]) -> list[T]:
    """The items in a uniformly random order (Fisher-Yates), the original untouched."""
    result = list(items)
    for last in range(len(result) - 1, 0, -1):
        other = int(rng.random() * (last + 1))
        result[last], result[other] = result[other], result[last]
    return result


def uniform(stream_key: int, row: int, visit: int) -> float:
    """A number in [0, 1) that depends on (stream, row, visit): SplitMix64's finaliser over all.

    Draws from a table use this instead of a generator, so that they do not depend on the order
    in which architectures are visited (common random numbers between searchers).
    """
    x = (stream_key + row * 0x9E3779B97F4A7C15 + visit * 0xD1B54A32D192ED03) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((x ^ (x >> 31)) >> 11) * 2.0**-53
