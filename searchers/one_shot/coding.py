"""Architectures as a fixed number of decisions, which a policy can write one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.spaces import Architecture, SearchSpace
from searchers.one_shot.dag import Choice, SparseDAG
from searchers.one_shot.supernets.base import Supernet

Decisions = tuple[int, ...]


@dataclass(frozen=True)
class Coding:
    """What decisions mean.

    A categorical space's decisions are its own. In other spaces every node of every cell takes two
    operations on edges that lead to it, as in the cells of Pham et al., "ENAS" (ICML 2018): edge,
    operation, edge, operation. Both may be the same.

    Attributes:
        space: Of the architectures.
        network: Its supernet, whose cells they are.
    """

    space: SearchSpace
    network: Supernet

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of options of every decision."""
        if self.space.sizes is not None:
            return self.space.sizes
        dags = [cell.dag for cell in self.network.cells]
        return tuple(size for dag in dags for into in _into(dag) for size in _sizes(dag, into))

    def architecture(self, decisions: Decisions) -> Architecture | None:
        """The architecture of the decisions; None if the space has none."""
        if self.space.sizes is not None:
            return decisions if decisions in self.space else None
        rest = iter(decisions)
        found = self.network.architecture([_choice(c.dag, rest) for c in self.network.cells])
        return found if found in self.space else None


def _into(dag: SparseDAG) -> list[tuple[int, ...]]:
    """For every node with such edges the edges that lead to it."""
    return [into for node in range(dag.nodes) if (into := dag.into(node))]


def _sizes(dag: SparseDAG, into: tuple[int, ...]) -> tuple[int, ...]:
    return (len(into), len(dag.operations)) * 2


def _choice(dag: SparseDAG, decisions: Iterator[int]) -> Choice:
    kept: list[set[int]] = [set() for _ in dag.edges]
    for into in _into(dag):
        for _ in range(2):
            edge = into[next(decisions)]
            kept[edge].add(next(decisions))
    return tuple(tuple(sorted(operations)) for operations in kept)
