"""Random search under a budget of expected seconds, exactly.

n draws cost n times the mean seconds of an evaluation in expectation, whatever is drawn (each
draw is uniform). So "the same expected time" needs no simulation: every level gets as many
evaluations as its mean cost allows, and `reports.random_search` gives what the best of them
reports. A level that is not the full one also pays for one full training of its winner, whose
expected seconds follow from the distribution of the winner.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from reports.random_search import Distribution
from reports.studies.fidelity_economics.levels import LevelBenchmark
from reports.studies.fidelity_economics.result import RandomCurve

_STEP = 1.05
"""Ratio of the numbers of evaluations at which full evaluations are looked at for `equivalent`."""


class RandomAtLevel:
    """Random search at one level.

    Args:
        level: The level.
        price: Seconds of a full training of every row, [rows]; None if the winner needs none.
    """

    def __init__(self, level: LevelBenchmark, price: np.ndarray | None) -> None:
        self.level = level
        self.outcomes = level.search.outcomes
        self._price = None if price is None else price[self.outcomes.row]
        # Architectures that the table lacks are drawn, where they count as failed, at no cost.
        covered = len(level.benchmark.table.row_of)
        self.seconds = level.seconds * covered / self.outcomes.architectures
        self._winners: dict[int, np.ndarray] = {}

    def winner(self, n: int) -> np.ndarray:
        """The probability of each entry of the outcomes to win, given any success."""
        if n not in self._winners:
            chance = self.level.search.holders(n)
            self._winners[n] = chance / chance.sum()
        return self._winners[n]

    def price(self, n: int) -> float:
        """Expected seconds of the winner's full training after n evaluations."""
        return 0.0 if self._price is None else float(self.winner(n) @ self._price)

    def report(self, n: int) -> Distribution:
        """The distribution of the winner's reported result."""
        return Distribution.of(self.outcomes.report, self.winner(n))

    def affordable(self, budget: float) -> int | None:
        """The most evaluations whose expected seconds the budget covers; None if not one.

        The winner's price hardly changes with n: a few steps of iteration find it.
        """
        n = 1
        for _ in range(20):
            fitting = int((budget - self.price(n)) / self.seconds * (1.0 + 1e-12))
            if fitting == n or fitting < 1:
                break
            n = fitting
        while n > 1 and n * self.seconds + self.price(n) > budget * (1.0 + 1e-9):
            n -= 1
        return n if n * self.seconds + self.price(n) <= budget * (1.0 + 1e-9) else None


class FullEvaluations(RandomAtLevel):
    """Random search with full evaluations: what the other levels are compared with."""

    @cached_property
    def _means(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of evaluations, and the expected result after each."""
        most = self.outcomes.architectures
        steps = int(np.log(most) / np.log(_STEP)) + 1
        counts = np.unique(np.rint(np.geomspace(1, most, steps)).astype(np.int64))
        return counts, np.array([self.report(n).mean for n in counts.tolist()])

    def equivalent(self, report: float, *, maximize: bool) -> float | None:
        """Seconds after which full evaluations first reach an expected result, within 5%."""
        counts, means = self._means
        reached = np.flatnonzero(means >= report if maximize else means <= report)
        return float(counts[reached[0]] * self.seconds) if reached.size else None


def random_curves(
    levels: Sequence[LevelBenchmark], budgets: Sequence[float], *, final_training: bool
) -> tuple[RandomCurve, ...]:
    """Exact random search at every level.

    Args:
        levels: By cost; the last is the full one.
        budgets: In full evaluations.
        final_training: Whether the budget pays for a full training of the winner.

    Raises:
        ExactUnavailable: If there is no exact distribution.
    """
    full = FullEvaluations(levels[-1], None)
    price = levels[-1].costs if final_training else None
    maximize = levels[-1].benchmark.protocol.larger_report_is_better
    rows: dict[str, list[tuple[object, ...]]] = {}
    for level in levels:
        own = full if level is levels[-1] else RandomAtLevel(level, price)
        found = rows.setdefault(level.name, [])
        for budget in budgets:
            seconds = budget * full.seconds
            n = own.affordable(seconds)
            if n is None or n > own.outcomes.architectures:
                found.append((n, None, None, None, None, None))
                continue
            ours = own.report(n)
            full_n = full.affordable(seconds)
            superiority = None
            if own is not full and full_n is not None:
                placed = full.report(full_n).placement(ours.values)
                superiority = float(ours.weights @ (placed if maximize else 1.0 - placed))
            reached = full.equivalent(ours.mean, maximize=maximize)
            equivalent = None if own is full or reached is None else reached / seconds
            spent = n * own.seconds + own.price(n)
            found.append((n, spent, ours.mean, ours.sd, superiority, equivalent))
    return tuple(RandomCurve(name, *zip(*found, strict=True)) for name, found in rows.items())


def doublings(curve: RandomCurve, budgets: Sequence[float]) -> list[tuple[float, float | None]]:
    """What each doubling of the budget adds to the expected result.

    Returns:
        (budget before, gain) from each whole power of two to the next.
    """
    known = dict(zip(budgets, curve.report, strict=True))
    powers = [budget for budget in budgets if float(budget).is_integer()]
    found = []
    for before, after in pairwise(powers):
        first, second = known[before], known[after]
        gain = None if first is None or second is None else second - first
        found.append((before, gain))
    return found
