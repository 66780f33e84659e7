"""The hand-made ResNets for CIFAR, as a space: what searched networks are compared with.

Sources: He et al., "Deep Residual Learning" (CVPR 2016), section 4.2; other widths and 602 layers:
Lundberg, "Evolution of Residual Architectures" (master's thesis, Lund University, 2020:E35).
"""

from __future__ import annotations

import re

from harness.errors import UserError
from harness.spaces.base import Architecture, CategoricalSpace, Graph
from harness.spaces.residual_layers import ResidualConfiguration, resnet

BLOCKS = (*range(1, 19), 100, 200)
"""Blocks in each of the three sections: 8 to 110 layers, the thesis' 602 and He et al.'s 1202."""
FILTERS = (8, 16, 32, 64)
"""Filters of the first section; He et al. have 16, the thesis' "wide" network 32."""

_NOTATION = re.compile("([^x]*)x([^x]*)")


class ResNetSpace(CategoricalSpace):
    """ResNets of 6n + 2 layers, whose shortcuts have no parameters (``resnet``).

    Architectures are tuples of two option numbers, for the layers and for the filters of the
    first of three sections. They are not in the space `residual`, which has four sections and
    projections in its shortcuts.
    """

    network = "harness.networks.residual:resnet_network"

    def __init__(self) -> None:
        layers, filters = [str(resnet(6 * n + 2).depth) for n in BLOCKS], map(str, FILTERS)
        super().__init__("resnet", [layers, list(filters)], ordinal=[True, True])

    def configuration(self, architecture: Architecture) -> ResidualConfiguration:
        """The network that an architecture stands for."""
        options: tuple[int, int] = architecture  # type: ignore[assignment]
        blocks, filters = options
        return resnet(6 * BLOCKS[blocks] + 2, FILTERS[filters])

    def depth(self, architecture: Architecture) -> int:
        """Weighted layers, 8 to 1202."""
        return self.configuration(architecture).depth

    def graph(self, architecture: Architecture) -> Graph:
        """The chain of sections; see `ResidualConfiguration.graph`."""
        return self.configuration(architecture).graph()

    def to_string(self, architecture: Architecture) -> str:
        """Layers x filters: ``110x16`` is He et al.'s ResNet-110."""
        if architecture not in self:
            raise UserError(
                f"{architecture!r} is not an architecture of the space '{self.name}': it takes a"
                " tuple of two option numbers"
            )
        names = [self.options[i][v] for i, v in enumerate(architecture)]  # type: ignore[arg-type, var-annotated]
        return "x".join(names)

    def from_string(self, text: str) -> tuple[int, ...]:
        found = _NOTATION.fullmatch(text)
        layers, filters = found.groups() if found else ("", "")
        if layers not in self.options[0] or filters not in self.options[1]:
            raise UserError(
                f"{self.not_inside(text)}: expected layers x filters, as in '110x16', with"
                f" {', '.join(self.options[0])} layers and {', '.join(self.options[1])} filters"
            )
        return self.options[0].index(layers), self.options[1].index(filters)
