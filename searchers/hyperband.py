"""Successive halving and Hyperband: train many shortly, and the best of them longer.

Sources: Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter
optimization" (AISTATS 2016); Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, "Hyperband" (JMLR
18:185, 2018), algorithm 1.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from harness.searcher import MultiFidelitySearcher, Observation, Proposal
from harness.spaces import Architecture, SearchSpace
from searchers.checks import at_least
from searchers.rungs import Bracket, halved, hyperband_candidates, rungs


class Brackets(MultiFidelitySearcher):
    """Runs brackets of successive halving one after the other, until the budget ends.

    A rung waits for its last evaluation. Workers that would be idle meanwhile begin the next
    bracket (as in HpBandSter), so that there is always something to evaluate.

    Args:
        space: Where to search.
        seed: The search's seed.
        fidelities: Epochs on offer, ascending.
        reduction_factor: eta: one of so many is promoted to so many times the epochs.
        min_epochs: The lowest rung is not below; None: the least fidelity.

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
        self.open: list[Bracket] = []
        self.bracket_of: dict[int, Bracket] = {}
        self.asked = self.opened = 0

    @abstractmethod
    def bracket(self, number: int) -> Bracket:
        """The bracket that is opened after `number` others."""

    def draw(self) -> Architecture:
        """A new candidate."""
        return self.space.sample(self.initial)

    def ask(self) -> Proposal:
        self.open = [bracket for bracket in self.open if not bracket.over]
        for bracket in self.open:
            proposal = bracket.ask(self.draw)
            if proposal is not None:
                break
        else:
            bracket = self.bracket(self.opened)
            proposal = bracket.ask(self.draw)
            assert proposal is not None
            self.opened += 1
            self.open.append(bracket)
        self.bracket_of[self.asked] = bracket
        self.asked += 1
        return proposal

    def tell(self, observation: Observation) -> None:
        self.bracket_of.pop(observation.number).tell(observation)

    def statistics(self) -> dict[str, int]:
        """Stands in the trace's header."""
        return {"brackets": self.opened}


class SuccessiveHalving(Brackets):
    """The same bracket again and again: all begin at the lowest rung.

    Args:
        candidates: Architectures of a bracket; None: eta to the number of promotions, so that
            one of them is trained in full.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        fidelities: Sequence[int],
        *,
        reduction_factor: int = 3,
        min_epochs: int | None = None,
        candidates: int | None = None,
    ) -> None:
        super().__init__(
            space, seed, fidelities, reduction_factor=reduction_factor, min_epochs=min_epochs
        )
        if candidates is None:
            candidates = reduction_factor ** (len(self.rungs) - 1)
        at_least(self, reduction_factor, candidates=candidates)
        self.sizes = halved(candidates, reduction_factor, len(self.rungs))

    def bracket(self, number: int) -> Bracket:
        return Bracket(self.rungs, self.sizes)


class Hyperband(Brackets):
    """Brackets that begin at the lowest rung, at the second lowest, ..., at the full training.

    Each costs about the same. Which lowest rung is the best depends on how soon early epochs tell
    good from bad, and Hyperband hedges. After the last bracket it begins again with the first.
    """

    def bracket(self, number: int) -> Bracket:
        s_max = len(self.rungs) - 1
        s = s_max - number % (s_max + 1)
        candidates = hyperband_candidates(self.reduction_factor, s, s_max)
        return Bracket(self.rungs[-s - 1 :], halved(candidates, self.reduction_factor, s + 1))
