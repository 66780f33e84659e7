"""Winners beside their first samples, and their depth beside uniform sampling."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.benchmarks.table import TableBenchmark
from harness.spaces import CategoricalSpace, get_space
from harness.spaces.residual import ResidualSpace
from reports.depth_bias import LEAST_P, DepthNull, compare_depths, depth_biases, depth_of
from reports.enumerated import Enumerated
from reports.genes import architectures_at, enumerated, uniform_draws
from reports.random_search import exact_baseline
from reports.resemblance import initial_samples, resemblances
from tests.reports.made_up import cell, table_benchmark


@pytest.fixture
def ranked(tmp_path: Path) -> TableBenchmark:
    """Three decisions of two, three and four options; quality grows with the options' numbers."""
    architectures = list(product(range(2), range(3), range(4)))
    values = np.array([[float(sum(a))] for a in architectures])
    options = [[f"{d}{i}" for i in range(n)] for d, n in zip("abc", (2, 3, 4), strict=True)]
    return table_benchmark(
        tmp_path / "t.table", values, values, options=options, architectures=architectures
    )


# --- likeness --------------------------------------------------------------------------------


def test_architectures_of_chosen_evaluations(ranked: TableBenchmark) -> None:
    found = cell([[1.0, 2.0], [3.0]], architectures=[["a0,b0,c1", "a1,b0,c1"], ["a0,b2,c3"]])
    space = ranked.space
    assert architectures_at(found, space, np.array([1, 0])) == [(1, 0, 1), (0, 2, 3)]
    assert architectures_at(found, space, np.array([-1, 0])) == [(0, 2, 3)]
    everyone = enumerated(ranked)
    assert everyone is not None
    assert sorted(map(tuple, everyone.tolist())) == list(product(range(2), range(3), range(4)))


def test_the_share_of_decisions_in_common(ranked: TableBenchmark) -> None:
    # Two initial samples each. First search: best initial a0,b1,c1, winner a1,b1,c1 (2 of 3).
    # Second: the winner is the best initial sample. Third: none succeeds at first.
    found = cell(
        [[1.0, 2.0, 3.0], [9.0, 1.0, 2.0], [np.nan, np.nan, 5.0]],
        architectures=[
            ["a0,b0,c1", "a0,b1,c1", "a1,b1,c1"],
            ["a1,b2,c3", "a0,b0,c0", "a0,b0,c1"],
            ["a0,b0,c0", "a0,b0,c1", "a0,b0,c2"],
        ],
        status=[[0, 0, 0], [0, 0, 0], [1, 1, 0]],
    )
    options = {"s": {"population_size": 2}}
    result = resemblances({"s": found}, options, ranked, None)
    assert result is not None and result.exhaustive
    (one,) = result.found
    assert (one.initial, one.n, one.same) == (2, 2, 0.5)
    assert one.shared.mean == pytest.approx((2 / 3 + 1) / 2)
    # A uniform architecture has each decision in common with probability 1 / its options.
    assert one.chance == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)
    assert one.random_search is None


def test_chance_is_what_uniform_architectures_share(ranked: TableBenchmark) -> None:
    rng = np.random.default_rng(0)
    space = ranked.space
    drawn = list(product(range(2), range(3), range(4)))
    texts = [space.to_string(drawn[i]) for i in rng.integers(0, 24, 300)]
    # The best initial sample is the first evaluation, the winner the second: both uniform.
    found = cell([[1.0, 2.0]] * 150, architectures=[texts[2 * i : 2 * i + 2] for i in range(150)])
    options = {"s": {"initial_samples": 1, "population_size": 9}, "r": {}}
    result = resemblances({"s": found, "r": found}, options, ranked, "r")
    assert result is not None
    (one,) = result.found
    assert one.shared.low is not None and one.shared.high is not None
    assert one.shared.low < one.chance < one.shared.high
    # The sampled random search is looked at in the same way.
    assert one.random_search == one.shared


def test_where_there_is_no_initial_design(ranked: TableBenchmark) -> None:
    found = cell([[1.0, 2.0]], architectures=[["a0,b0,c1", "a1,b0,c1"]])
    assert resemblances({"s": found}, {"s": {"learning_rate": 0.1}}, ranked, None) is None
    # All evaluations are initial ones.
    assert resemblances({"s": found}, {"s": {"population_size": 2}}, ranked, None) is None
    assert initial_samples({"initial_samples": None, "population_size": 7}) == 7
    assert initial_samples({"initial_samples": 3, "population_size": 7}) == 3
    assert initial_samples({"population_size": True}) is None


# --- depth -----------------------------------------------------------------------------------


