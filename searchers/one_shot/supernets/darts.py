"""The supernet of the space `darts`: normal and reduction cells with all operations on all edges.

Liu, Simonyan and Yang, "DARTS" (ICLR 2019), search it so: batch normalisations inside cells learn
nothing, and one follows each pooling. M. Yang, "Efficient Neural Network Architecture Search" (TU
Delft, 2019), leaves out the zero operation, as here, and names seven others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from torch import Tensor, nn

from harness.errors import UserError, unknown
from harness.networks import options_of
from harness.networks.darts import DartsNetwork, Inputs, checked_style, joined, reductions
from harness.networks.darts_operations import Layers
from harness.networks.initialise import initialise
from harness.spaces import Architecture
from harness.spaces.darts import CELLS, EDGES, INNER, INPUTS, OPERATIONS, Masks, cells_of, kept
from searchers.one_shot.dag import Choice, SparseDAG, reachable
from searchers.one_shot.supernets.base import CellType, Supernet

if TYPE_CHECKING:
    from harness.networks import Task
    from harness.one_shot import Problem

Topology = Literal["full", "bayesnas"]

_FULL = SparseDAG(6, INPUTS, INNER, EDGES, OPERATIONS)

_NORMAL = ((0, 2), (1, 2), (0, 3), (1, 3), (0, 4), (1, 4), (1, 5), (2, 5))
_REDUCTION = ((0, 2), (1, 2), (0, 3), (2, 3), (0, 4), (2, 4), (0, 5), (2, 5))

GRAPHS: dict[Topology, tuple[SparseDAG, SparseDAG]] = {
    "full": (_FULL, _FULL),
    "bayesnas": (
        SparseDAG(6, INPUTS, INNER, _NORMAL, OPERATIONS),
        SparseDAG(6, INPUTS, INNER, _REDUCTION, OPERATIONS),
    ),
}
"""A normal and a reduction cell: all 14 edges, or the eight that BayesNAS' code searches."""


