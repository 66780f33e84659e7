"""A document as files: page, Markdown, figures, tables, summary."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.benchmarks.packed import atomic_write
from harness.errors import unknown
from reports.document import Document
from reports.rendering.drawing import draw
from reports.rendering.markdown import to_markdown
from reports.rendering.page import to_html
from reports.rendering.tables import to_csv, to_latex

FORMATS = ("html", "md", "svg", "pdf", "csv", "tex")


def write_document(
    document: Document,
    folder: Path,
    *,
    summary: str,
    formats: Collection[str] = FORMATS,
) -> Path:
    """Write a document's page and files.

    ``index.html`` is the page, one file that needs no network; ``report.md`` says the same as
    Markdown. ``figures/NAME.svg`` and ``.pdf`` are the figures, ``tables/NAME.csv`` and ``.tex``
    the tables, with the data of each figure as CSV; ``summary.json`` is the result that all is
    drawn from. Files appear whole or not at all, and the same document gives the same bytes.

    Args:
        document: What to show.
        folder: Where to.
        summary: The result as JSON.
        formats: Which kinds of files to write, of `FORMATS`; the summary is always written.

    Returns:
        The path of the page, or of the summary where no page is asked for.

    Raises:
        UserError: If a format is unknown.
    """
    for name in formats:
        if name not in FORMATS:
            raise unknown("format", name, FORMATS)
    files = contents(document, formats)
    # Each waits until the disk has it; together they wait once.
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_write, (folder / name for name in files), files.values()))
    # Last: whoever finds it finds all that belongs to it.
    _write(folder / "summary.json", summary)
    return folder / ("index.html" if "html" in formats else "summary.json")


def contents(document: Document, formats: Collection[str] = FORMATS) -> dict[str, str | bytes]:
    """Name -> content of each file of a document.

    Raises:
        ValueError: If sections, figures or tables share a name.
    """
    figures = [figure for section in document for figure in section.figures]
    tables = [table for section in document for table in section.tables]
    _distinct("section", [section.name for section in document])
    _distinct("figure", [figure.name for figure in figures])
    _distinct("table", [table.name for table in (*tables, *(f.data for f in figures))])
    drawings = []
    if {"html", "svg", "pdf"} & set(formats):
        drawings = draw([figure.spec for figure in figures], pdf="pdf" in formats)
    found: dict[str, str | bytes] = {}
    for figure, drawing in zip(figures, drawings, strict=False):
        found[f"figures/{figure.name}.svg"] = drawing.svg
        found[f"figures/{figure.name}.pdf"] = drawing.pdf
    for figure in figures:
        found[f"tables/{figure.data.name}.csv"] = to_csv(figure.data)
    for table in tables:
        found[f"tables/{table.name}.csv"] = to_csv(table)
        found[f"tables/{table.name}.tex"] = to_latex(table)
    if "md" in formats:
        found["report.md"] = to_markdown(document)
    if "html" in formats:
        names = [figure.name for figure in figures]
        svgs = [drawing.svg for drawing in drawings]
        found["index.html"] = to_html(document, dict(zip(names, svgs, strict=True)))
    return {name: content for name, content in found.items() if name.split(".")[-1] in formats}


def _distinct(kind: str, names: list[str]) -> None:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"more than one {kind} is named {', '.join(sorted(twice))}")


def _write(path: Path, content: str | bytes) -> None:
    with atomic_write(path) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
