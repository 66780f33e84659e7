"""The space of DARTS' cells: a normal and a reduction cell of seven nodes, seven operations.

Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search" (ICLR 2019), section 3.1.1; the
zero operation is that an edge keeps none. The released cells of BayesNAS (M. Yang, TU Delft, 2019)
keep several operations on an edge, and none on others, so that is inside.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from itertools import permutations
from math import comb

import numpy as np

from harness.errors import UserError
from harness.spaces.base import Architecture, Graph, SearchSpace
from harness.streams import below, choice, distinct

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""The candidates of every edge, in DARTS' order; operation k is bit k of a decision."""

CELLS = ("normal", "reduction")

INPUTS = (0, 1)
"""The nodes of a cell that hold the outputs of the last cell but one, and of the last."""

INNER = (2, 3, 4, 5)
"""The nodes that sum what their edges bring; the cell's output joins their channels."""

EDGES = tuple((source, target) for target in INNER for source in range(target))
"""The 14 (source, target) nodes of a cell, in the order of the decisions."""

Masks = tuple[int, ...]
"""For each edge of a cell, or of both, the kept operations as bits."""

_NONE = "none"
_INTO = {node: [e for e, (_, target) in enumerate(EDGES) if target == node] for node in INNER}
_ORDERS = tuple(permutations(INNER))


def kept(mask: int) -> tuple[int, ...]:
    """The operations of an edge, ascending."""
    return tuple(k for k in range(len(OPERATIONS)) if mask >> k & 1)


def cells_of(architecture: Architecture) -> tuple[Masks, Masks]:
    """The 14 edges of the normal cell, and those of the reduction cell."""
    masks: Masks = architecture  # type: ignore[assignment]
    return masks[: len(EDGES)], masks[len(EDGES) :]


class DartsSpace(SearchSpace):
    """The search space of DARTS (``darts``), with any number of operations on an edge.

    Architectures are tuples of 28 integers below 128: for each edge of the normal cell, then of
    the reduction cell, the kept operations as bits (see `EDGES` and `OPERATIONS`). In each cell
    something must reach the output.

    Sampling and moves are the literature's, for cells in which every inner node sums two
    operations of two distinct sources: `sample` draws such cells uniformly (1.1e18 of them), and
    no move changes how many operations, and from how many sources, a node sums.
    """

    name = "darts"
    network = "harness.networks.darts:cell_network"

    def sample(self, rng: random.Random) -> Masks:
        """Two distinct sources for every inner node, and an operation of each, uniformly."""
        masks = [0] * (2 * len(EDGES))
        for cell in range(2):
            for node in INNER:
                for place in sorted(distinct(rng, node, 2)):
                    edge = cell * len(EDGES) + _INTO[node][place]
                    masks[edge] = 1 << below(rng, len(OPERATIONS))
        return tuple(masks)

    def __len__(self) -> int:
        """The number of architectures that `sample` can return."""
        cell = 1
        for node in INNER:
            cell *= comb(node, 2) * len(OPERATIONS) ** 2
        return cell**2

    def __contains__(self, architecture: object) -> bool:
        return (
            isinstance(architecture, tuple)
            and len(architecture) == 2 * len(EDGES)
            and all(type(m) is int and 0 <= m < 1 << len(OPERATIONS) for m in architecture)
            and self.valid(architecture)
        )

    def valid(self, architecture: Masks) -> bool:
        """Whether in both cells some edge leads from an input: the output reads all its ends."""
        return all(
            any(mask and source in INPUTS for (source, _), mask in zip(EDGES, cell, strict=True))
            for cell in cells_of(architecture)
        )

    # --- moves ------------------------------------------------------------------------------

    def mutate(
        self, architecture: Architecture, rng: random.Random, *, new_value: bool = True
    ) -> Masks:
        """One operation replaced, or one edge with its operations moved to another source.

        Either as likely, on an edge drawn uniformly, as regularized evolution mutates cells (Real
        et al., AAAI 2019, section 3); where an edge cannot be moved, both are drawn again. Without
        `new_value` an eighth stays unchanged: the old operation may be drawn anew.
        """
        parent: Masks = architecture  # type: ignore[assignment]
        if not new_value and below(rng, 8) == 0:
            return parent
        used = [i for i, mask in enumerate(parent) if mask]
        while True:
            i = choice(rng, used)
            near = (_replaced, _moved)[below(rng, 2)](parent, i)
            near = [child for child in near if self.valid(child)]
            if near:
                return choice(rng, near)

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """All other operations and all other sources of each edge that keeps any."""
        parent: Masks = architecture  # type: ignore[assignment]
        used = [i for i, mask in enumerate(parent) if mask]
        found = [child for i in used for move in (_replaced, _moved) for child in move(parent, i)]
        return [child for child in found if self.valid(child)]

    def crossover(self, a: Architecture, b: Architecture, rng: random.Random) -> Masks:
        """All that leads to a node comes from one parent, either as likely."""
        child: list[int] = []
        for cells in zip(cells_of(a), cells_of(b), strict=True):
            for node in INNER:
                parent = cells[below(rng, 2)]
                child += [parent[e] for e in _INTO[node]]
        made = tuple(child)
        return made if self.valid(made) else a  # type: ignore[return-value]

    # --- equal networks ---------------------------------------------------------------------

    def canonical(self, architecture: Architecture) -> Masks:
        """The least architecture whose inner nodes are these in another order.

        Operations that nothing reaches are left out, as in the network. That the output joins the
        nodes' channels in another order changes nothing but the places of weights.
        """
        normal, reduction = cells_of(architecture)
        return (*_canonical(normal), *_canonical(reduction))

    def key(self, architecture: Architecture) -> bytes:
        return bytes(architecture)  # type: ignore[call-overload, no-any-return]

    # --- notation ---------------------------------------------------------------------------

    def to_string(self, architecture: Architecture) -> str:
        """Both cells' inner nodes, each with its operations and their sources.

        ``normal:skip_connect~0+sep_conv_3x3~1|...;reduction:...``: nodes are separated by a bar,
        what they sum by a plus; ``none`` stands for a node that sums nothing.
        """
        texts = []
        for name, cell in zip(CELLS, cells_of(architecture), strict=True):
            nodes = []
            for node in INNER:
                terms = [
                    f"{OPERATIONS[k]}~{EDGES[e][0]}" for e in _INTO[node] for k in kept(cell[e])
                ]
                nodes.append("+".join(terms) or _NONE)
            texts.append(f"{name}:{'|'.join(nodes)}")
        return ";".join(texts)

    def from_string(self, text: str) -> Masks:
        masks = _parsed(text)
        if masks is None or masks not in self or self.to_string(masks) != text:
            raise UserError(
                f"{self.not_inside(text)}: expected"
                " 'normal:skip_connect~0+sep_conv_3x3~1|...|...|...;reduction:...', sources, then"
                f" operations ascending, with operations among {', '.join(OPERATIONS)}"
            )
        return masks

    # --- descriptions -----------------------------------------------------------------------

    def features(self, architecture: Architecture) -> np.ndarray:
        """Whether each edge keeps each operation, float64 [2 * 14 * 7]."""
        masks = np.asarray(architecture)[:, None] >> np.arange(len(OPERATIONS)) & 1
        return masks.ravel().astype(np.float64)

    def graph(self, architecture: Architecture) -> Graph:
        """The line graphs of both cells side by side, operations on nodes.

        A cell's own inputs are nodes, too: ``normal 0`` and ``normal 1``. All operations feed the
        output, which joins all inner nodes.
        """
        names, arcs = ["input"], []
        for name, cell in zip(CELLS, cells_of(architecture), strict=True):
            ending: dict[int, list[int]] = {}  # the graph's nodes that end at a cell's node
            for node in INPUTS:
                arcs.append((0, len(names)))
                ending[node] = [len(names)]
                names.append(f"{name} {node}")
            for (source, target), mask in zip(EDGES, cell, strict=True):
                for operation in kept(mask):
                    arcs += [(before, len(names)) for before in ending.get(source, [])]
                    ending.setdefault(target, []).append(len(names))
                    names.append(OPERATIONS[operation])
            arcs += [(node, -1) for inner in INNER for node in ending.get(inner, [])]
        adjacency = np.zeros((len(names) + 1,) * 2, bool)
        for before, after in arcs:
            adjacency[before, after] = True
        return Graph(adjacency, (*names, "output"))

    def encoded(self, *cells: Sequence[Sequence[tuple[str, int]]]) -> Masks:
        """The architecture of two genotypes in DARTS' notation.

        Args:
            *cells: The normal and the reduction cell: for each inner node its pairs of an
                operation and a source, such as ``("sep_conv_3x3", 0)``.

        Raises:
            UserError: If this is no architecture of the space.
        """
        parts = ["|".join("+".join(f"{o}~{s}" for o, s in n) or _NONE for n in c) for c in cells]
        text = ";".join(f"{name}:{part}" for name, part in zip(CELLS, parts, strict=False))
        masks = _parsed(text)
        if masks is None or masks not in self:
            raise self.not_inside(text)
        return masks


