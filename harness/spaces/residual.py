"""Residual networks of three or four sections: the search space of the thesis on ERA.

Source: Lundberg, "Evolution of Residual Architectures" (master's thesis, Lund University,
2020:E35), search space and appendix.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import ClassVar

from harness.errors import UserError
from harness.spaces.base import Architecture, CategoricalSpace, Graph
from harness.spaces.residual_layers import LAYERS, ResidualConfiguration

SECTIONS = (range(19), range(1, 19), range(1, 19), range(1, 19))
"""Numbers of blocks that each section may have."""
UPDATES = (1, 2)
"""Factors of the channels from a section to the next."""
GROUP_SIZES = (1, 2, 4, 8, 32)
"""Filters in each group of the first section's 3x3 convolutions."""

_NOTATION = re.compile(r"([^:]*):([^:,]*),([^:,]*),([^:,]*),([^:,]*):([^:x]*)x([^:x]*):g([^:]*)")
_GENES = (
    "block",
    *(f"number of blocks of section {number}" for number in (1, 2, 3, 4)),
    "number of filters",
    "filter update",
    "group size",
)


class ResidualSpace(CategoricalSpace):
    """The search space of ERA: eight decisions on a chain of residual blocks (``residual``).

    Architectures are tuples of eight option numbers: kind of block, blocks in each of four
    sections (the first may be empty), filters of the first section, factor of the filters from
    section to section, and filters in each group of the first section's 3x3 convolutions. A group
    size above the number of filters counts as that number, so that several architectures are one
    network: `canonical`, and `distinct` for their number.

    The thesis contradicts itself on the filters. Its text lists 1 to 32; five of the six networks
    that its searches returned have 64, and their printed numbers of parameters need 64. This
    space is what was searched: six options that end at 64, which keep the printed 13,296,960
    configurations. `TextResidualSpace` is what the text says, and has the printed 8,864,640
    different networks too.
    """

    network = "harness.networks.residual:network"
    preset: ClassVar[str] = "residual"
    filters: ClassVar[tuple[int, ...]] = (2, 4, 8, 16, 32, 64)

    def __init__(self) -> None:
        decisions: list[Sequence[object]] = [
            tuple(LAYERS), *SECTIONS, self.filters, UPDATES, GROUP_SIZES
        ]  # fmt: skip
        options = [[str(option) for option in decision] for decision in decisions]
        super().__init__(self.preset, options, ordinal=[False] + [True] * 7)
        # For each number of filters and group size the least group size of the same network.
        self._least = [
            [
                next(i for i, least in enumerate(GROUP_SIZES) if least >= min(size, filters))
                for size in GROUP_SIZES
            ]
            for filters in self.filters
        ]

    def configuration(
        self, architecture: Architecture, *, skip_empty: bool = False
    ) -> ResidualConfiguration:
        """The network that an architecture stands for.

        Args:
            architecture: An element of the space.
            skip_empty: See `ResidualConfiguration`; the thesis does not say.
        """
        genes: tuple[int, ...] = architecture  # type: ignore[assignment]
        block, *sections, filters, update, size = genes
        width = self.filters[filters]
        return ResidualConfiguration(
            block=tuple(LAYERS)[block],
            sections=tuple(s[value] for s, value in zip(SECTIONS, sections, strict=True)),
            filters=width,
            update=UPDATES[update],
            cardinality=width // min(GROUP_SIZES[size], width),
            skip_empty=skip_empty,
        )

    def canonical(self, architecture: Architecture) -> tuple[int, ...]:
        """The same network with the least group size that says so."""
        genes: tuple[int, ...] = architecture  # type: ignore[assignment]
        *others, filters, update, size = genes
        return (*others, filters, update, self._least[filters][size])

    def key(self, architecture: Architecture) -> bytes:
        """The canonical form, so that equal networks share rows and trainings."""
        return bytes(self.canonical(architecture))

    def distinct(self) -> int:
        """The number of different networks in the space."""
        return len(self) // (len(self.filters) * len(GROUP_SIZES)) * len(self.widths())

    def widths(self) -> set[tuple[int, int]]:
        """All (filters, filters of a group) of the first section."""
        return {(f, min(size, f)) for f, size in product(self.filters, GROUP_SIZES)}

    def depth(self, architecture: Architecture) -> int:
        """Weighted layers, 8 to 218: two and those of the blocks; shortcuts do not count."""
        return self.configuration(architecture).depth

    def depths(self) -> dict[int, int]:
        """Depth -> how many architectures have it."""
        chains = Counter({0: 1})
        for section in SECTIONS:
            grown: Counter[int] = Counter()
            for (blocks, number), more in product(chains.items(), section):
                grown[blocks + more] += number
            chains = grown
        others = len(self) // (len(LAYERS) * chains.total())
        found: Counter[int] = Counter()
        for layers, (blocks, number) in product(LAYERS.values(), chains.items()):
            found[2 + layers * blocks] += others * number
        return dict(sorted(found.items()))

    def parameters(
        self,
        architecture: Architecture,
        channels: int = 3,
        classes: int = 10,
        *,
        skip_empty: bool = False,
    ) -> int:
        """Parameters of an architecture's network; nothing is built.

        Args:
            architecture: An element of the space.
            channels: Channels of the images.
            classes: Number of classes.
            skip_empty: See `ResidualConfiguration`.
        """
        configuration = self.configuration(architecture, skip_empty=skip_empty)
        return configuration.parameters(channels, classes)

    def graph(self, architecture: Architecture) -> Graph:
        """The chain of sections; see `ResidualConfiguration.graph`."""
        return self.configuration(architecture).graph()

    def to_string(self, architecture: Architecture) -> str:
        """Block, blocks of the sections, filters x update, group size.

        The thesis has no notation. In ``bottleneck:3,6,3,1:64x2:g1`` 64 filters in groups of one
        filter are doubled from section to section.
        """
        if architecture not in self:
            raise UserError(
                f"{architecture!r} is not an architecture of the space '{self.name}': it takes a"
                " tuple of eight option numbers"
            )
        names = [self.options[i][v] for i, v in enumerate(architecture)]  # type: ignore[arg-type, var-annotated]
        block, *sections, filters, update, size = names
        return f"{block}:{','.join(sections)}:{filters}x{update}:g{size}"

    def from_string(self, text: str) -> tuple[int, ...]:
        found = _NOTATION.fullmatch(text)
        if found is None:
            raise UserError(
                f"{self.not_inside(text)}: expected block:sections:filters x update:group size,"
                " as in 'bottleneck:3,6,3,1:64x2:g1'"
            )
        architecture = []
        for gene, options, name in zip(_GENES, self.options, found.groups(), strict=True):
            if name not in options:
                known = (
                    ", ".join(options) if len(options) < 10 else f"{options[0]} to {options[-1]}"
                )
                raise UserError(f"{self.not_inside(text)}: its {gene} must be {known}")
            architecture.append(options.index(name))
        return tuple(architecture)


class TextResidualSpace(ResidualSpace):
    """The same with the filters of the thesis' text, 1 to 32 (``residual-text``)."""

    network = "harness.networks.residual:text_network"
    preset = "residual-text"
    filters = (1, 2, 4, 8, 16, 32)


class UnionResidualSpace(ResidualSpace):
    """The same with the filters of text and results, 1 to 64 (``residual-union``)."""

    network = "harness.networks.residual:union_network"
    preset = "residual-union"
    filters = (1, 2, 4, 8, 16, 32, 64)
