"""The recursive diagonal: curvature from the logits back to the weights, in one backward pass."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from searchers.one_shot.curvature import Network
from searchers.one_shot.curvature.curved import Curved


def diagonal(
    network: Network, images: Tensor, labels: Tensor, weights: Sequence[Tensor]
) -> list[Tensor]:
    """See `searchers.one_shot.curvature.curvature`.

    M. Yang (2019), eq. (4-9) to (4-13), extended to every layer of `curvature.rules`. Gradients
    take part only between the logits and layers that are not piecewise linear.
    """
    points = [Curved.at(w) for w in weights]
    with torch.enable_grad():
        logits = network(images, points)
        if not isinstance(logits, Curved):
            return [torch.zeros_like(w) for w in weights]
        loss = cross_entropy(logits.value, labels)
    p = logits.value.detach().softmax(1)
    return list(
        torch.autograd.grad(
            [loss, logits.shadow],
            [point.shadow for point in points],
            [torch.ones_like(loss), p * (1 - p) / len(p)],
            retain_graph=True,  # rules go through parts of the loss's graph
            allow_unused=True,
            materialize_grads=True,
        )
    )
