"""Recipes of compressions as data: which groups, how strongly, how often, and the trainings.

A recipe is a YAML file in this package, or any path to one, with the fields of
`CompressionRecipe`; its trainings have the fields of `harness.recipes.Recipe`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from harness import recipes
from harness.errors import UserError, unknown
from harness.recipes import Recipe
from harness.typed import brief, check_types
from harness.yaml_file import read_yaml
from searchers.compression.groups import axes
from searchers.one_shot.relevance import CURVATURE_FLOOR, THRESHOLD

Convention = Literal["molchanov", "molchanov-output", "multiply-adds"]
Scale = Literal["penalty", "printed"]
Descent = Literal["proximal", "gradient"]


@dataclass(frozen=True)
class CompressionRecipe:
    """Everything that a compression depends on, beside the network, the data and the seed.

    Attributes:
        training: How the network is trained under the penalty. Its epochs are the schedule's:
            ``refresh`` times ``loops``, and ``warmup`` before.
        tuning: How the small network is trained on, without a penalty; None: not at all.
        penalty: Strength of the penalty (lambda): one number, or that of each layer by its name,
            of which ``layer/kind`` may differ.
        linear: Kinds of groups of fully connected layers -> factor of the layer's strength.
        convolution: The same of convolutions.
        warmup: Epochs without a penalty before the first loop; variances and penalties are then
            computed once. With 0 they begin as 1, as in the source.
        refresh: Epochs of a loop, at whose end variances and penalties are computed anew.
        loops: Number of loops.
        enough: There are no further loops once the network has so few operations.
        threshold: A group whose prior variance is no higher is masked; by default where the
            entropy of the prior is 0.
        curvature_images: Training images on which the curvature of the loss is computed.
        curvature_scale: "penalty": the curvature is divided by the strength, as the mathematics
            wants it; "printed": it is not, as Algorithm 2 prints it.
        descent: How the penalty is brought down: by "proximal" steps after the optimizer's, one
            kind of groups after the other, which make groups exactly 0; or by its "gradient"
            beside that of the loss, as printed, which leaves them around 0.
        floor: Least curvature of a weight, above 0.
        convention: How operations are counted, see `searchers.compression.operations`.
    """

    training: Recipe
    tuning: Recipe | None
    penalty: float | Mapping[str, float] = field(hash=False)
    linear: Mapping[str, float] = field(hash=False)
    convolution: Mapping[str, float] = field(default_factory=dict, hash=False)
    warmup: int = 0
    refresh: int = 10
    loops: int = 10
    enough: int = 0
    threshold: float = THRESHOLD
    curvature_images: int = 1000
    curvature_scale: Scale = "penalty"
    descent: Descent = "proximal"
    floor: float = CURVATURE_FLOOR
    convention: Convention = "molchanov"

    def strength(self, layer: str, kind: str) -> float:
        """The strength of the penalty on a kind of groups of a layer, before the kind's factor.

        Raises:
            UserError: If the recipe says none.
        """
        if not isinstance(self.penalty, Mapping):
            return self.penalty
        for name in (f"{layer}/{kind}", layer):
            if name in self.penalty:
                return self.penalty[name]
        raise UserError(
            f"compression recipe: no penalty for layer '{layer}': add it, or give one number"
        )

    def values(self) -> dict[str, Any]:
        """All fields by name, for records."""
        return asdict(self)


def names() -> tuple[str, ...]:
    """The recipes that come with the package."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.yaml")))


def load(name_or_path: str) -> CompressionRecipe:
    """A recipe by its name, or from the YAML file at a path.

    Raises:
        UserError: If there is no such recipe, or a field is missing, unknown, of a wrong type or
            out of range.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        if name_or_path not in names():
            raise unknown("compression recipe", name_or_path, names())
        path = Path(__file__).parent / f"{name_or_path}.yaml"
    data, _ = read_yaml(path, "compression recipe")
    return from_values(data, str(path))


def from_values(data: object, origin: str) -> CompressionRecipe:
    """A recipe from a mapping of its fields.

    Args:
        data: What a YAML file holds.
        origin: Where the mapping comes from, for the error.

    Raises:
        UserError: If a field is missing, unknown, of a wrong type or out of range.
    """
    what = f"compression recipe {origin}"
    if not isinstance(data, dict) or not all(isinstance(name, str) for name in data):
        raise UserError(f"{what}: not names with values, but {brief(data)}")
    known = {f.name: f for f in fields(CompressionRecipe)}
    for name in data:
        if name not in known:
            raise UserError(f"{what}: {unknown('field', name, known)}")
    required = [f.name for f in known.values() if f.default is f.default_factory is MISSING]
    missing = [name for name in required if name not in data]
    if missing:
        raise UserError(f"{what}: missing fields: {', '.join(missing)}")
    values = dict(data)
    for part in ("training", "tuning"):
        if values[part] is not None:
            values[part] = recipes.from_values(values[part], f"'{part}' of {origin}")
    recipe = CompressionRecipe(**values)
    check_types(recipe, what)
    for mistake in _mistakes(recipe):
        raise UserError(f"{what}: {mistake}")
    return recipe


def _mistakes(recipe: CompressionRecipe) -> list[str]:
    """What is wrong between fields of sound types."""
    for kind in recipe.linear:
        axes(kind, 2)
    for kind in recipe.convolution:
        axes(kind, 4)
    strengths = [recipe.penalty]
    if isinstance(recipe.penalty, Mapping):
        strengths = list(recipe.penalty.values())
    factors = [*recipe.linear.values(), *recipe.convolution.values()]
    ranges = {
        "penalty": all(isinstance(value, float | int) and value > 0 for value in strengths),
        "linear": bool(recipe.linear),
        "factors of groups": all(factor > 0 for factor in factors),
        "warmup": recipe.warmup >= 0,
        "refresh": recipe.refresh >= 1,
        "loops": recipe.loops >= 1,
        "enough": recipe.enough >= 0,
        "threshold": recipe.threshold >= 0,
        "curvature_images": recipe.curvature_images >= 1,
        "floor": recipe.floor > 0,
    }
    found = [f"'{name}' is out of range" for name, sound in ranges.items() if not sound]
    epochs = recipe.warmup + recipe.refresh * recipe.loops
    if recipe.training.epochs != epochs:
        found.append(
            f"training takes {recipe.training.epochs} epochs, warmup and loops {epochs}: make"
            " them equal"
        )
    tuning, training = recipe.tuning, recipe.training
    if tuning is not None and _images(tuning) != _images(training):
        found.append("training and tuning use other images: make their numbers of images equal")
    return found


def _images(recipe: Recipe) -> tuple[object, ...]:
    return (recipe.train_images, recipe.valid_images, recipe.test_images, recipe.pixel_noise)
