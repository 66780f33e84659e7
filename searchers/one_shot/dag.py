"""A cell as a graph of candidate operations, and how its relevances are combined along it.

M. Yang, "Efficient Neural Network Architecture Search" (TU Delft, 2019), chapter 3: an operation
is of use only if something arrives at its source. With a variance s for every operation (0 is off,
infinity on), "or" over a node's predecessors becomes a sum, and "and" a harmonic combination.
What is kept of a graph is a `Choice`; `searchers.one_shot.derivation` makes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

import numpy as np

from harness.errors import UserError

Choice = tuple[tuple[int, ...], ...]
"""For every edge of a graph the operations that are kept, ascending; () is none."""

Mode = Literal["none", "gate", "predecessors", "zero", "zero-own"]
"""How `combined` couples the operations of a graph."""

GATED: tuple[Mode, ...] = ("gate", "zero", "zero-own")
"""Modes in which every edge has a gate."""

Fault = Literal["dangling", "disconnected"]
"""What `invalid_probability` counts."""


@dataclass(frozen=True)
class SparseDAG:
    """A directed acyclic graph with the same candidate operations on every edge.

    Attributes:
        nodes: How many; an edge leads from a lower to a higher one.
        inputs: The nodes that hold something from the start; no edge leads to them.
        output: The nodes that the cell's output reads.
        edges: (source, target) of every edge, sorted by target, then by source.
        operations: The candidates' names, never one for "no operation".

    Raises:
        UserError: If the nodes or edges are not as said.
    """

    nodes: int
    inputs: tuple[int, ...]
    output: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]
    operations: tuple[str, ...]

    def __post_init__(self) -> None:
        named = {*self.inputs, *self.output, *(node for edge in self.edges for node in edge)}
        if not self.inputs or not self.output or not named <= set(range(self.nodes)):
            raise UserError(f"graph: inputs, output and edges are nodes below {self.nodes}")
        if list(self.edges) != sorted(set(self.edges), key=lambda edge: edge[::-1]):
            raise UserError("graph: edges are distinct and sorted by target, then by source")
        for source, target in self.edges:
            if source >= target or target in self.inputs:
                raise UserError(
                    f"graph: edge {source}->{target} leads backwards or to an input of the graph"
                )

    @classmethod
    def complete(
        cls,
        nodes: int,
        operations: Sequence[str],
        inputs: Sequence[int] = (0,),
        output: Sequence[int] | None = None,
    ) -> SparseDAG:
        """The graph in which every node but the inputs reads all earlier ones.

        Args:
            nodes: How many.
            operations: The candidates of every edge.
            inputs: The input nodes.
            output: The nodes that the cell's output reads; None: the last alone.
        """
        edges = [(i, j) for j in range(nodes) if j not in inputs for i in range(j)]
        read = (nodes - 1,) if output is None else tuple(output)
        return cls(nodes, tuple(inputs), read, tuple(edges), tuple(operations))

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of edges and of candidates: the shape of an array of scores."""
        return len(self.edges), len(self.operations)

    def into(self, node: int) -> tuple[int, ...]:
        """The places in `edges` of those that lead to a node, by ascending source."""
        return tuple(e for e, (_, target) in enumerate(self.edges) if target == node)

    def everything(self) -> Choice:
        """The choice that keeps all operations of all edges."""
        return (tuple(range(len(self.operations))),) * len(self.edges)


# --- relevances along the graph -------------------------------------------------------------


def combined(
    dag: SparseDAG,
    s: np.ndarray,
    gates: np.ndarray | None = None,
    mode: Mode = "predecessors",
    *,
    sweep: bool = False,
) -> np.ndarray:
    """The variances gamma of a graph's operations from each one's own variance s.

    * "none": gamma = s.
    * "gate": s combined with the gate of its edge, 1/gamma = 1/gate + 1/s.
    * "predecessors": with the sum of all s on the edges to its source, eq. (3-5).
    * "zero": the same, where every s of that sum is combined with the gate of its edge first,
      eq. (3-6) as printed.
    * "zero-own": (3-6), with the gate of the operation's own edge as well.

    The sum is infinite where the source is an input of the graph (the thesis leaves this open),
    and 0 at a node that nothing leads to. It reads the predecessors' own s, as printed: an
    operation that dies takes its followers along, but not theirs. With `sweep` it reads what
    arrives at them in turn, so that in one evaluation all that depends on a dead edge dies.

    Args:
        dag: The graph.
        s: Variances of at least 0, infinite ones allowed; [..., edges, operations].
        gates: Variances of the edges' gates, [..., edges]; for the modes that have gates.
        mode: One of the above.
        sweep: Whether death spreads through whole chains at once.

    Returns:
        gamma of s's shape; never above s, nor above a predecessor sum or gate that counts.

    Raises:
        UserError: If shapes or mode do not fit, or a mode with gates lacks them.
    """
    s = np.asarray(s, dtype=np.float64)
    if mode not in get_args(Mode):
        raise UserError(f"dependency '{mode}': one of {', '.join(get_args(Mode))}")
    if s.shape[-2:] != dag.shape:
        raise UserError(f"graph of {dag.shape} edges and operations: s has the shape {s.shape}")
    if mode in ("none", "predecessors"):
        gated = s
    elif gates is None:
        raise UserError(f"dependency '{mode}': the edges' gates are missing")
    else:
        gated = harmonic(np.asarray(gates, dtype=np.float64)[..., None], s)
    if mode in ("none", "gate"):
        return gated.copy()
    own = s if mode == "zero" else gated

    gamma = np.empty_like(s)
    arriving = np.zeros((*s.shape[:-2], dag.nodes))
    arriving[..., list(dag.inputs)] = np.inf
    for e, (source, target) in enumerate(dag.edges):  # Sorted by target: sources are complete.
        before = arriving[..., source, None]
        gamma[..., e, :] = harmonic(before, own[..., e, :])
        handed_on = harmonic(before, gated[..., e, :]) if sweep else gated[..., e, :]
        arriving[..., target] += handed_on.sum(axis=-1)
    return gamma


