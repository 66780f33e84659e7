"""Layer genes: what a layer of a growing network may be, and how one becomes another.

Sources: Kyriakides (2022), table 6.1 for the twelve layers and tables 4.1 and 5.2 for DeepNEAT's
blocks, which are those of Miikkulainen et al., "Evolving Deep Neural Networks" (2017).
"""

from __future__ import annotations

import random
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from harness.macro.layers import Value
from harness.streams import below, choice


class LayerGenes(ABC):
    """All genes that a layer may have. A gene is a short text.

    Attributes:
        starters: What a search that goes through all neighbours puts into a new layer.
        width: Length of `describe`.
    """

    starters: tuple[str, ...]
    width: int

    @abstractmethod
    def __contains__(self, gene: object) -> bool: ...

    @abstractmethod
    def __len__(self) -> int:
        """The number of genes."""

    @abstractmethod
    def draw(self, rng: random.Random) -> str:
        """A uniformly drawn gene."""

    @abstractmethod
    def change(self, gene: str, rng: random.Random, *, new_value: bool) -> str:
        """A gene with one of its decisions redrawn."""

    @abstractmethod
    def changes(self, gene: str) -> list[str]:
        """All genes that differ in one decision, in a fixed order."""

    @abstractmethod
    def number(self, gene: str) -> int:
        """A number of its own for each gene."""

    @abstractmethod
    def name(self, gene: str) -> str:
        """The gene's name as the operation of a graph."""

    @abstractmethod
    def describe(self, gene: str) -> tuple[float, ...]:
        """`width` numbers for predictors: whole ones, so that sums know no order."""

    @abstractmethod
    def layer(
        self, gene: str, *, channels: int, dropout: float
    ) -> tuple[str, Mapping[str, Value]]:
        """The kind and the parameters of the layer in a descriptor.

        Args:
            gene: The gene.
            channels: Filters of a convolution that has all of them.
            dropout: Probability, where the gene does not say it.
        """


