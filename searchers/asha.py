"""ASHA: successive halving that never waits.

Source: Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht and Talwalkar, "A System for
Massively Parallel Hyperparameter Tuning" (MLSys 2020), algorithm 2.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

from harness.searcher import MultiFidelitySearcher, Observation, Proposal
from harness.spaces import Architecture, SearchSpace
from searchers.checks import at_least
from searchers.rungs import rungs

Entry = tuple[float, int]
"""A finished evaluation: minus its value, and its number. The better one is the smaller."""


class Asha(MultiFidelitySearcher):
    """Promotes an architecture as soon as it is among the best 1 / eta of its rung.

    An idle worker gets the highest promotion there is, or else a new random architecture at the
    lowest rung. Failed evaluations count in their rung and are never promoted.

    Args:
        space: Where to search.
        seed: The search's seed.
        fidelities: Epochs on offer, ascending.
        reduction_factor: eta.
        min_epochs: The lowest rung is not below; None: the least fidelity. (The paper's
            early-stopping rate s leaves out the s lowest rungs.)

    Raises:
        UserError: If an option is out of range, or leaves no rung below the full training.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        fidelities: Sequence[int],
        *,
        reduction_factor: int = 3,
        min_epochs: int | None = None,
    ) -> None:
        super().__init__(space, seed, fidelities)
        at_least(self, 2, reduction_factor=reduction_factor)
        if min_epochs is not None:
            at_least(self, 1, min_epochs=min_epochs)
        self.reduction_factor = reduction_factor
        self.rungs = rungs(fidelities, reduction_factor, min_epochs)
        # Of each rung but the last: everything finished, and what of it is not promoted yet.
        self.finished: list[list[Entry]] = [[] for _ in self.rungs[1:]]
        self.paused: list[list[Entry]] = [[] for _ in self.rungs[1:]]
        self.architectures: dict[int, Architecture] = {}
        self.promotions = [0] * (len(self.rungs) - 1)

    def ask(self) -> Proposal:
        for rung in reversed(range(len(self.rungs) - 1)):
            if self.promotable(rung):
                _, number = self.paused[rung].pop(0)
                self.promotions[rung] += 1
                architecture = self.architectures.pop(number)
                return Proposal(architecture, self.rungs[rung + 1], self.rungs[rung])
        return Proposal(self.space.sample(self.initial), self.rungs[0])

    def promotable(self, rung: int) -> bool:
        """Whether the best that is paused at a rung is among the best 1 / eta that finished."""
        finished, paused = self.finished[rung], self.paused[rung]
        best = len(finished) // self.reduction_factor
        return bool(paused) and bisect_left(finished, paused[0]) < best

    def tell(self, observation: Observation) -> None:
        rung = self.rungs.index(observation.fidelity)
        if rung == len(self.rungs) - 1:
            return
        entry = (-observation.value, observation.number)
        insort(self.finished[rung], entry)
        if not observation.failed:
            insort(self.paused[rung], entry)
            self.architectures[observation.number] = observation.architecture

    def statistics(self) -> dict[str, list[int]]:
        """Stands in the trace's header."""
        return {"rungs": list(self.rungs), "promotions": list(self.promotions)}
