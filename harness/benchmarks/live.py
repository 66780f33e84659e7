"""Live benchmarks: an answer is a training.

What a training finds is kept in a `Store`. A searcher is told the validation accuracy alone; the
test accuracy goes into the store and from there into the finished trace.

Virtual seconds are those of a nominal device that computes `RATE` multiply-adds a second, so that
a trace holds no real time. Real seconds stand in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isnan, nan
from typing import Any

import numpy as np

from harness.benchmarks.base import Answer, Benchmark
from harness.benchmarks.columns import Column
from harness.benchmarks.function import FunctionEvaluator
from harness.errors import HarnessError, UserError, unknown
from harness.live.question import LiveQuestion
from harness.live.trainings import Trainings
from harness.protocol import Measure, Protocol, audit
from harness.spaces import Architecture

VALID, TEST = "valid_accuracy", "test_accuracy"

RATE = 1e12
"""Multiply-adds that the nominal device computes in a virtual second."""

_PASSES = 3
"""A training step costs three times a forward pass: forward, and backward by two products."""


class LiveBenchmark(Benchmark):
    """Trains what is proposed.

    Args:
        question: What is trained on what, how and where.
        protocol: Another protocol than the one that searches on the validation accuracy after
            the recipe's last epoch.

    Attributes:
        trainings: What is trained. Where that carries out none, in a process that only proposes,
            answers are NaN until a trial has measured them.

    Raises:
        LeakError: If the protocol searches on test images without an opt-in.
        UserError: If something is unknown, torch is missing, or the recipe leaves no images to
            validate on.
    """

    dataset = ""

    def __init__(self, question: LiveQuestion, protocol: Protocol | None = None) -> None:
        self.trainings = Trainings(question)
        self.name = str(question)
        self.space = self.trainings.space
        if not self.trainings.recipe.valid_images:
            raise UserError(
                f"{self.name}: recipe '{question.recipe}' has no validation images, so that it"
                " cannot guide a search: it is for `nas-harness train`"
            )
        self.protocol = protocol or self.default_protocol()
        epochs = tuple(range(1, self.trainings.recipe.epochs + 1))
        self._columns = {
            VALID: Column(VALID, epochs=epochs),
            TEST: Column(TEST, split="test", epochs=epochs[-1:]),
        }
        self.leaks = audit(self.protocol, self._columns)

    @classmethod
    def open(cls, name: str, protocol: str | Protocol | None, options: Any) -> LiveBenchmark:
        """By name, under its default protocol or another.

        Raises:
            UserError: See the class.
        """
        question = LiveQuestion.parse(name)
        if not isinstance(protocol, Protocol):
            own = cls(question).protocol
            if protocol not in (None, own.name):
                raise unknown(f"protocol of {name}", str(protocol), [own.name])
            protocol = own
        return cls(question, protocol.with_options(**options or {}))

    def default_protocol(self) -> Protocol:
        """Validation accuracy after the last epoch; any epoch may be asked for, and continued."""
        last = self.trainings.recipe.epochs
        return Protocol(
            "default",
            search=Measure(VALID, last, "random"),
            report=Measure(TEST, last, "random"),
            fidelities=tuple(range(1, last + 1)),
            promotion="continue",
            note="one training guides the search; reported is its test accuracy",
        )

    @property
    def checksum(self) -> str:  # type: ignore[override]
        """Of all that an answer depends on but architecture and seed."""
        return self.trainings.checksum

    @property
    def images_per_epoch(self) -> int:
        """See `Benchmark.images_per_epoch`."""
        return self.trainings.recipe.images_of_an_epoch(len(self.trainings.data.train))

    def evaluator(self, seed: int) -> Callable[..., Answer]:
        """See `Benchmark.evaluator`."""
        return FunctionEvaluator(self, seed).answer

    def read(
        self, architecture: Architecture, fidelity: int | None, seed: int, visit: int
    ) -> float:
        """See `Benchmark.read`."""
        epochs = self.protocol.search.epoch if fidelity is None else fidelity
        if epochs not in self.fidelities:
            raise UserError(
                f"protocol '{self.protocol.name}' offers fidelities {self.fidelities},"
                f" not {fidelity}"
            )
        record = self.trainings.train(architecture, epochs, seed, visit)
        return nan if record is None else record.value(epochs)

    def reason(self, architecture: Architecture, seed: int, visit: int) -> str:
        """See `Benchmark.reason`."""
        record = self.trainings.find(architecture, seed, visit)
        return record.reason if record is not None else ""

    def seconds(self, architecture: Architecture, epochs: int) -> float:
        """Virtual seconds of a training with its evaluations."""
        _, flops = self.trainings.counts(architecture)
        data = self.trainings.data
        images = _PASSES * len(data.train) + len(data.valid)
        return epochs * images * flops / RATE

    def results(
        self,
        architectures: Sequence[Architecture],
        rows: np.ndarray,
        visits: np.ndarray,
        values: np.ndarray,
        seed: int,
        epochs: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """See `Benchmark.results`; the mean over further trainings is not known.

        Reported is the test accuracy after the epochs that the search trained.
        """
        if epochs is None:
            epochs = np.full(len(architectures), self.protocol.search.epoch)
        report = np.full(len(architectures), nan)
        for place, (architecture, visit) in enumerate(zip(architectures, visits, strict=True)):
            record = self.trainings.find(architecture, seed, int(visit))
            test = {} if record is None else record.test
            report[place] = test.get(int(epochs[place]), nan)
            if isnan(report[place]) and not isnan(values[place]):
                raise HarnessError(
                    f"{self.name}: {self.space.to_string(architecture)} has been trained, but its"
                    " test accuracy is not kept: choose another --out"
                )
        return {"selection": values, "true": np.full(len(values), nan), "report": report}

    def split_of(self, measure: Measure) -> str:
        """See `Benchmark.split_of`."""
        return self._columns[measure.column].split

    def unit_of(self, measure: Measure) -> str:
        """See `Benchmark.unit_of`."""
        return self._columns[measure.column].unit
