"""The learning rate of every step, as a recipe says it."""

from __future__ import annotations

import math

from harness.recipes import Recipe


def learning_rate(recipe: Recipe, epoch: int, step: int, steps: int) -> float:
    """The rate of one step.

    A warm-up of w moves (steps or epochs, as the recipe's ``per`` says) takes the highest rate
    times 1/w, 2/w, ... 1; a cosine begins after it and would reach 0 one move after the last.

    Args:
        recipe: Its rate, schedule, milestones, factor, warm-up and ``per`` count.
        epoch: Finished epochs.
        step: Finished steps of this epoch.
        steps: Steps of an epoch.
    """
    highest = recipe.learning_rate
    moves = 1 if recipe.per == "epoch" else steps
    done = epoch if recipe.per == "epoch" else epoch * steps + step
    warmup = recipe.warmup_epochs * moves
    if done < warmup:
        return highest * (done + 1) / warmup
    if recipe.schedule == "cosine":
        progress = (done - warmup) / (recipe.epochs * moves - warmup)
        return 0.5 * highest * (1 + math.cos(math.pi * progress))
    if recipe.schedule == "steps":
        return highest * recipe.factor ** sum(epoch >= m for m in recipe.milestones)
    return highest
