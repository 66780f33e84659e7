"""Random search with weight sharing.

Source: Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search"
(UAI 2019), section 3.2.
"""

from __future__ import annotations

from typing import Any

from harness.one_shot import OneShot, Problem
from harness.spaces import Architecture
from harness.streams import stream
from searchers.checks import at_least, at_most
from searchers.one_shot.supernets import require_supernet


class RandomSearchWithSharing(OneShot):
    """Every training step goes to the weights of one architecture, drawn uniformly.

    The answer is the one of many drawn architectures that classifies best with the shared
    weights: all are tried on one batch of validation images, and the best of them, with the
    answer of the epoch before, on all validation images.

    Args:
        problem: Space, images and recipe.
        seed: The search's seed.
        epochs: How often an architecture is derived.
        candidates: Architectures drawn for each answer: 100 as in the "NATS-Bench" code (the
            paper draws 1,000, once, at the end).
        finalists: How many of them are tried on all validation images; 10 in the paper.
        batch_statistics: Whether batch normalisations use each batch's own statistics when an
            architecture is tried. Those tracked in training are a mean over all architectures.

    Raises:
        UserError: If an option is out of range, or the space has no supernet.
    """

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        epochs: int | None = None,
        candidates: int = 100,
        finalists: int = 10,
        batch_statistics: bool = True,
    ) -> None:
        super().__init__(problem, seed, epochs=epochs)
        require_supernet(problem.space.name)
        at_least(self, 1, finalists=finalists)
        at_most(self, candidates, "candidates", finalists=finalists)
        self.candidates, self.finalists = candidates, finalists
        self.batch_statistics = batch_statistics
        self.answer: Architecture | None = None
        self.accuracy: float | None = None

    def start(self, passes: int) -> None:
        from searchers.one_shot.weights import SharedWeights

        self.weights = SharedWeights(self.problem, self.seed, passes)

    @property
    def classified(self) -> int:  # type: ignore[override]  # which is the weights'
        """Images that candidates were tried on."""
        return self.weights.classified if hasattr(self, "weights") else 0

    def epoch(self, passes: int) -> int:
        weights, size = self.weights, self.problem.recipe.batch_size
        start = weights.used
        with weights.training():
            while weights.used + size <= start + passes:
                weights.step_path(self.drawn("path", 1)[0])
        return weights.used - start

    def drawn(self, purpose: str, count: int) -> list[Architecture]:
        """Uniform architectures, which depend on seed, purpose and the image passes so far."""
        rng = stream(self.seed, "rsws", purpose, self.weights.used)
        return [self.problem.space.sample(rng) for _ in range(count)]

    def derive(self) -> Architecture:
        drawn = self.drawn("candidates", self.candidates)
        self.answer, self.accuracy = self.weights.best(
            drawn, self.finalists, self.batch_statistics, self.answer
        )
        return self.answer

    def log(self) -> dict[str, Any]:
        """The answer's share of the validation images, beside the weights' figures."""
        return {**self.weights.log(), "shared_accuracy": self.accuracy}

    def state(self) -> dict[str, Any]:
        answer = None if self.answer is None else self.problem.space.to_string(self.answer)
        return {"weights": self.weights.state(), "answer": answer, "accuracy": self.accuracy}

    def restore(self, state: dict[str, Any]) -> None:
        self.weights.restore(state["weights"])
        answer = state["answer"]
        self.answer = None if answer is None else self.problem.space.from_string(answer)
        self.accuracy = state["accuracy"]
