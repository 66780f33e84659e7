"""The trainings of one question: what is trained on what, how, and where it is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from harness import datasets, recipes
from harness.datasets import ImageData, Split
from harness.live.question import LiveQuestion
from harness.live.record import Record
from harness.live.store import MemoryStore, Store
from harness.protocol import digest
from harness.spaces import Architecture, get_space
from harness.tabulation.work import torch_version


class Trainings:
    """Networks of a space, trained on a data set by a recipe.

    Args:
        question: What is trained on what, how and where.

    Attributes:
        store: Where trainings are found and kept.
        carried_out: Whether this process trains what the store lacks.
        launch: What starts the workers of a training that has several
            (`harness.training.parallel.Launcher`).

    Raises:
        UserError: If the space or the recipe is unknown.
    """

    def __init__(self, question: LiveQuestion) -> None:
        self.question = question
        self.space = get_space(question.space)
        self.recipe = recipes.load(question.recipe)
        self.store: Store = MemoryStore()
        self.carried_out = True
        self._launch: Callable[[Any], Any] | None = None
        self._counts: dict[bytes, tuple[int, int]] = {}

    @cached_property
    def data(self) -> ImageData:
        """The images, split as the recipe says."""
        recipe = self.recipe
        split = Split(recipe.train_images, recipe.valid_images, recipe.test_images)
        return datasets.load(self.question.dataset, split, pixel_noise=recipe.pixel_noise)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images."""
        _, channels, height, width = self.data.train.images.shape
        return channels, height, width

    @cached_property
    def checksum(self) -> str:
        """Of all that a training's result depends on but architecture, seed and visit."""
        data, content = self.data, hashlib.sha256()
        described: list[object] = [data.classes, list(data.mean), list(data.deviation)]
        for part in (data.train, data.valid, data.test):
            for array in (part.images, part.labels):
                content.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
                described.append([list(array.shape), array.dtype.str])
        question = self.question
        together = [question.workers, question.average] if question.workers > 1 else []
        return digest(
            [
                self.space.name,
                content.hexdigest(),
                described,
                self.recipe.values(),
                question.device,
                together,
                torch_version(),
            ]
        )

    @property
    def launch(self) -> Callable[[Any], Any]:
        """Processes of this machine, or what has been set."""
        if self._launch is None:
            from harness.training.processes import in_processes

            self._launch = in_processes
        return self._launch

    @launch.setter
    def launch(self, launcher: Callable[[Any], Any]) -> None:
        self._launch = launcher

    def key(self, architecture: Architecture, seed: int, visit: int) -> str:
        """Identifies a training in the store."""
        return f"{self.space.key(architecture).hex()}-{seed}-{visit}"

    def find(self, architecture: Architecture, seed: int, visit: int) -> Record | None:
        """What the store knows of a training."""
        return self.store.find(self.key(architecture, seed, visit))

    def train(
        self, architecture: Architecture, epochs: int, seed: int, visit: int
    ) -> Record | None:
        """A training up to an epoch, carried out if the store lacks it.

        Returns:
            None if the store lacks it and this process carries out none.

        Raises:
            UserError: If the recipe does not fit the networks or the data, or torch is missing.
        """
        record = self.find(architecture, seed, visit)
        if record is not None and record.answers(epochs):
            return record
        if not self.carried_out:
            return None
        from harness.live.trainer import train

        return train(self, self.space.representative(architecture), epochs, seed, visit)

    def counts(self, architecture: Architecture) -> tuple[int, int]:
        """Parameters and multiply-adds of a network; zeros if the architecture has none."""
        key = self.space.key(architecture)
        if key not in self._counts:
            from harness.live.trainer import counts

            self._counts[key] = counts(self, self.space.representative(architecture))
        return self._counts[key]
