"""All architectures of a group drawn over another, each with an opacity of one divided by n.

n drawings of opacity 1/n, of which k have an element, leave it with an opacity of
1 - (1 - 1/n)^k: it is drawn once with that. Where an element stands:

* the topology space: four fixed nodes, and for each edge one parallel line an operation;
* numbered vertices: the decision's number from left to right, its option from bottom to top;
* other graphs: the length of the longest path from the input, and the operation. Vertices of one
  architecture at one place count once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reports.studies.diversity.graphs import CellGraph
from reports.studies.diversity.result import Dot, Line

_DIAMOND = ((0.0, 0.0), (1.0, 1.0), (2.0, -1.0), (3.0, 0.0))
_APART = 0.07
"""Between parallel lines."""

Site = tuple[str, float, float]
Stroke = tuple[str, float, float, float, float]


def overlay(
    group: str, graphs: Sequence[CellGraph], names: Sequence[str]
) -> tuple[list[Dot], list[Line]]:
    """The vertices and edges of a group's drawing.

    Args:
        group: Label of the group.
        graphs: Its architectures.
        names: The space's operations, from bottom to top.
    """
    dots: Counter[Site] = Counter()
    lines: Counter[Stroke] = Counter()
    n = len(graphs)
    depth = max(_depths(graph)[-1] for graph in graphs)
    for graph in graphs:
        sites, strokes = _drawn(graph, names, depth)
        dots.update(dict.fromkeys(sites, 1))
        lines.update(dict.fromkeys(strokes, 1))
    return (
        [Dot(group, *site, k / n, _opacity(k, n)) for site, k in sorted(dots.items())],
        [Line(group, *stroke, k / n, _opacity(k, n)) for stroke, k in sorted(lines.items())],
    )


def _opacity(k: int, n: int) -> float:
    return 1.0 - (1.0 - 1.0 / n) ** k


def _drawn(graph: CellGraph, names: Sequence[str], depth: int) -> tuple[list[Site], list[Stroke]]:
    lane = {name: float(i) for i, name in enumerate(names)}
    middle = (len(names) - 1) / 2.0
    if graph.on_edges:
        sites = [(name, *_DIAMOND[i]) for i, name in enumerate(graph.vertices)]
        return sites, [_parallel(i, j, label, lane[label] - middle) for i, j, label in graph.edges]
    depths = list(range(len(graph.vertices))) if graph.numbered else _depths(graph)
    depths[-1] = max(depths[-1], depth)
    sites = [
        (label, float(x), lane.get(label, middle))
        for label, x in zip(graph.vertices, depths, strict=True)
    ]
    return sites, [("", *sites[i][1:], *sites[j][1:]) for i, j, _ in graph.edges]


def _parallel(source: int, target: int, operation: str, shift: float) -> Stroke:
    """A line between two nodes of the topology space, moved aside."""
    (x, y), (x2, y2) = _DIAMOND[source], _DIAMOND[target]
    length = ((x2 - x) ** 2 + (y2 - y) ** 2) ** 0.5
    aside, up = -(y2 - y) / length * shift * _APART, (x2 - x) / length * shift * _APART
    return operation, x + aside, y + up, x2 + aside, y2 + up


def _depths(graph: CellGraph) -> list[int]:
    """The longest path from the input to each vertex; vertices are in topological order."""
    depths = [0] * len(graph.vertices)
    for source, target, _ in sorted(graph.edges):
        depths[target] = max(depths[target], depths[source] + 1)
    return depths
