"""The search loop: searcher x benchmark x budget x seed -> trace, with workers in virtual time.

Virtual time is counted in integer microseconds and contains no real time: a trace depends on
nothing but its inputs. Ties between evaluations that end together go to the earlier proposal.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from heapq import heappop, heappush
from math import inf, isnan
from numbers import Integral, Real
from typing import Any, NamedTuple

from harness.benchmarks.base import MICROSECONDS, MISSING, OK, REPEAT, Answer, Benchmark
from harness.errors import HarnessError, UserError
from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import Architecture
from harness.traces import Trace

MAX_FREE_REPEATS = 10_000
"""A search that proposes this many in a row that use up none of its budget (uncharged repeats,
or architectures that the table lacks where evaluations are not limited) is over."""


@dataclass(frozen=True)
class Budget:
    """When a search ends: whichever limit comes first. No evaluation that would pass one starts.

    Attributes:
        evaluations: Number of charged evaluations.
        seconds: Virtual seconds.
        epochs: Trained epochs, summed over evaluations.
        image_passes: Images on their way forward and backward through a network in training,
            summed over all that a search trains: what strategies that train networks one by one
            and those that train a supernet are compared by.

    Raises:
        UserError: If no limit is given, or one is not positive.
    """

    evaluations: int | None = None
    seconds: float | None = None
    epochs: int | None = None
    image_passes: int | None = None

    def __post_init__(self) -> None:
        limits = asdict(self)
        if all(limit is None for limit in limits.values()):
            raise UserError(f"a budget needs at least one of {', '.join(limits)}")
        for name, limit in limits.items():
            if limit is None:
                continue
            is_number = isinstance(limit, Real if name == "seconds" else Integral)
            if not is_number:
                raise UserError(f"budget: {name}={limit!r}; must be a number")
            if not 0 < limit < inf:
                raise UserError(f"budget: {name}={limit}; must be positive and finite")
            # 100 and 100.0 seconds are one budget, in digests too.
            object.__setattr__(self, name, float(limit) if name == "seconds" else int(limit))

    @property
    def limits(self) -> dict[str, float | None]:
        """The limits by name, for records; `image_passes` only where there is one, so that older
        records keep their hashes."""
        limits = asdict(self)
        return {n: v for n, v in limits.items() if v is not None or n != "image_passes"}


class Job(NamedTuple):
    """An evaluation under way, ordered by its end and then by its proposal's number.

    Attributes:
        end: Virtual microsecond at which it ends.
        number: How many proposals came before.
        worker: Simulated worker.
        start: Virtual microsecond at which it began.
        proposal: What is evaluated.
        answer: What the benchmark says, or what of it is known before a trial has run.
    """

    end: int
    number: int
    worker: int
    start: int
    proposal: Proposal
    answer: Answer


# A named tuple's own constructor is a Python function and takes twice as long.
_job = partial(tuple.__new__, Job)
_observation = partial(tuple.__new__, Observation)


class Search:
    """One search under way, in virtual time.

    `fill` gives every idle worker a proposal, `advance` finishes the evaluation that ends first.
    Lane A alternates the two (`run_search`). Lane B does the same, but measures a job in a Ray
    Tune trial before it is finished; both leave the same trace.

    Args:
        searcher: The strategy, freshly made.
        benchmark: What answers; its protocol says which way is better.
        budget: When to stop.
        seed: The search's seed.
        identity: What the trace's header says of searcher and options.
        workers: Number of simulated asynchronous workers.

    Attributes:
        running: Heap of the evaluations under way.
        rows: Finished evaluations in order of completion.
        reasons: Proposal number -> why that evaluation failed, where a trial said so.
    """

    def __init__(
        self,
        searcher: Searcher,
        benchmark: Benchmark,
        budget: Budget,
        seed: int,
        identity: Mapping[str, Any],
        workers: int = 1,
    ) -> None:
        if workers < 1:
            raise UserError(f"workers={workers}; at least one")
        self.searcher = searcher
        self.benchmark = benchmark
        self.budget = budget
        self.seed = seed
        self.workers = workers
        self.identity = dict(identity)
        self.running: list[Job] = []
        self.rows: list[tuple[Any, ...]] = []
        self.reasons: dict[int, str] = {}
        self._evaluate = benchmark.evaluator(seed)
        self._own_epochs = benchmark.protocol.search.epoch
        self._continuing = benchmark.protocol.promotion == "continue"
        # (architecture, epochs) of finished evaluations, where trainings may go on.
        self._paused: set[tuple[Architecture, int]] = set()
        self._sign = 1.0 if benchmark.protocol.maximize else -1.0
        self._idle = list(range(workers))
        self._clock = 0
        self._stopped = ""
        self._asked = 0
        self._charged = 0
        self._epochs = 0
        self._free = 0
        self._max_evaluations = inf if budget.evaluations is None else budget.evaluations
        self._max_time = inf if budget.seconds is None else budget.seconds * MICROSECONDS
        self._max_epochs = epoch_limit(budget, benchmark)

    def fill(self) -> list[Job]:
        """Start an evaluation on every idle worker, as far as searcher and budget give any.

        Returns:
            The started jobs.
        """
        started = []
        while self._idle and not self._stopped:
            if self._charged >= self._max_evaluations:
                self._stopped = "budget"
                break
            proposal = self.searcher.ask()
            if proposal is None:
                break
            number = self._asked
            self._asked = number + 1
            if proposal[2] is not None:
                proposal = self._continued(proposal)
            answer = self._evaluate(*proposal)
            _, _, _, cost, epochs, status = answer
            if proposal[2] is not None:
                epochs -= proposal[2]
            clock = self._clock
            end = clock + cost
            if status >= MISSING:  # or REPEAT
                end = self._uncharged(proposal, answer, end)
            elif end > self._max_time or self._epochs + epochs > self._max_epochs:
                self._stopped = "budget"
                break
            else:
                self._free = 0
                self._charged += 1
                self._epochs += epochs
            job = _job((end, number, heappop(self._idle), clock, proposal, answer))
            heappush(self.running, job)
            started.append(job)
        return started

    def _continued(self, proposal: Proposal) -> Proposal:
        """A promotion as the protocol has it: with its paused training, or from the beginning."""
        architecture, fidelity, continues = proposal
        assert continues is not None
        level = self._own_epochs if fidelity is None else fidelity
        if not self._continuing:
            return Proposal(architecture, fidelity)
        if continues >= level or (architecture, continues) not in self._paused:
            text = self.benchmark.space.to_string(architecture)
            raise HarnessError(
                f"{self.identity.get('searcher', 'the searcher')} continues {text} from"
                f" {continues} to {level} epochs, but no evaluation of it has ended there"
            )
        return proposal

    def _uncharged(self, proposal: Proposal, answer: Answer, end: int) -> int:
        """Account for an answer that trained nothing; returns when it is known."""
        if answer.status == MISSING and self.budget.evaluations is not None:
            self._free = 0
            self._charged += 1
            return end
        self._free += 1
        if self._free >= MAX_FREE_REPEATS:
            self._stopped = "nothing new"
        return self._known(answer.row, proposal.fidelity) if answer.status == REPEAT else end

    def _known(self, row: int, fidelity: int | None) -> int:
        """When the evaluation that a repeat repeats has ended: now, unless it still runs."""
        own = self._own_epochs
        level = own if fidelity is None else fidelity
        ends = [
            job.end
            for job in self.running
            if job.answer.row == row
            and (own if job.proposal.fidelity is None else job.proposal.fidelity) == level
        ]
        return max(ends, default=self._clock)

    def advance(self, measured: Answer | None = None, reason: str = "") -> None:
        """Finish the evaluation that ends first: record it and tell the searcher.

        Args:
            measured: What a trial measured, in place of what the benchmark said at the start.
            reason: Why it failed, if it did.
        """
        end, number, worker, start, proposal, answer = heappop(self.running)
        architecture, fidelity, continues = proposal
        row, visit, value, _, epochs, status = answer if measured is None else measured
        self._clock = end
        heappush(self._idle, worker)
        self.rows.append(
            (
                number, architecture, row, visit, epochs, continues or 0, value, start, end,
                worker, status,
            )
        )  # fmt: skip
        if self._continuing and status == OK:
            self._paused.add((architecture, epochs))
        # No value: failed, lacking, or a repeat of such a one.
        failed = isnan(value)
        if failed:
            reason = reason or self.benchmark.reason(architecture, self.seed, visit)
            if reason:
                self.reasons[number] = reason
        told = -inf if failed else self._sign * value
        self.searcher.tell(_observation((number, architecture, fidelity, told, failed)))

    def trace(self, wall_seconds: float = 0.0) -> Trace:
        """The record of the finished search, with the selection's and the report's values."""
        header = {
            **self.identity,
            "benchmark": self.benchmark.name,
            "checksum": self.benchmark.checksum,
            "space": self.benchmark.space.name,
            "protocol": self.benchmark.protocol.hash,
            "budget": self.budget.limits,
            "workers": self.workers,
            "seed": self.seed,
            "stopped": self._stopped or "exhausted",
        }
        statistics = self.searcher.statistics()
        resampled = getattr(self.searcher.space, "resampled", None)
        if resampled is not None:
            statistics = {**statistics, "resampled": resampled}
        if statistics:
            header["statistics"] = statistics
        told = {"wall_seconds": wall_seconds, "reasons": self.reasons}
        return Trace.from_rows(header, self.rows, self.benchmark, told)


def epoch_limit(budget: Budget, benchmark: Benchmark) -> float:
    """Most epochs that a search may train, by its limits of epochs and of image passes.

    Raises:
        UserError: If image passes are limited where nobody says how many an epoch has.
    """
    limit = inf if budget.epochs is None else budget.epochs
    if budget.image_passes is None:
        return limit
    if benchmark.images_per_epoch is None:
        raise UserError(
            f"benchmark '{benchmark.name}' does not say how many images an epoch passes: give a"
            " budget of evaluations, epochs or seconds"
        )
    return min(limit, budget.image_passes // benchmark.images_per_epoch)


def run_search(search: Search) -> Trace:
    """Run a search to its end on its benchmark, in this process.

    Returns:
        The trace; its rows stand in order of completion.
    """
    began = time.perf_counter()
    search.fill()
    while search.running:
        search.advance()
        search.fill()
    return search.trace(time.perf_counter() - began)
