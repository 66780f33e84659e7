"""The diagonal of a loss's Hessian with respect to a supernet's scalars, or a network's weights.

Scale, once for all engines and callers: the loss is the *mean* cross-entropy of the batch. The
curvature that enters at the logits of an image is therefore p (1 - p) / b for every class, b being
the number of images.

Engines (M. Yang, "Efficient Neural Network Architecture Search", 2019, section 4.2):

* ``exact``: Hessian-vector products, one for every scalar; see `curvature.exact`.
* ``diagonal``: the thesis's recursion, one backward pass for all scalars; see
  `curvature.diagonal`. It drops what couples two elements of a feature map.
* ``gauss-newton``: the exact diagonal of the generalised Gauss-Newton matrix, never negative; see
  `curvature.gauss_newton`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Literal, get_args

from harness.errors import unknown

if TYPE_CHECKING:
    from torch import Tensor, nn

Engine = Literal["exact", "diagonal", "gauss-newton"]
ENGINES: tuple[Engine, ...] = get_args(Engine)

Network = Callable[["Tensor", Sequence["Tensor"]], "Tensor"]
"""From images (b, ...) and weights to logits (b, classes)."""


def curvature(
    network: Network,
    images: Tensor,
    labels: Tensor,
    weights: Sequence[Tensor],
    engine: Engine = "diagonal",
) -> list[Tensor]:
    """Second derivatives of the mean cross-entropy with respect to every number of the weights.

    Args:
        network: Classifies; a supernet's forward. The caller puts it into evaluation mode: the
            statistics of a batch would couple its images.
        images: A batch, (b, ...).
        labels: Class numbers, (b,).
        weights: Where the derivatives are taken. Their own gradients are left alone.
        engine: One of `ENGINES`.

    Returns:
        A tensor for each of the weights, of its shape; zeros where the logits do not depend on it.

    Raises:
        UserError: If there is no such engine, or the engine "diagonal" meets an operation that it
            has no rule for.
    """
    if engine == "exact":
        from searchers.one_shot.curvature.exact import exact as chosen
    elif engine == "diagonal":
        from searchers.one_shot.curvature.diagonal import diagonal as chosen
    elif engine == "gauss-newton":
        from searchers.one_shot.curvature.gauss_newton import gauss_newton as chosen
    else:
        raise unknown("curvature engine", engine, ENGINES)
    return chosen(network, images, labels, weights)


def weight_curvature(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    parameters: Mapping[str, nn.Parameter],
    engine: Engine = "diagonal",
) -> dict[str, Tensor]:
    """The same for a network's own weights, for instance to compress it.

    A convolution's weight acts at many places. With a diagonal curvature h of what it yields, its
    own is the *sum* over all places and images of h times the square of its input; M. Yang prints
    the mean (2019, eq. 4-13), which is too small by the number of places.

    Args:
        network: A classifier in evaluation mode.
        images: A batch, (b, ...).
        labels: Class numbers, (b,).
        parameters: Some of ``network.named_parameters()``.
        engine: As in `curvature`; the other two cost a pass for every single number.

    Returns:
        A tensor for each name, of its parameter's shape.

    Raises:
        UserError: As in `curvature`.
    """
    from torch.func import functional_call

    names = list(parameters)

    def logits(batch: Tensor, weights: Sequence[Tensor]) -> Tensor:
        made: Tensor = functional_call(network, dict(zip(names, weights, strict=True)), (batch,))
        return made

    found = curvature(logits, images, labels, list(parameters.values()), engine)
    return dict(zip(names, found, strict=True))


def passes(engine: Engine, images: int, scalars: int) -> int:
    """Image passes (an image forward and backward once) that `curvature` is charged.

    Args:
        engine: One of `ENGINES`.
        images: Images in the batch.
        scalars: Numbers in all weights together.

    Returns:
        Three passes an image for the recursion, which goes forward, back with the gradient, and
        back with the curvature, of which each comes with the other's maps: it takes 2.9 times as
        long as forward and backward alone. For the exact Hessian one for the gradient and one for
        each scalar's product (22.6 as long for 24 scalars). For Gauss-Newton one for the images
        and a third for each scalar, whose product in forward mode is one more forward pass, and
        backward costs two; rounded up, and a little more than it takes (6.6 as long for 24).
    """
    if engine not in ENGINES:
        raise unknown("curvature engine", engine, ENGINES)
    charged = {"exact": 1 + scalars, "diagonal": 3, "gauss-newton": 1 + ceil(scalars / 3)}
    return images * charged[engine]
