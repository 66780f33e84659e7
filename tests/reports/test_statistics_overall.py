"""Verdicts over benchmarks: means by hand, and how often intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from reports.intervals import estimate_mean
from reports.random_search import Distribution
from reports.statistics.contest import EXACT, SAMPLED, Contest
from reports.statistics.overall import SPREADS, Overall, Place, overall


def contest(
    gains: np.ndarray, seeds: np.ndarray | None = None, *, maximize: bool = True
) -> Contest:
    """Searches that are so much better than random searches of the same seeds."""
    seeds = np.arange(len(gains)) if seeds is None else seeds
    chance = np.linspace(89.0, 91.0, len(gains))
    results = chance + (gains if maximize else -gains)
    return Contest("s", "b", maximize, seeds, results, None, chance, SAMPLED)


def joined(contests: list[Contest], places: list[tuple[str, str]], unit: str = "%") -> Overall:
    return overall(contests, [Place(*p, unit) for p in places], (len(contests), 0, 0))


def test_every_space_counts_the_same() -> None:
    rng = np.random.default_rng(0)
    gains = [rng.normal(m, 0.1, 30) for m in (1.0, 2.0, 3.0, 10.0, 12.0)]
    places = [("tss", "a"), ("tss", "b"), ("tss", "b"), ("sss", "a"), ("sss", "c")]
    contests = [contest(g, maximize=i % 2 == 0) for i, g in enumerate(gains)]
    found = joined(contests, places)
    # Two protocols on one data set are one; data sets within spaces; spaces.
    tss = (gains[0] + (gains[1] + gains[2]) / 2.0) / 2.0
    by_seed = (tss + (gains[3] + gains[4]) / 2.0) / 2.0
    assert found.here.mean == pytest.approx(by_seed.mean())
    assert (found.here.low, found.here.high) == pytest.approx(
        (estimate_mean(by_seed).low, estimate_mean(by_seed).high)
    )
    assert (found.spaces, found.datasets, found.seeds) == (("sss", "tss"), 4, 30)
    assert found.resampled == "search spaces"
    assert found.beyond is not None and found.beyond.mean == found.here.mean
    # Two spaces, whose means lie nearly ten apart: Student's t of one degree of freedom.
    assert found.beyond.low is not None and found.beyond.low < -30.0


def test_one_data_set_says_nothing_of_others() -> None:
    rng = np.random.default_rng(1)
    one = joined([contest(rng.normal(1, 1, 20))], [("tss", "a")])
    assert one.beyond is None and one.resampled == "" and one.datasets == 1
    protocols = joined([contest(rng.normal(1, 1, 20))] * 2, [("tss", "a")] * 2)
    assert protocols.beyond is None and protocols.benchmarks == 2
    two = joined([contest(rng.normal(1, 1, 20))] * 2, [("tss", "a"), ("tss", "b")])
    assert two.beyond is not None and two.resampled == "data sets"


def test_seeds_that_are_not_everywhere() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.normal(1, 1, 20), rng.normal(2, 1, 15)
    contests = [contest(first), contest(second, np.arange(5, 20))]
    found = joined(contests, [("a", "x"), ("b", "y")])
    assert found.seeds == 15
    assert found.here.mean == pytest.approx((first[5:] + second).mean() / 2.0)
    nothing = joined(
        [contest(first), contest(second, np.arange(30, 45))], [("a", "x"), ("b", "y")]
    )
    assert nothing.seeds == 0 and nothing.here.mean is None and nothing.beyond is None


def test_different_units_are_counted_in_spreads_of_random_search() -> None:
    rng = np.random.default_rng(3)
    exact = Distribution.of(np.array([0.0, 2.0]), np.ones(2))
    results = rng.normal(3.0, 1.0, 20)
    known = Contest("s", "b", True, np.arange(20), results, exact, None, EXACT)
    gains = rng.normal(1.0, 1.0, 20)
    sampled = contest(gains)
    found = overall([known, sampled], [Place("a", "x", "%"), Place("b", "y", "")], (1, 1, 0))
    assert found.unit == SPREADS
    scale = np.linspace(89.0, 91.0, 20).std(ddof=1)
    expected = ((results - 1.0).mean() / 1.0 + gains.mean() / scale) / 2.0
    assert found.here.mean == pytest.approx(expected)


def test_the_same_results_have_the_same_intervals() -> None:
    rng = np.random.default_rng(4)
    contests = [contest(rng.normal(1, 1, 20)) for _ in range(3)]
    places = [("a", "x"), ("a", "y"), ("a", "z")]
    assert joined(contests, places) == joined(contests, places)


def covered(spaces: int, datasets: int, shares: tuple[float, float, float], runs: int) -> float:
    """How often the interval for others holds the mean of the population of spaces.

    Args:
        spaces: How many are seen.
        datasets: Of each space.
        shares: Standard deviations of spaces, of data sets, and of searches.
        runs: Repetitions.
    """
    rng = np.random.default_rng([spaces, datasets])
    hits = 0
    for _ in range(runs):
        contests, places = [], []
        for s in range(spaces):
            space = rng.normal(0.0, shares[0])
            for d in range(datasets):
                centre = space + rng.normal(0.0, shares[1])
                contests.append(contest(rng.normal(centre, shares[2], 20)))
                places.append((str(s), str(d)))
        beyond = joined(contests, places).beyond
        assert beyond is not None and beyond.low is not None and beyond.high is not None
        hits += beyond.low <= 0.0 <= beyond.high
    return hits / runs


def test_intervals_for_other_data_sets_hold_their_mean() -> None:
    # Three standard errors of 200 below 95%: longer than need be is not held against it.
    assert covered(1, 3, (0.0, 1.0, 0.5), 200) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spaces", "datasets", "shares"),
    [
        (1, 2, (0.0, 1.0, 0.5)),
        (1, 6, (0.0, 1.0, 0.5)),
        (3, 1, (1.0, 0.0, 1.0)),
        (3, 3, (1.0, 1.0, 1.0)),
        (8, 2, (1.0, 0.5, 0.5)),
    ],
)
def test_intervals_for_others_in_full(
    spaces: int, datasets: int, shares: tuple[float, float, float]
) -> None:
    assert covered(spaces, datasets, shares, 600) >= 0.925
