"""One of our searches as a Ray Tune searcher: every evaluation is a trial (lane B)."""

from __future__ import annotations

from collections import Counter, deque
from math import isnan, nan
from typing import Any

from ray.tune.search import Searcher

from harness.benchmarks.base import FAILED, OK, REPEAT
from harness.benchmarks.live import LiveBenchmark
from harness.errors import ReplayError
from harness.journal import Journal
from harness.loop import Job, Search
from harness.tune.session import RETRIES


class TuneSearcher(Searcher):
    """Feeds a search's evaluations to Ray Tune and journals what comes back.

    Evaluations are finished in the order of virtual time, whatever the order in which trials
    complete, so that the trace does not depend on the number of real workers.

    Args:
        search: A search that has not begun.
        journal: What an earlier run of the same search left is replayed: those evaluations are
            not repeated, and pending ones are issued again.
        cell: Number of the search's cell, by which a trial knows its benchmark.
        in_flight: Trainings that trials carry out, shared with the searches beside this one: none
            is carried out twice at the same time.

    Attributes:
        failure: What went wrong in the search or its journal; it ends the run.

    Raises:
        ReplayError: If the search proposes something else than the journal holds.
    """

    def __init__(
        self,
        search: Search,
        journal: Journal,
        cell: int = 0,
        in_flight: set[tuple[str, str]] | None = None,
    ) -> None:
        super().__init__(metric="value", mode="max")
        self._cell = cell
        self._in_flight = set() if in_flight is None else in_flight
        self._search = search
        self._journal = journal
        self._space = search.benchmark.space
        self._ready: deque[Job] = deque()
        self._in_trial: dict[str, Job] = {}
        self._measured: dict[int, tuple[float, str]] = {}
        self._crashes: Counter[int] = Counter()
        self.failure: Exception | None = None
        journalled = {entry["number"]: entry for entry in journal.entries}
        self._issue(search.fill(), journalled)
        while self._finish_next():
            self._issue(search.fill(), journalled)

    def _issue(self, jobs: list[Job], journalled: dict[int, dict[str, Any]]) -> None:
        """Queue jobs for trials, but those whose results are known already."""
        for job in jobs:
            entry = journalled.get(job.number)
            if job.answer.status not in (OK, FAILED):
                # Nothing to measure: a repeat, or an architecture that the table lacks.
                self._measured[job.number] = (job.answer.value, "")
            elif entry is None:
                self._ready.append(job)
            else:
                self._compare(job, entry)
                value = nan if entry["value"] is None else entry["value"]
                self._measured[job.number] = (value, entry["reason"])

    def _compare(self, job: Job, entry: dict[str, Any]) -> None:
        text = self._space.to_string(job.proposal.architecture)
        if (text, job.proposal.fidelity) != (entry["architecture"], entry["fidelity"]):
            raise ReplayError(
                f"{self._journal.path}: evaluation {job.number} was {entry['architecture']} and"
                f" now is {text}: the searcher's code has changed; remove the file to repeat"
                " this search"
            )

    @property
    def ended(self) -> bool:
        """Whether the search has nothing more to measure."""
        return not self._search.running

    def _finish_next(self) -> bool:
        """Finish the evaluation that is first in virtual time, if it has been measured."""
        running = self._search.running
        if not running or running[0].number not in self._measured:
            return False
        job = running[0]
        value, reason = self._measured.pop(job.number)
        answer = job.answer
        if answer.status == REPEAT:
            # What it repeats has ended by now.
            architecture, fidelity, _ = job.proposal
            seed, benchmark = self._search.seed, self._search.benchmark
            value = benchmark.read(architecture, fidelity, seed, answer.visit)
            answer = answer._replace(value=value)
        elif answer.status in (OK, FAILED):
            answer = answer._replace(value=value, status=FAILED if isnan(value) else OK)
        self._search.advance(answer, reason)
        return True

    def suggest(self, trial_id: str) -> Any:
        """Tune's question for a trial's configuration; None for "not now"."""
        if self.failure is not None:
            return Searcher.FINISHED
        free = (job for job in self._ready if self._training(job) not in self._in_flight)
        job = next(free, None)
        if job is None:
            return Searcher.FINISHED if self.ended else None
        self._ready.remove(job)
        self._in_trial[trial_id] = job
        training = self._training(job)
        if training is not None:
            self._in_flight.add(training)
        return {
            "architecture": self._space.to_string(job.proposal.architecture),
            "fidelity": job.proposal.fidelity,
            "visit": job.answer.visit,
            "seed": self._search.seed,
            "cell": self._cell,
        }

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """A trial's end: journal its value, then let the search go on."""
        job = self._in_trial.pop(trial_id, None)
        if job is None or (result is not None and "failure" in result):
            return
        self._completed(job, result, error)

    def _training(self, job: Job) -> tuple[str, str] | None:
        """Identifies the training that a job asks for; None where nothing is trained."""
        benchmark = self._search.benchmark
        if not isinstance(benchmark, LiveBenchmark):
            return None
        key = benchmark.trainings.key(
            job.proposal.architecture, self._search.seed, job.answer.visit
        )
        return benchmark.checksum, key

    def _completed(self, job: Job, result: dict[str, Any] | None, error: bool) -> None:
        self._in_flight.discard(self._training(job) or ("", ""))
        try:
            self._complete(job, result, error)
        except Exception as failure:
            # Tune would swallow it: the search would wait for ever, or seem to be over.
            self.failure = failure

    def _complete(self, job: Job, result: dict[str, Any] | None, error: bool) -> None:
        if error or result is None:
            self._crashes[job.number] += 1
            if self._crashes[job.number] <= RETRIES:
                # A lost worker says nothing about the architecture.
                self._ready.appendleft(job)
                return
            result = {"value": nan, "reason": "the trial crashed"}
        value, reason = result["value"], result.get("reason", "")
        self._journal.append(
            {
                "number": job.number,
                "architecture": self._space.to_string(job.proposal.architecture),
                "fidelity": job.proposal.fidelity,
                "value": None if isnan(value) else value,
                "reason": reason,
            }
        )
        self._measured[job.number] = (value, reason)
        while self._finish_next():
            self._issue(self._search.fill(), {})

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Intermediate results do not matter to our strategies."""

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its searcher for a `Tuner.restore` that we never use.
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the journal is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore: the journal is the state."""
