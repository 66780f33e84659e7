"""What a live benchmark trains: ``live:SPACE/DATASET[:RECIPE][@DEVICE[*WORKERS[-epoch]]]``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from harness.errors import UserError

PREFIX = "live:"

_RECIPES = {
    "tss": "nats-12",
    "sss": "nats-12",
    "nasbench101": "nasbench101",
    "residual": "era-search",
    "residual-text": "era-search",
    "residual-union": "era-search",
    "resnet": "era-search",
    "darts": "darts-search",
    "macro": "remnet-search",
    "macro-blocks": "xepo-adam",
}
"""Which recipe a search trains a space's networks by where none is named: its source's own."""

_FINAL_RECIPES = {
    "tss": "nats-200",
    "sss": "nats-90",
    "nasbench101": "nasbench101",
    "residual": "era-final",
    "residual-text": "era-final",
    "residual-union": "era-final",
    "resnet": "era-final",
    "darts": "darts-final",
    "macro": "remnet-final",
    "macro-blocks": "xepo-adamax",
}
"""The same for a final training."""

_FORM = "live:SPACE/DATASET, live:SPACE/DATASET:RECIPE or live:SPACE/DATASET:RECIPE@cuda"
_DEVICE = re.compile(r"(cpu|cuda)(?:\*([1-9]\d?)(-epoch)?)?")
_LIKE_A_DEVICE = re.compile(r"(?:cpu|cuda)[^/]*|[^/.:]+")
"""What follows the last `@` where it is no part of a path or of a recipe: also misspelt ones."""


def is_live(source: str) -> bool:
    """Whether a benchmark's name is one of live training."""
    return source.startswith(PREFIX)


def split_device(name: str) -> tuple[str, str]:
    """A live benchmark's name without its device, and the device; "" where it names none.

    An ``@`` in a path stays there: ``live:tss/me@home/images.npz`` names no device. What looks
    like a device may still be misspelt.
    """
    body, at, device = name.rpartition("@")
    if not at or not _LIKE_A_DEVICE.fullmatch(device):
        return name, ""
    return body, device


def with_device(body: str, device: str) -> str:
    """The inverse of `split_device`; "" is what trains where no device is named, the CPU."""
    if device or split_device(body) != (body, ""):
        return f"{body}@{device or 'cpu'}"
    return body


def final_recipe(space: str) -> str:
    """The recipe by which a space's source trains what a search has found.

    Raises:
        UserError: If it has none.
    """
    if space not in _FINAL_RECIPES:
        raise UserError(f"the space '{space}' has no final recipe: name one with --recipe")
    return _FINAL_RECIPES[space]


@dataclass(frozen=True)
class LiveQuestion:
    """A space, a data set, a recipe, and what trains.

    Attributes:
        space: Name of the search space.
        dataset: A data set's name or path, as `harness.datasets.load` takes it.
        recipe: A recipe's name or path.
        device: "cpu" or "cuda".
        workers: Processes that train one network together, each on a part of the images.
        average: Whether those average gradients after each "batch", or weights after each
            "epoch" (G. Kyriakides, 2022, section 8.3).
    """

    space: str
    dataset: str
    recipe: str
    device: str = "cpu"
    workers: int = 1
    average: Literal["batch", "epoch"] = "batch"

    @classmethod
    def parse(cls, name: str) -> LiveQuestion:
        """The inverse of `str`.

        Raises:
            UserError: If the name is none of this form, or a default recipe is missing.
        """
        body, device = split_device(name.removeprefix(PREFIX))
        found = _DEVICE.fullmatch(device or "cpu")
        if found is None:
            raise UserError(
                f"benchmark '{name}': device '{device}' is neither cpu nor cuda, with *2 for two"
                " workers a training; after a path with an @, name the device as well"
            )
        space, slash, rest = body.partition("/")
        dataset, _, recipe = rest.partition(":")
        if not (name.startswith(PREFIX) and space and slash and dataset):
            raise UserError(f"benchmark '{name}' is not of the form {_FORM}")
        recipe = recipe or _RECIPES.get(space, "")
        if not recipe:
            raise UserError(
                f"benchmark '{name}': networks of the space '{space}' have no recipe of their"
                f" own: name one, as in {name}:quick"
            )
        kind, workers, epoch = found.groups()
        return cls(space, dataset, recipe, kind, int(workers or 1), "epoch" if epoch else "batch")

    def __str__(self) -> str:
        name = f"{PREFIX}{self.space}/{self.dataset}:{self.recipe}"
        if self.workers > 1:
            return f"{name}@{self.device}*{self.workers}" + "-epoch" * (self.average == "epoch")
        return with_device(name, "" if self.device == "cpu" else self.device)
