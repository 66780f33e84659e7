"""A table's architectures, each with its values without the luck of training seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from harness.benchmarks.table import TableBenchmark
from harness.spaces import CategoricalSpace


@dataclass(frozen=True, eq=False)
class Enumerated:
    """The rows of a table under a protocol.

    Architectures without a reported result are part of it, and count as worse than all others.

    Attributes:
        size: int64 [rows], architectures that share each row's measurements.
        true: float64 [rows], mean over seeds of the selection's measure; NaN where there is none.
        report: float64 [rows], mean over seeds of the reported measure; likewise.
        maximize: Whether larger reported results are better.
        complete: Whether these are all architectures of the space; None where the table stores
            cells of which a space has several encodings.
    """

    size: np.ndarray
    true: np.ndarray
    report: np.ndarray
    maximize: bool
    complete: bool | None

    @classmethod
    def of(cls, benchmark: TableBenchmark) -> Enumerated:
        """The architectures of a tabular benchmark."""
        protocol, table, space = benchmark.protocol, benchmark.table, benchmark.space
        own_keys = isinstance(space, CategoricalSpace) and type(space).key is CategoricalSpace.key
        return cls(
            size=np.bincount(table.row_of, minlength=table.n_rows),
            true=benchmark.means(protocol.selection),
            report=benchmark.means(protocol.report),
            maximize=protocol.larger_report_is_better,
            complete=len(table.row_of) == len(space) if own_keys else None,
        )

    @property
    def architectures(self) -> int:
        """How many there are."""
        return int(self.size.sum())

    @cached_property
    def percentile(self) -> np.ndarray:
        """float64 [rows]: percent of all architectures that are worse by their report.

        Those that are equally good count half, the row's own among them.
        """
        levels, level = np.unique(self._oriented, return_inverse=True)
        held = np.bincount(level, self.size, minlength=len(levels))
        below = np.cumsum(held) - held
        return np.asarray(100.0 * (below + held / 2.0)[level] / self.architectures)

    @cached_property
    def rank(self) -> np.ndarray:
        """float64 [rows]: place among all architectures, 1 for the best; ties share the mean."""
        return self.architectures * (1.0 - self.percentile / 100.0) + 0.5

    def top(self, shares: Sequence[float]) -> np.ndarray:
        """The best reported result that at least each share of the architectures has.

        Returns:
            float64 [shares]; NaN where fewer have any.
        """
        order = np.argsort(-self._oriented, kind="stable")
        reached = np.cumsum(self.size[order]) / self.architectures
        places = np.searchsorted(reached, np.asarray(shares) - 1e-12)
        return np.asarray(self.report[order][np.minimum(places, len(order) - 1)])

    def as_good(self, level: float) -> float:
        """The share of the architectures whose reported result is at least as good."""
        good = self.report >= level if self.maximize else self.report <= level
        return int(self.size[good].sum()) / self.architectures

    def among(self, share: float) -> np.ndarray:
        """bool [rows]: whether a row is among the best that hold this share of architectures.

        Those that tie with the last of them are among them too, those without a result never.
        """
        last = self.top([share])[0]
        level = -np.inf if np.isnan(last) else last if self.maximize else -last
        known = (self._oriented > -np.inf) & (self.size > 0)
        return np.asarray(known & (self._oriented >= level))

    @cached_property
    def _oriented(self) -> np.ndarray:
        """The reported results, larger being better; -inf where there is none."""
        oriented = self.report if self.maximize else -self.report
        return np.where(np.isnan(oriented), -np.inf, oriented)
