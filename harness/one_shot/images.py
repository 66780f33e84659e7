"""Batches of training or validation images without end, for supernets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from harness.datasets import ImageData, Part
from harness.errors import UserError
from harness.streams import key
from harness.training.augmentation import augmented, bordered, draw
from harness.training.data import Tensors, on_device

if TYPE_CHECKING:
    from harness.one_shot.problem import Problem


class Images:
    """The images of one part, shuffled and augmented anew in every pass, batch by batch.

    Args:
        problem: Its recipe says batch size and augmentation.
        part: "train" or "valid".
        seed: Of the search; with the part it seeds order and augmentation.

    Raises:
        UserError: If the part has no whole batch.
    """

    def __init__(self, problem: Problem, part: str, seed: int) -> None:
        self.recipe = problem.recipe
        self.tensors = _part(problem, part)
        self.batch_size = self.recipe.batch_size
        self._device = torch.device(problem.device)
        self._pixels = bordered(self.tensors.images, self.recipe.crop)
        self._generator = torch.Generator().manual_seed(key(seed, "one-shot images", part))
        if len(self) < self.batch_size:
            raise UserError(
                f"recipe: {len(self)} images to {part} on make no batch of {self.batch_size}:"
                " lower batch_size"
            )
        self._shuffle()

    def __len__(self) -> int:
        return len(self.tensors.labels)

    def batch(self) -> tuple[Tensor, Tensor]:
        """The next whole batch: float32 images [batch, channels, height, width] and labels."""
        if self._place + self.batch_size > len(self):
            self._shuffle()
        batch = slice(self._place, self._place + self.batch_size)
        self._place += self.batch_size
        numbers = self._order[batch].to(self._device)
        draws = self._draws.of(batch).to(self._device)
        images = augmented(self.tensors, self._pixels, numbers, draws)
        return images, self.tensors.labels[numbers]

    def plain(self, size: int = 400) -> Iterator[tuple[Tensor, Tensor]]:
        """All images once, in their order and without augmentation, in batches of a size."""
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            images = self.tensors.normalised(self.tensors.images[part])
            yield images, self.tensors.labels[part]

    def state(self) -> dict[str, Any]:
        """Where the stream is."""
        return {"generator": self._before, "place": self._place}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._generator.set_state(state["generator"].cpu())
        self._shuffle()
        self._place = state["place"]

    def _shuffle(self) -> None:
        self._place = 0
        self._before = self._generator.get_state()
        self._order = torch.randperm(len(self), generator=self._generator)
        shape = self.tensors.shape[1:]
        self._draws = draw(self.recipe, len(self), shape, self._generator)


def _part(problem: Problem, part: str) -> Tensors:
    """One part's tensors as the training images of a data set that has no others."""
    data: ImageData = problem.data
    chosen: Part = getattr(data, part)
    none = Part(chosen.images[:0], chosen.labels[:0])
    return on_device(replace(data, train=chosen, valid=none, test=none), problem.device)
