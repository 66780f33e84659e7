"""A problem that a supernet trains on in milliseconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.one_shot import Problem
from harness.recipes import Recipe
from harness.spaces.tss import TopologySpace

RECIPE = Recipe(
    train_images=48,
    valid_images=32,
    test_images=16,
    epochs=2,
    batch_size=16,
    learning_rate=0.1,
    momentum=0.9,
    nesterov=True,
    weight_decay=5e-4,
    network={"width": 2, "depth": 1},
)

CELLS = ((3, 2, 1, 4, 3, 1), (2, 2, 2, 2, 2, 2))
"""Two cells of the topology space."""


def problem(**changes: Any) -> Problem:
    """The topology space on 48 digits, with changes to the recipe."""
    return Problem(TopologySpace(), "digits", replace(RECIPE, **changes))
