"""The second order of DARTS: how the weights' next step depends on the architecture.

Source: Liu, Simonyan and Yang, "DARTS" (ICLR 2019), equations 6 to 8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.autograd import grad
from torch.func import functional_call

from searchers.one_shot.weights import Batch, SharedWeights

REACH = 0.01
"""How far in w the finite difference reaches to either side (equation 8's footnote)."""

Parameters = dict[str, Tensor]


def unrolled_gradient(
    weights: SharedWeights,
    alphas: list[Tensor],
    mixtures: Callable[[], list[Tensor]],
    train: Batch,
    valid: Batch,
) -> list[Tensor]:
    """The gradient by alpha of L_valid(w', alpha), w' being w after one step down L_train.

    The step is the one that the optimizer, SGD, would take: with weight decay and with momentum as
    it stands, but without gradient clipping. By the chain rule, with v = dL_valid/dw',

        dL_valid/dalpha - xi * d2L_train/(dalpha dw) v

    and the second term is a difference of two gradients, at w + epsilon v and w - epsilon v with
    epsilon = 0.01 / ||v||. Counts four batches; w stays.

    Args:
        weights: w, the optimizer and the learning rate xi.
        alphas: The architecture's parameters.
        mixtures: From alphas to the operations' weights.
        train: A batch of training images.
        valid: A batch of validation images.
    """

    def loss(at: Parameters, batch: Batch) -> Tensor:
        mixed = mixtures()

        def forward(images: Tensor) -> Tensor:
            # A difference of two near gradients does not survive half precision.
            with torch.autocast(weights.device.type, enabled=False):
                logits: Tensor = functional_call(weights.network, at, (images, mixed))
                return logits

        return weights.loss(forward, batch)

    def slopes(value: Tensor, inputs: list[Tensor]) -> tuple[Tensor, ...]:
        return grad(value, inputs, materialize_grads=True)

    now: Parameters = dict(weights.network.named_parameters())
    rate = weights.rate
    downhill = slopes(loss(now, train), list(now.values()))
    ahead, share = next_weights(weights, rate, dict(zip(now, downhill, strict=True)))

    found = slopes(loss(ahead, valid), [*alphas, *ahead.values()])
    direct, vector = found[: len(alphas)], found[len(alphas) :]
    norm = torch.stack([v.norm() for v in vector]).norm()
    epsilon = REACH / norm.clamp_min(torch.finfo(norm.dtype).tiny)

    def beside(sign: int) -> tuple[Tensor, ...]:
        at = {
            name: w.detach() + sign * epsilon * v
            for (name, w), v in zip(now.items(), vector, strict=True)
        }
        return slopes(loss(at, train), alphas)

    curvature = [(p - m) / (2 * epsilon) for p, m in zip(beside(1), beside(-1), strict=True)]
    return [d - rate * share * c for d, c in zip(direct, curvature, strict=True)]


def next_weights(
    weights: SharedWeights, rate: float, gradient: Mapping[str, Tensor]
) -> tuple[Parameters, float]:
    """Where a step of SGD would take w, and how many rates of the gradient are in that step.

    Args:
        weights: w and the optimizer.
        rate: The learning rate.
        gradient: Of the training loss, by the parameters' names.
    """
    optimizer = weights.optimizer
    group = optimizer.param_groups[0]
    momentum, nesterov, decay = group["momentum"], group["nesterov"], group["weight_decay"]
    ahead = {}
    for name, w in weights.network.named_parameters():
        slope = gradient[name] + decay * w.detach()
        before = optimizer.state[w].get("momentum_buffer") if w in optimizer.state else None
        buffer = slope if before is None else momentum * before + slope
        step = slope + momentum * buffer if nesterov else buffer
        ahead[name] = (w.detach() - rate * step).requires_grad_()
    return ahead, 1 + momentum if nesterov else 1.0
