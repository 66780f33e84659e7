"""A real table whose noise is turned up or down."""

from __future__ import annotations

import numpy as np

from harness.benchmarks import TableBenchmark
from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import row_means
from harness.errors import UserError
from harness.protocol import Measure, Protocol, digest

RUNS = "training runs"
PROXY = "the search's measure"


class ScaledNoise(TableBenchmark):
    """A table under a protocol, with the noise of what guides the search multiplied.

    Noise is what the table has of it. A search sees centre + factor x (value - centre). Where the
    protocol draws one of several training runs, the centre is the mean over an architecture's
    runs: with factor 0 a search sees means, with 1 the table's own runs. Elsewhere it is the
    reported result, moved to the same mean over the table: with factor 0 a search sees the order
    of the reported results, with 1 that of its own measure. So the noise is as uneven over
    architectures, and as far from normal, as the table's.

    Reported results are the table's. Random draws are those of the table: at every factor a
    search under one seed draws the same runs.

    Args:
        table: The opened table.
        dataset: One of its data sets; None: its default.
        protocol: Name or protocol; None: the default.
        factor: At least 0.

    Attributes:
        kind: `RUNS` or `PROXY`: whose noise it is.
        deviation: Standard deviation of the noise at factor 1: within architectures over those
            with several runs, or over architectures.

    Raises:
        UserError: If the factor is negative, or searches are guided by what is reported.
    """

    def __init__(
        self,
        table: PackedTable,
        dataset: str | None,
        protocol: str | Protocol | None,
        factor: float,
    ) -> None:
        self.factor = 1.0
        super().__init__(table, dataset, protocol)
        if not 0.0 <= factor < np.inf:
            raise UserError(f"noise factor {factor:g}: 0 or more")
        search = self.protocol.search
        values = self._seen()
        runs = (~np.isnan(values)).sum(axis=1)
        several = search.seeds == "random" and bool((runs > 1).any())
        self.kind = RUNS if several else PROXY
        if not several and self.protocol.report in self._guides:
            raise UserError(
                f"protocol '{self.protocol.name}' of {self.name} guides searches by what it"
                " reports: there is no noise to scale"
            )
        centre = self._centre(search, values)
        assert centre is not None
        degrees = np.maximum(runs - 1, 0).sum() if several else runs.sum()
        self.deviation = float(np.sqrt(np.nansum((values - centre) ** 2) / degrees))
        self.factor = float(factor)
        self.checksum = digest([self.checksum, "noise", self.factor])

    @property
    def _guides(self) -> tuple[Measure, Measure]:
        return self.protocol.search, self.protocol.selection

    def _seen(self) -> np.ndarray:
        """What a search can see, float64 [rows, draws]."""
        search = self.protocol.search
        values = self._values(search)
        return row_means(values)[:, None] if search.seeds == "mean" else values

    def _values(self, measure: Measure) -> np.ndarray:
        values = super()._values(measure)
        if self.factor == 1.0:
            return values
        centre = self._centre(measure, values)
        if centre is None:
            return values
        return np.asarray(centre + self.factor * (values - centre))

    def _centre(self, measure: Measure, values: np.ndarray) -> np.ndarray | None:
        """What a measure's values [rows, runs] are noisy versions of; None if not guides."""
        if self.kind == RUNS:
            columns = {guide.column for guide in self._guides}
            if measure.seeds != "random" or measure.column not in columns:
                return None
            return row_means(values)[:, None]
        if measure not in self._guides:
            return None
        report = self.means(self.protocol.report)[:, None]
        return np.asarray(report + np.nanmean(row_means(values)) - np.nanmean(report))

    def tau(self) -> float:
        """Kendall's tau-b between what a search sees and what is reported, over measured rows.

        The mean over runs by their place: that of all architectures' first runs, second runs, ...
        Where one of the two is better if smaller, its sign is turned.
        """
        from scipy.stats import kendalltau

        seen = self._seen()
        report = self.means(self.protocol.report)
        taus = []
        for run in seen.T:
            both = ~(np.isnan(run) | np.isnan(report))
            if both.sum() > 1:
                taus.append(kendalltau(run[both], report[both]).statistic)
        alike = self.protocol.maximize == self.protocol.larger_report_is_better
        return float(np.mean(taus)) * (1.0 if alike else -1.0)
