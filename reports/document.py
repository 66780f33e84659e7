"""What a page is made of: sections with paragraphs, tables and figures.

Reports, studies and the ledger compute frozen results first, and say in a `Document` what a
reader is to see of them. `reports.rendering` writes a document as a page, as Markdown, and as
files of its figures and tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reports.intervals import Estimate

Cell = str | int | float | None | Estimate
"""An entry of a table; None is a dash, an estimate its mean with its interval. Text that begins
with "▲ " is drawn as good news, with "▼ " as bad news; words between backticks are code."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its heading; names are distinct within a table.
        unit: Unit of its numbers, "" for none; "%" gives three decimals, as accuracies are read.
        digits: Decimals to show; None leaves it to the unit, or to four significant digits.
            Files of data hold all digits that the summary has.
        signed: Whether positive numbers get a sign.
    """

    name: str
    unit: str = ""
    digits: int | None = None
    signed: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: Stem of its files, distinct within the document: lower case, digits, hyphens.
        title: What it shows, one line.
        columns: The first one names the rows.
        rows: One cell a column.
        note: How to read it; "" if that is plain.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.name}: a row has not {len(self.columns)} cells")


@dataclass(frozen=True)
class Figure:
    """A figure.

    Attributes:
        name: Stem of its files and HTML id, distinct within the document.
        title: What it shows, one line.
        caption: How to read it.
        spec: Its Vega-Lite specification, with its data inline, as wide as its container. Lines
            and points of a strategy carry the field `searcher`, by which a page hides them.
        data: What is drawn, for readers who want the numbers.
        log: Axes ("x", "y") that a reader may switch between linear and logarithmic.
    """

    name: str
    title: str
    caption: str
    spec: dict[str, Any]
    data: Table
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A section of a document.

    Attributes:
        name: Its anchor, distinct within the document.
        title: Its heading.
        text: Paragraphs of plain text; words between backticks are code.
        figures: Its figures.
        tables: Its tables.
        warnings: What a reader must see first, as that the search uses test images.
        folded: Whether it is closed until it is asked for.
        parts: Sections within it.
    """

    name: str
    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    warnings: tuple[str, ...] = ()
    folded: bool = False
    parts: tuple[Section, ...] = ()

    def __iter__(self) -> Iterator[Section]:
        """The section and all sections within it, from the first to the last."""
        yield self
        for part in self.parts:
            yield from part


@dataclass(frozen=True)
class Document:
    """A page.

    Attributes:
        title: Its heading: the question that it answers.
        lead: The answer, in sentences that its numbers support.
        sections: Its sections.
        provenance: Name -> what the page was made from: versions, checksums, commands.
        searchers: Labels that figures use in the field `searcher`, in the order of their
            colours; () if the page compares none.
        warnings: What a reader must see before the answer.
    """

    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    provenance: dict[str, str]
    searchers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Section]:
        """All sections, those within others too."""
        for section in self.sections:
            yield from section
