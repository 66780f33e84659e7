"""Benchmarks that are computed: a function of the architecture instead of a table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from math import isnan, nan
from random import Random
from typing import Any, ClassVar
from typing import Protocol as Protocol_

import numpy as np

from harness.benchmarks.base import (
    FAILED,
    MICROSECONDS,
    OK,
    REPEAT,
    Accounting,
    Answer,
    Benchmark,
)
from harness.benchmarks.columns import Column
from harness.errors import UserError, unknown
from harness.protocol import Measure, Protocol, audit, digest
from harness.spaces import Architecture, SearchSpace
from harness.streams import stream

VALUE, REPORT = "value", "report"
"""Names of the two measures of a function: what may guide a search, and what is reported."""


class FunctionBenchmark(Benchmark):
    """A benchmark computed by a function; a subclass says which.

    Args:
        protocol: Another protocol than the function's own.

    Attributes:
        version: Change it with the function: it is part of the checksum, and searches on
            different versions do not mix.
        epochs: A full training's.
        levels: Fewer epochs that `value` can be asked for.
        promotion: As in `Protocol`.
        maximize: Whether larger values are better.
        unit: Of values and reports.
        parameters: Whatever else the function depends on, as plain values; part of the checksum.

    Raises:
        LeakError: If the protocol searches on the reported measure without an opt-in.
        UserError: If the protocol does not fit.
    """

    name: str
    version: ClassVar[int] = 1
    epochs: ClassVar[int] = 1
    levels: ClassVar[tuple[int, ...]] = ()
    promotion: ClassVar[str] = "restart"
    maximize: ClassVar[bool] = True
    unit: ClassVar[str] = ""
    parameters: ClassVar[dict[str, Any]] = {}
    dataset = ""

    def __init__(self, protocol: Protocol | None = None) -> None:
        self.protocol = protocol or self.default_protocol()
        self.space = self.make_space()
        levels = tuple(sorted({*self.levels, self.epochs}))
        schedule = "curve" if self.promotion == "continue" else "separate"
        self._columns = {
            VALUE: Column(VALUE, self.unit, "valid", epochs=levels, schedule=schedule),
            REPORT: Column(REPORT, self.unit, "test"),
        }
        self.leaks = audit(self.protocol, self._columns)
        parts = [self.name, self.version, self.epochs, list(self.levels), self.parameters]
        self.checksum = digest(parts)

    @classmethod
    def default_protocol(cls) -> Protocol:
        """A fresh draw guides the search; repeats are fresh and charged."""
        return Protocol(
            "default",
            search=Measure(VALUE, cls.epochs, "random"),
            report=Measure(REPORT),
            maximize=cls.maximize,
            fidelities=cls.levels,
            promotion=cls.promotion,  # type: ignore[arg-type]  # checked by the protocol
            repeat="fresh",
        )

    @abstractmethod
    def make_space(self) -> SearchSpace:
        """Where the function is defined."""

    @abstractmethod
    def value(self, architecture: Architecture, epochs: int, rng: Random) -> float:
        """One draw of what may guide a search; NaN for a failed evaluation.

        Args:
            architecture: Where.
            epochs: How long was trained.
            rng: All randomness of the draw; the same at every number of epochs of one training.
        """

    @abstractmethod
    def report(self, architecture: Architecture) -> float:
        """The reported result, without noise."""

    def mean(self, architecture: Architecture, epochs: int) -> float:
        """The expectation of `value`; NaN where it is not known."""
        return nan

    def seconds(self, architecture: Architecture, epochs: int) -> float:
        """Virtual seconds of a training; by default one an epoch."""
        return float(epochs)

    def measure(
        self, measure: Measure, architecture: Architecture, seed: int, visit: int
    ) -> float:
        """What a visit of a search finds."""
        if measure.column == REPORT:
            return self.report(architecture)
        if measure.seeds == "mean":
            return self.mean(architecture, measure.epoch)
        draw = (seed, visit) if measure.seeds == "random" else (measure.seeds, 0)
        # By key: equal networks share their luck, as those that share a table's row do.
        network = self.space.key(architecture).hex()
        rng = stream(draw[0], "function", self.name, network, draw[1])
        return float(self.value(architecture, measure.epoch, rng))

    def evaluator(self, seed: int) -> Callable[..., Answer]:
        """See `Benchmark.evaluator`."""
        return FunctionEvaluator(self, seed).answer

    def read(
        self, architecture: Architecture, fidelity: int | None, seed: int, visit: int
    ) -> float:
        """See `Benchmark.read`."""
        return self.measure(self._search(fidelity), architecture, seed, visit)

    def _search(self, fidelity: int | None) -> Measure:
        search = self.protocol.search
        if fidelity is None or fidelity == search.epoch:
            return search
        if fidelity not in self.protocol.fidelities:
            raise UserError(
                f"protocol '{self.protocol.name}' offers fidelities {self.fidelities},"
                f" not {fidelity}"
            )
        return Measure(search.column, fidelity, search.seeds)

    def results(
        self,
        architectures: Sequence[Architecture],
        rows: np.ndarray,
        visits: np.ndarray,
        values: np.ndarray,
        seed: int,
        epochs: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """See `Benchmark.results`; "true" is the mean of the selection's measure."""
        selection, report = self.protocol.selection, self.protocol.report
        pairs = list(zip(architectures, visits.tolist(), strict=True))
        own = self.protocol.select in (None, self.protocol.search)
        true = selection if selection.column == REPORT else self._mean_of(selection)
        return {
            "selection": values if own else self._all(selection, pairs, seed),
            "true": self._all(true, pairs, seed),
            "report": self._all(report, pairs, seed),
        }

    def _mean_of(self, measure: Measure) -> Measure:
        return Measure(measure.column, measure.epoch, "mean")

    def _all(self, measure: Measure, pairs: list[tuple[Any, int]], seed: int) -> np.ndarray:
        return np.array([self.measure(measure, a, seed, visit) for a, visit in pairs], float)

    def split_of(self, measure: Measure) -> str:
        """See `Benchmark.split_of`."""
        return self._columns[measure.column].split

    def unit_of(self, measure: Measure) -> str:
        """See `Benchmark.unit_of`."""
        return self.unit

    @classmethod
    def find_protocol(cls, protocol: str | Protocol | None = None) -> Protocol:
        """Its protocol by name, or one that is given.

        Raises:
            UserError: If it has no such protocol.
        """
        if isinstance(protocol, Protocol):
            return protocol
        own = cls.default_protocol()
        if protocol not in (None, own.name):
            raise unknown(f"protocol of {cls.name}", str(protocol), [own.name])
        return own


