"""A searcher in a file: `nas-harness compare examples/my_searcher.py`."""

from harness.searcher import Observation, Proposal, Searcher


class HillClimber(Searcher):
    """Changes one decision of the best architecture so far; keeps what is at least as good."""

    best: Observation | None = None

    def ask(self) -> Proposal:
        if self.best is None:
            return Proposal(self.space.sample(self.initial))
        return Proposal(self.space.mutate(self.best.architecture, self.rng))

    def tell(self, observation: Observation) -> None:
        if self.best is None or observation.value >= self.best.value:
            self.best = observation
