"""Where the nodes of an architecture's graph stand, from the input at the top to the output.

A layered drawing (Sugiyama, Tagawa and Toda 1981): the length of the longest path from the input
gives a node's row; connections past rows get a place of their own in each, so that none runs
through a box; sweeps over the rows put everything at the mean of what it is connected to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import isotonic_regression

from harness.spaces import Graph

BOX_HEIGHT, ROW_HEIGHT = 30.0, 64.0
_GAP = 18.0
_BEND_WIDTH = 6.0
_SWEEPS = 24

Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """A drawing of a graph in pixels, from (0, 0) on.

    Attributes:
        boxes: Centre of each node's box.
        widths: Widths of the boxes.
        lines: For each connection the points that it passes: from the lower edge of a box over
            the middles of rows to the upper edge of another.
        size: Width and height of all.
    """

    boxes: tuple[Point, ...]
    widths: tuple[float, ...]
    lines: tuple[tuple[Point, ...], ...]
    size: Point


def layout(graph: Graph, widths: Sequence[float]) -> Layout:
    """Place the nodes of a graph.

    Args:
        graph: The architecture.
        widths: Width of each node's box in pixels.
    """
    rows = _rows(graph)
    chains = _chains(graph, rows)
    space = np.array([*widths, *[_BEND_WIDTH] * (len(rows) - len(widths))]) + _GAP
    near = _neighbours(chains, len(rows))
    order = _ordered(rows, near)
    across = _across(order, near, space)
    across -= (across - space / 2)[: len(rows)].min() - _GAP / 2
    down = np.array(rows) * ROW_HEIGHT + BOX_HEIGHT / 2
    points = [(float(x), float(y)) for x, y in zip(across, down, strict=True)]
    n = len(widths)
    half = BOX_HEIGHT / 2
    lines = []
    for first, *bends, last in chains:
        (x0, y0), (x1, y1) = points[first], points[last]
        lines.append(((x0, y0 + half), *(points[b] for b in bends), (x1, y1 - half)))
    size = float((across + space / 2).max() - _GAP / 2), float(down.max() + half)
    return Layout(tuple(points[:n]), tuple(widths), tuple(lines), size)


def _rows(graph: Graph) -> list[int]:
    """The row of each node; the output has the last one to itself."""
    rows = [0]
    for node in range(1, len(graph.operations)):
        before = np.flatnonzero(graph.adjacency[:node, node])
        rows.append(1 + max((rows[i] for i in before), default=0))
    rows[-1] = max(rows[:-1]) + 1
    return rows


def _chains(graph: Graph, rows: list[int]) -> list[list[int]]:
    """Every connection as source, bends, target; the rows of new bends are appended to `rows`."""
    chains = []
    for source, target in np.argwhere(graph.adjacency).tolist():
        between = range(rows[source] + 1, rows[target])
        bends = range(len(rows), len(rows) + len(between))
        rows.extend(between)
        chains.append([source, *bends, target])
    return chains


def _neighbours(chains: list[list[int]], n: int) -> list[list[int]]:
    near: list[list[int]] = [[] for _ in range(n)]
    for chain in chains:
        for a, b in pairwise(chain):
            near[a].append(b)
            near[b].append(a)
    return near


def _ordered(rows: list[int], near: list[list[int]]) -> list[list[int]]:
    """The places of each row from left to right: few crossings, by sweeps of barycentres."""
    order: list[list[int]] = [[] for _ in range(max(rows) + 1)]
    for place, row in enumerate(rows):
        order[row].append(place)
    best, fewest = order, _crossings(order, near)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        # Down, where the row above decides, and up in turn.
        order = _swept(order, rows, near, -1 if sweep % 2 == 0 else 1)
        crossings = _crossings(order, near)
        if crossings < fewest:
            best, fewest = order, crossings
    return best


def _swept(
    order: list[list[int]], rows: list[int], near: list[list[int]], side: int
) -> list[list[int]]:
    """Each row sorted by the means of what it is connected to in the row above (-1) or below."""
    swept = [list(row) for row in order]
    at = {place: i / len(row) for row in swept for i, place in enumerate(row)}
    for row in swept[1:] if side < 0 else swept[-2::-1]:
        mean = {}
        for place in row:
            ends = [at[q] for q in near[place] if rows[q] == rows[place] + side]
            mean[place] = float(np.mean(ends or [at[place]])), at[place]
        row.sort(key=mean.__getitem__)
        at.update({place: i / len(row) for i, place in enumerate(row)})
    return swept


def _crossings(order: list[list[int]], near: list[list[int]]) -> int:
    total = 0
    for upper, lower in pairwise(order):
        at = {place: i for i, place in enumerate(lower)}
        ends = [sorted(at[q] for q in near[p] if q in at) for p in upper]
        seen: list[int] = []
        for targets in ends:
            total += sum(earlier > target for target in targets for earlier in seen)
            seen += targets
    return total


def _across(order: list[list[int]], near: list[list[int]], space: np.ndarray) -> np.ndarray:
    """Horizontal centres: near the mean of the connected ones, in order and apart."""
    across = np.zeros(len(space))
    for sweep in range(_SWEEPS + 1):
        for row in order if sweep % 2 == 0 else order[::-1]:
            widths = space[row]
            # How far each must at least be from the row's first.
            offset = np.concatenate([[0.0], np.cumsum((widths[1:] + widths[:-1]) / 2)])
            wish = np.array([np.mean(across[near[p]]) if near[p] else 0.0 for p in row])
            across[row] = isotonic_regression(wish - offset).x + offset
    return across