class RemGenes(LayerGenes):
    """Table 6.1: convolutions and poolings with kernels of 2, 3 and 5 pixels.

    ``C3H`` is CONV_3.H, a convolution with half of the channels, ``C3N`` one with all of them,
    ``P3A`` is POOL_3.A, an average pooling, ``P3M`` one that takes the maximum.
    """

    def __init__(self) -> None:
        kernels = (2, 3, 5)
        self.starters = tuple(
            f"{kind}{kernel}{mode}"
            for kind, mode in (("C", "H"), ("C", "N"), ("P", "A"), ("P", "M"))
            for kernel in kernels
        )
        self.numbers = {gene: i for i, gene in enumerate(self.starters)}
        self.width = len(self.starters)

    def __contains__(self, gene: object) -> bool:
        return isinstance(gene, str) and gene in self.numbers

    def __len__(self) -> int:
        return len(self.starters)

    def draw(self, rng: random.Random) -> str:
        return choice(rng, self.starters)

    def change(self, gene: str, rng: random.Random, *, new_value: bool) -> str:
        return choice(rng, self.changes(gene)) if new_value else self.draw(rng)

    def changes(self, gene: str) -> list[str]:
        return [other for other in self.starters if other != gene]

    def number(self, gene: str) -> int:
        return self.numbers[gene]

    def name(self, gene: str) -> str:
        kind, kernel, mode = tuple(gene)
        return f"{'CONV' if kind == 'C' else 'POOL'}_{kernel}.{mode}"

    def describe(self, gene: str) -> tuple[float, ...]:
        return tuple(float(gene == other) for other in self.starters)

    def layer(
        self, gene: str, *, channels: int, dropout: float
    ) -> tuple[str, Mapping[str, Value]]:
        kind, kernel, mode = tuple(gene)
        if kind == "P":
            return "pool", {"mode": "max" if mode == "M" else "average", "kernel": int(kernel)}
        filters = max(1, channels // 2) if mode == "H" else channels
        return "conv", {
            "filters": filters,
            "kernel": int(kernel),
            "activation": "relu6",
            "batch_norm": True,
            "dropout": dropout,
        }


class Block(NamedTuple):
    """A DeepNEAT block.

    Attributes:
        filters: Of its convolution.
        kernel: Side of its convolution, 1 or 3 pixels.
        dropout: Probability, in percent.
        scale: What its convolution's result is multiplied by, in percent.
        pool: 1 if it ends with a maximum pooling, else 0.
    """

    filters: int
    kernel: int
    dropout: int
    scale: int
    pool: int

    def text(self) -> str:
        """``f64k3d20s110p``: 64 filters, kernel 3, 20 % dropout, scale 1.1, with pooling."""
        head = f"f{self.filters}k{self.kernel}d{self.dropout}s{self.scale}"
        return head + "p" * self.pool


class BlockGenes(LayerGenes):
    """Blocks whose parameters lie on a grid, so that they can be listed.

    A scale of zero, the lower end of the published range, would cut the network and is left out.

    Args:
        filters: The least and the most filters: 32 and 256 in chapter 5, 32 and 56 in chapter 4.
    """

    def __init__(self, filters: tuple[int, int] = (32, 256)) -> None:
        least, most = filters
        self.grid: tuple[tuple[int, ...], ...] = (
            tuple(range(least, most + 1, 8)),
            (1, 3),
            tuple(range(0, 71, 5)),
            tuple(range(10, 201, 10)),
            (0, 1),
        )
        self.starters = (Block(least, 3, 0, 100, 0).text(),)
        self.width = 1 + len(Block._fields)

    def __contains__(self, gene: object) -> bool:
        return (
            isinstance(gene, str)
            and (block := _parsed(gene)) is not None
            and all(value in options for value, options in zip(block, self.grid, strict=True))
        )

    def __len__(self) -> int:
        size = 1
        for options in self.grid:
            size *= len(options)
        return size

    def draw(self, rng: random.Random) -> str:
        return Block(*(choice(rng, options) for options in self.grid)).text()

    def change(self, gene: str, rng: random.Random, *, new_value: bool) -> str:
        block, place = list(_block(gene)), below(rng, len(self.grid))
        options = [v for v in self.grid[place] if not new_value or v != block[place]]
        block[place] = choice(rng, options)
        return Block(*block).text()

    def changes(self, gene: str) -> list[str]:
        block = _block(gene)
        return [
            Block(*(*block[:i], value, *block[i + 1 :])).text()
            for i, options in enumerate(self.grid)
            for value in options
            if value != block[i]
        ]

    def number(self, gene: str) -> int:
        number = 0
        for value, options in zip(_block(gene), self.grid, strict=True):
            number = number * len(options) + options.index(value)
        return number

    def name(self, gene: str) -> str:
        return gene

    def describe(self, gene: str) -> tuple[float, ...]:
        return (1.0, *map(float, _block(gene)))

    def layer(
        self, gene: str, *, channels: int, dropout: float
    ) -> tuple[str, Mapping[str, Value]]:
        block = _block(gene)
        return "block", {
            "filters": block.filters,
            "kernel": block.kernel,
            "dropout": block.dropout / 100,
            "scale": block.scale / 100,
            "pool": bool(block.pool),
        }


_TEXT = re.compile(r"f([0-9]{1,4})k([0-9])d([0-9]{1,2})s([0-9]{1,3})(p?)")


@lru_cache(maxsize=1 << 16)
def _parsed(gene: str) -> Block | None:
    found = _TEXT.fullmatch(gene)
    if found is None:
        return None
    filters, kernel, dropout, scale = map(int, found.groups()[:4])
    block = Block(filters, kernel, dropout, scale, int(bool(found[5])))
    return block if block.text() == gene else None  # no leading zeros


def _block(gene: str) -> Block:
    block = _parsed(gene)
    assert block is not None
    return block


REM = RemGenes()
