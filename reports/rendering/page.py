"""The page: one self-contained HTML file that needs no network."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from reports.document import Cell, Column, Document, Figure
from reports.intervals import Estimate
from reports.palette import NIGHT
from reports.rendering import cells
from reports.rendering.drawing import renamed
from reports.rendering.tables import to_csv

_ROOM = 2_500_000
"""Bytes of drawings for readers without scripts: pages are to stay below 5 MB."""

_CODE = re.compile(r"`([^`]+)`")


def to_html(document: Document, drawings: Mapping[str, str]) -> str:
    """The document as one HTML file.

    Args:
        document: What to show.
        drawings: Name of a figure -> it as SVG, for readers without scripts and for print.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "prose": prose,
        "heading": cells.heading,
        "sentence": cells.sentence,
        "cell": cell,
        "note": cells.note,
        "sort_key": sort_key,
        "is_words": cells.is_words,
    }
    figures = [figure for section in document for figure in section.figures]
    return environment.get_template("page.html").render(
        document=document,
        static=_within({name: renamed(svg, f"{name}-") for name, svg in drawings.items()}),
        figures=packed({figure.name: _drawn(figure) for figure in figures}),
        swatches=_swatches(document),
        night=NIGHT,
        night_json=script_json(NIGHT),
        library=vega() if figures else "",
    )


def _drawn(figure: Figure) -> dict[str, Any]:
    return {"spec": figure.spec, "log": figure.log, "csv": to_csv(figure.data)}


@cache
def vega() -> str:
    """The library that draws the figures, as a script."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub errs
    return bundle.replace("</script", "<\\/script")


def _within(drawings: dict[str, str]) -> dict[str, str]:
    """The smallest drawings that a page has room for."""
    kept, total = set(), 0
    for name in sorted(drawings, key=lambda name: (len(drawings[name]), name)):
        total += len(drawings[name])
        if total <= _ROOM:
            kept.add(name)
    return {name: svg for name, svg in drawings.items() if name in kept}


def packed(value: Any) -> str:
    """JSON, compressed and in the letters of base64: `page.js` unpacks it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def script_json(value: Any) -> str:
    """JSON that can stand inside a script element."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def prose(text: str) -> Any:
    """Plain text as HTML; words between backticks are code."""
    from markupsafe import Markup, escape

    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def cell(value: Cell, column: Column) -> Any:
    """A cell as HTML."""
    from markupsafe import Markup

    if isinstance(value, Estimate) and value.mean is not None:
        mean, ends = cells.number(value.mean, column), cells.interval(value, column)
        return Markup("{} <small>{}</small>").format(mean, ends)
    text = cells.text(value, column)
    if text[:2] in cells.MARKS:
        # The mark stands beside the words, which do not need colour.
        template = '<span class="{}"><span aria-hidden="true">{}</span> {}</span>'
        return Markup(template).format(cells.MARKS[text[:2]], text[0], prose(text[2:]))
    # Long names may break after an underscore or a slash.
    return Markup(re.sub(r"(\w[_/])(?=\w)", r"\1<wbr>", str(prose(text))))


def sort_key(value: Cell) -> float | None:
    """The number that a cell is sorted by; None for text and for nothing."""
    if isinstance(value, Estimate):
        return value.mean
    return value if isinstance(value, int | float) else None


def _swatches(document: Document) -> dict[str, dict[str, Any]]:
    """Searcher -> the colour and the dashes that the figures give it."""
    found: dict[str, dict[str, Any]] = {label: {} for label in document.searchers}
    for section in document:
        for figure in section.figures:
            for channel in ("color", "strokeDash"):
                for label, value in _scale(figure.spec, channel).items():
                    if label in found:
                        found[label].setdefault(channel, value)
    return found


def _scale(node: Any, channel: str) -> dict[str, Any]:
    """Label -> value of the first scale of a channel that encodes the searcher."""
    if isinstance(node, dict):
        encoding = node.get("encoding", {}).get(channel, {})
        scale = encoding.get("scale") or {}
        if encoding.get("field") == "searcher" and {"domain", "range"} <= set(scale):
            return dict(zip(scale["domain"], scale["range"], strict=False))
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            if found := _scale(child, channel):
                return found
    return {}
