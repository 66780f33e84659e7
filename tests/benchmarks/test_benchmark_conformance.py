"""The built-in benchmark and others pass the suite that third parties inherit; it finds faults."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from itertools import count
from math import inf, nan
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import numpy as np
import pytest

from harness.benchmarks import registry
from harness.benchmarks.base import Answer
from harness.benchmarks.function import FunctionBenchmark
from harness.protocol import LeakError, Measure, Protocol
from harness.spaces import Architecture, CategoricalSpace, SearchSpace
from harness.testing import BenchmarkSuite, synthetic_table
from tests.function_benchmark import NAME, Slopes


class TestTssDigits(BenchmarkSuite):
    benchmark = "tss-digits"


class TestTssDigitsMeans(BenchmarkSuite):
    benchmark = "tss-digits"
    protocol = "mean8"


class TestTssDigitsCurves(BenchmarkSuite):
    benchmark = "tss-digits"
    protocol = "curve8"


class TestRastrigin2(BenchmarkSuite):
    benchmark = "rastrigin-2d"


class TestRastrigin3(BenchmarkSuite):
    benchmark = "rastrigin-3d"


class TestRastrigin4(BenchmarkSuite):
    benchmark = "rastrigin-4d"


class TestComputed(BenchmarkSuite):
    benchmark = NAME


class TestClass(BenchmarkSuite):
    benchmark = Slopes
    options: ClassVar[dict[str, Any]] = {"time_noise": 0.3, "pause_seconds": 2.0}


class TestPartialTable(BenchmarkSuite):
    """A table with gaps, failures and ragged seeds."""

    protocol = "multi-fidelity"

    @pytest.fixture(autouse=True)
    def _table(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        path = tmp_path_factory.getbasetemp() / "conformance.table"
        if not path.exists():
            synthetic_table(path, coverage=0.3, failing=0.2)
        self.benchmark = str(path)


def test_every_built_in_benchmark_has_a_suite() -> None:
    names = {vars(suite).get("benchmark") for suite in BenchmarkSuite.__subclasses__()}
    assert names >= set(registry.builtin)


# --- the suite itself: it must find what it is for -------------------------------------------


class GlobalRandomness(Slopes):
    def value(self, architecture: Architecture, epochs: int, rng: Random) -> float:
        return super().value(architecture, epochs, rng) + random.random()


class HashOrder(Slopes):
    def value(self, architecture: Architecture, epochs: int, rng: Random) -> float:
        luck = hash(self.space.to_string(architecture)) % 7
        return super().value(architecture, epochs, rng) + luck


class Counts(Slopes):
    """What it says depends on how much it was asked."""

    def value(self, architecture: Architecture, epochs: int, rng: Random) -> float:
        vars(self)["asked"] = vars(self).get("asked", 0) + 1
        return super().value(architecture, epochs, rng) + vars(self)["asked"]


class Differs(Slopes):
    """Each object says something else."""

    number = count()

    def make_space(self) -> SearchSpace:
        self.mine = next(Differs.number)
        return super().make_space()

    def value(self, architecture: Architecture, epochs: int, rng: Random) -> float:
        return super().value(architecture, epochs, rng) + self.mine


class Discounts(Slopes):
    def seconds(self, architecture: Architecture, epochs: int) -> float:
        return 10.0 / epochs


class FailsLoudly(Slopes):
    def value(self, architecture: Architecture, epochs: int, rng: Random) -> float:
        return -inf if rng.random() < 0.2 else super().value(architecture, epochs, rng)


class TellsTheReport(Slopes):
    def value(self, architecture: Architecture, epochs: int, rng: Random) -> float:
        return self.report(architecture)


class SearchesTheReport(Slopes):
    @classmethod
    def default_protocol(cls) -> Protocol:
        return Protocol("leaky", Measure("report"), Measure("report"), allow_leak=True)


class Leaks(Slopes):
    @classmethod
    def default_protocol(cls) -> Protocol:
        return Protocol("leaky", Measure("report"), Measure("report"))


class OrderMatters(Slopes):
    """Its space says that two orders are one network, and its values differ."""

    def make_space(self) -> SearchSpace:
        class Unordered(CategoricalSpace):
            def key(self, architecture: Architecture) -> bytes:
                return bytes(sorted(architecture))  # type: ignore[call-overload]

        return Unordered("unordered", [["0", "1", "2"]] * 3)

    def report(self, architecture: Architecture) -> float:
        return float(architecture[0])  # type: ignore[index]


class OneChecksum(Slopes):
    def __init__(self, protocol: Protocol | None = None) -> None:
        super().__init__(protocol)
        self.checksum = "0" * 16


class Unfit(Slopes):
    """Answers that a change of `altered` spoils."""

    def evaluator(self, seed: int) -> Callable[..., Answer]:
        evaluate = super().evaluator(seed)
        return lambda *ask: self.altered(evaluate(*ask))

    def altered(self, answer: Answer) -> Answer:
        raise NotImplementedError


class SaysMore(Unfit):
    def altered(self, answer: Answer) -> Answer:
        return answer._replace(value=answer.value + 1.0)


class Forgets(Unfit):
    def altered(self, answer: Answer) -> Answer:
        return answer._replace(visit=0)


class CostsFractions(Unfit):
    def altered(self, answer: Answer) -> Answer:
        return answer._replace(cost=answer.cost / 3)  # type: ignore[arg-type]


class CostsNothing(Unfit):
    def altered(self, answer: Answer) -> Answer:
        return answer._replace(cost=0)


class AnyFidelity(Slopes):
    def evaluator(self, seed: int) -> Callable[..., Answer]:
        evaluate = super().evaluator(seed)
        return lambda architecture, *fidelity: evaluate(architecture)


class LosesResults(Slopes):
    def results(
        self,
        architectures: Sequence[Architecture],
        rows: np.ndarray,
        visits: np.ndarray,
        values: np.ndarray,
        seed: int,
        epochs: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        found = super().results(architectures, rows, visits, values, seed, epochs)
        return {name: part[: len(set(rows.tolist())) - 1] for name, part in found.items()}


class Modest(Slopes):
    @property
    def optimum(self) -> float | None:
        return 1.0


class Breaks(Slopes):
    def value(self, architecture: Architecture, epochs: int, rng: Random) -> float:
        return nan


@pytest.mark.parametrize(
    ("broken", "finder"),
    [
        (GlobalRandomness, "test_global_random_state_is_neither_used_nor_changed"),
        (HashOrder, "test_same_answers_in_another_process"),
        (Counts, "test_answers_do_not_depend_on_the_order"),
        (Differs, "test_lanes_agree"),
        (Discounts, "test_costs_grow_with_the_fidelity"),
        (FailsLoudly, "test_failures_are_told_as_such"),
        (TellsTheReport, "test_searchers_are_not_told_the_report"),
        (SearchesTheReport, "test_protocol_is_clean"),
        (Leaks, "test_protocol_is_clean"),
        (OrderMatters, "test_equal_networks_answer_alike"),
        (OneChecksum, "test_checksum_identifies_the_content"),
        (SaysMore, "test_read_agrees_with_the_evaluator"),
        (Forgets, "test_repeats"),
        (CostsFractions, "test_answers"),
        (CostsNothing, "test_answers"),
        (AnyFidelity, "test_fidelities"),
        (LosesResults, "test_results"),
        (Modest, "test_nothing_is_better_than_the_optimum"),
        (Breaks, "test_searchers_are_not_told_the_report"),
    ],
)
def test_suite_finds(broken: type[FunctionBenchmark], finder: str, tmp_path: Path) -> None:
    suite = type("Suite", (BenchmarkSuite,), {"benchmark": broken})()
    arguments = {"test_lanes_agree": (tmp_path,), "test_repeats": ("fresh", True)}
    with pytest.raises((AssertionError, LeakError, pytest.fail.Exception)):
        getattr(suite, finder)(*arguments.get(finder, ()))


def test_suite_finds_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("gradients", NAME, registry.group)
    monkeypatch.setitem(vars(registry), "_third_party", {"gradients": [entry]})
    suite = type("Suite", (BenchmarkSuite,), {"benchmark": "gradients"})()
    with pytest.raises(AssertionError, match="registered by another name"):
        suite.test_name()
