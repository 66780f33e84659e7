"""The NATS-Bench size space: 8**5 = 32,768 choices of channels for one fixed topology.

Source: Dong et al., "NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size"
(TPAMI 2021), section 3.
"""

from __future__ import annotations

import random

import numpy as np

from harness.errors import UserError
from harness.spaces.base import Architecture, CategoricalSpace
from harness.streams import below

CHANNELS = (8, 16, 24, 32, 40, 48, 56, 64)
"""The numbers of channels that every decision chooses from."""

LAYERS = 5

CELL = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
    "+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)
"""The topology of every cell in the notation of the topology space, as the records state it."""


class SizeSpace(CategoricalSpace):
    """The size search space of NATS-Bench (``sss``).

    Architectures are tuples of five integers below 8, indices into `CHANNELS`; all decisions are
    ordered. No two architectures are isomorphic. The official index (0 to 32,767) counts in this
    tuple's order, the last decision fastest: `index` and `at`.
    """

    network = "harness.networks.nats:size_network"

    def __init__(self) -> None:
        names = [str(channels) for channels in CHANNELS]
        super().__init__("sss", [names] * LAYERS, ordinal=[True] * LAYERS)
        self._strings: dict[tuple[int, ...], str] = {}
        self._values = {name: value for value, name in enumerate(names)}

    def sample(self, rng: random.Random) -> tuple[int, ...]:
        """A uniformly drawn architecture, from one random number."""
        return self._at(below(rng, len(CHANNELS) ** LAYERS))

    def index(self, architecture: Architecture) -> int:
        """The official index of an architecture."""
        index = 0
        for value in architecture:  # type: ignore[attr-defined]
            index = index * len(CHANNELS) + value
        return index

    def at(self, index: int) -> tuple[int, ...]:
        """The architecture of an official index.

        Raises:
            UserError: If the index is not in the space.
        """
        if not 0 <= index < len(self):
            raise UserError(
                f"no architecture {index} in the space '{self.name}':"
                f" its indices go from 0 to {len(self) - 1}"
            )
        return self._at(index)

    def _at(self, index: int) -> tuple[int, ...]:
        # Five digits of base 8, three bits each.
        return (index >> 12, index >> 9 & 7, index >> 6 & 7, index >> 3 & 7, index & 7)

    def to_string(self, architecture: Architecture) -> str:
        """The official notation, the numbers of channels: ``8:16:64:32:8``."""
        try:
            return self._strings[architecture]  # type: ignore[index]
        except (KeyError, TypeError):
            pass
        if architecture not in self:
            raise UserError(
                f"{architecture!r} is not an architecture of the space '{self.name}':"
                f" it takes a tuple of {LAYERS} integers from 0 to {len(CHANNELS) - 1}"
            )
        values: tuple[int, ...] = architecture  # type: ignore[assignment]
        text = ":".join([str(CHANNELS[value]) for value in values])
        self._strings[values] = text
        return text

    def from_string(self, text: str) -> tuple[int, ...]:
        values = self._values
        architecture = tuple([values.get(name, -1) for name in text.split(":")])
        if len(architecture) != LAYERS or -1 in architecture:
            raise UserError(
                f"{self.not_inside(text)}: expected {LAYERS} numbers of channels joined by colons,"
                f" each among {', '.join(values)}"
            )
        return architecture

    def features(self, architecture: Architecture) -> np.ndarray:
        """The numbers of channels as fractions of the largest, float64 of shape [5]."""
        values: tuple[int, ...] = architecture  # type: ignore[assignment]
        return np.array([CHANNELS[value] / CHANNELS[-1] for value in values])