def test_the_published_space_of_residual_networks() -> None:
    depths = ResidualSpace().depths()
    null = DepthNull.of(np.array([*depths]), np.array([*depths.values()]))
    assert (null.first, null.first + len(null.chance) - 1) == (8, 218)
    assert null.mean == pytest.approx(95.75)
    assert null.at_most(80) == pytest.approx(0.3635, abs=5e-5)
    # The winners of six searches: none has more than 80 layers.
    winners = np.array([41, 80, 36, 47, 74, 52])
    found = compare_depths("six searches", winners, null)
    assert (found.n, found.deepest) == (6, 80)
    assert found.below_deepest == pytest.approx(0.3635, abs=5e-5)
    assert found.all_below == pytest.approx(0.0023, abs=5e-5)
    # Their mean has a test of its own; the sum of six, by plain convolution.
    sums = null.chance
    for _ in range(5):
        sums = np.convolve(sums, null.chance)
    assert found.p == pytest.approx(2 * sums[: winners.sum() - 6 * 8 + 1].sum())
    assert found.p == pytest.approx(0.0006, abs=5e-5)


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=6),
    st.lists(st.integers(0, 4), min_size=1, max_size=4),
)
@settings(max_examples=80, deadline=None)
def test_p_of_the_mean_equals_enumeration(space: list[int], winners: list[int]) -> None:
    null = DepthNull.of(np.array(space))
    draws = np.array(list(product(space, repeat=len(winners)))).sum(axis=1)
    total = sum(winners)
    plain = 2 * min((draws <= total).mean(), (draws >= total).mean())
    # Winners may lie outside a null that was sampled.
    expected = min(max(plain, LEAST_P), 1.0)
    assert null.p_of_mean(np.array(winners)) == pytest.approx(expected, abs=1e-9)
    for depth in range(-1, 6):
        assert null.at_most(depth) == pytest.approx(np.mean(np.array(space) <= depth))


def test_p_of_many_winners_is_that_of_a_normal_mean() -> None:
    rng = np.random.default_rng(2)
    space = np.arange(10)
    null = DepthNull.of(space)
    for _ in range(20):
        winners = rng.integers(0, 10, 400)
        z = (winners.mean() - 4.5) / (space.std() / 20)
        plain = 2 * stats.norm.sf(abs(z))
        assert null.p_of_mean(winners) == pytest.approx(plain, abs=0.02)
    assert null.p_of_mean(np.zeros(400, dtype=int)) == LEAST_P


def test_the_test_is_right_as_often_as_it_says() -> None:
    null = DepthNull.of(np.array([0, 1, 1, 2, 2, 2, 3]))
    rng = np.random.default_rng(5)
    draws = rng.choice(4, size=(2_000, 50), p=null.chance)
    rejected = np.mean([null.p_of_mean(d) < 0.05 for d in draws])
    assert rejected < 0.06


def test_depth_of_cells() -> None:
    tss = get_space("tss")
    deepest = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|avg_pool_3x3~2|"
    assert depth_of(tss, tss.from_string(deepest)) == 3
    skips = "|skip_connect~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|"
    assert depth_of(tss, tss.from_string(skips)) == 1
    nothing = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|none~2|"
    assert depth_of(tss, tss.from_string(nothing)) == 0
    # A path around what leads nowhere.
    around = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"
    assert depth_of(tss, tss.from_string(around)) == 2

    class Layers(CategoricalSpace):
        def depth(self, architecture: object) -> int:
            return 2 + 3 * architecture[0]  # type: ignore[index, no-any-return]

    assert depth_of(Layers("layers", [["x", "y", "z"]]), (2,)) == 8


def test_depths_of_a_table(tmp_path: Path) -> None:
    tss = get_space("tss")
    architectures = [tuple(a) for a in tss._cells[::24]]  # type: ignore[attr-defined]
    depths = np.array([depth_of(tss, a) for a in architectures])
    values = depths[:, None] + np.random.default_rng(0).uniform(0, 0.5, (len(depths), 1))
    found = table_benchmark(
        tmp_path / "t.table", values, values, options="tss", architectures=architectures
    )
    deep = np.argsort(-values[:, 0])[:20].tolist()
    texts = [[tss.to_string(architectures[i])] for i in deep]
    searches = cell([[1.0]] * 20, architectures=texts)
    search = exact_baseline(found)
    result = depth_biases({"s": searches}, found, Enumerated.of(found), search, 40)
    assert result is not None and result.exhaustive
    assert result.drawn == len(depths)
    assert result.uniform == pytest.approx(depths.mean())
    assert (result.shallowest, result.deepest) == (depths.min(), depths.max())
    top = values[:, 0] >= np.sort(values[:, 0])[-len(depths) // 100]
    assert result.best == pytest.approx(depths[top].mean(), abs=0.01)
    # Deeper is better here, so that random search finds deep ones.
    assert result.random_search is not None and result.random_search > depths.mean() + 0.5
    (one,) = result.found
    assert one.depth.mean == pytest.approx(3.0)
    assert one.p < 1e-6 and one.all_below == 1.0


def test_equally_deep_architectures_have_no_bias(ranked: TableBenchmark) -> None:
    found = cell([[1.0]], architectures=[["a0,b0,c1"]])
    assert depth_biases({"s": found}, ranked) is None


def test_draws_of_the_null_are_the_same_every_time() -> None:
    tss = get_space("tss")
    assert list(uniform_draws(tss)) == list(uniform_draws(tss))