class DartsSupernet(Supernet):
    """The networks of the space of DARTS at once.

    Args:
        task: Shape of the images and number of classes.
        channels: Of the first cells' nodes.
        count: Number of cells.
        layers: How layers are made.
        topology: Which edges there are, see `GRAPHS`.
    """

    def __init__(
        self, task: Task, channels: int, count: int, layers: Layers, topology: Topology
    ) -> None:
        super().__init__()
        graphs = GRAPHS[topology]
        few = len(reductions(count))
        repeats = count - few, few
        self.cells = tuple(map(CellType, CELLS, graphs, repeats))

        def cell(inputs: Inputs, width: int, reduces: bool) -> MixedCell:
            return MixedCell(graphs[reduces], inputs, width, reduces, layers)

        self.network = DartsNetwork(cell, task, channels, count, layers)

    def forward(self, images: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """See `Supernet.forward`."""
        rows = [iter(each) for each in self.rows(weights)]

        def mixed(cell: nn.Module, older: Tensor, newer: Tensor) -> Tensor:
            assert isinstance(cell, MixedCell)
            scalars = [row.unbind() for row in next(rows[cell.reduction]).unbind()]
            terms = [(e, k, w) for e, row in enumerate(scalars) for k, w in enumerate(row)]
            return cell(older, newer, terms)  # type: ignore[no-any-return]

        return self.network.through(images, mixed)

    def run(self, images: Tensor, choices: Sequence[Choice]) -> Tensor:
        """See `Supernet.run`."""
        kept_terms = [
            [(e, k, None) for e in _fed(type_.dag, choice) for k in choice[e]]
            for type_, choice in zip(self.cells, choices, strict=True)
        ]

        def alone(cell: nn.Module, older: Tensor, newer: Tensor) -> Tensor:
            assert isinstance(cell, MixedCell)
            return cell(older, newer, kept_terms[cell.reduction])  # type: ignore[no-any-return]

        return self.network.through(images, alone)

    def architecture(self, choices: Sequence[Choice]) -> Masks:
        """The architecture that keeps these operations, however many on an edge.

        Raises:
            UserError: If nothing reaches the output of a cell.
        """
        masks: list[int] = []
        for cell, choice in zip(self.cells, self.checked(choices), strict=True):
            if not reachable(cell.dag, choice).connected:
                raise UserError(f"the {cell.name} cell has no path from an input to its output")
            bits = dict(zip(cell.dag.edges, choice, strict=True))
            masks += [sum(1 << k for k in bits.get(edge, ())) for edge in EDGES]
        return tuple(masks)

    def choices(self, architecture: Architecture) -> list[Choice]:
        """The inverse of `architecture`.

        Raises:
            UserError: If it has an edge that the supernet's topology lacks.
        """
        found = []
        for cell, masks in zip(self.cells, cells_of(architecture), strict=True):
            bits = dict(zip(EDGES, masks, strict=True))
            for edge, mask in bits.items():
                if mask and edge not in cell.dag.edges:
                    raise UserError(
                        f"the supernet's {cell.name} cells have no edge {edge[0]}->{edge[1]}: take"
                        " the topology 'full'"
                    )
            found.append(tuple(kept(bits[edge]) for edge in cell.dag.edges))
        return found


Term = tuple[int, int, Tensor | None]
"""An edge, an operation on it, and its weight; None is one."""


class MixedCell(nn.Module):
    """A cell with all candidate operations on the edges of a graph.

    What leaves one node without parameters of its own, poolings and skip connections, is computed
    once for all its edges, as is the ReLU with which the others begin.

    Args:
        dag: The cell's graph.
        inputs: What fits its inputs.
        channels: Of every node.
        reduction: Whether operations on inputs halve the image.
        layers: How its operations are made.
    """

    def __init__(
        self, dag: SparseDAG, inputs: Inputs, channels: int, reduction: bool, layers: Layers
    ) -> None:
        super().__init__()
        self.dag, self.inputs, self.reduction = dag, inputs, reduction
        self.common, self.own = nn.ModuleDict(), nn.ModuleDict()
        for e, (source, _) in enumerate(dag.edges):
            stride = 2 if reduction and source in INPUTS else 1
            for k, name in enumerate(dag.operations):
                layer = layers.operation(name, channels, stride)
                if "pool" in name:
                    layer = nn.Sequential(layer, nn.BatchNorm2d(channels, affine=False))
                if any(True for _ in layer.parameters()):
                    self.own[f"{e} {k}"] = _without_relu(layer)
                elif f"{source} {k}" not in self.common:
                    self.common[f"{source} {k}"] = layer

    def forward(self, older: Tensor, newer: Tensor, terms: Sequence[Term]) -> Tensor:
        """Map the outputs of the last two cells to [batch, 4 * channels, h, w].

        Args:
            older: Of the last cell but one.
            newer: Of the last cell.
            terms: What is computed, by ascending edges.
        """
        nodes = dict(enumerate(self.inputs(older, newer)))
        done: dict[str, Tensor] = {}
        for e, k, weight in terms:
            source, target = self.dag.edges[e]
            value = self._value(e, k, source, nodes[source], done)
            if target not in nodes:
                nodes[target] = value if weight is None else value * weight
            elif weight is None:
                nodes[target] = nodes[target] + value
            else:
                nodes[target] = nodes[target].addcmul(value, weight)
        return joined([nodes.get(node) for node in INNER], nodes[1], self.reduction)

    def _value(self, e: int, k: int, source: int, x: Tensor, done: dict[str, Tensor]) -> Tensor:
        """The output of an operation; ``done`` holds what edges of one source have in common."""
        name = f"{source} {k}"
        if name in self.common:
            if name not in done:
                done[name] = self.common[name](x)
            return done[name]
        layer = self.own[f"{e} {k}"]
        if isinstance(layer, AfterRelu):
            name = f"{source} relu"
            if name not in done:
                done[name] = x.relu()
            x = done[name]
        value: Tensor = layer(x)
        return value


class AfterRelu(nn.Sequential):
    """Layers whose input has passed a ReLU."""


def _without_relu(layer: nn.Module) -> nn.Module:
    """The rest of layers that begin with a ReLU; others as they are."""
    if isinstance(layer, nn.Sequential) and isinstance(layer[0], nn.ReLU):
        return AfterRelu(*layer[1:])
    return layer


def _fed(dag: SparseDAG, choice: Choice) -> list[int]:
    """The edges that carry something: those that an input reaches (all lead to the output)."""
    fed, found = set(dag.inputs), []
    for e, (source, target) in enumerate(dag.edges):
        if choice[e] and source in fed:
            fed.add(target)
            found.append(e)
    return found


def build(
    problem: Problem, seed: int, *, topology: str = "full", affine: bool = False
) -> DartsSupernet:
    """The supernet of a problem in the space ``darts``; see `searchers.one_shot.supernets`.

    Args:
        problem: Its recipe's network options are the supernet's too.
        seed: Unsigned 64-bit seed of the initial weights.
        topology: "full" has all 14 edges; "bayesnas" the eight of each cell that its code
            searches, in which every inner node has two chosen sources.
        affine: Whether batch normalisations in the cells learn a scale and a shift.

    Raises:
        UserError: If there is no such topology.
    """
    known: Sequence[Topology] = get_args(Topology)
    found = next((name for name in known if name == topology), None)
    if found is None:
        raise unknown("topology of the darts supernet", topology, known)
    options: dict[str, Any] = {**options_of(problem.space), **problem.recipe.network}
    layers = Layers(checked_style(options["style"]), affine, options["full_dilation"])
    network = DartsSupernet(problem.task, options["channels"], options["cells"], layers, found)
    return initialise(network, [seed])
