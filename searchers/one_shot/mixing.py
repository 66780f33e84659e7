"""Softmax mixtures of the operations on every edge, and the architectures that they stand for.

A parameter tensor alpha has the shape [1, edges, options]. The options of an edge are its
operations, with "no operation" (zero) before them if it takes part: its share of the softmax is
taken from the others, and adds nothing to the mixture.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness.streams import key
from searchers.one_shot.dag import Choice, SparseDAG
from searchers.one_shot.derivation import argmax
from searchers.one_shot.supernets.base import Supernet

SCALE = 1e-3
"""Standard deviation of initial parameters, those of the authors' code: a mixture that is all but
even, in which no two operations tie."""


def initial_alphas(network: Supernet, zero: bool, seed: int) -> list[Tensor]:
    """Parameters for every type of cell, drawn from a Gaussian, on the supernet's device."""
    generator = torch.Generator().manual_seed(key(seed, "alphas"))
    device = next(network.parameters()).device
    shapes = [(1, cell.dag.shape[0], cell.dag.shape[1] + zero) for cell in network.cells]
    drawn = [SCALE * torch.randn(shape, generator=generator) for shape in shapes]
    return [alpha.to(device).requires_grad_() for alpha in drawn]


def mixtures(alphas: list[Tensor], zero: bool) -> list[Tensor]:
    """The weights [1, edges, operations] of a supernet's operations; those of zero left out."""
    return [alpha.softmax(-1)[..., int(zero) :] for alpha in alphas]


def discretised(dag: SparseDAG, alpha: Tensor, zero: bool, rule: str) -> Choice:
    """What of a cell is kept.

    Args:
        dag: The cell's.
        alpha: Its parameters [1, edges, options].
        zero: Whether the first option is "no operation".
        rule: "argmax": an edge's strongest option, be it none; "strongest": the strongest
            operation of every edge; "top2": the same on the two edges into every node that have
            the strongest ones.
    """
    strengths = alpha.detach()[0].double().softmax(-1).cpu().numpy()
    none, operations = strengths[:, : int(zero)], strengths[:, int(zero) :]
    choice = argmax(dag, operations, keep=2 if rule == "top2" else None)
    if rule != "argmax":
        return choice
    best = operations.max(axis=1, keepdims=True)
    dropped = (none >= best).any(axis=1)
    return tuple(() if drop else kept for kept, drop in zip(choice, dropped, strict=True))
