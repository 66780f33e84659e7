"""Lane B for strategies that promote: a Ray Tune trial pauses at a rung and goes on when promoted.

The strategy decides. Tune's scheduler carries it out: it pauses a trial, which saves a checkpoint
and gives its resources back, and resumes it when the strategy asks for more epochs of it. A paused
training that was lost, with its node or with the driver, is trained again from the beginning.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from harness.journal import Journal
from harness.loop import Job, Search
from harness.tune.evaluations import EvaluationTrial
from harness.tune.searcher import TuneSearcher


class PromotedTrial(EvaluationTrial):
    """Measures its architecture at one number of epochs after the other, one a step."""

    steps = 0

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.steps = 0
        return super().reset_config(new_config)

    def step(self) -> dict[str, Any]:
        levels = self.asked["levels"]
        epochs = levels[self.steps]
        self.asked = {**self.asked, "fidelity": epochs}
        self.steps += 1
        result = {**super().step(), "evaluations": self.steps, "epochs": epochs}
        if "failure" not in result:
            result["done"] = self.steps == len(levels)
        return result

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """What a live training would save beside this: its network and optimizer."""
        Path(checkpoint_dir, "steps.json").write_text(json.dumps(self.steps))

    def load_checkpoint(self, checkpoint_dir: str) -> None:  # type: ignore[override]
        self.steps = json.loads(Path(checkpoint_dir, "steps.json").read_text())


class PromotingSearcher(TuneSearcher):
    """A `TuneSearcher` that knows which trials are paused, and which of them are to go on.

    Args:
        search: A search that has not begun; its protocol lets promotions continue.
        journal: As in `TuneSearcher`.
        rungs: The numbers of epochs that the strategy asks for, ascending.
        cell: As in `TuneSearcher`.
    """

    def __init__(
        self, search: Search, journal: Journal, rungs: Sequence[int], cell: int = 0
    ) -> None:
        self._rungs = tuple(rungs)
        # (architecture, epochs) -> trials that are paused there, the oldest first.
        self._paused: defaultdict[tuple[Any, int], deque[str]] = defaultdict(deque)
        super().__init__(search, journal, cell)

    @property
    def over(self) -> bool:
        """Whether nothing is left to evaluate."""
        return self.failure is not None or not self._search.running

    def is_promoted(self, trial_id: str) -> bool:
        """Whether a trial, paused or not, has something to measure."""
        return trial_id in self._in_trial

    def visit(self, trial_id: str) -> int:
        """Which draw a promoted trial measures next; fresh draws are counted at each level."""
        return self._in_trial[trial_id].answer.visit

    def _level(self, job: Job) -> int:
        fidelity = job.proposal.fidelity
        return self._rungs[-1] if fidelity is None else fidelity

    def _issue(self, jobs: list[Job], journalled: dict[int, dict[str, Any]]) -> None:
        super()._issue(jobs, journalled)
        for job in list(self._ready):
            continues = job.proposal.continues
            waiting = self._paused.get((job.proposal.architecture, continues or 0))
            if waiting:
                self._ready.remove(job)
                self._in_trial[waiting.popleft()] = job

    def suggest(self, trial_id: str) -> Any:
        config = super().suggest(trial_id)
        if isinstance(config, dict):
            level = self._level(self._in_trial[trial_id])
            config["levels"] = [epochs for epochs in self._rungs if epochs >= level]
        return config

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """A trial's end; one whose worker died while it paused cannot go on."""
        for waiting in self._paused.values():
            if trial_id in waiting:
                waiting.remove(trial_id)
        super().on_trial_complete(trial_id, result, error)

    def measured(self, trial_id: str, result: dict[str, Any]) -> None:
        """A trial could go on: if it has reached its rung, journal its value."""
        job = self._in_trial[trial_id]
        if result["epochs"] < self._level(job):
            return
        del self._in_trial[trial_id]
        self._paused[job.proposal.architecture, self._level(job)].append(trial_id)
        self._completed(job, result, error=False)


class Promotions(FIFOScheduler):
    """Tune's scheduler as the strategy's hands: pauses trials, and resumes the promoted ones.

    Args:
        searcher: Where the strategy speaks.
    """

    def __init__(self, searcher: PromotingSearcher) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._searcher = searcher

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        """Pause the trial at its rung, unless it is promoted at once."""
        searcher, name = self._searcher, trial.trial_id
        searcher.measured(name, result)
        on = searcher.is_promoted(name) and searcher.visit(name) == trial.config["visit"]
        return TrialScheduler.CONTINUE if on else TrialScheduler.PAUSE

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """A promoted trial, or else a new one; when the search is over, the paused ones end."""
        trials = tune_controller.get_trials()
        paused = [trial for trial in trials if trial.status == Trial.PAUSED]
        if self._searcher.over:
            for trial in paused:
                tune_controller.stop_trial(trial)
            return None
        waiting = [trial for trial in trials if trial.status == Trial.PENDING]
        promoted = [trial for trial in paused if self._searcher.is_promoted(trial.trial_id)]
        if promoted:
            visit = self._searcher.visit(promoted[0].trial_id)
            promoted[0].set_config({**promoted[0].config, "visit": visit})
        return next(iter([*promoted, *waiting]), None)
