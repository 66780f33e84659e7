"""The arithmetic of the layers, as a recipe says it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from harness.recipes import Recipe


def precision(recipe: Recipe, device: torch.device) -> AbstractContextManager[object]:
    """Within it the layers compute in the recipe's ``precision``."""
    wanted = recipe.precision
    if wanted == "fp32" or (wanted == "auto" and device.type != "cuda"):
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
