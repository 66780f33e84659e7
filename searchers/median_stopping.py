"""Random search with the median stopping rule: what lags behind the others is stopped.

Source: Golovin, Solnik, Moitra, Kochanski, Karro and Sculley, "Google Vizier: A Service for
Black-Box Optimization" (KDD 2017), section 3.2.2.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from harness.searcher import MultiFidelitySearcher, Observation, Proposal
from harness.spaces import Architecture, SearchSpace
from searchers.checks import at_least, at_most, one_of
from searchers.rungs import rungs


@dataclass
class Trial:
    """One architecture's training as far as it has come.

    Attributes:
        architecture: What is trained.
        best: Its best value so far.
        total: The sum of its values.
        averages: Of each rung that it has reached, the mean of its values up to there.
    """

    architecture: Architecture
    best: float = -inf
    total: float = 0.0
    averages: list[float] = field(default_factory=list)

    def hear(self, value: float) -> None:
        """Reach a further rung."""
        self.best = max(self.best, value)
        self.total += value
        self.averages.append(self.total / (len(self.averages) + 1))


class MedianStopping(MultiFidelitySearcher):
    """Trains random architectures rung by rung, and stops those that are worse than the median.

    At a rung an architecture is stopped if its best value so far is strictly below the median,
    over other architectures, of the mean of their values up to this rung. What is not stopped
    goes on before anything new begins. A failed evaluation ends its training.

    Args:
        space: Where to search.
        seed: The search's seed.
        fidelities: Epochs on offer, ascending.
        compare_with: "completed": the others are those that were trained in full (Vizier). "all":
            those that were trained up to this rung, stopped or not (Ray Tune).
        min_trials: Nothing is stopped at a rung before there are so many others (Ray Tune's
            default).
        grace: Lowest rungs at which nothing is stopped.
        reduction_factor: None: every number of epochs on offer is a rung. A number eta: as in
            `asha`.

    Raises:
        UserError: If an option is out of range, or leaves no rung below the full training.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        fidelities: Sequence[int],
        *,
        compare_with: str = "completed",
        min_trials: int = 3,
        grace: int = 0,
        reduction_factor: int | None = None,
    ) -> None:
        super().__init__(space, seed, fidelities)
        one_of(self, ("completed", "all"), compare_with=compare_with)
        at_least(self, 1, min_trials=min_trials)
        at_least(self, 0, grace=grace)
        if reduction_factor is not None:
            at_least(self, 2, reduction_factor=reduction_factor)
            self.rungs = rungs(fidelities, reduction_factor, None)
        at_most(self, len(self.rungs) - 1, "rungs below the full training", grace=grace)
        self.compare_with = compare_with
        self.min_trials = min_trials
        self.grace = grace
        # Of each rung, ascending: the averages that a trial there is compared with.
        self.averages: list[list[float]] = [[] for _ in self.rungs]
        self.running: dict[int, Trial] = {}
        self.going_on: deque[Trial] = deque()
        self.asked = 0
        self.stopped = [0] * (len(self.rungs) - 1)

    def ask(self) -> Proposal:
        if self.going_on:
            trial = self.going_on.popleft()
        else:
            trial = Trial(self.space.sample(self.initial))
        self.running[self.asked] = trial
        self.asked += 1
        rung = len(trial.averages)
        paused = self.rungs[rung - 1] if rung else None
        return Proposal(trial.architecture, self.rungs[rung], paused)

    def tell(self, observation: Observation) -> None:
        trial = self.running.pop(observation.number)
        if observation.failed:
            return
        rung = len(trial.averages)
        trial.hear(observation.value)
        in_full = rung == len(self.rungs) - 1
        if not in_full:
            if self.lags(trial, rung):
                self.stopped[rung] += 1
            else:
                self.going_on.append(trial)
        if self.compare_with == "all":
            insort(self.averages[rung], trial.averages[rung])
        elif in_full:
            for averages, average in zip(self.averages, trial.averages, strict=True):
                insort(averages, average)

    def lags(self, trial: Trial, rung: int) -> bool:
        """Whether the rule stops a training at a rung."""
        others = self.averages[rung]
        if rung < self.grace or len(others) < self.min_trials:
            return False
        median = (others[(len(others) - 1) // 2] + others[len(others) // 2]) / 2
        return trial.best < median

    def statistics(self) -> dict[str, list[int]]:
        """Stands in the trace's header."""
        return {"rungs": list(self.rungs), "stopped": list(self.stopped)}
