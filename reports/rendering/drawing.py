"""Figures as SVG and PDF, drawn by Vega-Lite without a browser.

The converter uses one core. Many figures are shared with a second process, which runs this file
alone: it imports nothing of the project.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

WIDTH = 720
INK, LINE, PAPER = "#1c1e21", "#e0e2e5", "#ffffff"
CONFIG = {
    # Screen readers read the page's own words; labels of single marks would treble the size.
    "aria": False,
    "background": PAPER,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelColor": INK,
        "titleColor": INK,
        "titleFontWeight": "normal",
    },
    "legend": {"columns": 3, "labelColor": INK, "titleColor": INK},
    "header": {"labelColor": INK, "titleColor": INK},
    "title": {"color": INK, "subtitleColor": INK, "fontWeight": "normal", "fontSize": 14},
}

_MANY = 8
_GEOMETRY = re.compile(r' (?:d|transform|[xy][12]?|width|height)="[^"]*"')
_UNSEEN = re.compile(r' (?:aria-[a-z]+|role|class|pointer-events|tabindex)="[^"]*"')
_RESOURCES = re.compile(rb"(/[A-Z]\w+ <<\n)((?: +/[a-z]+\d+ \d+ 0 R\n)+)")
_NAME = re.compile(r' id="([^"]+)"')
_USE = re.compile(r"""( id="|url\(#|href="#)([^")]+)(["\)])""")
_DECIMALS = re.compile(r"(\.\d\d)\d+")


@dataclass(frozen=True)
class Drawing:
    """A figure, drawn.

    Attributes:
        svg: As SVG.
        pdf: As PDF; b"" if it was not asked for.
    """

    svg: str
    pdf: bytes


def draw(specs: Sequence[dict[str, Any]], *, pdf: bool) -> list[Drawing]:
    """Draw Vega-Lite specifications.

    Args:
        specs: What to draw; those as wide as their container get `WIDTH` pixels.
        pdf: Whether to make PDFs, too.
    """
    if len(specs) < _MANY or (os.cpu_count() or 1) < 2:
        return [_drawn(spec, pdf) for spec in specs]
    command = [sys.executable, "-P", __file__]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere) as other:
        assert other.stdin is not None and other.stdout is not None
        with suppress(BrokenPipeError), other.stdin:
            other.stdin.write(json.dumps([specs[1::2], pdf]).encode())
        ours = [_drawn(spec, pdf) for spec in specs[::2]]
        answer = other.stdout.read()
    if other.returncode:
        theirs = [_drawn(spec, pdf) for spec in specs[1::2]]
    else:
        theirs = [Drawing(svg, base64.b64decode(pdf)) for svg, pdf in json.loads(answer)]
    return [(theirs if i % 2 else ours)[i // 2] for i in range(len(specs))]


def _drawn(spec: dict[str, Any], pdf: bool) -> Drawing:
    import vl_convert

    svg = vl_convert.vegalite_to_svg(static(spec), config=CONFIG)
    # The converter embeds the fonts of a PDF in any order, too; of one font there is one.
    svg = _UNSEEN.sub("", svg).replace(' font-weight="bold"', "")
    svg = renamed(svg)
    # A hundredth of a pixel is enough.
    svg = _GEOMETRY.sub(lambda found: _DECIMALS.sub(r"\1", found[0]), svg)
    return Drawing(svg, _ordered(vl_convert.svg_to_pdf(svg)) if pdf else b"")


def renamed(svg: str, prefix: str = "n") -> str:
    """An SVG whose identifiers begin so and are numbered in their order.

    Vega numbers clipping paths and gradients through its whole life.
    """
    numbers = {name: i for i, name in enumerate(dict.fromkeys(_NAME.findall(svg)))}

    def new(found: re.Match[str]) -> str:
        name = f"{prefix}{numbers[found[2]]}" if found[2] in numbers else found[2]
        return f"{found[1]}{name}{found[3]}"

    return _USE.sub(new, svg)


def _ordered(pdf: bytes) -> bytes:
    """A PDF whose lists of resources are sorted: the converter writes them in any order.

    No byte moves but those of the lists, so that the file's table of contents stays right.
    """
    return _RESOURCES.sub(
        lambda found: found[1] + b"".join(sorted(found[2].splitlines(keepends=True))), pdf
    )


def static(spec: dict[str, Any]) -> dict[str, Any]:
    """A specification for paper: of fixed width, without marks that are there to be pointed at."""
    changed = dict(spec)
    if changed.get("width") == "container":
        changed["width"] = WIDTH
    if "layer" in changed:
        layers = [static(layer) for layer in changed["layer"] if not _unseen(layer)]
        changed["layer"] = layers
    return changed


def _unseen(layer: dict[str, Any]) -> bool:
    mark = layer.get("mark")
    return isinstance(mark, dict) and mark.get("opacity") == 0


def _answer() -> None:
    """Draw what the standard input asks for."""
    specs, pdf = json.load(sys.stdin)
    drawings = [_drawn(spec, pdf) for spec in specs]
    json.dump([(d.svg, base64.b64encode(d.pdf).decode()) for d in drawings], sys.stdout)


if __name__ == "__main__":
    _answer()