def _replaced(parent: Masks, i: int) -> list[Masks]:
    """One operation of an edge exchanged for one that it does not keep."""
    mask = parent[i]
    return [
        (*parent[:i], mask ^ (1 << old | 1 << new), *parent[i + 1 :])
        for old in kept(mask)
        for new in range(len(OPERATIONS))
        if not mask >> new & 1
    ]


def _moved(parent: Masks, i: int) -> list[Masks]:
    """What an edge keeps, moved to an empty edge that leads to the same node."""
    cell, edge = divmod(i, len(EDGES))
    found = []
    for e in _INTO[EDGES[edge][1]]:
        j = cell * len(EDGES) + e
        if not parent[j]:
            child = list(parent)
            child[i], child[j] = 0, parent[i]
            found.append(tuple(child))
    return found


@lru_cache(maxsize=1 << 14)
def _canonical(cell: Masks) -> Masks:
    """The least of a cell's encodings, without what nothing reaches."""
    used: dict[tuple[int, int], int] = {}
    fed = set(INPUTS)
    for (source, target), mask in zip(EDGES, cell, strict=True):
        if mask and source in fed:
            used[source, target] = mask
            fed.add(target)
    found = []
    for order in _ORDERS:
        place = {**dict(zip(INPUTS, INPUTS, strict=True)), **dict(zip(order, INNER, strict=True))}
        placed = {(place[source], place[target]): mask for (source, target), mask in used.items()}
        if all(source < target for source, target in placed):
            found.append(tuple(placed.get(edge, 0) for edge in EDGES))
    return min(found)


def _parsed(text: str) -> Masks | None:
    """The masks of a text, whose order of terms is not checked; None if it is none."""
    masks = []
    parts = text.split(";")
    if len(parts) != len(CELLS):
        return None
    for name, part in zip(CELLS, parts, strict=True):
        given, _, rest = part.partition(":")
        nodes = rest.split("|")
        if given != name or len(nodes) != len(INNER):
            return None
        for node, terms in zip(INNER, nodes, strict=True):
            into = [0] * node
            for term in terms.split("+") if terms != _NONE else ():
                operation, _, source = term.partition("~")
                if operation not in OPERATIONS or source not in map(str, range(node)):
                    return None
                into[int(source)] |= 1 << OPERATIONS.index(operation)
            masks += into
    return tuple(masks)
