"""The diagonal of the generalised Gauss-Newton matrix by forward-mode products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import jvp, vmap
from torch.nn.functional import one_hot

from searchers.one_shot.curvature import Network

_TANGENTS = 16
"""Scalars at a time; a feature map of tangents is so many times as large as the images'."""


def gauss_newton(
    network: Network, images: Tensor, labels: Tensor, weights: Sequence[Tensor]
) -> list[Tensor]:
    """See `searchers.one_shot.curvature.curvature`.

    With the Jacobian t of an image's logits, a scalar's number is the mean over images of
    t' (diag(p) - p p') t, which is the variance of t under p: never negative, and no difference
    of two large numbers. It is the exact Hessian without the logits' own second derivatives, so
    equal to it where the logits are linear in the scalars. Labels do not enter.
    """
    points = [w.detach() for w in weights]
    sizes = [p.numel() for p in points]
    flat = torch.cat([p.flatten() for p in points])

    def logits(numbers: Tensor) -> Tensor:
        parts = torch.split(numbers, sizes)
        return network(images, [v.view(p.shape) for v, p in zip(parts, points, strict=True)])

    def slope(direction: Tensor) -> Any:
        return jvp(logits, (flat,), (direction,))

    found = []
    with torch.no_grad():
        for first in range(0, len(flat), _TANGENTS):
            scalars = torch.arange(first, min(first + _TANGENTS, len(flat)), device=flat.device)
            directions = one_hot(scalars, len(flat)).to(flat.dtype)
            made, slopes = vmap(slope, out_dims=(None, 0))(directions)  # type: ignore[arg-type]
            p = made.softmax(1)
            centred = slopes - (p * slopes).sum(2, keepdim=True)
            found.append((p * centred.square()).sum(2).mean(1))
    parts = torch.split(torch.cat(found), sizes)
    return [v.view(p.shape) for v, p in zip(parts, points, strict=True)]
