"""The study's genetic algorithm, for many repeats at once.

It is PyGMO's `sga` with a population of 10, crossover 0.9, mutation 0.02 and its other defaults:
tournaments of two, exponential crossover, polynomial mutation of index 1, and survival of the best
among parents and children. Written anew in numpy from that description; a test compares the
distribution of its results with recorded means of PyGMO 2.20.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

Evaluate = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From points [k, d] and the repeats [k] that they belong to, to their values [k]."""


@dataclass(frozen=True)
class GeneticAlgorithm:
    """Options; the defaults are the thesis's.

    Attributes:
        population: Members of the population, P.
        crossover: Probability to go on copying a partner's next coordinate, after the first.
        mutation: Probability that a coordinate of a child mutates.
    """

    population: int = 10
    crossover: float = 0.9
    mutation: float = 0.02

    def evaluations(self, generations: int) -> int:
        """Evaluations of a run: the first population, and as many children a generation."""
        return self.population * (1 + generations)


def evolve(
    evaluate: Evaluate,
    first: np.ndarray,
    generations: Iterable[int],
    high: float,
    rng: np.random.Generator,
    options: GeneticAlgorithm | None = None,
) -> dict[int, np.ndarray]:
    """Minimise in the box [-high, high]^d, all repeats together.

    The state of a repeat is its population alone, so that what holds after G generations of a
    longer run is distributed as after a run of G generations.

    A uniform population without a mutation breeds only its own likes: such repeats rest. A child
    that equals its parent has its parent's value. Neither changes any result.

    Args:
        evaluate: What is minimised: the same value whenever it is asked for a point of a repeat.
        first: float64 [repeats, P, d], the first populations.
        generations: When to look.
        high: Half the width of the box.
        rng: All randomness.
        options: The algorithm's.

    Returns:
        Generation -> float64 [repeats, d], the best point of every population.
    """
    options = options or GeneticAlgorithm()
    repeats, size, d = first.shape
    every = np.repeat(np.arange(repeats), size)
    worth = evaluate(first.reshape(-1, d), every).reshape(repeats, size)
    order = np.argsort(worth, axis=1)
    people, worth = _taken(first, order), np.take_along_axis(worth, order, axis=1)
    diverse = np.ones(repeats, dtype=bool)
    found = {}
    wanted = set(generations)
    for generation in range(1, max(wanted) + 1):
        mutated = rng.random((repeats, size * d), dtype=np.float32) < options.mutation
        rows = np.flatnonzero(diverse | mutated.any(axis=1))
        parents, parents_worth = people[rows], worth[rows]
        before, values = parents.copy(), parents_worth.copy()
        mixed = np.flatnonzero(diverse[rows])
        selected = _tournaments(rng, len(mixed), size)
        before[mixed] = _taken(parents[mixed], selected)
        values[mixed] = np.take_along_axis(parents_worth[mixed], selected, axis=1)
        children = before.copy()
        children[mixed] = _crossed(rng, before[mixed], options.crossover)
        _mutate(rng, children, mutated[rows].reshape(children.shape), high)
        new = _different(children, before)
        values[new] = evaluate(children[new], np.repeat(rows, new.sum(axis=1)))
        # Where no child beats the worst parent, the parents survive.
        better = (values < parents_worth[:, -1:]).any(axis=1)
        rows = rows[better]
        pool = np.concatenate([children[better], parents[better]], axis=1)
        pool_worth = np.concatenate([values[better], parents_worth[better]], axis=1)
        best = np.argsort(pool_worth, axis=1)[:, :size]
        people[rows], worth[rows] = _taken(pool, best), np.take_along_axis(pool_worth, best, 1)
        diverse[rows] = _different(people[rows], people[rows, :1]).any(axis=1)
        if generation in wanted:
            found[generation] = people[:, 0].copy()
    return found


def _different(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether points differ in any coordinate, [n, P, d] to [n, P]."""
    # Coordinate by coordinate: numpy reduces short last axes slowly.
    differing = [a[..., k] != b[..., k] for k in range(a.shape[-1])]
    return np.asarray(np.logical_or.reduce(differing))


def _taken(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Members of each population by their places: [n, P, d] and [n, k] to [n, k, d]."""
    return np.asarray(points[np.arange(len(points))[:, None], places])


def _tournaments(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """Winners' places [n, size]: the better of two distinct members, which stand best first."""
    a = (rng.random((n, size), dtype=np.float32) * size).astype(np.intp)
    b = (rng.random((n, size), dtype=np.float32) * (size - 1)).astype(np.intp)
    b += b >= a
    return np.minimum(a, b)


def _crossed(rng: np.random.Generator, selected: np.ndarray, probability: float) -> np.ndarray:
    """Exponential crossover: from a random coordinate on, cyclically, a partner's are copied.

    At least one is copied, and each further one with the given probability after the last. The
    partner is another one of the selected.
    """
    n, size, d = selected.shape
    other = 1 + (rng.random((n, size), dtype=np.float32) * (size - 1)).astype(np.intp)
    partner = (np.arange(size) + other) % size
    start = (rng.random((n, size, 1), dtype=np.float32) * d).astype(np.int8)
    going_on = rng.random((n, size, 1), dtype=np.float32) < probability ** np.arange(1, d)
    length = 1 + going_on.sum(axis=2, keepdims=True)
    copied = (np.arange(d) - start) % d < length
    return np.where(copied, _taken(selected, partner), selected)


def _mutate(rng: np.random.Generator, points: np.ndarray, where: np.ndarray, high: float) -> None:
    """Polynomial mutation of index 1: towards either bound with probability one half, in place."""
    old = points[where]
    u = rng.random(len(old))
    down = (np.sqrt(2.0 * u) - 1.0) * (old + high)
    up = (1.0 - np.sqrt(2.0 * (1.0 - np.maximum(u, 0.5)))) * (high - old)
    points[where] = old + np.where(u <= 0.5, down, up)
