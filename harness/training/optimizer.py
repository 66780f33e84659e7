"""A recipe's optimizer, from ``torch.optim``."""

from __future__ import annotations

import inspect

import torch
from torch import nn

from harness.errors import UserError, unknown
from harness.recipes import Recipe

_FIELDS = ("lr", "weight_decay", "momentum", "nesterov")
"""Options that are fields of a recipe."""


def make_optimizer(
    network: nn.Module, recipe: Recipe, *, fused: bool = True
) -> torch.optim.Optimizer:
    """What moves the weights, at the recipe's highest learning rate.

    Args:
        network: Whose parameters are moved.
        recipe: Its optimizer, rates and options count.
        fused: Whether to compute a step in one call for all parameters, where the optimizer can;
            the last bits may differ.

    Raises:
        UserError: If an option is unknown or has no sound value.
    """
    kind = getattr(torch.optim, recipe.optimizer)
    known = [
        name
        for name in inspect.signature(kind).parameters
        if name != "params" and name not in _FIELDS
    ]
    for name in recipe.options:
        if name not in known:
            raise unknown(f"option of {recipe.optimizer} (recipe, 'options')", name, known)
    values = {n: tuple(v) if isinstance(v, list) else v for n, v in recipe.options.items()}
    given = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay, **values}
    if recipe.momentum:
        given["momentum"] = recipe.momentum
    if recipe.nesterov:
        given["nesterov"] = True
    if fused and "fused" in known:
        given = {"fused": True, **given}
    try:
        made: torch.optim.Optimizer = kind(network.parameters(), **given)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"recipe: {recipe.optimizer} refuses its options: {error}") from None
    return made
