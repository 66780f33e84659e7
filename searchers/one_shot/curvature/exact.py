"""The exact diagonal by Hessian-vector products: the oracle of the other engines."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from searchers.one_shot.curvature import Network

_PRODUCTS = 8
"""Scalars at a time; a feature map of products is so many times as large as the images'."""


def exact(
    network: Network, images: Tensor, labels: Tensor, weights: Sequence[Tensor]
) -> list[Tensor]:
    """See `searchers.one_shot.curvature.curvature`.

    The gradient is computed once, with a graph of its own. Each scalar then costs one backward
    pass through that graph, of whose result one number is wanted; several go side by side. Numbers
    may be negative.
    """
    points = [w.detach().requires_grad_() for w in weights]
    with torch.enable_grad():
        loss = cross_entropy(network(images, points), labels)
        if not loss.requires_grad:
            return [torch.zeros_like(p) for p in points]
        gradients = torch.autograd.grad(loss, points, create_graph=True, allow_unused=True)
    return [_diagonal(g, p) for g, p in zip(gradients, points, strict=True)]


def _diagonal(gradient: Tensor | None, point: Tensor) -> Tensor:
    """The derivative of every number of a gradient with respect to its own scalar."""
    if gradient is None or not gradient.requires_grad:
        return torch.zeros_like(point)
    found = []
    for first in range(0, point.numel(), _PRODUCTS):
        scalars = torch.arange(first, min(first + _PRODUCTS, point.numel()), device=point.device)
        (rows,) = torch.autograd.grad(
            gradient.flatten(),
            point,
            one_hot(scalars, point.numel()).to(point.dtype),
            retain_graph=True,
            is_grads_batched=True,
            allow_unused=True,
            materialize_grads=True,
        )
        rows = rows.expand(len(scalars), *point.shape)  # materialised zeros are one row
        found.append(rows.reshape(len(scalars), -1).gather(1, scalars[:, None])[:, 0])
    return torch.cat(found).view(point.shape)
