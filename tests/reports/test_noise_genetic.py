"""The study's genetic algorithm, beside a slow one and beside PyGMO's recorded results."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, ks_2samp, kstest

from harness.benchmarks.rastrigin import HIGH, rastrigin
from reports.studies.noise.genetic import GeneticAlgorithm, _crossed, _mutate, _tournaments, evolve
from reports.studies.noise.landscape import range_gap

PYGMO = {
    (2, 10): (0.13577, 0.00098), (2, 100): (0.03873, 0.00067), (2, 1000): (0.0023, 0.0001),
    (3, 10): (0.15957, 0.00092), (3, 100): (0.04105, 0.00055), (3, 1000): (0.0021, 0.0001),
    (4, 10): (0.17459, 0.00083), (4, 100): (0.04450, 0.00053), (4, 1000): (0.0024, 0.0001),
}  # fmt: skip
"""(dimensions, generations) -> mean range gap of `pygmo.sga(gen, cr=0.9, m=0.02)` of PyGMO 2.20 on
`pygmo.rastrigin` from populations of 10, and its standard error (6,000, 2,000, 1,000 runs)."""


def truth(points: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    return rastrigin(points)


def gaps(dimensions: int, generations: tuple[int, ...], repeats: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    first = rng.uniform(-HIGH, HIGH, (repeats, 10, dimensions))
    best = evolve(truth, first, generations, HIGH, rng)
    return np.stack([range_gap(rastrigin(best[g]), dimensions) for g in generations])


def test_a_slow_algorithm_finds_as_much() -> None:
    """One individual after the other, from the description of PyGMO's `sga`."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(250):
        people = list(rng.uniform(-HIGH, HIGH, (10, 3)))
        for _ in range(10):
            values = [float(rastrigin(x)) for x in people]
            selected = []
            for _ in range(10):
                pair = rng.choice(10, 2, replace=False)
                selected.append(people[min(pair, key=values.__getitem__)])
            children = []
            for i in range(10):
                partner = selected[rng.choice([j for j in range(10) if j != i])]
                child = selected[i].copy()
                place, copied = int(rng.integers(3)), 0
                while True:
                    child[place] = partner[place]
                    place, copied = (place + 1) % 3, copied + 1
                    if copied == 3 or rng.random() >= 0.9:
                        break
                for k in range(3):
                    if rng.random() < 0.02:
                        u = rng.random()
                        if u <= 0.5:
                            child[k] += ((2 * u) ** 0.5 - 1) * (child[k] + HIGH)
                        else:
                            child[k] += (1 - (2 * (1 - u)) ** 0.5) * (HIGH - child[k])
                children.append(child)
            people = sorted([*children, *people], key=lambda x: float(rastrigin(x)))[:10]
        found.append(float(range_gap(rastrigin(people[0]), 3)))
    (ours,) = gaps(3, (10,), 2_000, 4)
    assert ks_2samp(ours, found).pvalue > 0.001


@pytest.mark.parametrize("dimensions", [2, 3, 4])
def test_pygmo_finds_as_much(dimensions: int) -> None:
    found = gaps(dimensions, (10, 100), 1_000, 5)
    for generations, ours in zip((10, 100), found, strict=True):
        mean, error = PYGMO[dimensions, generations]
        assert abs(ours.mean() - mean) < 4 * np.hypot(ours.std() / 1_000**0.5, error)


@pytest.mark.slow
@pytest.mark.parametrize("dimensions", [2, 3, 4])
def test_pygmo_finds_as_much_in_the_end(dimensions: int) -> None:
    (ours,) = gaps(dimensions, (1000,), 1_000, 6)
    mean, error = PYGMO[dimensions, 1000]
    assert abs(ours.mean() - mean) < 4 * np.hypot(ours.std() / 1_000**0.5, error)


def test_snapshots_are_shorter_runs() -> None:
    longer = gaps(3, (10, 60), 600, 7)
    np.testing.assert_array_equal(longer[0], gaps(3, (10,), 600, 7)[0])
    assert ks_2samp(longer[0], gaps(3, (10,), 600, 8)[0]).pvalue > 0.001


