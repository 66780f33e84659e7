"""The layers of the NATS-Bench cells, as in the official code (Dong et al., 2021).

Layer order, padding and batch normalisation follow the reference implementation
(AutoDL-Projects, ``xautodl/models/cell_operations.py``), so that parameter counts agree.
"""

from __future__ import annotations

from torch import Tensor, nn

NONE, SKIP, CONV_1X1, CONV_3X3, POOL_3X3 = range(5)
"""Operation numbers: none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3."""


def convolution(
    c_in: int, c_out: int, kernel: int, *, stride: int = 1, copies: int = 1, bias: bool = False
) -> nn.Conv2d:
    """A convolution for each copy of the network, side by side as groups of one convolution.

    Args:
        c_in: Input channels of one copy.
        c_out: Output channels of one copy.
        kernel: Side of the odd, square kernel; the image is padded to keep its size.
        stride: Step of the kernel.
        copies: Independent networks that are computed together.
        bias: Whether to add a learned constant to each channel.
    """
    return nn.Conv2d(
        copies * c_in,
        copies * c_out,
        kernel,
        stride,
        padding=kernel // 2,
        groups=copies,
        bias=bias,
    )


class ReluConvBN(nn.Sequential):
    """ReLU, convolution without bias, batch normalisation: the spaces' only convolution."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int, *, stride: int = 1, copies: int = 1
    ) -> None:
        super().__init__(
            nn.ReLU(),
            convolution(c_in, c_out, kernel, stride=stride, copies=copies),
            nn.BatchNorm2d(copies * c_out),
        )


class WidenedSkip(nn.Sequential):
    """A skip connection between different channel counts (the official stride-1 reduction)."""

    def __init__(self, c_in: int, c_out: int, *, copies: int = 1) -> None:
        super().__init__(
            convolution(c_in, c_out, 1, copies=copies), nn.BatchNorm2d(copies * c_out)
        )


class ResidualReduction(nn.Module):
    """The basic residual block between two stages: halves the image, changes the channels.

    Odd sides are halved upwards, as the strided convolution does: the mean at the edge is of those
    pixels that are there. Even sides are as in the official code.
    """

    def __init__(self, c_in: int, c_out: int, *, copies: int = 1) -> None:
        super().__init__()
        self.conv_a = ReluConvBN(c_in, c_out, 3, stride=2, copies=copies)
        self.conv_b = ReluConvBN(c_out, c_out, 3, copies=copies)
        self.downsample = nn.Sequential(
            nn.AvgPool2d(2, stride=2, ceil_mode=True, count_include_pad=False),
            convolution(c_in, c_out, 1, copies=copies),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, c_in, h, w) to (batch, c_out, ceil(h / 2), ceil(w / 2))."""
        branch: Tensor = self.conv_b(self.conv_a(x))
        shortcut: Tensor = self.downsample(x)
        return shortcut + branch


def edge_layer(operation: int, c_in: int, c_out: int, copies: int = 1) -> nn.Module | None:
    """The layer of one edge of a cell, or None for 'none', which computes nothing.

    Args:
        operation: 0 none, 1 skip_connect, 2 nor_conv_1x1, 3 nor_conv_3x3, 4 avg_pool_3x3.
        c_in: Channels of the node that the edge leaves.
        c_out: Channels of the cell.
        copies: Independent networks that are computed together.
    """
    if operation == SKIP:
        return nn.Identity() if c_in == c_out else WidenedSkip(c_in, c_out, copies=copies)
    if operation == CONV_1X1:
        return ReluConvBN(c_in, c_out, 1, copies=copies)
    if operation == CONV_3X3:
        return ReluConvBN(c_in, c_out, 3, copies=copies)
    if operation == POOL_3X3:
        pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
        if c_in == c_out:
            return pool
        return nn.Sequential(ReluConvBN(c_in, c_out, 1, copies=copies), pool)
    if operation != NONE:
        raise ValueError(f"operation {operation} is not one of 0 to 4")
    return None
