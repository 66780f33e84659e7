"""Training recipes as data: what is trained on how much, for how long, at which rates.

A recipe is a YAML file in this package, or any path to one, with the fields of `Recipe`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from harness.errors import UserError, unknown
from harness.typed import brief, check_types
from harness.yaml_file import read_yaml

Option = bool | int | float | str | list[float] | None

_OLD = ("width", "depth")
"""Options of the network that stood beside the other fields before there was `Recipe.network`."""

_OPTIMIZERS: dict[str, tuple[str, ...]] = {
    "Adadelta": (),
    "Adagrad": (),
    "Adam": (),
    "AdamW": (),
    "Adamax": (),
    "NAdam": (),
    "RAdam": (),
    "RMSprop": ("momentum",),
    "SGD": ("momentum", "nesterov"),
}
"""Classes of ``torch.optim``, and which of a recipe's fields they take beside the common two."""


@dataclass(frozen=True)
class Recipe:
    """Everything that a training depends on, beside the architecture, the data and the seed.

    Attributes:
        train_images: Number of training images; None: all that the validation part leaves.
        valid_images: Number of validation images, or their share of the official training
            images; 0 for a final training, which is judged on test images alone.
        test_images: Number of test images; None: all there are.
        epochs: Passes over the training images.
        batch_size: Images a step.
        learning_rate: Highest learning rate.
        pixel_noise: Gaussian noise, once and for all, on every pixel, in units of the pixels'
            deviation.
        optimizer: A class of ``torch.optim``, by its name.
        momentum: Momentum, in 0 .. 1 (SGD, RMSprop).
        nesterov: Whether the momentum is Nesterov's (SGD).
        weight_decay: L2 penalty on all parameters (AdamW: decoupled).
        options: The optimizer's other options, by the names of ``torch.optim``.
        schedule: How the learning rate goes on after the warm-up: along a cosine to 0, by steps
            (times ``factor`` at each of the ``milestones``), or constant.
        milestones: Numbers of finished epochs at which the rate takes a step, ascending.
        factor: What a step multiplies the rate by, in 0 .. 1.
        warmup_epochs: Epochs in which the rate rises linearly to ``learning_rate``.
        per: Whether a cosine and a warm-up move at each step or once an epoch.
        flip: Whether a training image is mirrored left to right, half of the time.
        crop: Black pixels around a training image, of which a random crop of the original size
            is taken; 0: no crop.
        erasing: Probability that a random rectangle of a training image is replaced by the mean
            image (``torchvision.transforms.RandomErasing`` with its defaults).
        label_smoothing: Share of the target that is spread over all classes, in 0 .. 1.
        gradient_clip: Largest norm of all gradients together; 0: no limit.
        precision: Arithmetic of the layers: "fp32", "bf16" (automatic mixed precision), or
            "auto": bf16 on CUDA, fp32 elsewhere.
        drop_last: Whether a last, smaller batch of an epoch is left out.
        network: Options of the network's builder, such as {"width": 16, "depth": 5}.
    """

    train_images: int | None
    valid_images: int | float
    test_images: int | None
    epochs: int
    batch_size: int
    learning_rate: float
    pixel_noise: float = 0.0
    optimizer: str = "SGD"
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    options: Mapping[str, Option] = field(default_factory=dict, hash=False)
    schedule: Literal["cosine", "steps", "constant"] = "cosine"
    milestones: tuple[int, ...] = ()
    factor: float = 0.1
    warmup_epochs: int = 0
    per: Literal["step", "epoch"] = "step"
    flip: bool = False
    crop: int = 0
    erasing: float = 0.0
    label_smoothing: float = 0.0
    gradient_clip: float = 0.0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    drop_last: bool = True
    network: Mapping[str, Option] = field(default_factory=dict, hash=False)

    def images_of_an_epoch(self, images: int) -> int:
        """How many of a number of training images an epoch uses: a last batch may be left out."""
        rest = images % self.batch_size
        return images - rest if self.drop_last or rest == 1 else images

    def values(self) -> dict[str, Any]:
        """All fields by name, for records."""
        return asdict(self)