def test_the_best_never_worsens_and_stays_in_the_box() -> None:
    rng = np.random.default_rng(9)
    first = rng.uniform(-HIGH, HIGH, (50, 10, 2))
    noise = rng.normal(0.0, 5.0, (50, 7))

    def evaluate(points: np.ndarray, repeats: np.ndarray) -> np.ndarray:
        place = (np.abs(points).sum(axis=1) * 10).astype(int) % 7
        return np.asarray(rastrigin(points) + noise[repeats, place])

    best = evolve(evaluate, first, range(1, 60), HIGH, rng)
    seen = np.stack([evaluate(best[g], np.arange(50)) for g in range(1, 60)])
    before = evaluate(first.reshape(-1, 2), np.repeat(np.arange(50), 10)).reshape(50, 10)
    assert (np.diff(seen, axis=0) <= 0).all()
    assert (seen[0] <= before.min(axis=1)).all()
    assert all((np.abs(points) <= HIGH).all() for points in best.values())


def test_without_mutation_coordinates_are_only_recombined() -> None:
    rng = np.random.default_rng(10)
    first = rng.uniform(-HIGH, HIGH, (40, 10, 3))
    best = evolve(truth, first, (30,), HIGH, rng, GeneticAlgorithm(mutation=0.0))[30]
    for points, start in zip(best, first, strict=True):
        assert all(points[k] in start[:, k] for k in range(3))
    assert (rastrigin(best) < rastrigin(first).min(axis=1)).any()


def test_only_new_points_are_evaluated() -> None:
    """Copies are known: none of a repeat's points is asked for while its population is uniform."""
    asked = []

    def evaluate(points: np.ndarray, repeats: np.ndarray) -> np.ndarray:
        asked.append(len(points))
        return rastrigin(points)

    rng = np.random.default_rng(11)
    first = np.repeat(rng.uniform(-HIGH, HIGH, (100, 1, 2)), 10, axis=1)
    evolve(evaluate, first, (1,), HIGH, rng)
    share = 1 - 0.98**2
    assert abs(asked[1] - 1_000 * share) < 5 * (1_000 * share) ** 0.5


def test_tournaments() -> None:
    winners = _tournaments(np.random.default_rng(12), 20_000, 10)
    expected = (9 - np.arange(10)) / 45 * winners.size
    assert chisquare(np.bincount(winners.ravel(), minlength=10)[:9], expected[:9]).pvalue > 1e-4


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_crossover(d: int) -> None:
    rng = np.random.default_rng(13)
    selected = np.broadcast_to(np.arange(10.0)[:, None], (20_000, 10, d)).copy()
    children = _crossed(rng, selected, 0.9)
    copied = children != selected
    lengths = np.bincount(copied.sum(axis=2).ravel(), minlength=d + 1)
    chances = [0.0, *(0.9 ** (k - 1) * 0.1 for k in range(1, d)), 0.9 ** (d - 1)]
    if d > 1:
        expected = np.array(chances[1:]) * lengths.sum()
        assert chisquare(lengths[1:], expected).pvalue > 1e-4
    assert lengths[0] == 0
    # All that is copied comes from one partner, any of the others, in one cyclic stretch.
    partner = np.where(copied, children, -1).max(axis=2)
    assert (np.where(copied, children, partner[..., None]) == partner[..., None]).all()
    distance = (partner - np.arange(10)) % 10
    counts = np.bincount(distance.astype(int).ravel(), minlength=10)
    assert counts[0] == 0
    assert chisquare(counts[1:]).pvalue > 1e-4
    starts = copied & ~np.roll(copied, 1, axis=2)
    assert (starts.sum(axis=2) <= 1).all()


def test_mutation() -> None:
    rng = np.random.default_rng(14)
    points = np.full((100_000, 1, 2), 2.0)
    where = np.zeros(points.shape, bool)
    where[..., 1] = True
    _mutate(rng, points, where, HIGH)
    assert (points[..., 0] == 2.0).all()
    new = points[..., 1].ravel()
    below = new < 2.0
    assert abs(below.mean() - 0.5) < 0.01
    # Relative steps towards either bound have the density 2 (1 - t) on [0, 1].
    down, up = (2.0 - new[below]) / (2.0 + HIGH), (new[~below] - 2.0) / (HIGH - 2.0)
    for steps in (down, up):
        assert kstest(steps, lambda t: 1 - (1 - t) ** 2).pvalue > 1e-4
