"""Training recipes as data: what is trained on how much, for how long, at which rates.

A recipe is a YAML file in this package, or any path to one, with the fields of `Recipe`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from harness.errors import UserError, unknown
from harness.yaml_file import read_yaml


@dataclass(frozen=True)
class Recipe:
    """Everything that a training depends on, beside the architecture, the data and the seed.

    Attributes:
        train_images: Number of training images.
        valid_images: Number of validation images.
        test_images: Number of test images.
        pixel_noise: Gaussian noise on every pixel, in units of the pixels' deviation.
        width: Channels of the first stage.
        depth: Cells in each of the three stages.
        epochs: Passes over the training images.
        batch_size: Images a step; a last, smaller batch of an epoch is dropped.
        learning_rate: Initial rate of stochastic gradient descent; falls to 0 along a cosine,
            step by step.
        momentum: Momentum, in 0 .. 1.
        nesterov: Whether the momentum is Nesterov's.
        weight_decay: L2 penalty on all parameters.
    """

    train_images: int
    valid_images: int
    test_images: int
    pixel_noise: float
    width: int
    depth: int
    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    nesterov: bool
    weight_decay: float

    def values(self) -> dict[str, Any]:
        """All fields by name, for records."""
        return asdict(self)


def names() -> tuple[str, ...]:
    """The recipes that come with the package."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.yaml")))


def load(name_or_path: str) -> Recipe:
    """A recipe by its name, or from the YAML file at a path.

    Raises:
        UserError: If there is no such recipe, or a field is missing, unknown or of a wrong type.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        if name_or_path not in names():
            raise unknown("recipe", name_or_path, names())
        path = Path(__file__).parent / f"{name_or_path}.yaml"
    data, _ = read_yaml(path, "recipe")
    return from_values(data, str(path))


def from_values(data: object, origin: str) -> Recipe:
    """A recipe from a mapping of its fields.

    Args:
        data: What a YAML file or a table's header holds.
        origin: Where the mapping comes from, for the error.

    Raises:
        UserError: If a field is missing, unknown, of a wrong type or out of range.
    """
    kinds = {field.name: field.type for field in fields(Recipe)}
    if not isinstance(data, dict) or set(data) != set(kinds):
        given = set(data) if isinstance(data, dict) else set()
        wrong = ", ".join(sorted(map(str, given ^ set(kinds))))
        raise UserError(f"recipe {origin}: missing or unknown fields: {wrong}")
    values: dict[str, Any] = {}
    for name, kind in kinds.items():
        value = data[name]
        if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value).__name__ != kind:
            raise UserError(f"recipe {origin}: '{name}' must be of type {kind}, not {value!r}")
        if kind != "bool" and not int(kind == "int") <= value < float("inf"):
            raise UserError(f"recipe {origin}: '{name}' is out of range: {value!r}")
        values[name] = value
    recipe = Recipe(**values)
    if recipe.batch_size > recipe.train_images:
        raise UserError(f"recipe {origin}: batch_size exceeds train_images: lower it")
    return recipe