def harmonic(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(1/a + 1/b)^-1 of numbers from 0 to infinity; infinity leaves the other as it is."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(1.0 / (1.0 / a + 1.0 / b))


def redundant(dag: SparseDAG, w: np.ndarray) -> np.ndarray:
    """Which operations pass nothing on: their weight is 0, or all those to their source are.

    Proposition 1 tests w' * sum(w) = 0, which weights of opposite signs fulfil by cancelling.
    Squares do not (remark 2, the second form).

    Args:
        dag: The graph.
        w: Architecture weights, [..., edges, operations].

    Returns:
        Booleans of w's shape.
    """
    squares = np.square(np.asarray(w, dtype=np.float64))
    return np.asarray(combined(dag, np.where(squares > 0, np.inf, 0.0)) == 0)


# --- paths ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reach:
    """What of a choice lies on a path from an input to the output.

    Attributes:
        live: For every edge whether it holds an operation and lies on such a path.
        dead: The places of edges that hold an operation to no effect.
        dangling: The nodes, inputs apart, that lie on no such path.
        connected: Whether there is such a path.
    """

    live: tuple[bool, ...]
    dead: tuple[int, ...]
    dangling: tuple[int, ...]
    connected: bool


def reachable(dag: SparseDAG, choice: Choice) -> Reach:
    """Follow a choice's edges from the inputs and back from the output.

    Raises:
        UserError: If the choice is none for this graph.
    """
    checked(dag, choice)
    used = [(e, *edge) for e, edge in enumerate(dag.edges) if choice[e]]
    fed, read = set(dag.inputs), set(dag.output)
    for _, source, target in used:
        if source in fed:
            fed.add(target)
    for _, source, target in sorted(used, key=lambda edge: edge[1:], reverse=True):
        if target in read:
            read.add(source)
    live = {e for e, source, target in used if source in fed and target in read}
    return Reach(
        live=tuple(e in live for e in range(len(dag.edges))),
        dead=tuple(e for e, _, _ in used if e not in live),
        dangling=tuple(n for n in range(dag.nodes) if n not in dag.inputs and n not in fed & read),
        connected=bool(fed & set(dag.output)),
    )


def checked(dag: SparseDAG, choice: Choice) -> Choice:
    """A choice, once it is sure to be one for the graph.

    Raises:
        UserError: If it has another number of edges, or operations not ascending or not there.
    """
    candidates = range(len(dag.operations))
    fits = len(choice) == len(dag.edges) and all(
        list(kept) == sorted(set(kept)) and set(kept) <= set(candidates) for kept in choice
    )
    if not fits:
        raise UserError(
            f"{choice!r} is no choice for a graph of {len(dag.edges)} edges with"
            f" {len(candidates)} operations: for each edge, list the kept ones in ascending order"
        )
    return choice


def invalid_probability(
    dag: SparseDAG, zero: Fraction | Sequence[Fraction], fault: Fault = "dangling"
) -> Fraction:
    """The exact probability that a graph with random edges is invalid.

    The edges are walked through in their order, with the probability of every distinct state of
    the nodes so far: at most 4^nodes of them.

    Args:
        dag: The graph.
        zero: Probability that an edge carries nothing, for all edges or for each.
        fault: "dangling": some node but the inputs has no incoming edge left, or some node that
            the output does not read no outgoing one. "disconnected": no path leads from an input
            to the output.

    Returns:
        511/1024 for `SparseDAG.complete(4, ...)` with a zero operation among four, the figure of
        Xie et al., "SNAS" (2019), that the thesis quotes.

    Raises:
        UserError: If there is not one probability for each edge.
    """
    zeros = [zero] * len(dag.edges) if isinstance(zero, Fraction) else list(zero)
    if len(zeros) != len(dag.edges) or not all(0 <= z <= 1 for z in zeros):
        raise UserError(f"invalid_probability: {len(dag.edges)} edges, a probability for each")
    # Two sets of nodes, as bits: where something arrives, and where something leaves.
    start = sum(1 << node for node in dag.inputs)
    states: dict[tuple[int, int], Fraction] = {(start, 0): Fraction(1)}
    for (source, target), nothing in zip(dag.edges, zeros, strict=True):
        after: dict[tuple[int, int], Fraction] = defaultdict(Fraction)
        for (fed, read), probability in states.items():
            after[fed, read] += probability * nothing
            carries = fault == "dangling" or fed >> source & 1
            # Whether something leaves a node is of no matter for paths.
            leaving = read | 1 << source if fault == "dangling" else 0
            after[fed | carries << target, leaving] += probability * (1 - nothing)
        states = after
    outputs = sum(1 << node for node in dag.output)
    everywhere = (1 << dag.nodes) - 1
    valid = (
        probability
        for (fed, read), probability in states.items()
        if (fed == everywhere and read | outputs == everywhere)
        or (fault == "disconnected" and fed & outputs)
    )
    return 1 - sum(valid, Fraction(0))
