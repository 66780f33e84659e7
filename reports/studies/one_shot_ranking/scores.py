"""What a trained supernet says of architectures: a score for each, larger being better."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.one_shot import Diverged, OneShot, Problem
from harness.spaces import Architecture
from harness.spec import SearcherSpec

if TYPE_CHECKING:
    from searchers.one_shot.supernets.base import Supernet

SCORES = {
    "gamma": "the prior variance that BayesNAS derives by, summed over the kept operations",
    "s": "the same before operations are tied to their predecessors",
    "w": "the magnitude of the operations' scalars, summed",
    "H": "the curvature of the loss with respect to these scalars, at least 0, summed",
    "alpha": "the architecture's logarithmic share of DARTS' softmax mixtures, summed",
    "accuracy": "the accuracy on validation images with shared weights",
    "parameters": "the table's count of parameters, or the weights of the cell's convolutions",
    "training": "what one full training reaches by the measure that guides searches",
    "random": "a random number",
}
"""All scores: name -> what it is. The last three train no supernet."""

GIVES = {
    "bayesnas": ("gamma", "s", "w", "H"),
    "darts": ("alpha",),
    "rsws": ("accuracy",),
    "enas": ("accuracy",),
}
"""Which scores a method's supernet gives."""

CONTROLS = ("parameters", "training", "random")

Train = Callable[
    [SearcherSpec, Problem, int, int, Sequence[Architecture]], Mapping[str, np.ndarray]
]
"""From method, problem, seed, image passes and architectures to scores [architectures] by name."""


def trained_scores(
    spec: SearcherSpec,
    problem: Problem,
    seed: int,
    passes: int,
    architectures: Sequence[Architecture],
) -> dict[str, np.ndarray]:
    """Train a method's supernet as a search does, and score architectures with it.

    Args:
        spec: A method of `GIVES`.
        problem: Space, images and recipe.
        seed: Of the search.
        passes: Image passes at most.
        architectures: Of the problem's space.

    Returns:
        Name of `GIVES` -> float64 [architectures]; NaN of a supernet that has diverged.
    """
    try:
        method, updates = trained(spec, problem, seed, passes)
    except Diverged:
        return {name: np.full(len(architectures), np.nan) for name in GIVES[spec.name]}
    edges = operation_scores(spec.name, method, updates)
    if edges:
        network: Supernet = method.weights.network  # type: ignore[attr-defined]
        return {name: summed(network, own, architectures) for name, own in edges.items()}
    sharing: Any = method
    images = list(sharing.weights.valid.plain())
    found = sharing.weights.accuracies(architectures, images, sharing.batch_statistics)
    return {"accuracy": np.array([found[architecture] for architecture in architectures])}


def trained(
    spec: SearcherSpec, problem: Problem, seed: int, passes: int
) -> tuple[OneShot, list[Any]]:
    """A method at the end of a search: trained epoch by epoch, as `OneShotSearch` trains it.

    It derives after every epoch: what it draws for that changes what it draws after.

    Returns:
        The method; BayesNAS' updates of the latest epoch that has one, [] of other methods.

    Raises:
        Diverged: If the supernet cannot go on.
    """
    from harness.training.repeatable import one_thread

    method = spec.build_one_shot(problem, seed)
    natural = max(1, round(passes / method.natural_epoch))
    epochs = natural if method.epochs is None else method.epochs
    updates: list[Any] = []
    used = 0
    with one_thread():
        method.start(passes)
        for epoch in range(1, epochs + 1):
            used += method.epoch(passes * epoch // epochs - used)
            method.derive()
            updates = getattr(method, "updates", []) or updates
    return method, updates


def operation_scores(
    name: str, method: OneShot, updates: Sequence[Any] = ()
) -> dict[str, list[np.ndarray]]:
    """The scores of single operations in a trained supernet.

    Args:
        name: Of the method.
        method: It, trained.
        updates: See `trained`.

    Returns:
        Name of the score -> for each type of cell [edges, 1 + operations], "no operation" first;
        {} for methods that score architectures as a whole.
    """
    own: Any = method
    if name == "darts":
        alphas = [alpha.detach()[0].double().cpu() for alpha in own.alphas]
        shares = [alpha.log_softmax(-1).numpy() for alpha in alphas]
        if not own.zero:
            # Shares are at most 0, which would make nothing the best of all: it is as its worst.
            shares = [np.c_[share.min(axis=1), share] for share in shares]
        return {"alpha": shares}
    if name == "bayesnas":
        # Of the last update, before what it prunes is set to zero.
        last = [updates[-1][cell.cell.name] for cell in own.cells]
        return {
            "gamma": [_with_nothing(told["gamma"]) for told in last],
            "s": [_with_nothing(told["s"]) for told in last],
            "w": [_with_nothing(np.linalg.norm(told["w"], axis=0)) for told in last],
            "H": [_with_nothing(np.maximum(told["H"].sum(axis=0), 0.0)) for told in last],
        }
    return {}


def _with_nothing(scores: np.ndarray) -> np.ndarray:
    """Scores [edges, operations] with a column of zeros before, for "no operation"."""
    return np.concatenate([np.zeros((len(scores), 1)), scores], axis=1).astype(np.float64)


def summed(
    network: Supernet, scores: Sequence[np.ndarray], architectures: Sequence[Architecture]
) -> np.ndarray:
    """The sum over all edges of the scores of what an architecture keeps there.

    Args:
        network: Knows which operations an architecture keeps.
        scores: For each type of cell [edges, 1 + operations], "no operation" first.
        architectures: What to score.

    Returns:
        float64 [architectures].
    """
    totals = []
    for architecture in architectures:
        choices = network.choices(architecture)
        totals.append(
            sum(
                float(row[[k + 1 for k in kept] or [0]].sum())
                for own, choice in zip(scores, choices, strict=True)
                for row, kept in zip(own, choice, strict=True)
            )
        )
    return np.array(totals, dtype=np.float64)
