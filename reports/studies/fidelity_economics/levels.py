"""The levels of a study: one protocol each, from the cheapest evaluation to the full one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from statistics import NormalDist

import numpy as np

from harness.benchmarks import TableBenchmark, open_benchmark
from harness.benchmarks.base import MICROSECONDS
from harness.errors import UserError
from harness.protocol import Measure, Protocol
from harness.spec import parse_settings
from reports.intervals import Estimate
from reports.random_search import ExactUnavailable, RandomSearch, exact_baseline
from reports.resampled_tau import resampled_tau

MOST_LEVELS = 8
"""Levels that are taken where a protocol offers more and none are chosen."""

TAU_RESAMPLES = 100
_SEED = 20_221_122
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, eq=False)
class LevelBenchmark:
    """A benchmark whose evaluations are of one fidelity.

    Attributes:
        name: The level's label.
        benchmark: The table under the level's protocol: what guides the search also selects the
            winner, and the report is that of the full training.
    """

    name: str
    benchmark: TableBenchmark

    @property
    def epochs(self) -> int:
        """Epochs of an evaluation."""
        return self.benchmark.protocol.search.epoch

    @cached_property
    def costs(self) -> np.ndarray:
        """Seconds of one evaluation of every row, float64 [rows]."""
        return np.array(self.benchmark.level(None).costs) / MICROSECONDS

    @cached_property
    def seconds(self) -> float:
        """Mean seconds of one evaluation of a random covered architecture."""
        return float(self.costs[self.benchmark.table.row_of].mean())

    @cached_property
    def search(self) -> RandomSearch:
        """Exact random search.

        Raises:
            ExactUnavailable: If there is none; says why.
        """
        return exact_baseline(self.benchmark)

    def saturated(self) -> float | None:
        """Expected report after half as many evaluations as there are architectures."""
        try:
            search = self.search
        except ExactUnavailable:
            return None
        return search.reported(max(search.outcomes.architectures // 2, 1)).mean

    def agreement(self) -> Estimate:
        """Kendall's tau-b of this level's values with the reported results, over architectures.

        With several training seeds a row, it is the mean of the taus of the first, second, ...
        seed's values (rows with fewer begin again): one search sees one seed. The interval is a
        normal one with the bootstrap's standard error over rows, the independent measurements.
        """
        benchmark = self.benchmark
        report = benchmark.means(benchmark.protocol.report)
        runs = benchmark.runs(benchmark.protocol.search)
        size = np.bincount(benchmark.table.row_of, minlength=len(runs))
        rows = np.flatnonzero(np.array([bool(r) for r in runs]) & ~np.isnan(report) & (size > 0))
        if len(rows) < 2 or np.ptp(report[rows]) == 0:
            return Estimate(None, None, None)
        size, report = size[rows], report[rows]
        rng = np.random.default_rng([_SEED, len(rows)])
        drawn = rng.multinomial(len(rows), np.full(len(rows), 1.0 / len(rows)), TAU_RESAMPLES)
        counts = np.concatenate([size[:, None], drawn.T * size[:, None]], axis=1)
        most = max(len(runs[row]) for row in rows)
        taus = np.zeros(counts.shape[1])
        for seed in range(most):
            values = np.array([runs[row][seed % len(runs[row])] for row in rows])
            taus += resampled_tau(values, report, counts) / most
        tau, error = float(taus[0]), float(np.nanstd(taus[1:], ddof=1))
        return Estimate(tau, tau - _Z * error, tau + _Z * error, "bootstrap standard error")


def levels_of(
    source: str, protocols: Sequence[str] = (), epochs: Sequence[int] = ()
) -> tuple[LevelBenchmark, ...]:
    """The levels of a table, by mean cost of an evaluation.

    Args:
        source: The table, as for `open_benchmark`.
        protocols: Either one protocol with several fidelities, or several that report the same
            measure; (): the table's only protocol with several fidelities.
        epochs: Which of the one protocol's fidelities; (): all, or `MOST_LEVELS` evenly spaced
            logarithms. Its own is always among them.

    Raises:
        UserError: If there are fewer than two levels, or they cannot be compared.
    """
    names = tuple(protocols) or (_many_fidelities(source),)
    opened = [_table(source, name) for name in names]
    if len(opened) == 1:
        found = _by_epochs(source, opened[0], epochs)
    else:
        if epochs:
            raise UserError("give either --epochs or several protocols, not both")
        found = [
            LevelBenchmark(name, _one_level(source, benchmark, benchmark.protocol.search))
            for name, benchmark in zip(names, opened, strict=True)
        ]
        if len(set(names)) < len(names):
            raise UserError("a protocol is given twice")
    reports = {level.benchmark.protocol.report for level in found}
    if len(reports) > 1:
        raise UserError(
            f"protocols {', '.join(names)} report different measures: their winners cannot be"
            " compared"
        )
    if len(found) < 2:
        raise UserError("a comparison needs at least two fidelities: give more --epochs")
    return tuple(sorted(found, key=lambda level: level.seconds))


def _many_fidelities(source: str) -> str:
    benchmark = _table(source, None)
    known = benchmark.table.header.protocols[benchmark.dataset]
    many = sorted(name for name, fields in known.items() if fields.get("fidelities"))
    if len(many) == 1:
        return many[0]
    raise UserError(
        f"{benchmark.name} has {'several protocols' if many else 'no protocol'} with several"
        f" fidelities: give --protocol ({', '.join(many or sorted(known))}); two protocols that"
        " report the same make two fidelities"
    )


def _by_epochs(
    source: str, benchmark: TableBenchmark, epochs: Sequence[int]
) -> list[LevelBenchmark]:
    offered = benchmark.fidelities
    for epoch in epochs:
        if epoch not in offered:
            listed = ", ".join(map(str, offered))
            raise UserError(
                f"protocol '{benchmark.protocol.name}' offers the epochs {listed}, not {epoch}"
            )
    chosen = {*epochs, offered[-1]} if epochs else set(_spread(offered))
    return [
        LevelBenchmark(
            f"{epoch} epoch{'s' * (epoch > 1)}",
            _one_level(source, benchmark, replace(benchmark.protocol.search, epoch=epoch)),
        )
        for epoch in sorted(chosen)
    ]


def _spread(offered: Sequence[int]) -> list[int]:
    """The nearest of the fidelities to evenly spaced logarithms."""
    if len(offered) <= MOST_LEVELS:
        return list(offered)
    wanted = np.geomspace(max(offered[0], 1), offered[-1], MOST_LEVELS)
    return [min(offered, key=lambda epoch: abs(epoch - w)) for w in wanted.tolist()]


def _one_level(source: str, benchmark: TableBenchmark, search: Measure) -> TableBenchmark:
    # A search that is guided by a cheap value can select by nothing else.
    options = {
        "search": asdict(search),
        "select": None,
        "fidelities": (),
        "promotion": "restart",
        "time_noise": 0.0,
    }
    return _table(source, benchmark.protocol.with_options(**options))


def _table(source: str, protocol: str | Protocol | None) -> TableBenchmark:
    if isinstance(protocol, str):
        name, options = parse_settings(protocol, "protocol")
        benchmark = open_benchmark(source, name or None, options)
    else:
        benchmark = open_benchmark(source, protocol)
    if not isinstance(benchmark, TableBenchmark):
        raise UserError(f"benchmark '{source}' is computed: this study needs a table")
    return benchmark
