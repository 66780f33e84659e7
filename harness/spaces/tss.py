"""The NATS-Bench topology space, which is NAS-Bench-201: 5**6 = 15,625 cells.

A cell is a complete directed acyclic graph on four nodes with one of five operations on every
edge; a node sums what its in-edges bring. Sources: Dong and Yang, "NAS-Bench-201" (ICLR 2020),
section 2; Dong et al., "NATS-Bench" (TPAMI 2021), section 3.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from itertools import product

import numpy as np

from harness.errors import UserError
from harness.spaces.base import Architecture, CategoricalSpace, Graph

Cell = tuple[int, ...]

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""The (source, target) nodes of the six decisions, in the order of the official string."""

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
"""The options of every decision, in the order of the official list."""

_NONE = OPERATIONS.index("none")
_SKIP = OPERATIONS.index("skip_connect")
_CONVOLUTIONS = (OPERATIONS.index("nor_conv_1x1"), OPERATIONS.index("nor_conv_3x3"))
_INPUT, _OUTPUT = 0, 3


class TopologySpace(CategoricalSpace):
    """The topology search space of NATS-Bench (``tss``), the same as NAS-Bench-201.

    Architectures are tuples of six integers below 5: the operations on the edges 0->1, 0->2,
    1->2, 0->3, 1->3 and 2->3. The order of the official index (0 to 15,624) is a shuffled one, not
    a formula; it comes with a table.

    Three notions of "the same network" are at hand, from fine to coarse in number of classes:

    * the tuple itself: 15,625;
    * `canonical`: 6,466 classes, those of the official unique structure string;
    * `functional`: 5,260 classes, cells that train as the same network.

    The official string is neither finer nor coarser than `functional`. It splits equal networks,
    because it keeps a mark for every absent operand and sorts only the terms of each node's own
    sum: even exchanging nodes 1 and 2, where nothing lies between them, can change it. And 430
    of its strings stand for two networks or more, because a convolution that is used twice reads
    like two convolutions with weights of their own. Neither notion preserves the official
    parameter counts and run times: those include operations that no path from input to output
    uses.
    """

    network = "harness.networks.nats:topology_network"

    def __init__(self) -> None:
        super().__init__("tss", [OPERATIONS] * len(EDGES))
        self._strings: dict[Cell, str] = {}
        self._parsed: dict[str, Cell] = {}
        # For every edge the text of each option. An edge from the input opens its target's part.
        self._pieces = []
        for source, target in EDGES:
            opening = "" if source > 0 else "|" if target == 1 else "+|"
            self._pieces.append([f"{opening}{name}~{source}|" for name in OPERATIONS])

    def sample(self, rng: random.Random) -> Cell:
        """A uniformly drawn cell, from one random number."""
        cells = self._cells
        return cells[int(rng.random() * len(cells))]

    @cached_property
    def _cells(self) -> list[Cell]:
        return list(product(range(len(OPERATIONS)), repeat=len(EDGES)))

    # --- notation ---------------------------------------------------------------------------

    def to_string(self, architecture: Architecture) -> str:
        """The official notation: ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``."""
        try:
            return self._strings[architecture]  # type: ignore[index]
        except (KeyError, TypeError):
            pass
        if architecture not in self:
            raise UserError(
                f"{architecture!r} is not an architecture of the space '{self.name}':"
                f" it takes a tuple of {len(EDGES)} integers from 0 to {len(OPERATIONS) - 1}"
            )
        cell: Cell = architecture  # type: ignore[assignment]
        text = "".join([names[value] for names, value in zip(self._pieces, cell, strict=True)])
        self._strings[cell] = text
        return text

    def from_string(self, text: str) -> Cell:
        cell = self._parsed.get(text)
        if cell is None:
            cell = self._parsed[text] = self._parse(text)
        return cell

    def _parse(self, text: str) -> Cell:
        rest, cell = text, []
        for pieces in self._pieces:
            for value, piece in enumerate(pieces):
                if rest.startswith(piece):
                    cell.append(value)
                    rest = rest[len(piece) :]
                    break
            else:
                break
        if rest or len(cell) != len(EDGES):
            raise UserError(
                f"{self.not_inside(text)}: expected '|op~0|+|op~0|op~1|+|op~0|op~1|op~2|' with"
                f" op among {', '.join(OPERATIONS)}"
            )
        return tuple(cell)

    # --- equal networks ---------------------------------------------------------------------

    def canonical(self, architecture: Architecture) -> Cell:
        """The lexicographically least cell with the same official unique structure string.

        This follows the published grouping; `functional` is the stricter statement.
        """
        return self._canonical[architecture]  # type: ignore[index]

    def functional(self, architecture: Architecture) -> Cell:
        """The lexicographically least cell that trains as the same network.

        Operations that lie on no path from input to output are dropped (zero is taken to stay
        zero; in the published networks a convolution of zero still adds the bias of its batch
        normalization), sums are multisets, and convolutions with own weights are told from one
        that is used twice. That average pooling is linear is not used.
        """
        return self._functional[architecture]  # type: ignore[index]

    @cached_property
    def _canonical(self) -> dict[Cell, Cell]:
        return _representatives(self._cells, unique_string)

    @cached_property
    def _functional(self) -> dict[Cell, Cell]:
        return _representatives(self._cells, _function)

    # --- structure --------------------------------------------------------------------------

    def has_path(self, architecture: Architecture) -> bool:
        """Whether a path of operations other than ``none`` leads from input to output.

        341 of the 15,625 cells have none: their output is zero whatever the input.
        """
        return _OUTPUT in _reached(architecture)  # type: ignore[arg-type]

    def has_dangling_node(self, architecture: Architecture) -> bool:
        """Whether an inner node (1 or 2) has no in-edge or no out-edge other than ``none``.

        This holds for 6,345 of the 15,625 cells, and says the same as: some inner node lies on no
        path from input to output. The 341 cells without any path are among them.
        """
        cell: Cell = architecture  # type: ignore[assignment]
        used = [edge for edge, value in zip(EDGES, cell, strict=True) if value != _NONE]
        targets = {target for _, target in used}
        sources = {source for source, _ in used}
        return not ({1, 2} <= targets and {1, 2} <= sources)

    def graph(self, architecture: Architecture) -> Graph:
        """The line graph: operations on nodes, ``none`` dropped, ``skip_connect`` kept.

        Node 0 is the input, the last the output; the others are the cell's edges in their order,
        which is a topological one. Operations on no path from input to output stay in.
        """
        cell: Cell = architecture  # type: ignore[assignment]
        used = [(*edge, v) for edge, v in zip(EDGES, cell, strict=True) if v != _NONE]
        # The input hands on what lies in node 0; the output takes what lies in node 3.
        sources = [None, *(source for source, _, _ in used), _OUTPUT]
        targets = [_INPUT, *(target for _, target, _ in used), None]
        adjacency = np.array([[t is not None and t == s for s in sources] for t in targets])
        names = (OPERATIONS[value] for _, _, value in used)
        return Graph(adjacency, ("input", *names, "output"))


