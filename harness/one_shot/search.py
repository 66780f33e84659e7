"""Runs a one-shot method to the end of a budget, and records what it derived as a trace.

Each epoch gives a row: the architecture that the supernet held then, with what the benchmark says
of it. The method is told none of it. The latest row is the search's answer. The full training of
what is derived is charged, as it is to strategies that train every network that they propose.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from math import nan
from pickle import UnpicklingError
from typing import Any, NamedTuple

from harness.benchmarks.base import FAILED, MICROSECONDS, Answer, Benchmark
from harness.benchmarks.live import LiveBenchmark
from harness.errors import HarnessError
from harness.loop import Budget
from harness.one_shot.method import Diverged, OneShot
from harness.one_shot.plan import plan
from harness.protocol import digest
from harness.spaces import Architecture
from harness.streams import stream
from harness.traces import Trace

_FORWARD = 3
"""A training step costs three times a forward pass: forward, and backward by two products."""


class Derived(NamedTuple):
    """What a supernet held at an epoch's end.

    Attributes:
        passes: Its image passes so far.
        classified: Images that it only classified so far.
        architecture: None if it has diverged.
    """

    passes: int
    classified: int
    architecture: Architecture | None


class OneShotSearch:
    """One search by a supernet under way.

    Args:
        method: The method, freshly made.
        benchmark: What its derivations are judged by; the method hears nothing of it.
        budget: When to stop.
        seed: The search's seed.
        identity: What the trace's header says of method and options.
        state: What `state` gave in a process that was interrupted; None: from the beginning.

    Attributes:
        epochs: All of its epochs.
        logs: What the method said of each.

    Raises:
        UserError: If the budget is too small, or the method and its space do not fit.
        HarnessError: If the state is of another search.
    """

    def __init__(
        self,
        method: OneShot,
        benchmark: Benchmark,
        budget: Budget,
        seed: int,
        identity: Mapping[str, Any],
        state: bytes | None = None,
    ) -> None:
        self.method, self.benchmark, self.budget = method, benchmark, budget
        self.seed, self.identity = seed, dict(identity)
        self.logs: list[dict[str, Any]] = []
        self._derived: list[Derived] = []
        self._diverged = ""
        self._began = time.perf_counter()
        self.plan = plan(method.problem, benchmark, budget)
        with _repeatable():
            method.start(self.plan.passes)
            if budget.seconds is not None and method.cost_factor != 1.0:
                # Only now is it known how much virtual time a pass takes.
                self.plan = plan(method.problem, benchmark, budget, method.cost_factor)
                method.start(self.plan.passes)
        natural = max(1, round(self.plan.passes / method.natural_epoch))
        self.epochs = natural if method.epochs is None else method.epochs
        if state is not None:
            self._restore(state)

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return len(self._derived)

    @property
    def over(self) -> bool:
        """Whether the last epoch has ended, the time is up, or the supernet cannot go on."""
        limit = self.budget.seconds
        late = limit is not None and self._seconds + self.plan.evaluation_seconds >= limit
        return self.epoch == self.epochs or bool(self._diverged) or late

    @property
    def _used(self) -> int:
        """Image passes of the supernet so far."""
        return self._derived[-1].passes if self._derived else 0

    @property
    def _seconds(self) -> float:
        """Virtual seconds of the supernet so far."""
        return self._time(self._derived[-1]) if self._derived else 0.0

    def _time(self, derived: Derived) -> float:
        """Virtual seconds of the supernet up to a derivation."""
        passes = derived.passes * self.method.cost_factor + derived.classified / _FORWARD
        return passes * self.plan.seconds

    def advance(self) -> None:
        """Train the supernet for an epoch, and derive an architecture from it."""
        # Steps are whole: what one epoch leaves over goes to the next.
        until = self.plan.passes * (self.epoch + 1) // self.epochs
        used, architecture = self._used, None
        with _repeatable():
            try:
                used += self.method.epoch(until - used)
                architecture = self.method.derive()
            except Diverged as error:
                # How far the epoch came is not known: it is charged as a whole.
                used, self._diverged = until, str(error)
            else:
                self.logs.append(self.method.log())
        self._derived.append(Derived(used, self.method.classified, architecture))

    def state(self) -> bytes:
        """All that another process needs to go on."""
        import torch

        text = self.benchmark.space.to_string
        content = {
            "search": self._name,
            "method": self.method.state(),
            "derived": [
                (d.passes, d.classified, d.architecture and text(d.architecture))
                for d in self._derived
            ],
            "diverged": self._diverged,
            "logs": self.logs,
        }
        stream = io.BytesIO()
        torch.save(content, stream)
        return stream.getvalue()

    @property
    def _name(self) -> str:
        """Identifies the search among others."""
        question = [self.benchmark.checksum, self.benchmark.protocol.hash]
        return digest([self.identity, question, self.budget.limits, self.seed])

    def _restore(self, state: bytes) -> None:
        import torch

        try:
            content = torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)
            if content["search"] != self._name:
                raise ValueError("another search's")
            self.method.restore(content["method"])
        except (KeyError, TypeError, ValueError, RuntimeError, EOFError, UnpicklingError) as error:
            raise HarnessError(
                "the checkpoint is of another search: delete journal/ below --out to begin again"
                f" ({type(error).__name__})"
            ) from None
        read = self.benchmark.space.from_string
        self._derived = [
            Derived(passes, classified, read(text) if text else None)
            for passes, classified, text in content["derived"]
        ]
        self._diverged, self.logs = content["diverged"], content["logs"]

    def trace(self) -> Trace:
        """The record of the finished search.

        On a live benchmark the last derivation alone is trained and recorded.
        """
        first = len(self._derived) - 1 if isinstance(self.benchmark, LiveBenchmark) else 0
        recorded = self._derived[first:]
        rows: list[tuple[Any, ...]] = []
        reasons: dict[int, str] = {}
        begin = end = 0
        for number, derived in enumerate(recorded):
            architecture, answer, reason = self._judged(derived)
            if reason:
                reasons[number] = reason
            trained = round(self._time(derived) * MICROSECONDS)
            end = max(end, trained + answer.cost)
            row, visit, value, _, epochs, status = answer
            rows.append(
                (number, architecture, row, visit, epochs, 0, value, begin, end, 0, status)
            )
            begin = trained
        header = {
            **self.identity,
            "benchmark": self.benchmark.name,
            "checksum": self.benchmark.checksum,
            "space": self.benchmark.space.name,
            "protocol": self.benchmark.protocol.hash,
            "budget": self.budget.limits,
            "workers": 1,
            "seed": self.seed,
            "stopped": "diverged" if self._diverged else "budget",
            "one_shot": {
                "passes": [derived.passes + self.plan.evaluation for derived in recorded],
                "classified": [derived.classified for derived in recorded],
                "evaluation_passes": self.plan.evaluation,
            },
        }
        told = {"wall_seconds": time.perf_counter() - self._began, "reasons": reasons}
        return Trace.from_rows(header, rows, self.benchmark, told)

    def _judged(self, derived: Derived) -> tuple[Architecture, Answer, str]:
        """A derivation, what the benchmark says of it, and why it failed if it did.

        A supernet that has diverged holds no architecture. Its row names the latest one, or a
        random one, and has no value.
        """
        architecture = derived.architecture
        if architecture is None:
            before = [d.architecture for d in self._derived if d.architecture is not None]
            rng = stream(self.seed, "init", self.benchmark.space.name)
            named = before[-1] if before else self.benchmark.space.sample(rng)
            return named, Answer(-1, 0, nan, 0, 0, FAILED), self._diverged
        # A fresh evaluator each: a cell that is derived again is no repeated evaluation.
        answer: Answer = self.benchmark.evaluator(self.seed)(architecture, None, None)
        failed = answer.status == FAILED
        reason = self.benchmark.reason(architecture, self.seed, answer.visit) if failed else ""
        return architecture, answer, reason


def _repeatable() -> Any:
    from harness.training.repeatable import one_thread

    return one_thread()
