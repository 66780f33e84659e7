"""What a one-shot method works on: a space, images, and how its networks are trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from harness import datasets, recipes
from harness.datasets import ImageData, Split
from harness.errors import UserError
from harness.networks import Task
from harness.recipes import Recipe
from harness.spaces import SearchSpace

if TYPE_CHECKING:
    from harness.benchmarks.base import Benchmark
    from harness.one_shot.images import Images


@dataclass(frozen=True)
class Problem:
    """A question put to a one-shot method.

    Attributes:
        space: Where to search.
        dataset: Name or path of the images, see `harness.datasets.load`.
        recipe: How the benchmark trains the space's networks; its ``network`` are the builder's
            options, so that a supernet has the size of the networks that it stands for.
        device: Where to train, "cpu" or "cuda".
    """

    space: SearchSpace
    dataset: str
    recipe: Recipe
    device: str = "cpu"

    @cached_property
    def data(self) -> ImageData:
        """Training and validation images as the recipe splits them, and no test image.

        Raises:
            UserError: If the data set is unknown or does not fit the recipe.
        """
        recipe = self.recipe
        split = Split(recipe.train_images, recipe.valid_images, recipe.test_images)
        noise = recipe.pixel_noise
        return datasets.load(self.dataset, split, pixel_noise=noise, tested=False)

    @property
    def train_images(self) -> int:
        """Number of training images."""
        return len(self.data.train)

    @property
    def task(self) -> Task:
        """Shape of the images and number of classes."""
        _, channels, height, width = self.data.train.images.shape
        return Task((channels, height, width), self.data.classes)

    def images(self, part: str, seed: int) -> Images:
        """Batches of the "train" or "valid" images without end; see `harness.one_shot.images`."""
        from harness.one_shot.images import Images

        return Images(self, part, seed)


def problem_of(benchmark: Benchmark) -> Problem:
    """What a one-shot method needs to know to be judged by a benchmark.

    Raises:
        UserError: If it does not train, or does not say what its table was trained on.
    """
    from harness.benchmarks.live import LiveBenchmark
    from harness.benchmarks.table import TableBenchmark

    if isinstance(benchmark, LiveBenchmark):
        question = benchmark.trainings.question
        recipe = benchmark.trainings.recipe
        return Problem(benchmark.space, question.dataset, recipe, question.device)
    if not isinstance(benchmark, TableBenchmark):
        raise UserError(
            f"benchmark '{benchmark.name}' is a formula: a one-shot method needs networks to train"
        )
    source = benchmark.table.header.training_source
    if not {"dataset", "recipe"} <= set(source):
        raise UserError(
            f"table '{benchmark.name}' does not say on which images and how it was trained"
            " (training_source): a one-shot method cannot be run against it; tables of"
            " `nas-harness tabulate` say it"
        )
    recipe = recipes.from_values(source["recipe"], f"of table '{benchmark.name}'")
    return Problem(benchmark.space, source["dataset"], recipe)
