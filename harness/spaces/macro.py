"""Networks that grow from one connection: the global search spaces of Kyriakides (2022).

`macro` has the twelve layers of its chapter 6, `macro-blocks` DeepNEAT's blocks of chapters 4
and 5.
"""
# A space is asked for its own architectures alone.
# mypy: disable-error-code=override

from __future__ import annotations

import random
from hashlib import sha256
from typing import ClassVar

import numpy as np

from harness.errors import UserError
from harness.macro.canonical import canonical
from harness.macro.descriptor import Descriptor, FrozenDescriptor
from harness.macro.genes import REM, BlockGenes, LayerGenes
from harness.macro.genome import INPUT, OUTPUT, START, Connection, Genome, cross
from harness.spaces.base import Graph, SearchSpace
from harness.streams import below, choice

_ENDS = {INPUT: "i", OUTPUT: "o"}
_THIRDS = 3


class GrowingSpace(SearchSpace):
    """Genomes that grow by splitting connections; see `harness.macro.genome`.

    Every genome in which a path leads from the input to the output is in the space, whether it
    can have grown or not: moves that would cut the last path are drawn again. (In the thesis such
    a network counts as one with an accuracy of 0.) Growing has no inverse, so an architecture is
    not a neighbour of all its neighbours: a layer can be switched off, and then stays in the
    genome. Only `max_layers` bounds the space.

    Args:
        name: The name of the space.
        genes: What a layer may be.
        initial_layers: Layers of the genomes that `sample` returns.
        max_layers: Layers, switched-off ones included, at which a genome stops growing.

    Attributes:
        add_layer: Probability that a mutation splits a connection.
        add_connection: Probability that it adds a connection that never was.
        identity: Probability that it does nothing, unless a new value is wanted. What is left
            goes in equal parts to a layer's gene and to the switch of a connection.
    """

    add_layer: ClassVar[float] = 0.25
    add_connection: ClassVar[float] = 0.0
    identity: ClassVar[float] = 0.05

    def __init__(
        self, name: str, genes: LayerGenes, initial_layers: int, max_layers: int = 16
    ) -> None:
        if not 1 <= initial_layers <= max_layers < OUTPUT:
            raise UserError(
                f"space '{name}': initial_layers={initial_layers}, max_layers={max_layers}; needs"
                f" 1 <= initial_layers <= max_layers < {OUTPUT}"
            )
        self.name = name
        self.genes = genes
        self.initial_layers = initial_layers
        self.max_layers = max_layers

    # --- what is inside ---------------------------------------------------------------------

    def __contains__(self, architecture: object) -> bool:
        if not isinstance(architecture, Genome):
            return False
        layers: object = architecture.layers
        return (
            isinstance(layers, tuple)
            and len(layers) <= self.max_layers
            and all(gene in self.genes for gene in layers)
            and architecture.sound()
        )

    def __len__(self) -> int:
        """The number of genomes that `sample` can return; mutation leads to far more."""
        number = 1
        for layers in range(self.initial_layers):
            number *= (2 * layers + 1) * len(self.genes)
        return number

    def sample(self, rng: random.Random) -> Genome:
        """A small genome: `initial_layers` splits of uniformly drawn connections."""
        genome = START
        for _ in range(self.initial_layers):
            genome = self._split(genome, rng)
        return genome

    def _split(self, genome: Genome, rng: random.Random) -> Genome:
        return genome.split(below(rng, len(genome.connections)), self.genes.draw(rng))

    # --- moves ------------------------------------------------------------------------------

    def mutate(
        self, architecture: Genome, rng: random.Random, *, new_value: bool = True
    ) -> Genome:
        """A new layer, a new connection, another layer gene or the switch of a connection.

        Without `new_value` all is as published: sometimes nothing changes, a layer's gene may be
        drawn again, and the layer to change may turn out to be the input or the output, which
        have none.
        """
        what = rng.random() * (1 - self.identity if new_value else 1)
        if what < self.add_layer or not architecture.layers:
            if len(architecture.layers) < self.max_layers:
                return self._split(architecture, rng)
        elif what < self.add_layer + self.add_connection:
            if possible := architecture.unconnected():
                return architecture.connect(*choice(rng, possible))
        elif what >= 1 - self.identity:
            return architecture
        if rng.random() < 0.5 and (toggled := _toggled(architecture)):
            return choice(rng, toggled)
        place = below(rng, len(architecture.layers) + (0 if new_value else len(_ENDS)))
        if place >= len(architecture.layers):
            return architecture
        gene = self.genes.change(architecture.layers[place], rng, new_value=new_value)
        return architecture.relayer(place, gene)

    def crossover(self, a: Genome, b: Genome, rng: random.Random) -> Genome:
        """See `harness.macro.genome.cross`."""
        return cross(a, b, rng)

    def neighbours(self, architecture: Genome) -> list[Genome]:
        """Every change of a layer gene, every switch, every split and every new connection.

        A new layer has one of the starting genes (`LayerGenes.starters`).
        """
        found = [
            architecture.relayer(place, gene)
            for place, old in enumerate(architecture.layers)
            for gene in self.genes.changes(old)
        ]
        found += _toggled(architecture)
        if len(architecture.layers) < self.max_layers:
            places = range(len(architecture.connections))
            found += [architecture.split(i, gene) for i in places for gene in self.genes.starters]
        if self.add_connection > 0:
            found += [architecture.connect(*ends) for ends in architecture.unconnected()]
        return found

    # --- equal networks ---------------------------------------------------------------------

    def canonical(self, architecture: Genome) -> Genome:
        """The live network without its past: see `harness.macro.canonical`."""
        return canonical(architecture)

    def key(self, architecture: Genome) -> bytes:
        """16 bytes: a hash of the canonical genome's notation."""
        text = self.to_string(canonical(architecture))
        return sha256(text.encode()).digest()[:16]

    def graph(self, architecture: Genome) -> Graph:
        """The live network; operations are the layers' names."""
        inner = [self.genes.name(architecture.layers[n - 1]) for n in architecture.order]
        return Graph(_adjacency(architecture), ("input", *inner, "output"))

    def features(self, architecture: Genome) -> np.ndarray:
        """The live network: its layers in each third of its depth, summed, and its shape.

        The shape is the number of layers, of connections and of connections past layers (more
        than a chain needs), and the longest path in layers.
        """
        depth = architecture.depth
        longest = depth[OUTPUT] - 1
        sums = np.zeros((_THIRDS, self.genes.width))
        for number in architecture.order:
            third = (depth[number] - 1) * _THIRDS // longest
            sums[third] += self.genes.describe(architecture.layers[number - 1])
        layers, connections = len(architecture.order), len(architecture.live)
        shape = (layers, connections, connections - layers - 1, longest)
        return np.concatenate([sums.ravel(), np.array(shape, np.float64)])

    def descriptor(
        self, architecture: Genome, *, channels: int = 64, dropout: float = 0.1
    ) -> FrozenDescriptor:
        """The network as a graph of layers, named by their number and gene: ``3_C5N``.

        Args:
            architecture: A genome.
            channels: Filters of a convolution that has all of them (`macro`).
            dropout: Probability, where the genes do not say it (`macro`).
        """
        made = Descriptor()
        names = {INPUT: "input", OUTPUT: "output"}
        for number, gene in enumerate(architecture.layers, 1):
            if number in architecture.order:
                kind, params = self.genes.layer(gene, channels=channels, dropout=dropout)
                names[number] = made.add_layer(kind, params, f"{number}_{gene}")
        for source, target in architecture.live:
            made.connect(names[source], names[target])
        return made.freeze()

    # --- notation ---------------------------------------------------------------------------

    def to_string(self, architecture: Genome) -> str:
        """Layer genes, a colon, and connections: ``C3N,P2M:ixo,i-1,1xo,1-2,2-o``.

        Layers are numbered from 1, ``i`` is the input and ``o`` the output. ``-`` joins the ends
        of a connection that is on, ``x`` those of one that is off.
        """
        connections = ",".join(
            f"{_ENDS.get(c.source, c.source)}{'-' if c.enabled else 'x'}"
            f"{_ENDS.get(c.target, c.target)}"
            for c in architecture.connections
        )
        return f"{','.join(architecture.layers)}:{connections}"

    def from_string(self, text: str) -> Genome:
        layers, _, rest = text.partition(":")
        genes = tuple(layers.split(",")) if layers else ()
        genome = Genome(genes, tuple(map(_connection, rest.split(","))))
        if genome not in self or self.to_string(genome) != text:
            example = f"{self.genes.starters[0]}:ixo,i-1,1-o"
            raise UserError(
                f"{self.not_inside(text)}: expected at most {self.max_layers} layers and their"
                f" connections, with a path from i to o, such as {example}"
            )
        return genome


