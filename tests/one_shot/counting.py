"""A method without a network, which shows what the mechanism does with it."""

from __future__ import annotations

from typing import Any

from harness.one_shot import Diverged, OneShot
from harness.one_shot.problem import Problem
from harness.spaces import Architecture


class Counting(OneShot):
    """Derives what the labels that it has seen add up to.

    Args:
        problem: See `OneShot`.
        seed: See `OneShot`.
        epochs: See `OneShot`.
        diverges: The epoch in which it cannot go on, from 1; 0: none.
    """

    libraries = ()

    def __init__(
        self, problem: Problem, seed: int, *, epochs: int | None = None, diverges: int = 0
    ) -> None:
        super().__init__(problem, seed, epochs=epochs)
        self.diverges = diverges

    def start(self, passes: int) -> None:
        self.images = self.problem.images("train", self.seed)
        self.planned, self.sum, self.finished = passes, 0, 0
        self.cost_factor = 2.0

    def epoch(self, passes: int) -> int:
        self.finished += 1
        if self.finished == self.diverges:
            raise Diverged("its loss is nan")
        used = 0
        while used + self.images.batch_size <= passes:
            images, labels = self.images.batch()
            weights = range(len(labels))
            self.sum += sum(
                int(label) * weight for label, weight in zip(labels, weights, strict=True)
            )
            used += len(images)
        return used

    def derive(self) -> Architecture:
        return tuple((self.sum >> 3 * place) % 5 for place in range(6))

    def log(self) -> dict[str, Any]:
        return {"sum": self.sum}

    def state(self) -> dict[str, Any]:
        return {"sum": self.sum, "finished": self.finished, "images": self.images.state()}

    def restore(self, state: dict[str, Any]) -> None:
        self.sum, self.finished = state["sum"], state["finished"]
        self.images.restore(state["images"])
