"""Several searches at once behind one searcher of Tune, so that none of a cluster lies idle.

A strategy that waits for each result keeps one worker busy. Other seeds and strategies need not
wait for it: whichever search has something to measure gives Tune its next trial.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from ray.tune.search import Searcher

from harness.tune.searcher import TuneSearcher


class Member:
    """A search of the fleet.

    Args:
        searcher: It, behind Tune's interface.
        finish: Called when it has ended, to record it.
    """

    def __init__(self, searcher: TuneSearcher, finish: Callable[[], None]) -> None:
        self.searcher = searcher
        self.finish = finish


class Fleet(Searcher):
    """Searches that go on side by side.

    Args:
        starts: What starts each search, when its turn has come.
        at_once: How many go on at a time.

    Attributes:
        failure: What went wrong in one of them; it ends the run.
    """

    def __init__(self, starts: Iterable[Callable[[], Member]], at_once: int) -> None:
        super().__init__(metric="value", mode="max")
        self._waiting = deque(starts)
        self._at_once = at_once
        self._active: list[Member] = []
        self._owners: dict[str, Member] = {}
        self.failure: Exception | None = None
        self._fill()

    @property
    def over(self) -> bool:
        """Whether every search has ended and been recorded."""
        return not (self._active or self._waiting)

    def _fill(self) -> None:
        """Record the searches that have ended, and start others in their place."""
        try:
            for member in [m for m in self._active if m.searcher.ended]:
                self._active.remove(member)
                member.finish()
            while self._waiting and len(self._active) < self._at_once:
                member = self._waiting.popleft()()
                if member.searcher.ended:
                    member.finish()
                else:
                    self._active.append(member)
        except Exception as failure:
            # Tune would swallow it.
            self.failure = failure

    def suggest(self, trial_id: str) -> Any:
        """Tune's question for a trial's configuration; None for "not now"."""
        if self.failure is not None or self.over:
            return Searcher.FINISHED
        for member in self._active:
            config = member.searcher.suggest(trial_id)
            if isinstance(config, dict):
                self._owners[trial_id] = member
                return config
        return None

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """A trial's end: its search goes on."""
        member = self._owners.pop(trial_id, None)
        if member is None:
            return
        member.searcher.on_trial_complete(trial_id, result, error)
        self.failure = self.failure or member.searcher.failure
        if self.failure is None:
            self._fill()

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Intermediate results do not matter to our strategies."""

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its searcher for a `Tuner.restore` that we never use.
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the journals are the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore: the journals are the state."""
