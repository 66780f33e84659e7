"""A document as Markdown, with its figures and tables beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reports.document import Document, Figure, Section, Table
from reports.rendering import cells

_CODE = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"([\\*_\[\]<>#|~])")


def to_markdown(document: Document) -> str:
    """The document as Markdown (GitHub's, for its tables)."""
    parts = [f"# {_escaped(document.title)}"]
    parts += [f"> **{_escaped(warning)}**" for warning in document.warnings]
    parts += map(_prose, document.lead)
    for section in document.sections:
        parts += _section(section, 2)
    if document.provenance:
        parts.append("## Provenance")
        rows = [f"* {_escaped(name)}: {_prose(v)}" for name, v in document.provenance.items()]
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _section(section: Section, level: int) -> Iterator[str]:
    yield f"{'#' * min(level, 6)} {_escaped(section.title)}"
    yield from (f"> **{_escaped(warning)}**" for warning in section.warnings)
    yield from map(_prose, section.text)
    yield from map(_figure, section.figures)
    yield from map(_table, section.tables)
    for part in section.parts:
        yield from _section(part, level + 1)


def _figure(figure: Figure) -> str:
    image = f"![{_escaped(figure.title)}](figures/{figure.name}.svg)"
    return f"{image}\n\n{_prose(figure.caption)}"


def _table(table: Table) -> str:
    words = [cells.is_words(place, table.rows) for place in range(len(table.columns))]
    rules = ["---" if place == 0 or w else "---:" for place, w in enumerate(words)]
    head = [_escaped(cells.heading(column)) for column in table.columns]
    rows = [
        [_prose(cells.text(cell, column)) for cell, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    lines = [f"| {' | '.join(row)} |" for row in (head, rules, *rows)]
    said = cells.note(table)
    note = f"\n\n{_prose(said)}" if said else ""
    return f"**{_escaped(table.title)}**\n\n" + "\n".join(lines) + note


def _prose(text: str) -> str:
    """Plain text, whose code between backticks stays code, on one line."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(
        part.replace("|", r"\|") if part.startswith("`") and len(part) > 1 else _escaped(part)
        for part in parts
    )


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.splitlines()))
