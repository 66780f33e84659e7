"""Operations of a compressed network for one image, by a declared convention.

``molchanov`` is that of the source: (2 I - 1) O for a fully connected layer and
2 H W (C K^2 + 1) N for a convolution, H and W being the size of its *input*. (Molchanov et al.,
"Pruning Convolutional Neural Networks", ICLR 2017, appendix; M. Yang, 2019, tables A-1 and A-2.)
``molchanov-output`` takes the size of the output. ``multiply-adds`` is the rule of
`harness.networks.counting`, behind NATS-Bench's counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from harness.errors import unknown
from searchers.compression.recipes import Convention

if TYPE_CHECKING:
    from torch import Tensor, nn

CONVENTIONS: tuple[str, ...] = get_args(Convention)


def fully_connected(inputs: int, outputs: int) -> int:
    """Multiplications and additions of a layer."""
    return (2 * inputs - 1) * outputs if inputs else 0


def convolution(height: int, width: int, inputs: int, outputs: int, kernel: int) -> int:
    """The same of a convolution, on an image of the size that the convention counts.

    Args:
        height: Rows of the image.
        width: Columns of the image.
        inputs: Channels that come in.
        outputs: Filters.
        kernel: Weights of one filter in one channel (25 of a 5x5 convolution).
    """
    return 2 * height * width * (inputs * kernel + 1) * outputs


def operations(
    network: nn.Module, shape: tuple[int, int, int], convention: str = "molchanov"
) -> int:
    """Operations of all convolutions and fully connected layers for one image.

    Args:
        network: Takes a batch of images.
        shape: Channels, height and width of the images.
        convention: One of `CONVENTIONS`.

    Raises:
        UserError: If there is no such convention.
    """
    from copy import deepcopy

    import torch
    from torch import nn

    from harness.networks.counting import count

    if convention not in CONVENTIONS:
        raise unknown("convention", convention, CONVENTIONS)
    if convention == "multiply-adds":
        return count(network, shape).flops
    total = 0

    def add(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        nonlocal total
        weight: Any = layer.weight
        if weight.dim() == 2:
            total += fully_connected(weight.shape[1], weight.shape[0])
            return
        counted = output if convention == "molchanov-output" else inputs[0]
        kernel = weight[0, 0].numel()
        total += convolution(
            counted.shape[2], counted.shape[3], weight.shape[1], weight.shape[0], kernel
        )

    copy = deepcopy(network).cpu().eval()
    for module in copy.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.register_forward_hook(add)
    with torch.no_grad():
        copy(torch.zeros(1, *shape, dtype=next(copy.parameters()).dtype))
    return total
