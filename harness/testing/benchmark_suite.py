"""The conformance suite of benchmarks, computed ones and tables, as tests to inherit.

In a test module of your own::

    from harness.testing import BenchmarkSuite

    class TestMyBenchmark(BenchmarkSuite):
        benchmark = "my-benchmark"    # a registered name, a table's path, or a class

and run pytest. A table with several data sets or protocols takes a subclass for each.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from math import isfinite, isinf, isnan
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from harness.benchmarks import Benchmark, registry
from harness.benchmarks.base import FAILED, MISSING, OK, REPEAT, Answer
from harness.benchmarks.function import FunctionBenchmark
from harness.errors import UserError
from harness.experiment import BenchmarkSpec, Experiment
from harness.loop import Budget, Search, run_search
from harness.spaces import Architecture
from harness.spec import SearcherSpec
from harness.streams import stream
from harness.testing.other_process import in_another_process
from harness.traces import read_batch, trace_files

Ask = tuple[Architecture, int | None]


class BenchmarkSuite:
    """Inherit, set `benchmark`, run pytest.

    Attributes:
        benchmark: A registered name or a table's path, with ``#dataset`` if need be, or a
            `FunctionBenchmark`.
        protocol: One of its protocols; None: its default.
        options: Fields of the protocol to replace.
        samples: Architectures that the tests draw.
        evaluations: Of a search in every lane.
        noisy: Whether what guides the search is another number than the reported result. Set it
            to False for a test function without noise.
        lanes: Name -> arguments of `Experiment.run`: ways to run an experiment that must agree
            with the plain search loop, digest for digest.
    """

    benchmark: str | type[FunctionBenchmark]
    protocol: str | None = None
    options: ClassVar[Mapping[str, Any]] = {}
    samples: int = 40
    evaluations: int = 50
    noisy: bool = True
    lanes: ClassVar[Mapping[str, Mapping[str, Any]]] = {"inline": {"inline": True}}

    # --- helpers ------------------------------------------------------------------------------

    def question(self, **options: Any) -> BenchmarkSpec:
        """The benchmark under its protocol; what a partial table lacks is never proposed."""
        kind = self.benchmark
        source = kind if isinstance(kind, str) else f"{kind.__module__}:{kind.__qualname__}"
        return BenchmarkSpec(
            source, self.protocol, {"missing": "resample", **self.options, **options}
        )

    def open(self, **options: Any) -> Benchmark:
        """The benchmark, opened anew."""
        return self.question(**options).open()

    def drawn(self, benchmark: Benchmark) -> list[Architecture]:
        """Architectures, no two of them the same network."""
        space, rng = benchmark.search_space(), stream(1, "benchmark suite")
        samples = [space.sample(rng) for _ in range(self.samples)]
        return list({space.key(sample): sample for sample in samples}.values())

    def asks(self, benchmark: Benchmark) -> list[Ask]:
        """Each of these architectures at some fidelities, its protocol's own among them."""
        return _asks(benchmark, self.drawn(benchmark))

    # --- what it says of itself ---------------------------------------------------------------

    def test_name(self) -> None:
        benchmark = self.open()
        assert benchmark.name and len(benchmark.name.splitlines()) == 1
        name = self.question().source.partition("#")[0]
        if name in registry.names():
            assert benchmark.name.partition("#")[0] == name, "it is registered by another name"

    def test_protocol_is_clean(self) -> None:
        """Neither search nor selection sees what is reported, nor any test image."""
        benchmark = self.open()
        protocol = benchmark.protocol
        assert benchmark.leaks == []
        for measure in (protocol.search, protocol.selection):
            assert "test" not in benchmark.split_of(measure)
            reported = protocol.report.column, protocol.report.epoch
            assert (measure.column, measure.epoch) != reported
        for measure in (protocol.search, protocol.selection, protocol.report):
            assert isinstance(benchmark.split_of(measure), str)
            assert isinstance(benchmark.unit_of(measure), str)

    def test_checksum_identifies_the_content(self) -> None:
        benchmark = self.open()
        assert benchmark.checksum == self.open().checksum
        assert len(benchmark.checksum) >= 16
        int(benchmark.checksum, 16)
        if isinstance(benchmark, FunctionBenchmark):
            kind = type(benchmark)
            later: Any = type(kind.__name__, (kind,), {"version": kind.version + 1})
            assert later().checksum != benchmark.checksum

    def test_fidelities(self) -> None:
        benchmark = self.open()
        levels, own = benchmark.fidelities, benchmark.protocol.search.epoch
        assert list(levels) == sorted(set(levels)) and levels[-1] == own
        architecture = self.drawn(benchmark)[0]
        unknown = max(levels) + 1
        for ask in (
            lambda: benchmark.evaluator(1)(architecture, unknown),
            lambda: benchmark.read(architecture, unknown, 1, 0),
        ):
            with pytest.raises(UserError, match=str(unknown)) as caught:
                ask()
            assert len(str(caught.value).splitlines()) == 1

    # --- answers ------------------------------------------------------------------------------

    def test_answers(self) -> None:
        """Plain numbers: a value where there is one, a positive cost where something trained."""
        benchmark = self.open()
        for (_, level), answer in zip(*_asked_twice(benchmark, self.asks(benchmark)), strict=True):
            row, visit, value, cost, epochs, status = answer
            assert isinstance(row, int) and isinstance(visit, int) and visit >= 0
            assert isinstance(value, float) and isinstance(cost, int) and isinstance(epochs, int)
            assert status in (OK, FAILED, MISSING, REPEAT)
            if status in (OK, FAILED):
                assert cost >= 1, "virtual time must move"
                own = benchmark.protocol.search.epoch
                assert epochs == max(1, own if level is None else level)

    def test_failures_are_told_as_such(self) -> None:
        """A failed evaluation has the value NaN; nothing else is no number."""
        benchmark = self.open()
        for answer in _asked_twice(benchmark, self.asks(benchmark))[1]:
            assert not isinf(answer.value), "a failure is told by NaN"
            if answer.status in (OK, FAILED):
                assert (answer.status == FAILED) == isnan(answer.value)

    def test_read_agrees_with_the_evaluator(self) -> None:
        """What a trial measures is what the search loop was told."""
        benchmark = self.open()
        asks, answers = _asked_twice(benchmark, self.asks(benchmark))
        for (architecture, level), answer in zip(asks, answers, strict=True):
            if answer.status != MISSING:
                read = benchmark.read(architecture, level, 1, answer.visit)
                assert _same(read, answer.value)

    @pytest.mark.parametrize(
        ("repeat", "charged"), [("fresh", True), ("cached", True), ("cached", False)]
    )
    def test_repeats(self, repeat: str, charged: bool) -> None:
        """A repeat is a draw of its own if the protocol says so, else the same value again."""
        benchmark = self.open(repeat=repeat, charge_repeats=charged)
        for architecture in self.drawn(benchmark):
            evaluate = benchmark.evaluator(1)
            answers = [evaluate(architecture) for _ in range(3)]
            visits = [0, 1, 2] if repeat == "fresh" else [0, 0, 0]
            assert [answer.visit for answer in answers] == visits
            for answer in answers:
                assert _same(answer.value, benchmark.read(architecture, None, 1, answer.visit))
            if not charged:
                assert [answer.status for answer in answers[1:]] == [REPEAT, REPEAT]

    def test_costs_grow_with_the_fidelity(self) -> None:
        benchmark = self.open(time_noise=0.0)
        protocol = benchmark.protocol
        pause = round(protocol.pause_seconds * 1e6)
        for architecture in self.drawn(benchmark):
            evaluate = benchmark.evaluator(1)
            costs = [evaluate(architecture, level).cost for level in benchmark.fidelities]
            assert costs == sorted(costs), "a longer training costs less than a shorter one"
            if protocol.promotion == "continue" and len(costs) > 1:
                low, high = benchmark.fidelities[0], benchmark.fidelities[-1]
                further = evaluate(architecture, high, low).cost
                assert 1 <= further <= costs[-1] + pause

    def test_equal_networks_answer_alike(self) -> None:
        """Architectures with one key are one network: one row, the same luck, cost and report."""
        benchmark = self.open(repeat="cached", charge_repeats=True, time_noise=0.0)
        space = benchmark.search_space()
        networks: dict[bytes, Architecture] = {}
        for centre in self.drawn(benchmark):
            for other in (centre, *space.neighbours(centre)):
                first = networks.setdefault(space.key(other), other)
                if first != other:
                    pair = [first, other]
                    answers = [benchmark.evaluator(1)(architecture) for architecture in pair]
                    assert repr(answers[0]) == repr(answers[1])
                    evaluate = benchmark.evaluator(1)
                    assert evaluate(first).row == evaluate(other).row
                    for values in self.results_of(benchmark, pair).values():
                        assert _same(values[0], values[1])

    # --- repeatable ---------------------------------------------------------------------------

    def test_answers_do_not_depend_on_the_order(self) -> None:
        """Nor on what else was asked: searchers under one seed share their luck."""
        benchmark, other = self.open(time_noise=0.0), self.open(time_noise=0.0)
        asks = self.asks(benchmark)
        forward, backward = benchmark.evaluator(1), other.evaluator(1)
        there = [forward(*ask) for ask in asks]
        back = [backward(*ask) for ask in reversed(asks)]
        # Rows may be numbered as they are met.
        assert [repr(a[1:]) for a in there] == [repr(a[1:]) for a in reversed(back)]

    def test_same_answers_in_another_process(self) -> None:
        """Under another PYTHONHASHSEED, on another node of a cluster."""
        question, benchmark = self.question(), self.open()
        texts = [benchmark.space.to_string(a) for a in self.drawn(benchmark)]
        assert in_another_process(_described, question, texts) == _described(question, texts)

    def test_global_random_state_is_neither_used_nor_changed(self) -> None:
        said = []
        for seed in (1, 2):
            random.seed(seed)
            np.random.seed(seed)
            before = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[index]
            benchmark = self.open()
            said.append(repr(_asked_twice(benchmark, self.asks(benchmark))[1]))
            after = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[index]
            assert before == after
        assert said[0] == said[1]

    # --- results ------------------------------------------------------------------------------

    def results_of(
        self, benchmark: Benchmark, architectures: Sequence[Architecture]
    ) -> dict[str, np.ndarray]:
        """The results of a search that evaluated these architectures."""
        evaluate = benchmark.evaluator(1)
        return _results(benchmark, architectures, [evaluate(a) for a in architectures])

    def test_results(self) -> None:
        """Selection, truth and report: a number for every evaluation, NaN where there is none."""
        benchmark = self.open()
        for architectures in (self.drawn(benchmark), []):
            results = self.results_of(benchmark, architectures)
            assert set(results) == {"selection", "true", "report"}
            for values in results.values():
                assert values.shape == (len(architectures),) and values.dtype == np.float64
                assert not np.isinf(values).any()

    def test_searchers_are_not_told_the_report(self) -> None:
        benchmark = self.open()
        results = self.results_of(benchmark, self.drawn(benchmark))
        told = np.array([benchmark.evaluator(1)(a).value for a in self.drawn(benchmark)])
        known = ~np.isnan(told) & ~np.isnan(results["report"])
        assert known.any(), "no architecture has both a value and a report"
        if self.noisy:
            assert (told != results["report"])[known].any(), "values are the reported results"
        if benchmark.protocol.select is None:
            np.testing.assert_array_equal(results["selection"], told)

    def test_nothing_is_better_than_the_optimum(self) -> None:
        benchmark = self.open()
        optimum = benchmark.optimum
        if optimum is not None:
            report = self.results_of(benchmark, self.drawn(benchmark))["report"]
            assert isfinite(optimum)
            sign = 1.0 if benchmark.protocol.larger_report_is_better else -1.0
            # A random seed's result may be better than the best mean.
            if benchmark.protocol.report.seeds != "random":
                assert (sign * report[~np.isnan(report)] <= sign * optimum + 1e-9).all()

    # --- in the harness -----------------------------------------------------------------------

    def test_lanes_agree(self, tmp_path: Path) -> None:
        """Every lane leaves the traces of the plain search loop."""
        benchmark, budget = self.open(), Budget(evaluations=self.evaluations)
        spec = SearcherSpec.parse("random_search")
        plain = []
        for seed in range(2):
            searcher = spec.build(benchmark.search_space(), seed, benchmark.fidelities)
            search = Search(searcher, benchmark, budget, seed, spec.identity, workers=2)
            trace = run_search(search)
            assert len(trace) == self.evaluations
            plain.append(trace.digest)
        for lane, how in self.lanes.items():
            experiment = Experiment([self.question()], [spec], 2, budget, workers=2)
            out = experiment.run(tmp_path / lane, **how)
            traces = [trace for file in trace_files(out) for trace in read_batch(file)]
            traces.sort(key=lambda trace: trace.header["seed"])
            assert [trace.digest for trace in traces] == plain, f"lane '{lane}'"


