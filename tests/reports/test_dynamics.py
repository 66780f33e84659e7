"""What was evaluated: counts and means against plain loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.base import FAILED, MISSING, OK, REPEAT
from reports.dynamics import LEVELS, TIMES, WINDOW, dynamics
from tests.reports.made_up import TESTED, cell

SEARCHES = st.lists(
    st.lists(
        st.tuples(st.sampled_from([OK, OK, OK, FAILED, MISSING, REPEAT]), st.floats(0, 1)),
        min_size=1,
        max_size=8,
    ),
    min_size=1,
    max_size=3,
)


@given(SEARCHES, st.booleans())
@settings(max_examples=60, deadline=None)
def test_means_and_counts_equal_a_plain_loop(
    searches: list[list[tuple[int, float]]], missing_charged: bool
) -> None:
    lacking = (FAILED, MISSING)
    values = [[np.nan if s in lacking else v for s, v in search] for search in searches]
    found = cell(values, status=[[s for s, _ in search] for search in searches])
    grid = np.arange(1, 9)
    result = dynamics({"s": found}, grid, missing_charged=missing_charged)
    free = (REPEAT,) if missing_charged else (REPEAT, MISSING)
    charged = [
        [v for (s, _), v in zip(search, value, strict=True) if s not in free]
        for search, value in zip(searches, values, strict=True)
    ]
    known = [v for search in charged for v in search if not np.isnan(v)]
    if not known:
        assert result is None
        return
    assert result is not None
    assert sum(map(sum, result.scatters[0].counts)) == len(known)
    for e in grid.tolist():
        so_far = [[v for v in search[:e] if not np.isnan(v)] for search in charged]
        means = [np.mean(v) for v in so_far if v]
        shown = result.courses[0].cumulative.mean[e - 1]
        if 2 * len(means) >= len(charged) and means:
            assert shown == pytest.approx(np.mean(means))
        else:
            assert shown is None
        # Fewer than fifty evaluations: the trailing mean is that of all.
        assert result.courses[0].trailing.mean[e - 1] == pytest.approx(shown)


def test_the_trailing_mean_forgets() -> None:
    values = np.random.default_rng(0).normal(size=130)
    found = dynamics({"s": cell([values.tolist()])}, np.array([1, 49, 50, 51, 130]))
    assert found is not None
    (course,) = found.courses
    assert WINDOW == 50
    plain = [values[max(e - 50, 0) : e].mean() for e in (1, 49, 50, 51, 130)]
    assert course.trailing.mean == pytest.approx(plain)
    assert course.cumulative.mean[-1] == pytest.approx(values.mean())


def test_searches_that_end_early_keep_their_means() -> None:
    long, short = [1.0] * 60 + [3.0] * 60, [5.0] * 10
    found = dynamics({"s": cell([long, short])}, np.array([5, 120]))
    assert found is not None
    assert found.courses[0].trailing.mean == pytest.approx([3.0, (3.0 + 5.0) / 2])


def test_counts_equal_numpy_s_histogram() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(20, 40))
    ends = np.cumsum(rng.integers(1, 9, (20, 40)), axis=1) * 1_000_000
    found = dynamics({"s": cell(values.tolist(), end=ends.tolist())}, np.array([1]))
    assert found is not None
    edges = np.array(found.values)
    # The best is the upper edge; a tenth lies below the lower one.
    assert edges[-1] == values.max()
    assert edges[0] == pytest.approx(np.quantile(values, 0.1))
    assert found.seconds[-1] == ends.max() / 1e6
    plain, _, _ = np.histogram2d(
        (ends / 1e6).ravel(),
        np.clip(values, edges[0], edges[-1]).ravel(),
        bins=(np.array(found.seconds), edges),
    )
    assert plain.shape == (TIMES, LEVELS)
    assert np.abs(np.array(found.scatters[0].counts) - plain).sum() == 0


def test_strategies_share_their_bins_and_a_smaller_value_may_be_better() -> None:
    low = replace(TESTED, maximize=False)
    one = cell([[1.0, 2.0, 9.0]], protocol=low)
    other = cell([[0.5, 4.0]], protocol=low)
    found = dynamics({"a": one, "b": other}, np.array([1]))
    assert found is not None
    assert found.values[0] == 0.5
    assert [sum(map(sum, s.counts)) for s in found.scatters] == [3, 2]


def test_only_evaluations_at_the_most_epochs_count() -> None:
    protocol = replace(TESTED, search=replace(TESTED.search, epoch=9), fidelities=(1, 9))
    found = cell([[1.0, 2.0, 6.0]], protocol=protocol, epochs=[[1, 9, 9]])
    shown = dynamics({"s": found}, np.array([1, 3]))
    assert shown is not None
    assert shown.courses[0].cumulative.mean == (None, 4.0)
    assert sum(map(sum, shown.scatters[0].counts)) == 2


def test_values_that_are_all_equal_have_bins() -> None:
    found = dynamics({"s": cell([[3.0, 3.0]], end=[[0, 0]])}, np.array([1, 2]))
    assert found is not None
    assert sum(map(sum, found.scatters[0].counts)) == 2
    assert list(found.values) == sorted(set(found.values))
