"""Tabular benchmarks: a packed table under a protocol, answering one architecture at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from harness.benchmarks.base import (
    FAILED,
    MICROSECONDS,
    MISSING,
    OK,
    REPEAT,
    Accounting,
    Answer,
    Benchmark,
)
from harness.benchmarks.covered import CoveredSpace, few_of
from harness.benchmarks.packed import PackedTable
from harness.errors import HarnessError, UserError, unknown
from harness.one_shot.problem import problem_of
from harness.protocol import CostTerm, Measure, Protocol, audit
from harness.spaces import Architecture, CategoricalSpace, SearchSpace, get_space
from harness.streams import key, uniform
from harness.typed import conforms

MAX_SECONDS = 1e10
"""No evaluation takes 300 years; microseconds of that many are still exact."""

# A named tuple's own constructor is a Python function and takes twice as long.
_answer = partial(tuple.__new__, Answer)


class _Level(NamedTuple):
    """Values and costs of all rows at one fidelity."""

    runs: list[tuple[float, ...]]
    costs: list[int]
    epochs: int


def find_protocol(
    table: PackedTable, dataset: str | None = None, protocol: str | Protocol | None = None
) -> Protocol:
    """A protocol of a table's data set by name; the defaults where nothing is given.

    Raises:
        UserError: If the data set or the protocol does not exist.
    """
    header = table.header
    dataset = dataset or header.default_dataset
    if dataset not in header.protocols:
        raise unknown(f"data set of {header.name}", dataset, header.protocols)
    if isinstance(protocol, Protocol):
        return protocol
    name = protocol or header.defaults[dataset]
    known = header.protocols[dataset]
    if name not in known:
        raise unknown(f"protocol of {header.name}#{dataset}", name, known)
    return Protocol.from_dict(known[name])


class TableBenchmark(Benchmark):
    """A packed table's data set under one protocol.

    Args:
        table: The opened table.
        dataset: One of its data sets; default: the table's default.
        protocol: The name of one of the table's protocols, or a protocol; default: the data
            set's default.

    Raises:
        LeakError: If the protocol searches or selects on test images without an opt-in.
        UserError: If the data set or the protocol does not exist or does not fit the table.
        HarnessError: If the table is altered so that it cannot be used.
    """

    def __init__(
        self,
        table: PackedTable,
        dataset: str | None = None,
        protocol: str | Protocol | None = None,
    ) -> None:
        header = table.header
        self.table = table
        self.dataset = dataset or header.default_dataset
        protocol = find_protocol(table, self.dataset, protocol)
        self.protocol = protocol
        self.leaks = audit(protocol, table.columns)
        alone = len(header.protocols) == 1
        self.name = header.name if alone else f"{header.name}#{self.dataset}"
        self.checksum = table.checksum
        self.space = space_of(table)
        # Filled as architectures are met: `space.key` of some spaces is a graph hash.
        self._rows: dict[Architecture, int] = {}
        self._levels: dict[int, _Level] = {}
        self._mean_of: dict[Measure, np.ndarray] = {}
        self._runs_of: dict[Measure, list[tuple[float, ...]]] = {}
        table.check_rows()
        keys = table.keys
        width = keys.shape[1]
        buffer = keys.tobytes()
        self._row_of_key = {
            buffer[i * width : (i + 1) * width]: row for i, row in enumerate(table.row_of.tolist())
        }

    def search_space(self) -> SearchSpace:
        """What one search's searcher moves in: the space, or its covered part for "resample"."""
        if self.protocol.missing == "resample":
            few = few_of(self.space, self._row_of_key)
            return CoveredSpace(self.space, lambda a: self.row(a) >= 0, few)
        return self.space

    def row(self, architecture: Architecture) -> int:
        """The architecture's row, -1 if the table lacks it."""
        row = self._rows.get(architecture)
        if row is None:
            row = self._row_of_key.get(self.space.key(architecture), -1)
            self._rows[architecture] = row
        return row

    @cached_property
    def optimum(self) -> float | None:
        """The best mean over seeds of the reported measure in the table."""
        means = [sum(values) / len(values) for values in self.runs(self.protocol.report) if values]
        best = max if self.protocol.larger_report_is_better else min
        return best(means, default=None)

    @cached_property
    def images_per_epoch(self) -> int | None:
        """See `Benchmark.images_per_epoch`; known where the table says what it was trained on."""
        if "recipe" not in self.table.header.training_source:
            return None
        problem = problem_of(self)
        return problem.recipe.images_of_an_epoch(problem.train_images)

    def split_of(self, measure: Measure) -> str:
        """See `Benchmark.split_of`."""
        return self.table.columns[measure.column].split

    def unit_of(self, measure: Measure) -> str:
        """See `Benchmark.unit_of`."""
        return self.table.columns[measure.column].unit

    def _values(self, measure: Measure) -> np.ndarray:
        seeds = [measure.seeds] if isinstance(measure.seeds, int) else None
        return self.table.values(measure.column, seeds=seeds, epoch=measure.epoch)

    def means(self, measure: Measure) -> np.ndarray:
        """The mean of a measure over its seeds, float64 [rows], NaN where there is no value."""
        return row_means(self._values(measure))

    def runs(self, measure: Measure) -> list[tuple[float, ...]]:
        """For every row the values that a visit may draw; () where the training failed."""
        values = self._values(measure)
        if measure.seeds == "mean":
            values = row_means(values)[:, None]
        present = ~np.isnan(values)
        if present.all():
            return list(map(tuple, values.tolist()))
        return [tuple([v for v in row if not math.isnan(v)]) for row in values.tolist()]

    def level(self, fidelity: int | None) -> _Level:
        """Values and costs at a fidelity (None: the protocol's own).

        Raises:
            UserError: If the protocol does not offer the fidelity.
        """
        search = self.protocol.search
        epoch = search.epoch if fidelity is None else fidelity
        if epoch not in self._levels:
            if epoch != search.epoch and epoch not in self.protocol.fidelities:
                raise UserError(
                    f"protocol '{self.protocol.name}' offers fidelities"
                    f" {self.protocol.fidelities or (search.epoch,)}, not {epoch}"
                )
            runs = self.runs(Measure(search.column, epoch, search.seeds))
            self._levels[epoch] = _Level(runs, self._costs(epoch), max(epoch, 1))
        return self._levels[epoch]

    @cached_property
    def fixed_costs(self) -> list[int]:
        """What every evaluation of a row costs whether or not it continues a training."""
        if not self.protocol.cost:
            return self._costs(0)
        terms = [term for term in self.protocol.cost if term.per == "evaluation"]
        return self._microseconds(terms, 0, at_least=0)

    def _costs(self, epochs: int) -> list[int]:
        if not self.protocol.cost:
            return [MICROSECONDS] * self.table.n_rows
        # At least one microsecond, so that virtual time moves.
        return self._microseconds(self.protocol.cost, epochs, at_least=1)

    def _microseconds(self, terms: Iterable[CostTerm], epochs: int, *, at_least: int) -> list[int]:
        seconds = np.zeros(self.table.n_rows)
        for term in terms:
            epoch = epochs if term.per == "fidelity" else term.epoch
            column = row_means(self.table.values(term.column, epoch=epoch))
            times = epochs if term.per == "epoch" else 1
            seconds += term.factor * times * np.nan_to_num(column)
        if not (np.abs(seconds) < MAX_SECONDS).all():
            name = self.table.header.name
            raise HarnessError(
                f"table '{name}' holds impossible times: check it by `nas-harness info --verify`"
            )
        rounded = np.maximum(np.rint(seconds * MICROSECONDS), at_least)
        costs: list[int] = rounded.astype(int).tolist()
        return costs

    def read(
        self, architecture: Architecture, fidelity: int | None, seed: int, visit: int
    ) -> float:
        """See `Benchmark.read`."""
        row = self.row(architecture)
        return _draw(self.level(fidelity).runs[row], key(seed, "table"), row, visit)

    def evaluator(self, seed: int) -> Callable[..., Answer]:
        """See `Benchmark.evaluator`."""
        # A bound method, which Python calls faster than an object.
        return Evaluator(self, seed).answer

    def results(
        self,
        architectures: Sequence[Architecture],
        rows: np.ndarray,
        visits: np.ndarray,
        values: np.ndarray,
        seed: int,
        epochs: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """See `Benchmark.results`; "true" is the mean of the selection's measure over seeds."""
        protocol = self.protocol
        if protocol.select in (None, protocol.search):
            selection = values
        else:
            selection = self._outcomes(protocol.selection, rows, visits, seed)
        return {
            "selection": selection,
            "true": self._means(protocol.selection, rows),
            "report": self._outcomes(protocol.report, rows, visits, seed),
        }

    def _outcomes(
        self, measure: Measure, rows: np.ndarray, visits: np.ndarray, seed: int
    ) -> np.ndarray:
        if measure.seeds != "random":
            return self._means(measure, rows)
        runs = self._cached_runs(measure)
        stream_key = key(seed, "table")
        drawn = [
            _draw(runs[row], stream_key, row, visit) if row >= 0 else math.nan
            for row, visit in zip(rows.tolist(), visits.tolist(), strict=True)
        ]
        return np.array(drawn, dtype=np.float64)

    def _means(self, measure: Measure, rows: np.ndarray) -> np.ndarray:
        if measure not in self._mean_of:
            # The entry that row -1 reads.
            self._mean_of[measure] = np.append(self.means(measure), np.nan)
        means: np.ndarray = self._mean_of[measure][rows]
        return means

    def _cached_runs(self, measure: Measure) -> list[tuple[float, ...]]:
        if measure not in self._runs_of:
            self._runs_of[measure] = self.runs(measure)
        return self._runs_of[measure]


def _draw(runs: tuple[float, ...], stream_key: int, row: int, visit: int) -> float:
    if len(runs) > 1:
        return runs[int(uniform(stream_key, row, visit) * len(runs))]
    return runs[0] if runs else math.nan


def row_means(values: np.ndarray) -> np.ndarray:
    """Means over the present values of each row [rows, n] -> [rows]; NaN where there is none."""
    present = ~np.isnan(values)
    count = present.sum(axis=1)
    total = np.where(present, values, 0.0).sum(axis=1)
    means: np.ndarray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means


def space_of(table: PackedTable) -> SearchSpace:
    """The search space of a table: a registered one, or its own description's."""
    described = table.header.space
    if isinstance(described, str):
        return get_space(described)
    name: Any = described.get("name")
    options: Any = described.get("options")
    ordinal: Any = described.get("ordinal")
    if not (
        conforms(name, str)
        and conforms(options, list[list[str]])
        and conforms(ordinal, list[bool] | None)
    ):
        raise UserError(f"table '{table.header.name}': malformed description of its space")
    return CategoricalSpace(name, options, ordinal)


class Evaluator:
    """The answers to one search: draws keyed by (seed, row, visit) and a memory of visits."""

    def __init__(self, benchmark: TableBenchmark, seed: int) -> None:
        self._benchmark = benchmark
        self._protocol = benchmark.protocol
        self._rows = benchmark._rows
        self._default = benchmark.level(None)
        self._default_epoch = benchmark.protocol.search.epoch
        self._accounting = Accounting(benchmark.protocol, seed)
        self._plain = self._accounting.plain
        self._pause = round(benchmark.protocol.pause_seconds * MICROSECONDS)
        self._key = key(seed, "table")

    def answer(
        self,
        architecture: Architecture,
        fidelity: int | None = None,
        continues: int | None = None,
    ) -> Answer:
        """Answer one proposal.

        Raises:
            UserError: If the table lacks the architecture and the protocol refuses that, or it
                does not offer the fidelity.
        """
        row = self._rows.get(architecture)
        if row is None:
            row = self._benchmark.row(architecture)
        if row < 0:
            return self._lacking(architecture, fidelity)
        if fidelity is None:
            runs, costs, epochs = self._default
        else:
            runs, costs, epochs = self._benchmark.level(fidelity)
        values = runs[row]
        visit = 0
        cost = costs[row]
        if continues is not None:
            # What was trained before the pause is paid for.
            benchmark = self._benchmark
            paid = benchmark.level(continues).costs[row] - benchmark.fixed_costs[row]
            cost = max(1, cost - paid) + self._pause
        if not self._plain:
            level = self._default_epoch if fidelity is None else fidelity
            visit, cost, free = self._accounting.visit(row, level, cost)
            if free:
                return Answer(row, 0, _draw(values, self._key, row, 0), 0, 0, REPEAT)
        if not values:
            return Answer(row, visit, math.nan, cost, epochs, FAILED)
        value = values[0]
        if len(values) > 1:
            value = values[int(uniform(self._key, row, visit) * len(values))]
        return _answer((row, visit, value, cost, epochs, OK))

    def _lacking(self, architecture: Architecture, fidelity: int | None) -> Answer:
        if self._protocol.missing == "fail":
            return Answer(-1, 0, math.nan, 0, 0, MISSING)
        benchmark = self._benchmark
        raise UserError(
            f"{benchmark.name} lacks {benchmark.space.to_string(architecture)}: set"
            " missing=resample or missing=fail in the protocol"
        )
