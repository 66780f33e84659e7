"""One genome for all genomes whose networks are isomorphic.

By colour refinement (Weisfeiler and Leman, 1968), ties being broken one at a time. Nodes that
refinement cannot tell apart are interchangeable but for contrived graphs of many equal layers:
there, two isomorphic networks may get two genomes. Two different networks never share one.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from harness.macro.genome import OUTPUT, Connection, Genome

Colours = dict[int, int]


def canonical(genome: Genome) -> Genome:
    """The live network as a genome: layers by depth, connections sorted and all switched on."""
    colours = _refined(genome, _initial(genome))
    while tied := [colour for colour, n in Counter(colours.values()).items() if n > 1]:
        # One of the tied nodes comes before the others; which one does not matter.
        first = next(node for node, colour in colours.items() if colour == min(tied))
        words = {node: (colour, node != first) for node, colour in colours.items()}
        colours = _refined(genome, _ranked(words))
    nodes = sorted(colours, key=colours.__getitem__)
    number = {node: place if 0 < node < OUTPUT else node for place, node in enumerate(nodes)}
    ends = sorted((number[source], number[target]) for source, target in genome.live)
    layers = tuple(genome.layers[node - 1] for node in nodes if 0 < node < OUTPUT)
    return Genome(layers, tuple(Connection(*pair) for pair in ends))


def _initial(genome: Genome) -> Colours:
    """Colours by depth and then by gene: layers come after what feeds them."""
    genes = dict(enumerate(genome.layers, 1))
    return _ranked({node: (depth, genes.get(node, "")) for node, depth in genome.depth.items()})


def _refined(genome: Genome, colours: Colours) -> Colours:
    """Tell nodes of one colour apart by the colours around them, until that changes nothing."""
    sources: dict[int, list[int]] = {node: [] for node in colours}
    targets: dict[int, list[int]] = {node: [] for node in colours}
    for source, target in genome.live:
        sources[target].append(source)
        targets[source].append(target)

    def around(nodes: list[int]) -> list[int]:
        return sorted([colours[node] for node in nodes])

    before = 0
    while before < len(set(colours.values())):
        before = len(set(colours.values()))
        words = {n: (c, *around(sources[n]), -1, *around(targets[n])) for n, c in colours.items()}
        colours = _ranked(words)
    return colours


def _ranked(words: dict[int, tuple[Any, ...]]) -> Colours:
    """Colours in the order of what tells the nodes apart."""
    rank = {word: place for place, word in enumerate(sorted(set(words.values())))}
    return {node: rank[word] for node, word in words.items()}
