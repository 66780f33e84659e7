"""The layers of DARTS' cells, as in its code (quark0/darts, ``cnn``) or in that of BayesNAS.

Layer order, padding and batch normalisation follow the two (BayesNAS/BayesNAS, ``CNN``), so that
parameter counts agree. One thing is added: odd sides are halved upwards by all operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Style = Literal["darts", "bayesnas"]


@dataclass(frozen=True)
class Layers:
    """How the layers of a network are put together.

    Attributes:
        style: "darts": ReLU, convolution, batch normalisation; a stem with normalisation. The
            image is halved by two 1x1 convolutions of half the channels each. "bayesnas":
            normalisation, ReLU, convolution, so that the head has one, not the stem; poolings
            read zeros beyond the edge; a skip connection that halves the image is one strided 1x1
            convolution; dilated convolutions join all channels.
        affine: Whether batch normalisations learn a scale and a shift.
        full_dilation: Whether dilated convolutions join all channels in the style "darts" as well;
            there they work on each by itself.
    """

    style: Style = "darts"
    affine: bool = True
    full_dilation: bool = False

    def operation(self, name: str, channels: int, stride: int) -> nn.Module:
        """An operation of the space ``darts``.

        Args:
            name: One of `harness.spaces.darts.OPERATIONS`.
            channels: In and out.
            stride: 1, or 2 on an edge that leaves an input of a reduction cell.
        """
        zeros = self.style == "bayesnas"
        if name == "max_pool_3x3":
            if zeros:
                return nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(3, stride))
            return nn.MaxPool2d(3, stride, padding=1)
        if name == "avg_pool_3x3":
            return nn.AvgPool2d(3, stride, padding=1, count_include_pad=zeros)
        if name == "skip_connect":
            return nn.Identity() if stride == 1 else self._halving_skip(channels)
        kind, size = name.split("_conv_")
        if kind == "sep":
            first = self._separable(channels, int(size[0]), stride)
            return nn.Sequential(*first, *self._separable(channels, int(size[0]), 1))
        return nn.Sequential(*self._separable(channels, int(size[0]), stride, dilated=True))

    def pointwise(self, c_in: int, c_out: int) -> nn.Module:
        """What fits a cell's input to its channels."""
        return nn.Sequential(*self._unit(c_in, c_out, nn.Conv2d(c_in, c_out, 1, bias=False)))

    def halving(self, c_in: int, c_out: int) -> nn.Module:
        """The same for an input whose image is twice as large as the other's."""
        if self.style == "darts":
            return nn.Sequential(*self._unit(c_in, c_out, Halving(c_in, c_out)))
        return nn.Sequential(Halving(c_in, c_in), self.pointwise(c_in, c_out))

    def norm(self, channels: int) -> nn.Module:
        """Batch normalisation."""
        return nn.BatchNorm2d(channels, affine=self.affine)

    def _halving_skip(self, channels: int) -> nn.Module:
        if self.style == "darts":
            return self.halving(channels, channels)
        return nn.Sequential(self.norm(channels), nn.Conv2d(channels, channels, 1, 2, bias=False))

    def _separable(
        self, channels: int, kernel: int, stride: int, *, dilated: bool = False
    ) -> list[nn.Module]:
        """A convolution of each channel by itself, and a 1x1 convolution."""
        full = dilated and (self.full_dilation or self.style == "bayesnas")
        dilation = 2 if dilated else 1
        spatial = nn.Conv2d(
            channels,
            channels,
            kernel,
            stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            groups=1 if full else channels,
            bias=False,
        )
        joining = nn.Conv2d(channels, channels, 1, bias=False)
        return self._unit(channels, channels, spatial, joining)

    def _unit(self, c_in: int, c_out: int, *convolutions: nn.Module) -> list[nn.Module]:
        if self.style == "darts":
            return [nn.ReLU(), *convolutions, self.norm(c_out)]
        return [self.norm(c_in), nn.ReLU(), *convolutions]


class Halving(nn.Module):
    """Two strided 1x1 convolutions of half the channels each, which between them see every row.

    The second one begins a pixel further down and right; beyond an odd side it sees zeros.
    """

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(c_in, c_out // 2, 1, 2, bias=False)
        self.second = nn.Conv2d(c_in, c_out - c_out // 2, 1, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, c_in, h, w] to [batch, c_out, ceil(h / 2), ceil(w / 2)]."""
        height, width = x.shape[-2:]
        shifted = functional.pad(x, (-1, width % 2, -1, height % 2))
        return torch.cat([self.first(x), self.second(shifted)], 1)
