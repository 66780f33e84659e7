"""Runtime distributions: what share of targets is reached after so many evaluations or seconds.

After COCO (Hansen et al., "COCO: a platform for comparing continuous optimizers in a black-box
setting", 2021), with two differences that tables allow and noise asks for. Targets are not made
up: they are the reported results of the best so many percent of all architectures. And since an
incumbent is chosen by a noisy selection value, its reported result can fall again. A target
therefore counts at e evaluations if the incumbent *holds* it then, which is what a user who stops
there gets, and what exact random search's distribution says in closed form.

The *runtime* of a search is the number of evaluations that it began while its incumbent was below
the target. Where nothing is lost again this is the evaluation that reaches it. The *expected
runtime* divides the runtimes of all searches by the number of those that hold the target at the
end: the evaluations to expect if failing searches are started anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reports.enumerated import Enumerated
from reports.incumbents import Incumbents
from reports.intervals import LEVEL, Band, Estimate, mean_band, resampling_weights
from reports.random_search import RandomSearch

SHARES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""Targets: the best results that at least this share of the architectures has."""

QUANTILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Targets where the table is not at hand: quantiles of the final results of all searchers."""


@dataclass(frozen=True)
class Target:
    """A reported result to be reached.

    Attributes:
        share: For kind "space" the share of the architectures that are as good; for "results"
            the share of final results that are not better, from worse to better.
        value: The result.
    """

    share: float
    value: float


@dataclass(frozen=True)
class Runtime:
    """One searcher's runtimes.

    Attributes:
        searcher: Its label; "exact" for exact random search.
        evaluations: Share of (search, target) pairs that hold after each number of evaluations.
        seconds: The same at each virtual second; empty for exact random search.
        held: For each target the share of searches that hold it at the end.
        expected: For each target the expected runtime in evaluations; no mean where no search
            holds it.
    """

    searcher: str
    evaluations: Band
    seconds: Band
    held: tuple[float, ...]
    expected: tuple[Estimate, ...]


@dataclass(frozen=True)
class Runtimes:
    """Runtime distributions of all searchers.

    Attributes:
        kind: "space" (targets are results of the best architectures) or "results" (of the
            searches, where the table is not at hand).
        targets: The targets, from easy to hard.
        x: Evaluations.
        t: Virtual seconds.
        searchers: One each.
        exact: Exact random search; None without it.
    """

    kind: str
    targets: tuple[Target, ...]
    x: tuple[float, ...]
    t: tuple[float, ...]
    searchers: tuple[Runtime, ...]
    exact: Runtime | None


def runtimes(
    followed: Mapping[str, Incumbents],
    grid: np.ndarray,
    times: np.ndarray,
    space: Enumerated | None,
    search: RandomSearch | None,
    *,
    maximize: bool,
) -> Runtimes | None:
    """The runtime distributions of all searchers; None where there is nothing to reach.

    Args:
        followed: Label -> incumbents.
        grid: Numbers of evaluations, ascending.
        times: Virtual seconds, ascending.
        space: The table's architectures, if it is at hand.
        search: Exact random search.
        maximize: Whether larger reported results are better.
    """
    targets = _of_space(space) if space is not None else _of_results(followed, maximize)
    if not targets:
        return None
    sign = 1.0 if maximize else -1.0
    values = sign * np.array([target.value for target in targets])
    # The table's means and a trace's are the same numbers up to the order of summation.
    values -= 1e-9 * np.abs(values)
    return Runtimes(
        kind="results" if space is None else "space",
        targets=targets,
        x=tuple(grid.astype(float).tolist()),
        t=tuple(times.tolist()),
        searchers=tuple(
            _runtime(label, f, _held(f, sign, values), grid, times, len(targets))
            for label, f in followed.items()
        ),
        exact=None if search is None else _exact(search, grid, targets, maximize=maximize),
    )


def _of_space(space: Enumerated) -> tuple[Target, ...]:
    # Small shares may fall into one tie, or be less than one architecture: one target then.
    values = dict.fromkeys(v for v in space.top(SHARES).tolist() if np.isfinite(v))
    return tuple(Target(space.as_good(value), value) for value in values)


def _of_results(followed: Mapping[str, Incumbents], maximize: bool) -> tuple[Target, ...]:
    final = np.concatenate([f.final("report") for f in followed.values()])
    final = final[~np.isnan(final)] * (1.0 if maximize else -1.0)
    if not final.size:
        return ()
    values = np.quantile(final, QUANTILES, method="inverted_cdf")
    found = {v: s for s, v in zip(QUANTILES, values.tolist(), strict=True)}
    return tuple(Target(s, v if maximize else -v) for v, s in found.items())


def _held(followed: Incumbents, sign: float, values: np.ndarray) -> np.ndarray:
    """How many of the ascending targets each incumbent holds, int64 [searches, evaluations]."""
    report = sign * followed.values["report"]
    report = np.where(np.isnan(report), -np.inf, report)
    return np.asarray(np.searchsorted(values, report, side="right"))


def _runtime(
    label: str,
    followed: Incumbents,
    held: np.ndarray,
    grid: np.ndarray,
    times: np.ndarray,
    targets: int,
) -> Runtime:
    share = held / targets
    by_evaluations = share[:, np.minimum(grid, held.shape[1]) - 1]
    # Before the first evaluation ends nothing is held.
    states = np.concatenate([np.zeros((len(share), 1)), share], axis=1)
    done = np.stack([np.searchsorted(ends, times, side="right") for ends in followed.seconds])
    at_end, expected = _expected(followed, held, targets)
    return Runtime(
        searcher=label,
        evaluations=_within(mean_band(by_evaluations)),
        seconds=_within(mean_band(np.take_along_axis(states, done, axis=1))),
        held=at_end,
        expected=expected,
    )


def _expected(
    followed: Incumbents, held: np.ndarray, targets: int
) -> tuple[tuple[float, ...], tuple[Estimate, ...]]:
    """For each target the share of searches that hold it, and the expected runtime."""
    # Before evaluation e + 1 the incumbent is that after e; before the first there is none.
    before = np.concatenate([np.zeros((len(held), 1), held.dtype), held[:, :-1]], axis=1)
    begun = np.arange(held.shape[1]) < followed.lengths[:, None]
    level = np.arange(targets)
    spent = np.stack([((before <= k) & begun).sum(axis=1) for k in level], axis=1).astype(float)
    holds = (held[:, -1:] > level).astype(float)
    ends = np.full((2, targets), np.nan)
    if len(held) > 1:
        weights = resampling_weights(len(held))
        # 0 / 0: searches without an evaluation.
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = (weights @ spent) / (weights @ holds)
        # Resamples in which no search holds it take for ever.
        tail = (1.0 - LEVEL) / 2.0
        ends = np.quantile(ratios, [tail, 1.0 - tail], axis=0, method="inverted_cdf")
    successes = holds.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = spent.sum(axis=0) / successes
    low, high = np.where(successes > 0, ends, np.nan)
    estimates = zip(*(map(_finite, v.tolist()) for v in (means, low, high)), strict=True)
    return tuple((successes / len(held)).tolist()), tuple(Estimate(*e) for e in estimates)


def _exact(
    search: RandomSearch, grid: np.ndarray, targets: tuple[Target, ...], *, maximize: bool
) -> Runtime:
    from scipy.interpolate import PchipInterpolator

    levels = np.array([target.value for target in targets])
    reached = search.reaching(grid, levels, maximize=maximize)
    last = int(grid[-1])
    if len(grid) > 1:
        every = PchipInterpolator(np.log(grid), reached)(np.log(np.arange(1, last + 1)))
    else:
        every = np.repeat(reached, last, axis=0)
    spent = 1.0 + (1.0 - every[:-1]).sum(axis=0)
    expected = [
        Estimate(float(s / p) if p > 1e-12 else None, None, None)
        for s, p in zip(spent, reached[-1], strict=True)
    ]
    nothing = (None,) * len(grid)
    return Runtime(
        searcher="exact",
        evaluations=Band(tuple(reached.mean(axis=1).tolist()), nothing, nothing),
        seconds=Band((), (), ()),
        held=tuple(reached[-1].tolist()),
        expected=tuple(expected),
    )


def _within(band: Band) -> Band:
    """Ends of intervals of shares, kept within 0 and 1."""
    low = tuple(None if v is None else max(v, 0.0) for v in band.low)
    high = tuple(None if v is None else min(v, 1.0) for v in band.high)
    return Band(band.mean, low, high)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
