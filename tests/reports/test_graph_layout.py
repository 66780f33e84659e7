"""Drawings of architectures: nothing overlaps, no line runs through a box, all is labelled."""

from __future__ import annotations

import random
import re
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.spaces import Graph, get_space, registry
from reports.graph_drawing import graph_svg
from reports.graph_layout import BOX_HEIGHT, layout

SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, list[float]]:
    n = draw(st.integers(2, 12))
    edges = draw(st.lists(st.booleans(), min_size=n * n, max_size=n * n))
    adjacency = np.triu(np.reshape(edges, (n, n)), 1)
    names = ("input", *("conv" for _ in range(n - 2)), "output")
    widths = draw(st.lists(st.floats(20, 200), min_size=n, max_size=n))
    return Graph(adjacency, names), widths


@given(graphs())
@settings(max_examples=30, deadline=None)
def test_nothing_overlaps(case: tuple[Graph, list[float]]) -> None:
    graph, widths = case
    placed = layout(graph, widths)
    assert len(placed.boxes) == len(widths)
    for (x, y), width in zip(placed.boxes, widths, strict=True):
        assert x - width / 2 >= -1e-6 and x + width / 2 <= placed.size[0] + 1e-6
        assert y - BOX_HEIGHT / 2 >= 0 and y + BOX_HEIGHT / 2 <= placed.size[1]
    for i, j in combinations(range(len(widths)), 2):
        (x, y), (other_x, other_y) = placed.boxes[i], placed.boxes[j]
        assert y != other_y or abs(x - other_x) >= (widths[i] + widths[j]) / 2 + 1
    assert placed.boxes[0][1] == min(y for _, y in placed.boxes)
    assert placed.boxes[-1][1] == max(y for _, y in placed.boxes)


@given(graphs())
@settings(max_examples=30, deadline=None)
def test_lines_lead_down_past_the_boxes(case: tuple[Graph, list[float]]) -> None:
    graph, widths = case
    placed = layout(graph, widths)
    connections = np.argwhere(graph.adjacency).tolist()
    assert len(placed.lines) == len(connections)
    for line, (source, target) in zip(placed.lines, connections, strict=True):
        x, y = placed.boxes[source]
        assert line[0] == (x, y + BOX_HEIGHT / 2)
        x, y = placed.boxes[target]
        assert line[-1] == (x, y - BOX_HEIGHT / 2)
        assert all(upper < lower for (_, upper), (_, lower) in pairwise(line))
        for bend_x, bend_y in line[1:-1]:
            for (x, y), width in zip(placed.boxes, widths, strict=True):
                assert y != bend_y or abs(x - bend_x) > width / 2


def test_rows_are_longest_paths() -> None:
    # 0 -> 1 -> 2 -> 3, and 0 -> 2: the second line passes beside node 1.
    adjacency = np.array([[0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], bool)
    placed = layout(Graph(adjacency, ("input", "a", "b", "output")), [40.0] * 4)
    heights = [y for _, y in placed.boxes]
    assert heights == sorted(set(heights))
    assert [len(line) for line in placed.lines] == [2, 3, 2, 2]


def test_crossings_are_avoided() -> None:
    # Two chains that were numbered the wrong way round.
    adjacency = np.zeros((6, 6), bool)
    for edge in [(0, 1), (0, 2), (1, 4), (2, 3), (3, 5), (4, 5)]:
        adjacency[edge] = True
    placed = layout(Graph(adjacency, ("input", "a", "b", "b", "a", "output")), [40.0] * 6)
    x = [x for x, _ in placed.boxes]
    assert (x[1] < x[2]) == (x[4] < x[3])


@pytest.mark.parametrize("name", sorted(registry.builtin))
def test_every_space_can_be_drawn(name: str) -> None:
    space = get_space(name)
    for seed in range(5):
        graph = space.graph(space.sample(random.Random(seed)))
        text = graph_svg(graph, "a <title> & more")
        assert text == graph_svg(graph, "a <title> & more")
        root = ElementTree.fromstring(text)
        assert root.findtext(f"{SVG}title") == "a <title> & more"
        labels = [label.text for label in root.iter(f"{SVG}text")]
        assert labels == list(graph.operations)
        tips = [p for p in root.iter(f"{SVG}path") if p.get("fill")]
        assert len(tips) == graph.adjacency.sum()


def test_kinds_of_operations_have_colours() -> None:
    names = ("input", *(f"op{i}" for i in range(9)), "op0", "skip_connect", "output")
    graph = Graph(np.eye(len(names), k=1, dtype=bool), names)
    boxes = re.findall(r'fill="(#\w+)" fill-opacity[^/]*', graph_svg(graph, "colours"))
    dashed = re.findall(r"<title>(\w+)</title><rect[^/]*stroke-dasharray", graph_svg(graph, ""))
    assert boxes[0] == boxes[-1] == boxes[-2]  # grey
    assert len(set(boxes[1:9])) == 8 and boxes[10] == boxes[1] == boxes[9]
    assert dashed == ["op8"]  # the ninth has the first one's colour


def test_long_names_are_cut_in_the_box_alone() -> None:
    name = "separable convolution " * 5
    graph = Graph(np.eye(3, k=1, dtype=bool), ("input", name, "output"))
    root = ElementTree.fromstring(graph_svg(graph, "long"))
    label = [text.text for text in root.iter(f"{SVG}text")][1]
    assert label is not None and len(label) == 44 and label.endswith("…")
    assert name in [title.text for title in root.iter(f"{SVG}title")]