def unique_string(cell: Cell) -> str:
    """The official unique structure string of a cell, with ``none`` considered.

    Every node is the sorted sum of its operands: ``#`` for an absent one, the source's own sum for
    a skip connection, else ``(source)@operation`` (`to_unique_str(consider_zero=True)` of the
    NATS-Bench code; NAS-Bench-201, section 2.1 counts 6,466 of them).
    """
    nodes = {_INPUT: "0"}
    for node in range(1, _OUTPUT + 1):
        terms = []
        for (source, target), value in zip(EDGES, cell, strict=True):
            if target != node:
                continue
            if value == _NONE or nodes[source] == "#":
                terms.append("#")
            elif value == _SKIP:
                terms.append(nodes[source])
            else:
                terms.append(f"({nodes[source]})@{OPERATIONS[value]}")
        nodes[node] = "+".join(sorted(terms))
    return nodes[_OUTPUT]


def _function(cell: Cell) -> tuple[str, int, int]:
    """What a cell computes: the output as an expression, and how many convolutions have weights.

    The expression alone does not tell a convolution used twice from two equal ones; with the
    numbers of convolutions in use it does (the classes equal those from labelling every
    convolution by its edge, up to renaming: a test compares them).
    """
    terms: dict[int, list[str]] = {_INPUT: ["0"]}
    for node in range(1, _OUTPUT + 1):
        terms[node] = []
        for (source, target), value in zip(EDGES, cell, strict=True):
            if target != node or value == _NONE or not terms[source]:
                continue
            if value == _SKIP:
                terms[node] += terms[source]
            else:
                terms[node].append(f"{value}({'+'.join(sorted(terms[source]))})")
    from_input = _reached(cell)
    to_output = _reaching(cell)
    live = [
        value
        for (source, target), value in zip(EDGES, cell, strict=True)
        if source in from_input and target in to_output
    ]
    few, many = _CONVOLUTIONS
    return "+".join(sorted(terms[_OUTPUT])), live.count(few), live.count(many)


def _reached(cell: Cell) -> set[int]:
    """The nodes to which a path leads from the input."""
    nodes = {_INPUT}
    for (source, target), value in zip(EDGES, cell, strict=True):
        if value != _NONE and source in nodes:
            nodes.add(target)
    return nodes


def _reaching(cell: Cell) -> set[int]:
    """The nodes from which a path leads to the output."""
    nodes = {_OUTPUT}
    for (source, target), value in zip(reversed(EDGES), reversed(cell), strict=True):
        if value != _NONE and target in nodes:
            nodes.add(source)
    return nodes


def _representatives(
    cells: Iterable[Cell], class_of: Callable[[Cell], Hashable]
) -> dict[Cell, Cell]:
    """Every cell with the first cell of its class."""
    first: dict[Hashable, Cell] = {}
    return {cell: first.setdefault(class_of(cell), cell) for cell in cells}