class Timed(Protocol_):
    """What `FunctionEvaluator` asks of a benchmark."""

    space: SearchSpace
    protocol: Protocol

    def read(
        self, architecture: Architecture, fidelity: int | None, seed: int, visit: int
    ) -> float: ...

    def seconds(self, architecture: Architecture, epochs: int) -> float: ...


class FunctionEvaluator:
    """The answers to one search.

    Args:
        benchmark: Reads values and knows how many virtual seconds they take.
        seed: The search's seed.
    """

    def __init__(self, benchmark: Timed, seed: int) -> None:
        self._benchmark = benchmark
        self._seed = seed
        self._own = benchmark.protocol.search.epoch
        self._pause = round(benchmark.protocol.pause_seconds * MICROSECONDS)
        self._accounting = Accounting(benchmark.protocol, seed)
        self._rows: dict[bytes, int] = {}

    def answer(
        self,
        architecture: Architecture,
        fidelity: int | None = None,
        continues: int | None = None,
    ) -> Answer:
        """Answer one proposal.

        Raises:
            UserError: If the protocol does not offer the fidelity.
        """
        benchmark = self._benchmark
        epochs = self._own if fidelity is None else fidelity
        # Rows number the distinct networks in the order in which the search meets them.
        row = self._rows.setdefault(benchmark.space.key(architecture), len(self._rows))
        cost = self._cost(architecture, epochs)
        if continues is not None:
            cost = max(1, cost - self._cost(architecture, continues)) + self._pause
        visit, cost, free = self._accounting.visit(row, epochs, cost)
        value = benchmark.read(architecture, fidelity, self._seed, visit)
        if free:
            return Answer(row, visit, value, 0, 0, REPEAT)
        return Answer(row, visit, value, cost, epochs, FAILED if isnan(value) else OK)

    def _cost(self, architecture: Architecture, epochs: int) -> int:
        return max(1, round(self._benchmark.seconds(architecture, epochs) * MICROSECONDS))
