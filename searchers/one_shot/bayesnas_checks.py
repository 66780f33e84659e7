"""What BayesNAS refuses before anything is built: options, spaces and budgets that do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from harness.errors import UserError
from searchers.checks import at_least, at_most, one_of
from searchers.one_shot.dag import GATED
from searchers.one_shot.layouts import layout

if TYPE_CHECKING:
    from searchers.one_shot.bayesnas import BayesNas

_RATE = 1e6
"""No learning rate, decay or penalty is above it."""

_SPARSITY = 1e-12
"""The least penalty: the curvature is divided by it."""


def check_numbers(method: BayesNas, **options: float | None) -> None:
    """Refuse numbers out of range; None stands for a default.

    Raises:
        UserError: At the first one, naming option and value.
    """
    ranges: dict[str, tuple[float, float]] = {
        "iterations": (1, inf),
        "warmup": (0, 0.9),
        "momentum": (0, 0.999),
        "curvature_batches": (1, inf),
        "edges": (1, inf),
        "learning_rate": (0, _RATE),
        "architecture_rate": (0, _RATE),
        "weight_decay": (0, _RATE),
        "sparsity": (_SPARSITY, _RATE),
        "gate_sparsity": (_SPARSITY, _RATE),
    }
    for name, value in options.items():
        if value is not None:
            least, most = ranges[name]
            at_least(method, least, **{name: value})
            at_most(method, most, "", **{name: value})


def check_words(method: BayesNas, options: Mapping[str, tuple[str, Any]]) -> None:
    """Refuse words that are none of their option's type, a Literal.

    Raises:
        UserError: At the first one, naming option and value.
    """
    for name, (word, words) in options.items():
        one_of(method, get_args(words), **{name: word})


def check_fit(method: BayesNas, passes: int) -> None:
    """Refuse what does not fit the space or the budget, as far as the space's supernet is known.

    Args:
        method: Whose options these are.
        passes: Image passes of the whole search, about.

    Raises:
        UserError: If options, space and budget do not fit together.
    """
    space = method.problem.space
    if method.topology != "full" and space.name != "darts":
        raise UserError(
            f"BayesNas: topology={method.topology} is of cells of the space 'darts', and not of"
            f" '{space.name}': leave it out"
        )
    known = layout(space, method.topology)
    if known is None:
        return
    if method.scalars == "independent" and known.repeated:
        refuse_independent(space.name)
    if method.rule == "threshold" and not known.several:
        raise UserError(
            f"BayesNas: rule=threshold keeps several operations on an edge, and the space"
            f" '{space.name}' has one: take rule=argmax"
        )
    gates = known.edges if method.dependency in GATED else 0
    # Grouped scalars are more: how many is known when the supernet has been built.
    check_budget(method, passes, method.passes_of(known.edges * known.operations + gates))


def check_budget(method: BayesNas, passes: int, update_passes: int) -> None:
    """Refuse a budget that cannot pay a step of training and a curvature in every iteration."""
    least = method.iterations * (update_passes + method.problem.recipe.batch_size)
    if passes < least:
        raise UserError(
            f"BayesNas: iterations={method.iterations} take at least {least:,} image passes,"
            f" {update_passes:,} of each for the curvature, and there are {passes:,}:"
            " raise the budget, or take fewer iterations, curvature=diagonal or"
            " curvature_batches=1"
        )


def refuse_independent(space: str) -> NoReturn:
    """Refuse scalars=independent where cells repeat."""
    raise UserError(
        f"BayesNas: scalars=independent; cells of the space '{space}' share their structure: take"
        " shared or grouped"
    )
