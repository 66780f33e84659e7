"""How an architecture is built step by step, as a learning agent sees it.

A step chooses one neuron or several on every head of the agent's network. The cell's state and
steps follow Kyriakides, "Parallel and Distributed Methods for Autonomous Design of Artificial
Neural Networks" (PhD thesis, University of Macedonia, 2022), chapter 3.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

from harness.errors import UserError
from harness.spaces import Architecture, SearchSpace
from harness.spaces.nasbench101 import EDGES, MAX_EDGES, OPERATIONS, VERTICES

State = TypeVar("State")


class Head(NamedTuple):
    """A kind of choice that every step makes.

    Attributes:
        size: Neurons: what can be chosen.
        picks: How many different ones a step chooses.
    """

    size: int
    picks: int


class Builder(ABC, Generic[State]):
    """An environment whose episodes build one architecture each.

    Attributes:
        heads: The choices of a step.
        width: Length of an encoded state.
        start: Where every episode begins; states are immutable.
    """

    heads: tuple[Head, ...]
    width: int
    start: State

    @abstractmethod
    def allowed(self, state: State) -> list[Sequence[int]]:
        """For every head the neurons that may be chosen, ascending: at least `picks` of them."""

    @abstractmethod
    def step(self, state: State, chosen: Sequence[Sequence[int]]) -> State:
        """The state after a step, which chose these neurons on each head, best first."""

    @abstractmethod
    def finished(self, state: State) -> Architecture | None:
        """The architecture that a state has become; None while there are steps to do."""

    @abstractmethod
    def encode(self, state: State) -> list[int]:
        """A state as zeros and ones."""


class DecisionBuilder(Builder[tuple[int, ...]]):
    """Makes the decisions of a space of fixed length, one after the other.

    The state's encoding is the one-hot vectors of the decisions made so far (zeros for the
    others), and that of which decision is next.

    Args:
        sizes: Number of options of every decision.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = tuple(sizes)
        self.heads = (Head(max(sizes), 1),)
        self.width = sum(sizes) + len(sizes)
        self.start = ()

    def allowed(self, state: tuple[int, ...]) -> list[Sequence[int]]:
        return [range(self.sizes[len(state)])]

    def step(self, state: tuple[int, ...], chosen: Sequence[Sequence[int]]) -> tuple[int, ...]:
        return (*state, chosen[0][0])

    def finished(self, state: tuple[int, ...]) -> Architecture | None:
        return state if len(state) == len(self.sizes) else None

    def encode(self, state: tuple[int, ...]) -> list[int]:
        made = (*state, *[-1] * (len(self.sizes) - len(state)))
        code = [int(v == value) for size, value in zip(self.sizes, made) for v in range(size)]
        return code + [int(d == len(state)) for d in range(len(self.sizes))]


class Cell(NamedTuple):
    """A cell of NAS-Bench-101 under construction.

    Attributes:
        edges: (source, target) vertices; 0 is the input, 6 the output.
        operations: Those of the inner vertices placed so far, indices into `OPERATIONS`.
        closed: Whether the output stands.
    """

    edges: tuple[tuple[int, int], ...] = ()
    operations: tuple[int, ...] = ()
    closed: bool = False


STOP = len(OPERATIONS)
"""The neuron of the first head that appends the output instead of an operation."""

NOWHERE = VERTICES - 1
"""The neuron of the second head that stands for no connection; the others are vertices."""

_INNER = VERTICES - 2


class CellBuilder(Builder[Cell]):
    """Appends vertices to a cell of NAS-Bench-101, each with one or two inputs.

    One head chooses the vertex: an operation, or the output, which ends the episode and is the
    only choice once there are five inner vertices. The other head chooses two of its inputs among
    the earlier vertices and "no connection". An input that would make ten edges, or leave none for
    the output, is left out; the first one is always made. Hence every cell is in the space.

    The 45 bits of an encoding are the upper triangle of the adjacency matrix, row by row with
    the output in the last column whatever the number of vertices, and for input and inner
    vertices four bits each: the operation, or the fourth for the input.
    """

    heads = (Head(len(OPERATIONS) + 1, 1), Head(VERTICES, 2))
    width = len(EDGES) + (_INNER + 1) * 4
    start = Cell()

    def allowed(self, state: Cell) -> list[Sequence[int]]:
        inner = len(state.operations)
        return [range(STOP + 1) if inner < _INNER else [STOP], [*range(inner + 1), NOWHERE]]

    def step(self, state: Cell, chosen: Sequence[Sequence[int]]) -> Cell:
        (operation,), inputs = chosen
        closed = operation == STOP
        target = VERTICES - 1 if closed else len(state.operations) + 1
        free = (MAX_EDGES if closed else MAX_EDGES - 1) - len(state.edges)
        edges = [(source, target) for source in inputs if source != NOWHERE][:free]
        operations = state.operations if closed else (*state.operations, operation)
        return Cell((*state.edges, *edges), operations, closed)

    def finished(self, state: Cell) -> Architecture | None:
        if not state.closed:
            return None
        # What stands at an unused vertex does not matter: no edge leads there.
        unused = [0] * (_INNER - len(state.operations))
        return (*[int(edge in state.edges) for edge in EDGES], *state.operations, *unused)

    def encode(self, state: Cell) -> list[int]:
        code = [int(edge in state.edges) for edge in EDGES] + [0, 0, 0, 1]
        for vertex in range(_INNER):
            operation = state.operations[vertex] if vertex < len(state.operations) else None
            code += [int(operation == v) for v in range(len(OPERATIONS))] + [0]
        return code


def builder_of(space: SearchSpace) -> CellBuilder | DecisionBuilder:
    """How architectures of a space are built.

    Raises:
        UserError: If there is no way.
    """
    if space.name == "nasbench101":
        return CellBuilder()
    if space.sizes is None:
        raise UserError(
            f"double_dqn: the space '{space.name}' has no fixed decisions; use another searcher"
        )
    return DecisionBuilder(space.sizes)
