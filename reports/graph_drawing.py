"""An architecture's graph as an SVG: a box for each operation, an arrow for each connection."""

from __future__ import annotations

from html import escape

from harness.spaces import Graph
from reports.graph_layout import BOX_HEIGHT, Point, layout
from reports.palette import GREY, colour, dash

_INK = "#1f2328"
_FONT = 13
_LETTER = 7.6
"""Pixels of a letter, on the generous side: every viewer has another sans-serif font."""
_MARGIN = 12
_LONGEST = 44
_TIP = 7.0

_QUIET = frozenset({"input", "output", "skip_connect", "skip", "identity"})
"""What computes nothing, in grey."""


def graph_svg(graph: Graph, title: str) -> str:
    """Draw a graph from top to bottom.

    Args:
        graph: The architecture.
        title: What programs that read aloud say of the drawing.

    Returns:
        A whole SVG document on white, with one colour for each kind of operation.
    """
    labels = [_shortened(name) for name in graph.operations]
    placed = layout(graph, [max(44.0, _LETTER * len(label) + 20) for label in labels])
    kinds = list(dict.fromkeys(name for name in graph.operations if name not in _QUIET))
    width, height = (side + 2 * _MARGIN for side in placed.size)
    boxes = [
        _box(name, label, centre, wide, kinds)
        for name, label, centre, wide in zip(
            graph.operations, labels, placed.boxes, placed.widths, strict=True
        )
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
            f' viewBox="{-_MARGIN} {-_MARGIN} {width:.0f} {height:.0f}" role="img"'
            f' font-family="Helvetica, Arial, sans-serif" font-size="{_FONT}">',
            f"<title>{escape(title)}</title>",
            '<rect x="-50%" y="-50%" width="200%" height="200%" fill="#ffffff"/>',
            f'<g fill="none" stroke="{GREY}" stroke-width="1.5">',
            *map(_line, placed.lines),
            "</g>",
            *boxes,
            "</svg>\n",
        ]
    )


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _box(name: str, label: str, centre: Point, width: float, kinds: list[str]) -> str:
    """A box and its label; the whole name shows where a pointer rests on it."""
    x, y = centre
    line, dashes = GREY, ""
    if name in kinds:
        place = kinds.index(name)
        line = colour(place)
        dashes = f' stroke-dasharray="{" ".join(map(str, dash(place)))}"' if place > 7 else ""
    return (
        f'<g><title>{escape(name)}</title><rect x="{x - width / 2:.1f}"'
        f' y="{y - BOX_HEIGHT / 2:.1f}" width="{width:.1f}" height="{BOX_HEIGHT:.0f}" rx="6"'
        f' fill="{line}" fill-opacity="0.14" stroke="{line}" stroke-width="2"{dashes}/>'
        f'<text x="{x:.1f}" y="{y + 0.35 * _FONT:.1f}" text-anchor="middle" fill="{_INK}">'
        f"{escape(label)}</text></g>"
    )


def _line(points: tuple[Point, ...]) -> str:
    """A smooth line that passes rows vertically and ends in an arrow's tip."""
    (x, y), *rest = points
    path = [f"M{x:.1f} {y:.1f}"]
    for i, (to_x, to_y) in enumerate(rest):
        last = i == len(rest) - 1
        end = to_y - _TIP if last else to_y - BOX_HEIGHT / 2
        middle = (y + end) / 2
        path.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {end:.1f}")
        y = to_y if last else to_y + BOX_HEIGHT / 2
        path.append(f"V{y - _TIP if last else y:.1f}")
        x = to_x
    tip = f"M{x - 4:.1f} {y - _TIP:.1f}h8l-4 {_TIP:.1f}z"
    return f'<path d="{" ".join(path)}"/><path d="{tip}" fill="{GREY}" stroke="none"/>'