def names() -> tuple[str, ...]:
    """The recipes that come with the package."""
    return tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.yaml")))


def load(name_or_path: str) -> Recipe:
    """A recipe by its name, or from the YAML file at a path.

    Raises:
        UserError: If there is no such recipe, or a field is missing, unknown, of a wrong type or
            out of range.
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
        data: What a YAML file, a journal or a table's header holds, older ones included.
        origin: Where the mapping comes from, for the error.

    Raises:
        UserError: If a field is missing, unknown, of a wrong type or out of range.
    """
    if not isinstance(data, dict) or not all(isinstance(name, str) for name in data):
        raise UserError(f"recipe {origin}: not names with values, but {brief(data)}")
    values: dict[str, Any] = dict(data)
    old = {name: values.pop(name) for name in _OLD if name in data and "network" not in data}
    if old:
        values["network"] = old
    known = {f.name: f for f in fields(Recipe)}
    for name in values:
        if name not in known:
            raise UserError(f"recipe {origin}: {unknown('field', name, known)}")
    required = [f.name for f in known.values() if f.default is f.default_factory is MISSING]
    missing = [name for name in required if name not in values]
    if missing:
        raise UserError(f"recipe {origin}: missing fields: {', '.join(missing)}")
    for name, value in values.items():
        if known[name].type == "float" and type(value) is int:
            values[name] = float(value)
    if isinstance(values.get("milestones"), list):
        values["milestones"] = tuple(values["milestones"])
    recipe = Recipe(**values)
    check_types(recipe, f"recipe {origin}")
    for mistake in _mistakes(recipe):
        raise UserError(f"recipe {origin}: {mistake}")
    return recipe


def _mistakes(recipe: Recipe) -> list[str]:
    """What is wrong between fields of sound types."""
    whole = isinstance(recipe.valid_images, int)
    milestones = recipe.milestones
    ranges = {
        "train_images": recipe.train_images is None or recipe.train_images >= 1,
        "valid_images": recipe.valid_images >= 0 if whole else 0 < recipe.valid_images < 1,
        "test_images": recipe.test_images is None or recipe.test_images >= 1,
        "epochs": recipe.epochs >= 1,
        "batch_size": recipe.batch_size >= 1,
        "learning_rate": recipe.learning_rate >= 0,
        "pixel_noise": recipe.pixel_noise >= 0,
        "momentum": 0 <= recipe.momentum <= 1,
        "weight_decay": recipe.weight_decay >= 0,
        "milestones": all(0 < m < recipe.epochs for m in milestones)
        and list(milestones) == sorted(set(milestones)),
        "factor": 0 <= recipe.factor <= 1,
        "warmup_epochs": 0 <= recipe.warmup_epochs < recipe.epochs,
        "crop": 0 <= recipe.crop <= 64,
        "erasing": 0 <= recipe.erasing <= 1,
        "label_smoothing": 0 <= recipe.label_smoothing <= 1,
        "gradient_clip": recipe.gradient_clip >= 0,
    }
    found = [
        f"'{name}' is out of range: {brief(getattr(recipe, name))}"
        for name, sound in ranges.items()
        if not sound
    ]
    if recipe.optimizer not in _OPTIMIZERS:
        return [*found, str(unknown("optimizer", recipe.optimizer, _OPTIMIZERS))]
    for name in ("momentum", "nesterov"):
        if getattr(recipe, name) and name not in _OPTIMIZERS[recipe.optimizer]:
            found.append(f"{recipe.optimizer} has no {name}: leave the field out")
    if recipe.nesterov and not recipe.momentum:
        found.append("nesterov needs a momentum above 0")
    if bool(milestones) != (recipe.schedule == "steps"):
        found.append("milestones and schedule: steps need each other: give both or neither")
    if recipe.train_images is not None and recipe.batch_size > recipe.train_images:
        found.append("batch_size exceeds train_images: lower it")
    return found
