"""How far the cheap engines are from the exact diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from searchers.one_shot.curvature import ENGINES, Engine, Network, curvature


@dataclass(frozen=True)
class Comparison:
    """One engine beside the exact diagonal.

    Attributes:
        engine: Which.
        error: Norm of the difference over the norm of the exact diagonal, 0 or more.
        ratio: Median of the engine's number over the exact one: below 1 it finds too little
            curvature. Scalars without exact curvature do not count.
        tau: Kendall's tau-b of the two rankings of all scalars; nan if either is constant.
        wrong_signs: For each tensor of weights, in how many scalars of every cell (its first
            dimension) the signs differ.
    """

    engine: Engine
    error: float
    ratio: float
    tau: float
    wrong_signs: tuple[tuple[int, ...], ...]


def compare(
    network: Network, images: Tensor, labels: Tensor, weights: Sequence[Tensor]
) -> tuple[Comparison, ...]:
    """The error of every engine but "exact", for a network and a batch.

    Args:
        network: As for `searchers.one_shot.curvature.curvature`, likewise the others.
        images: A batch.
        labels: Its class numbers.
        weights: Where the derivatives are taken.
    """
    truth = curvature(network, images, labels, weights, "exact")
    others = [engine for engine in ENGINES if engine != "exact"]
    return tuple(
        _comparison(engine, curvature(network, images, labels, weights, engine), truth)
        for engine in others
    )


def _comparison(engine: Engine, found: Sequence[Tensor], truth: Sequence[Tensor]) -> Comparison:
    from scipy.stats import kendalltau

    a, b = (torch.cat([t.flatten() for t in each]).double().cpu() for each in (found, truth))
    signs = [f.sign() != t.sign() for f, t in zip(found, truth, strict=True)]
    return Comparison(
        engine,
        error=float((a - b).norm() / b.norm()),
        ratio=float((a / b)[b != 0].median()),
        tau=float(kendalltau(a.numpy(), b.numpy()).statistic),
        wrong_signs=tuple(tuple(cells.flatten(1).sum(1).tolist()) for cells in signs),
    )
