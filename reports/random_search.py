"""Random search without running it: the exact distribution of the best of n, from the table.

Random search draws architectures uniformly; its result after n evaluations is an order statistic
of the table. Let V be the selection value of one evaluation and S(v) the share of draws whose
value is at most v. Then, with ties grouped and equal values equally likely to come first,

* independent draws: P(best of n <= v) = S(v)^n, with S the mixture over architectures and seeds;
* draws without replacement: P = C(N S(v), n) / C(N, n), the hypergeometric form;
* draws of which a second visit repeats the first (a cached random seed, also of another
  architecture that shares the measurement): which of its seeds a row shows is then fixed for a
  whole search, S(v) is itself random, and P = E[S(v)^n] or E[C(N S(v), n)] / C(N, n).

The last expectations are coefficients of generating functions. With row r holding m_r of N
architectures and showing a value of at most v with probability p_r, independently of other rows,

    E[(N S)^n] = n! [z^n] prod_r (1 - p_r + p_r exp(m_r z)),
    E[C(N S, n)] =  [z^n] prod_r (1 - p_r + p_r (1 + z)^m_r),

read off by Cauchy's integral with the trapezoidal rule on a circle. Because S <= 1, the error of
the rule is at most a tail of the Poisson (binomial) distribution, whatever the table: here below
1e-12. Nothing is sampled.

Given the best value, its holder is one of the entries that tie on it: see `ties`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import gammaln

from harness.benchmarks import Benchmark, TableBenchmark
from harness.errors import HarnessError
from reports.outcomes import Outcomes, UnitGroups, outcomes_of
from reports.ties import tied_shares

_NEGLIGIBLE = 1e-15
_LARGE = 700.0
"""Exponents above it are not exponentiated."""
_REMEMBERED = 128 << 20
"""Bytes of probabilities that are kept, because several views ask for the same ones."""


class ExactUnavailable(HarnessError):
    """Random search under this protocol or budget has no exact distribution here; says why."""


@dataclass(frozen=True)
class ExactCurve:
    """Random search after each number of evaluations, exactly.

    Attributes:
        x: Evaluations.
        success: Probability that any evaluation succeeded; the rest is given that.
        selection: Expected selection value of the incumbent.
        true: Expected mean over training seeds of the incumbent's selection measure.
        optimism: Expected selection value minus true: the winner's curse.
        report: Expected report.
        report_sd: Its standard deviation.
    """

    x: tuple[float, ...]
    success: tuple[float, ...]
    selection: tuple[float | None, ...]
    true: tuple[float | None, ...]
    optimism: tuple[float | None, ...]
    report: tuple[float | None, ...]
    report_sd: tuple[float | None, ...]


@dataclass(frozen=True, eq=False)
class Distribution:
    """A discrete distribution.

    Attributes:
        values: float64 [k], ascending and distinct.
        weights: float64 [k], adding up to 1.
    """

    values: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, weights: np.ndarray) -> Distribution:
        """From any values with weights of any sum; NaN values are left out."""
        kept = ~np.isnan(values)
        distinct, group = np.unique(values[kept], return_inverse=True)
        total = np.bincount(group, weights[kept], minlength=len(distinct))
        return cls(distinct, total / total.sum())

    @property
    def mean(self) -> float:
        """The expectation."""
        return float(self.weights @ self.values)

    @property
    def sd(self) -> float:
        """The standard deviation."""
        return float(np.sqrt(self.weights @ (self.values - self.mean) ** 2))

    def quantiles(self, levels: np.ndarray) -> np.ndarray:
        """The least values at which the distribution function reaches the levels."""
        reached = np.cumsum(self.weights)
        places = np.searchsorted(reached, levels - 1e-12)
        return np.asarray(self.values[np.minimum(places, len(self.values) - 1)])

    def below(self, x: np.ndarray) -> np.ndarray:
        """P(X < x) for each entry of x."""
        return np.asarray(self._reached[np.searchsorted(self.values, x - _slack(x), side="left")])

    def at_most(self, x: np.ndarray) -> np.ndarray:
        """P(X <= x) for each entry of x."""
        return np.asarray(self._reached[np.searchsorted(self.values, x + _slack(x), side="right")])

    def placement(self, x: np.ndarray) -> np.ndarray:
        """P(X < x) + P(X = x) / 2 for each entry of x; NaN stays NaN."""
        return np.where(np.isnan(x), np.nan, (self.below(x) + self.at_most(x)) / 2.0)

    @cached_property
    def _reached(self) -> np.ndarray:
        return np.concatenate([[0.0], np.cumsum(self.weights)])


def _slack(x: np.ndarray) -> np.ndarray:
    """What rounding may do: a table's means and a trace's differ by the order of summation."""
    return np.asarray(1e-9 * np.maximum(np.abs(x), 1e-300))


class RandomSearch:
    """The exact distribution of what random search finds.

    Args:
        outcomes: What one evaluation can give.
        replacement: Whether an architecture can be drawn twice.
        shared: Whether a second visit to a row repeats the first one's draw.
    """

    def __init__(
        self, outcomes: Outcomes, *, replacement: bool = True, shared: bool = True
    ) -> None:
        self.outcomes = outcomes
        self.replacement = replacement
        self.shared = shared
        self._units = UnitGroups.of(outcomes, shared=shared)
        self._level_mass = np.bincount(outcomes.level, outcomes.mass)
        self._holders: dict[int, np.ndarray] = {}

    def best_of(self, n: int) -> np.ndarray:
        """P(the best of n is at most v) for "no success" and each level v, float64 [levels + 1].

        Args:
            n: Number of evaluations, at least 1; without replacement no more than there are
                architectures (further ones count for nothing).
        """
        total = self.outcomes.architectures
        if self.replacement and not self.shared:
            share = np.cumsum(np.append(self.outcomes.failing / total, self._level_mass))
            return np.asarray(np.minimum(share, 1.0) ** n)
        if not self.replacement:
            n = min(n, total)
        at_most = np.exp(self._log_chance(self._units.certain, n))
        uncertain = self._units.uncertain.any(axis=1)
        # Rows with any chance of a value this low bound what S can be.
        relevant = uncertain & (self._log_chance(self._units.most, n) > np.log(_NEGLIGIBLE))
        if relevant.any():
            at_most[relevant] = self._integral(relevant, n)
        # Rounding of the integral must not make a probability negative.
        return np.maximum.accumulate(np.clip(at_most, 0.0, 1.0))

    def _log_chance(self, architectures: np.ndarray, n: int) -> np.ndarray:
        """log P(n draws all fall in a set of so many architectures)."""
        total = self.outcomes.architectures
        with np.errstate(divide="ignore"):
            if self.replacement:
                return np.asarray(n * np.log(architectures / total))
            inside = np.where(architectures >= n, architectures, np.nan)
            logs = gammaln(inside + 1) - gammaln(inside - n + 1)
            logs -= gammaln(total + 1) - gammaln(total - n + 1)
            return np.where(np.isnan(logs), -np.inf, logs)

    def _integral(self, where: np.ndarray, n: int) -> np.ndarray:
        """Cauchy's integral for the levels in the mask `where`."""
        total = self.outcomes.architectures
        # The circle through the saddle point for S = 1.
        radius = n / total if self.replacement else n / (total - n + 1)
        # Aliases are then below 1e-13; half the points do, for the integrand is conjugate-even.
        points = 2 * (int(4.5 * np.sqrt(n)) + 20)
        angles = 2.0 * np.pi * np.arange(points // 2 + 1) / points
        z = radius * np.exp(1j * angles)
        step = z if self.replacement else np.log1p(z)
        units = self._units
        factors = _log_factors(units.chance, np.multiply.outer(step, units.size))
        # exp turns the logarithm's branch into nothing, for the counts are integers.
        logs = np.multiply.outer(units.certain[where], step)
        logs += units.uncertain[where] @ factors.T
        if self.replacement:
            scale = gammaln(n + 1) - n * np.log(n)
        else:
            scale = gammaln(n + 1) + gammaln(total - n + 1) - gammaln(total + 1)
            scale -= n * np.log(radius)
        weights = np.full(len(angles), 2.0 / points)
        weights[[0, -1]] = 1.0 / points
        return np.asarray((np.exp(logs + scale - 1j * n * angles).real) @ weights)

    def curve(self, grid: np.ndarray) -> ExactCurve:
        """Expectations after each number of evaluations in `grid`."""
        outcomes = self.outcomes
        known = ~np.isnan(outcomes.report)
        report = np.where(known, outcomes.report, 0.0)
        # Centred, so that the variance keeps its digits.
        centre = float(np.average(report, weights=outcomes.mass * known)) if known.any() else 0.0
        centred = np.where(known, report - centre, 0.0)
        moments = np.stack([outcomes.selection, outcomes.true, known, centred, centred**2])
        rows = []
        for n in grid.tolist():
            chance = self.holders(n)
            success = float(chance.sum())
            selection, true, reported, first, second = (moments @ chance).tolist()
            if success <= 0.0:
                rows.append((float(n), 0.0, *[None] * 5))
                continue
            mean = first / reported if reported > 0 else float("nan")
            variance = max(second / reported - mean * mean, 0.0) if reported > 0 else float("nan")
            result = (centre + mean, float(np.sqrt(variance))) if reported > 0 else (None, None)
            selection, true = selection / success, true / success
            rows.append((float(n), success, selection, true, selection - true, *result))
        return ExactCurve(*(tuple(column) for column in zip(*rows, strict=True)))

    def holders(self, n: int) -> np.ndarray:
        """The probability of each entry to be the incumbent after n evaluations, float64 [k]."""
        if n not in self._holders:
            found = self._held(n)
            if (len(self._holders) + 1) * found.nbytes > _REMEMBERED:
                return found
            found.flags.writeable = False
            self._holders[n] = found
        return self._holders[n]

    def reaching(self, grid: np.ndarray, levels: np.ndarray, *, maximize: bool) -> np.ndarray:
        """The probability that the reported result is at least as good as each level.

        A search without any success has no result, and reaches nothing.

        Args:
            grid: Numbers of evaluations [g].
            levels: Reported results [k].
            maximize: Whether larger ones are better.

        Returns:
            float64 [g, k].
        """
        report = self.outcomes.report[:, None]
        # The table's means and a trace's are the same numbers up to the order of summation.
        slack = 1e-9 * np.abs(levels)
        good = report >= levels - slack if maximize else report <= levels + slack
        weights = good.astype(np.float64)
        return np.stack([self.holders(n) @ weights for n in grid.tolist()])

    def _held(self, n: int) -> np.ndarray:
        outcomes = self.outcomes
        at_most = self.best_of(n)
        independent = self.replacement and not self.shared
        if independent or not self._units.uncertain.any():
            share = outcomes.mass / self._level_mass[outcomes.level]
        else:
            share = tied_shares(outcomes, self._units, at_most, n, replacement=self.replacement)
        return np.asarray(np.diff(at_most)[outcomes.level] * share)

    def reported(self, n: int) -> Distribution:
        """The distribution of the reported result after n evaluations, given any success.

        Raises:
            ExactUnavailable: If no evaluation can succeed.
        """
        chance = self.holders(n)
        if not chance.sum() > 0.0:
            raise ExactUnavailable("no evaluation can succeed")
        return Distribution.of(self.outcomes.report, chance)


def _log_factors(chance: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """log(1 - p + p exp(x)) of chances [groups] and complex exponents [points, groups].

    With many more draws than architectures exp(x) is larger than any float, and 1 - p beside it
    nothing.
    """
    large = exponents.real > _LARGE
    if not large.any():
        return np.asarray(np.log1p(chance * np.expm1(exponents)))
    with np.errstate(divide="ignore"):
        alone = np.where(chance > 0.0, np.log(chance) + exponents, 0.0)
    return np.where(large, alone, np.log1p(chance * np.expm1(np.where(large, 0.0, exponents))))


def exact_baseline(benchmark: Benchmark, *, replacement: bool = True) -> RandomSearch:
    """Random search on a tabular benchmark under its protocol.

    Args:
        benchmark: The table and the protocol.
        replacement: Whether random search may draw an architecture twice.

    Raises:
        ExactUnavailable: If there is no table, no evaluation can succeed, or the protocol leaves
            repeats uncharged while architectures share rows (which then are not drawn
            uniformly).
    """
    if not isinstance(benchmark, TableBenchmark):
        raise ExactUnavailable("the benchmark is computed: it has no table to sum over")
    protocol = benchmark.protocol
    outcomes = outcomes_of(benchmark)
    if not len(outcomes.row):
        raise ExactUnavailable("no evaluation can succeed")
    shared = protocol.repeat == "cached"
    if shared and not protocol.charge_repeats:
        if outcomes.size.max() > 1 or protocol.missing == "fail":
            raise ExactUnavailable(
                "repeats are not charged, and architectures share measurements or are missing"
            )
        # What is charged are distinct architectures.
        replacement = False
    return RandomSearch(outcomes, replacement=replacement, shared=shared)
