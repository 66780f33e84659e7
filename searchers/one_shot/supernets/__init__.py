"""The supernets of the search spaces, found by the space's name.

A space that another distribution brings gets its supernet by an entry point of the group
``nas_harness.supernets``, of the space's name: a function from a problem, a seed and keyword-only
options to a `searchers.one_shot.supernets.base.Supernet`.
"""

from __future__ import annotations

import inspect
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, UserError, unknown
from harness.networks import Task
from harness.one_shot.plan import average_architectures
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.one_shot import Problem
    from harness.spaces import SearchSpace
    from searchers.one_shot.supernets.base import Supernet

registry = Registry(
    "supernet",
    {
        "tss": "searchers.one_shot.supernets.tss:build",
        "darts": "searchers.one_shot.supernets.darts:build",
        "pyramid-tree": "searchers.one_shot.supernets.pyramid_tree:build",
    },
)


def has_supernet(space: str) -> bool:
    """Whether there is a supernet for the space of that name."""
    return space in registry.names()


def require_supernet(space: str) -> None:
    """Refuse a space that has none, before anything is trained.

    Raises:
        UserError: If the space of that name has no supernet.
    """
    if not has_supernet(space):
        known = ", ".join(registry.names())
        raise UserError(f"the space '{space}' has no supernet; those of {known} have")


def supernet(problem: Problem, seed: int, **options: Any) -> Supernet:
    """The supernet of a problem, on its device, with weights that depend on the arguments only.

    Args:
        problem: Space, images and recipe; the recipe's network options are the supernet's sizes.
        seed: Unsigned 64-bit seed of the initial weights.
        **options: The space's own, such as ``affine``.

    Raises:
        UserError: If the space has no supernet, or an option is none of it.
    """
    import torch

    from harness.networks.initialise import seeded

    space = problem.space.name
    require_supernet(space)
    builder = registry.load(space)
    parameters = inspect.signature(builder).parameters.values()
    names = [p.name for p in parameters if p.kind == p.KEYWORD_ONLY]
    for name in options:
        if name not in names:
            raise unknown(f"option of the {space} supernet", name, names)
    with seeded(seed):  # layers draw from the process-wide generator when they are made
        network: Supernet = builder(problem, seed, **options)
    placed: Any = network.to(problem.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed  # type: ignore[no-any-return]


def mixture_cost(problem: Problem, **options: Any) -> float:
    """What a forward pass of the supernet costs, in networks of the space.

    Both are counted in multiply-adds of convolutions and linear layers for one image. The
    denominator is the mean of those architectures of which `harness.one_shot.plan` takes the
    mean of the virtual seconds.

    Args:
        problem: Space, images and recipe.
        **options: The supernet's, see `supernet`.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    task = problem.task
    options_of_networks = json.dumps(dict(problem.recipe.network), sort_keys=True)
    average = _average_cost(problem.space, task, options_of_networks)
    mixture = supernet(problem, 0, **options).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        mixture(torch.zeros((1, *task.shape), device=problem.device), mixture.weights())
    return int(counter.get_total_flops()) / 2 / average


@cache
def _average_cost(space: SearchSpace, task: Task, options: str) -> float:
    """Mean multiply-adds of the space's networks for one image."""
    import torch

    from harness.networks import NotBuildable, build
    from harness.networks.counting import multiply_adds

    image = torch.zeros((1, *task.shape))
    costs = []
    some = average_architectures(space)
    for architecture in some:
        try:
            network = build(space, architecture, task, options=json.loads(options))
        except NotBuildable:
            continue
        costs.append(multiply_adds(network.eval(), image))
    if not any(costs):
        raise HarnessError(
            f"space '{space.name}': none of {len(some)} architectures has a network"
        )
    return sum(costs) / len(costs)


__all__ = ["has_supernet", "mixture_cost", "registry", "require_supernet", "supernet"]
