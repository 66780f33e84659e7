"""Ranks over search spaces against scikit-posthocs, scipy and enumeration."""

from __future__ import annotations

import numpy as np
import pytest
import scikit_posthocs
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reports.statistics.ranks import NEEDED, critical_difference, ranks

Gains = dict[tuple[str, str], dict[str, float]]


def gains_of(blocks: np.ndarray) -> Gains:
    """One data set a space, strategies a, b, ... of [spaces, strategies]."""
    return {
        (f"space {i}", f"benchmark {i}"): {chr(97 + j): float(v) for j, v in enumerate(row)}
        for i, row in enumerate(blocks)
    }


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(NEEDED, 12), st.integers(3, 6))
def test_friedman_and_nemenyi(seed: int, spaces: int, searchers: int) -> None:
    blocks = np.random.default_rng(seed).normal(size=(spaces, searchers))
    blocks += np.arange(searchers) * 0.4
    found = ranks(gains_of(blocks))
    expected = stats.friedmanchisquare(*blocks.T)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)
    means = stats.rankdata(-blocks, axis=1).mean(axis=0)
    for label, rank in zip(found.searchers, found.mean_ranks, strict=True):
        assert rank == pytest.approx(means[ord(label) - 97])
    assert list(found.mean_ranks) == sorted(found.mean_ranks)
    p = scikit_posthocs.posthoc_nemenyi_friedman(blocks).to_numpy()
    assert len(found.pairs) == searchers * (searchers - 1) // 2
    for pair in found.pairs:
        assert pair.p == pytest.approx(p[ord(pair.first) - 97, ord(pair.second) - 97], abs=1e-6)
    # The critical difference is where p is 5%.
    rank_of = dict(zip(found.searchers, found.mean_ranks, strict=True))
    assert found.critical_difference is not None
    for pair in found.pairs:
        distance = rank_of[pair.second] - rank_of[pair.first]
        if abs(distance - found.critical_difference) > 1e-6:
            assert (pair.p < 0.05) == (distance > found.critical_difference)
    # Groups hold all pairs that are not shown to differ, and no others.
    together = {(a, b) for g in found.groups for i, a in enumerate(g) for b in g[i + 1 :]}
    assert together == {(p.first, p.second) for p in found.pairs if p.p >= 0.05}
    assert not any(set(g) < set(h) for g in found.groups for h in found.groups)


def test_critical_differences_of_the_literature() -> None:
    """Demsar (2006), table 5: q at 5% for 2 .. 10 classifiers."""
    q = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    for k, value in enumerate(q, start=2):
        expected = value * np.sqrt(k * (k + 1) / (6.0 * 14))
        assert critical_difference(k, 14) == pytest.approx(expected, abs=1.5e-3)


def test_data_sets_of_one_space_are_one_block() -> None:
    rng = np.random.default_rng(0)
    gains = gains_of(rng.normal(size=(5, 4)))
    for i in range(6):
        gains["space 0", f"more {i}"] = dict(zip("abcd", rng.normal(size=4).tolist()))
    found = ranks(gains)
    assert found.untested == f"too few: 5 of {NEEDED} search spaces"
    assert found.p is None and found.critical_difference is None and not found.pairs
    # Within a space the mean ranks are ranked again.
    within = [
        stats.rankdata([-row[label] for label in "abcd"])
        for (space, _), row in gains.items()
        if space == "space 0"
    ]
    blocks = [stats.rankdata(np.mean(within, axis=0))]
    for i in range(1, 5):
        row = gains[f"space {i}", f"benchmark {i}"]
        blocks.append(stats.rankdata([-row[label] for label in "abcd"]))
    means = dict(zip("abcd", np.mean(blocks, axis=0)))
    assert found.mean_ranks == pytest.approx([means[label] for label in found.searchers])


def test_strategies_that_did_not_run_everywhere_are_left_out() -> None:
    gains = gains_of(np.random.default_rng(1).normal(size=(6, 4)))
    del gains["space 2", "benchmark 2"]["c"]
    found = ranks(gains)
    assert set(found.searchers) == {"a", "b", "d"} and found.p is not None


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        (np.zeros((8, 2)), "strategies"),
        (np.zeros((8, 4)), "equal ranks"),
        (np.ones((1, 4)), "too few: 1 of 6"),
    ],
)
def test_why_nothing_is_tested(blocks: np.ndarray, reason: str) -> None:
    found = ranks(gains_of(blocks))
    assert reason in found.untested and found.statistic is None


def test_no_strategy_everywhere() -> None:
    found = ranks({("a", "x"): {"s": 1.0}, ("b", "y"): {"t": 1.0}})
    assert "no strategy" in found.untested and not found.searchers


def test_equal_strategies_rarely_differ() -> None:
    """Simulated ranks of equal strategies: any pair beyond the critical difference."""
    rng = np.random.default_rng(2)
    found = stats.rankdata(rng.normal(size=(4_000, 10, 5)), axis=2).mean(axis=1)
    differ = np.ptp(found, axis=1) > critical_difference(5, 10)
    # 5% and three standard errors; the approximation is conservative for few blocks.
    assert 0.02 <= differ.mean() <= 0.061
