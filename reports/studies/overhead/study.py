"""The processor time of the search logic alone.

A search is run once, and every call of `ask` and `tell` is written down. Then the same calls are
made to a fresh strategy of the same seed, which proposes the same again (a strategy's state is a
fold over its seed and these events), and nothing else is in the timed loop: no table, no event
queue, no record. `time.process_time` counts all threads of this process and nobody else's.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

import searchers as strategies
from harness.benchmarks import Benchmark, open_benchmark
from harness.benchmarks.base import MICROSECONDS
from harness.errors import HarnessError, ReplayError, UserError
from harness.experiment import as_searcher
from harness.loop import Budget, Search, run_search
from harness.searcher import Observation, Proposal, Searcher
from harness.spec import SearcherSpec, parse_settings
from reports.studies.overhead.machine import describe
from reports.studies.overhead.result import Overhead, OverheadStudy

EVALUATIONS = 200
SEEDS, REPEATS = 3, 3

Event = tuple[bool, Proposal | Observation | None]
"""Whether it is a question, and the proposal that answered it or the observation that was told."""


class Listener(Searcher):
    """A strategy whose conversation is written down.

    Args:
        inner: The strategy.
    """

    def __init__(self, inner: Searcher) -> None:
        super().__init__(inner.space, inner.seed)
        self.inner = inner
        self.events: list[Event] = []

    def ask(self) -> Proposal | None:
        proposal = self.inner.ask()
        self.events.append((True, proposal))
        return proposal

    def tell(self, observation: Observation) -> None:
        self.inner.tell(observation)
        self.events.append((False, observation))


def overhead(
    source: str,
    protocol: str | None = None,
    *,
    searchers: Sequence[str | SearcherSpec] = (),
    budget: Budget | None = None,
    seeds: int = SEEDS,
    repeats: int = REPEATS,
) -> OverheadStudy:
    """Measure the search logic of strategies on a benchmark, on this machine.

    Args:
        source: As for `harness.benchmarks.open_benchmark`.
        protocol: One of its protocols, with options if need be; None: its default.
        searchers: Which; (): every registered one.
        budget: When a search ends; None: after 200 evaluations.
        seeds: Searches of each strategy.
        repeats: How often the logic of each search is run.

    Raises:
        UserError: If something is unknown, or no strategy suits the benchmark.
    """
    if seeds < 1 or repeats < 1:
        raise UserError(f"seeds={seeds}, repeats={repeats}; each at least 1")
    name, options = parse_settings(protocol or "", "protocol")
    benchmark = open_benchmark(source, name or None, options)
    budget = budget or Budget(evaluations=EVALUATIONS)
    measured, unsuited, configurations = [], {}, {}
    for named in searchers or strategies.registry.names():
        try:
            spec = as_searcher(named)
            measured.append(_measure(spec, benchmark, budget, seeds, repeats))
            configurations[spec.label] = spec.identity
        except (HarnessError, ImportError) as error:
            # Who names a strategy wants it; of all that there are, some suit no given benchmark.
            if searchers:
                raise
            unsuited[str(named)] = " ".join(str(error).split())
    if not measured:
        raise UserError(f"no strategy suits {benchmark.name} under '{benchmark.protocol.name}'")
    return OverheadStudy(
        benchmark=benchmark.name,
        checksum=benchmark.checksum,
        protocol=benchmark.protocol.name,
        protocol_hash=benchmark.protocol.hash,
        budget=asdict(budget),
        seeds=seeds,
        repeats=repeats,
        machine=describe(),
        measured=tuple(sorted(measured, key=lambda found: found.logic)),
        unsuited=unsuited,
        options=configurations,
    )


def _measure(
    spec: SearcherSpec, benchmark: Benchmark, budget: Budget, seeds: int, repeats: int
) -> Overhead:
    logic, evaluations, training = [], [], []
    for seed in range(seeds):
        listener = Listener(spec.build(benchmark.search_space(), seed, benchmark.fidelities))
        trace = run_search(Search(listener, benchmark, budget, seed, spec.identity))
        evaluations.append(len(trace))
        spent = trace.columns["end"] - trace.columns["start"]
        training.append(float(spent.sum()) / MICROSECONDS)
        replay(spec, benchmark, seed, listener.events)
        logic += [seconds_of(spec, benchmark, seed, listener.events) for _ in range(repeats)]
    median = float(np.median(logic))
    return Overhead(
        searcher=spec.label,
        searches=seeds,
        evaluations=float(np.mean(evaluations)),
        logic=median,
        least=min(logic),
        most=max(logic),
        proposal=median / max(float(np.mean(evaluations)), 1.0),
        training=float(np.mean(training)),
        share=median / (median + float(np.mean(training))),
    )


def replay(spec: SearcherSpec, benchmark: Benchmark, seed: int, events: Sequence[Event]) -> None:
    """Hold a conversation again and compare the proposals.

    Raises:
        ReplayError: If the strategy proposes something else: then its time would be another
            search's.
    """
    searcher = spec.build(benchmark.search_space(), seed, benchmark.fidelities)
    for asked, content in events:
        if not asked:
            assert isinstance(content, Observation)
            searcher.tell(content)
        elif searcher.ask() != content:
            raise ReplayError(f"{spec.label} proposes something else when a search is repeated")


def seconds_of(
    spec: SearcherSpec, benchmark: Benchmark, seed: int, events: Sequence[Event]
) -> float:
    """Processor seconds of making a strategy and holding a conversation with it."""
    space = benchmark.search_space()
    collecting = gc.isenabled()
    gc.disable()
    try:
        began = time.process_time()
        searcher = spec.build(space, seed, benchmark.fidelities)
        ask, tell = searcher.ask, searcher.tell
        for asked, content in events:
            if asked:
                ask()
            else:
                tell(content)  # type: ignore[arg-type]
        return time.process_time() - began
    finally:
        if collecting:
            gc.enable()