class MacroSpace(GrowingSpace):
    """Convolutions and poolings in any arrangement (chapter 6 of the thesis).

    A genome's layers are among twelve; `sample` gives those with four. Trained with the number
    of channels as an option of the network.
    """

    network = "harness.networks.macro:rem_network"

    def __init__(self, initial_layers: int = 4, max_layers: int = 16) -> None:
        super().__init__("macro", REM, initial_layers, max_layers)


class MacroBlocksSpace(GrowingSpace):
    """DeepNEAT's blocks in any arrangement (chapters 4 and 5 of the thesis).

    Mutation alone has connections that never were; `sample` gives networks of one block. The
    thesis gives 0.1 for adding connections, and 0.05 for adding a block, with which twenty
    generations would add one; here it is 0.25 as in `macro`.

    A mutation's new block is drawn at random; among `neighbours` it is always the same small one.
    """

    network = "harness.networks.macro:block_network"
    add_connection = 0.1

    def __init__(
        self,
        initial_layers: int = 1,
        max_layers: int = 16,
        filters: tuple[int, int] = (32, 256),
    ) -> None:
        super().__init__("macro-blocks", BlockGenes(filters), initial_layers, max_layers)


def _toggled(genome: Genome) -> list[Genome]:
    """All genomes with one switch turned that still have a path."""
    toggled = (genome.toggle(i) for i in range(len(genome.connections)))
    return [one for one in toggled if one.live]


def _adjacency(genome: Genome) -> np.ndarray:
    """The live network's connections; the input is first, then the layers in order."""
    place = {number: i for i, number in enumerate((INPUT, *genome.order, OUTPUT))}
    adjacency = np.zeros((len(place), len(place)), bool)
    for source, target in genome.live:
        adjacency[place[source], place[target]] = True
    return adjacency


def _connection(text: str) -> Connection:
    """A connection gene; one that is in no space where the text is none."""
    source, sign, target = text.partition("x" if "x" in text else "-")
    numbers = {word: number for number, word in _ENDS.items()}
    left, entered = (
        numbers.get(word, int(word) if _digits(word) else 0) for word in (source, target)
    )
    return Connection(left, entered, sign == "-")


def _digits(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 2