def _asks(benchmark: Benchmark, architectures: Sequence[Architecture]) -> list[Ask]:
    """Architectures at the protocol's own fidelity, and at the least and a middle one."""
    lower = benchmark.fidelities[:-1]
    levels = [None, *sorted({lower[0], lower[len(lower) // 2]})] if lower else [None]
    return [(architecture, level) for level in levels for architecture in architectures]


def _same(a: float, b: float) -> bool:
    return bool(a == b or (isnan(a) and isnan(b)))


def _asked_twice(benchmark: Benchmark, asks: list[Ask]) -> tuple[list[Ask], list[Answer]]:
    """All questions, twice, to one evaluator, and its answers."""
    evaluate = benchmark.evaluator(1)
    twice = [*asks, *asks]
    return twice, [evaluate(*ask) for ask in twice]


def _results(
    benchmark: Benchmark, architectures: Sequence[Architecture], answers: Sequence[Answer]
) -> dict[str, np.ndarray]:
    rows = np.array([answer.row for answer in answers], int)
    visits = np.array([answer.visit for answer in answers], int)
    values = np.array([answer.value for answer in answers], float)
    return benchmark.results(architectures, rows, visits, values, 1)


def _described(question: BenchmarkSpec, texts: Sequence[str]) -> list[str]:
    """All that a benchmark says about some architectures, as text."""
    benchmark = question.open()
    architectures = [benchmark.space.from_string(text) for text in texts]
    answers = _asked_twice(benchmark, _asks(benchmark, architectures))[1]
    results = _results(benchmark, architectures, answers[: len(architectures)])
    return [
        benchmark.checksum,
        benchmark.protocol.hash,
        *map(repr, answers),
        *(f"{name} {values.tolist()}" for name, values in sorted(results.items())),
    ]
