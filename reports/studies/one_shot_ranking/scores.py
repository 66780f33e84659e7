"""What a trained supernet says of architectures: a score for each, larger being better."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.one_shot import OneShot, Problem
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
    """Train a method's supernet, and score architectures with it.

    Args:
        spec: A method of `GIVES`.
        problem: Space, images and recipe.
        seed: Of the search.
        passes: Image passes at most.
        architectures: Of the problem's space.

    Returns:
        Name of `GIVES` -> float64 [architectures].
    """
    method = spec.build_one_shot(problem, seed)
    method.start(passes)
    method.epoch(passes)
    edges = operation_scores(spec.name, method)
    if edges:
        network: Supernet = method.weights.network  # type: ignore[attr-defined]
        return {name: summed(network, own, architectures) for name, own in edges.items()}
    trained: Any = method
    images = list(trained.weights.valid.plain())
    found = trained.weights.accuracies(architectures, images, trained.batch_statistics)
    return {"accuracy": np.array([found[architecture] for architecture in architectures])}


def operation_scores(name: str, method: OneShot) -> dict[str, list[np.ndarray]]:
    """The scores of single operations in a trained supernet.

    Args:
        name: Of the method.
        method: It, trained by a single epoch.

    Returns:
        Name of the score -> for each type of cell [edges, 1 + operations], "no operation" first;
        {} for methods that score architectures as a whole.
    """
    trained: Any = method
    if name == "darts":
        alphas = [alpha.detach()[0].double().cpu() for alpha in trained.alphas]
        shares = [alpha.log_softmax(-1).numpy() for alpha in alphas]
        if not trained.zero:
            shares = [_with_nothing(share) for share in shares]
        return {"alpha": shares}
    if name == "bayesnas":
        # Of the last update, before what it prunes is set to zero.
        updates = [trained.updates[-1][cell.cell.name] for cell in trained.cells]
        return {
            "gamma": [_with_nothing(told["gamma"]) for told in updates],
            "s": [_with_nothing(told["s"]) for told in updates],
            "w": [_with_nothing(np.linalg.norm(told["w"], axis=0)) for told in updates],
            "H": [_with_nothing(np.maximum(told["H"].sum(axis=0), 0.0)) for told in updates],
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
