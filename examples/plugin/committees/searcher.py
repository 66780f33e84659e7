"""(1+1) evolution: keep mutating the best architecture, and start anew when that stops helping."""

from __future__ import annotations

from harness.errors import UserError
from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import SearchSpace


class OnePlusOne(Searcher):
    """Every child replaces its parent if it is better.

    After `patience` children in a row that were not better, the search starts anew from a random
    architecture. Failed evaluations are worse than all others (their value is -inf). With several
    workers, each child is compared with the parent as it stands when the child's result arrives.

    Args:
        space: Where to search.
        seed: The search's seed.
        patience: Children without improvement before a restart.

    Raises:
        UserError: If an option is out of range.
    """

    def __init__(self, space: SearchSpace, seed: int, *, patience: int = 20) -> None:
        super().__init__(space, seed)
        if patience < 1:
            raise UserError(f"OnePlusOne: patience={patience}; must be at least 1")
        self.patience = patience
        self.parent: Observation | None = None
        self.without_improvement = 0
        self.restarts = 0

    def ask(self) -> Proposal:
        if self.parent is None:
            return Proposal(self.space.sample(self.initial))
        return Proposal(self.space.mutate(self.parent.architecture, self.rng))

    def tell(self, observation: Observation) -> None:
        if self.parent is None or observation.value > self.parent.value:
            self.parent = observation
            self.without_improvement = 0
            return
        self.without_improvement += 1
        if self.without_improvement == self.patience:
            self.parent = None
            self.without_improvement = 0
            self.restarts += 1

    def statistics(self) -> dict[str, int]:
        """Stands in the trace's header."""
        return {"restarts": self.restarts}
