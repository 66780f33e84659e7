"""Runs a one-shot method to the end of a budget, and records what it derived as a trace.

Each epoch gives a row: the architecture that the supernet held then, with what the benchmark says
of it. The method is told none of it. The latest row is the search's answer. The full training of
what is derived is charged, as it is to strategies that train every network that they propose.
"""

from __future__ import annotations

import io
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, nan
from pickle import UnpicklingError
from typing import Any

from harness.benchmarks.base import FAILED, MICROSECONDS, Answer, Benchmark
from harness.benchmarks.live import LiveBenchmark
from harness.errors import HarnessError, UserError
from harness.loop import Budget
from harness.one_shot.method import Diverged, OneShot
from harness.one_shot.problem import Problem
from harness.spaces import Architecture
from harness.streams import stream
from harness.traces import Trace

SAMPLED = 64
"""Architectures whose mean cost is that of an average network."""


@dataclass(frozen=True)
class Plan:
    """What a budget means for a supernet.

    Attributes:
        passes: Image passes of the supernet: the budget without the chosen network's training.
        evaluation: Image passes of that training.
        seconds: Virtual seconds of an image pass through an average network.
    """

    passes: int
    evaluation: int
    seconds: float


def plan(problem: Problem, benchmark: Benchmark, budget: Budget) -> Plan:
    """A budget in image passes: of its limits the strictest, an evaluation being a full training.

    Raises:
        UserError: If it does not suffice to train a network and a supernet.
    """
    evaluation = problem.evaluation_passes
    seconds = average_cost(benchmark) / evaluation
    epoch = evaluation // problem.recipe.epochs
    limits = [
        inf if limit is None else limit * passes
        for limit, passes in (
            (budget.evaluations, evaluation),
            (budget.epochs, epoch),
            (budget.image_passes, 1),
            (budget.seconds, 1 / seconds),
        )
    ]
    passes = int(min(limits)) - evaluation
    if passes < problem.recipe.batch_size:
        raise UserError(
            f"a one-shot search takes at least {evaluation + problem.recipe.batch_size:,} image"
            f" passes here, and {evaluation:,} of them train what it finds: raise the budget"
        )
    return Plan(passes, evaluation, seconds)


def average_cost(benchmark: Benchmark) -> float:
    """Mean virtual seconds of a full training over some architectures of a benchmark."""
    rng = stream(0, "average cost", benchmark.space.name)
    return sum(_cost(benchmark, rng) for _ in range(SAMPLED)) / SAMPLED


def _cost(benchmark: Benchmark, rng: random.Random) -> float:
    architecture = benchmark.space.sample(rng)
    if isinstance(benchmark, LiveBenchmark):
        return benchmark.seconds(architecture, benchmark.protocol.search.epoch)
    cost: int = benchmark.evaluator(0)(architecture, None, None).cost
    return cost / MICROSECONDS


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
        epoch: Finished epochs.
        epochs: All of them.
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
        self.plan = plan(method.problem, benchmark, budget)
        natural = max(1, round(self.plan.passes / method.natural_epoch))
        self.epochs = natural if method.epochs is None else method.epochs
        self.epoch = 0
        self.logs: list[dict[str, Any]] = []
        self._derived: list[tuple[int, Architecture]] = []
        self._diverged = ""
        self._began = time.perf_counter()
        with _repeatable():
            method.start(self.plan.passes)
        if state is not None:
            self._restore(state)

    @property
    def over(self) -> bool:
        """Whether the last epoch has ended, or the supernet cannot go on."""
        return self.epoch == self.epochs or bool(self._diverged)

    @property
    def _used(self) -> int:
        """Image passes of the supernet so far."""
        return self._derived[-1][0] if self._derived else 0

    def advance(self) -> None:
        """Train the supernet for an epoch, and derive an architecture from it."""
        # Steps are whole: what one epoch leaves over goes to the next.
        until = self.plan.passes * (self.epoch + 1) // self.epochs
        used = self._used
        with _repeatable():
            try:
                used += self.method.epoch(until - used)
                architecture = self.method.derive()
            except Diverged as error:
                self._diverged = str(error)
                rng = stream(self.seed, "init", self.benchmark.space.name)
                architecture = (
                    self._derived[-1][1] if self._derived else self.benchmark.space.sample(rng)
                )
            else:
                self.logs.append(self.method.log())
        self._derived.append((used, architecture))
        self.epoch += 1

    def state(self) -> bytes:
        """All that another process needs to go on."""
        import torch

        text = self.benchmark.space.to_string
        content = {
            "method": self.method.state(),
            "derived": [(used, text(architecture)) for used, architecture in self._derived],
            "logs": self.logs,
        }
        stream = io.BytesIO()
        torch.save(content, stream)
        return stream.getvalue()

    def _restore(self, state: bytes) -> None:
        import torch

        try:
            content = torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)
            self.method.restore(content["method"])
        except (KeyError, TypeError, ValueError, RuntimeError, UnpicklingError) as error:
            raise HarnessError(
                "the checkpoint is of another search: delete journal/ below --out to begin again"
                f" ({type(error).__name__})"
            ) from None
        read = self.benchmark.space.from_string
        self._derived = [(used, read(text)) for used, text in content["derived"]]
        self.logs = content["logs"]
        self.epoch = len(self._derived)

    def trace(self) -> Trace:
        """The record of the finished search.

        On a live benchmark the last derivation alone is trained and recorded.
        """
        first = len(self._derived) - 1 if isinstance(self.benchmark, LiveBenchmark) else 0
        rows: list[tuple[Any, ...]] = []
        reasons: dict[int, str] = {}
        pass_seconds = self.plan.seconds * self.method.cost_factor
        begin = end = 0
        for number, (used, architecture) in enumerate(self._derived[first:]):
            answer, reason = self._judged(architecture, last=number + first + 1 == self.epoch)
            if reason:
                reasons[number] = reason
            trained = round(used * pass_seconds * MICROSECONDS)
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
                "passes": [used + self.plan.evaluation for used, _ in self._derived[first:]],
                "evaluation_passes": self.plan.evaluation,
            },
        }
        told = {"wall_seconds": time.perf_counter() - self._began, "reasons": reasons}
        return Trace.from_rows(header, rows, self.benchmark, told)

    def _judged(self, architecture: Architecture, *, last: bool) -> tuple[Answer, str]:
        """What the benchmark says of a derivation, and why it failed if it did."""
        if last and self._diverged:
            return Answer(-1, 0, nan, 0, 0, FAILED), self._diverged
        # A fresh evaluator each: a cell that is derived again is no repeated evaluation.
        answer: Answer = self.benchmark.evaluator(self.seed)(architecture, None, None)
        failed = answer.status == FAILED
        reason = self.benchmark.reason(architecture, self.seed, answer.visit) if failed else ""
        return answer, reason


def _repeatable() -> Any:
    from harness.training.repeatable import one_thread

    return one_thread()
