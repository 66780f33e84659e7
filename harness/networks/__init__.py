"""PyTorch networks of the searched spaces; the only place, with `harness.training`, for torch.

Nothing here is imported by `import harness`: a search on a table never needs torch, and this
module imports it only where a network is built.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, UserError, unknown
from harness.spaces.base import Architecture, SearchSpace

if TYPE_CHECKING:
    from torch import nn


class NotBuildable(HarnessError):
    """An architecture without a working network: a failed evaluation, never the search's end."""


class Unavailable(UserError):
    """A space without networks, or an installation without the libraries that they need."""


@dataclass(frozen=True)
class Task:
    """What a network is to classify.

    Attributes:
        shape: Channels, height and width of the images.
        classes: Number of classes.
    """

    shape: tuple[int, int, int]
    classes: int


def build(
    space: SearchSpace,
    architecture: Architecture,
    task: Task,
    *,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """The network of an architecture, with weights that depend on the arguments only.

    Args:
        space: Where the architecture comes from; its `SearchSpace.network` names the builder.
        architecture: An element of the space.
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights.
        options: The builder's own options (`options_of`), such as ``width``.

    Returns:
        A network from float images (n, channels, height, width) to logits (n, classes).

    Raises:
        NotBuildable: If the architecture has no working network of these options.
        Unavailable: If the space names no builder, or torch is not installed.
        UserError: If an option is unknown or of a wrong type.
    """
    given = dict(options or {})
    known = options_of(space)
    for name, value in given.items():
        if name not in known:
            raise unknown(f"{space.name} network option", name, known)
        _check(space, name, value, known[name])
    network: nn.Module = _builder(space)(architecture, task, seed=seed, **given)
    return network


def options_of(space: SearchSpace) -> dict[str, Any]:
    """The names of the options that a space's networks take, with their defaults.

    Raises:
        Unavailable: If the space names no builder, or torch is not installed.
    """
    parameters = inspect.signature(_builder(space)).parameters.values()
    return {p.name: p.default for p in parameters if p.kind == p.KEYWORD_ONLY and p.name != "seed"}


def _builder(space: SearchSpace) -> Callable[..., Any]:
    if not space.network:
        raise Unavailable(f"space '{space.name}' has no networks to train")
    try:
        builder: Callable[..., Any] = pkgutil.resolve_name(space.network)
    except (ImportError, AttributeError, ValueError) as error:
        if isinstance(error, ImportError) and error.name in _EXTRA:
            raise Unavailable(
                f"networks need {error.name}: pip install 'nas-harness[live]'"
            ) from None
        raise UserError(
            f"space '{space.name}': its network '{space.network}' cannot be loaded: {error}"
        ) from error
    return builder


_EXTRA = ("torch", "torchvision", "nasbench_pytorch")


def _check(space: SearchSpace, name: str, value: object, default: object) -> None:
    """Refuse an option's value of another type than its default, and counts below 1."""
    kind = type(default)
    if kind not in (bool, int, float, str):
        return  # the builder knows better
    wrong = type(value) is not kind and not (kind is float and type(value) is int)
    if wrong or (kind is int and value < 1):  # type: ignore[operator]
        wanted = "a whole number from 1 on" if kind is int else f"of type {kind.__name__}"
        raise UserError(f"{space.name} network option '{name}' must be {wanted}, not {value!r}")
