"""A contest: the final results of a strategy beside those of random search on one benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reports.random_search import Distribution

EXACT, SAMPLED = "exact", "sampled"


@dataclass(frozen=True, eq=False)
class Contest:
    """Final reported results of a strategy and of random search.

    Attributes:
        searcher: The strategy's label.
        benchmark: The benchmark's label.
        maximize: Whether larger results are better.
        seeds: int64 [n], of the strategy's searches that found anything.
        results: float64 [n], their final results.
        exact: Random search's exact distribution; None if there is none.
        sampled: float64 [n], results of random searches under the same seeds, NaN where there
            is none; None if random search was not run.
        reference: `EXACT` or `SAMPLED`: which of the two counts.
    """

    searcher: str
    benchmark: str
    maximize: bool
    seeds: np.ndarray
    results: np.ndarray
    exact: Distribution | None
    sampled: np.ndarray | None
    reference: str

    @cached_property
    def paired(self) -> np.ndarray:
        """Which of the strategy's searches have a random search under the same seed, bool [n]."""
        if self.sampled is None:
            return np.zeros(len(self.results), dtype=bool)
        return np.asarray(~np.isnan(self.sampled))

    @property
    def used(self) -> np.ndarray:
        """Which searches are compared with the reference, bool [n]."""
        return np.ones(len(self.results), dtype=bool) if self.reference == EXACT else self.paired

    @cached_property
    def differences(self) -> np.ndarray:
        """Each compared result minus random search's expectation, or its result, float64."""
        if self.reference == EXACT and self.exact is not None:
            return self.results - self.exact.mean
        if self.sampled is None:
            return np.zeros(0)
        return np.asarray((self.results - self.sampled)[self.paired])

    @property
    def gains(self) -> np.ndarray:
        """The differences, positive where the strategy is better."""
        return self.differences if self.maximize else -self.differences

    @property
    def reference_sd(self) -> float:
        """Standard deviation of random search's results; 0 if it is not known."""
        if self.reference == EXACT and self.exact is not None:
            return self.exact.sd
        if self.sampled is None or self.paired.sum() < 2:
            return 0.0
        return float(self.sampled[self.paired].std(ddof=1))
