"""Tables as files: CSV with all digits, LaTeX as a paper shows them."""

from __future__ import annotations

import csv
import io

from reports.document import Cell, Table
from reports.intervals import Estimate
from reports.rendering import cells

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "−": r"$-$",
    "–": "--",
    "†": r"\dag{}",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "α": r"$\alpha$",
    "δ": r"$\delta$",
    "ε": r"$\epsilon$",
    "κ": r"$\kappa$",
    "ρ": r"$\rho$",
    "τ": r"$\tau$",
    "²": r"$^2$",
    "→": r"$\to$",
}


def to_csv(table: Table) -> str:
    """A table as CSV; an estimate becomes three columns: name, name low, name high.

    Numbers have all digits that there are; what is missing is empty.
    """
    estimated = [
        any(isinstance(row[place], Estimate) for row in table.rows)
        for place in range(len(table.columns))
    ]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    head: list[str] = []
    for column, wide in zip(table.columns, estimated, strict=True):
        head += [column.name, f"{column.name} low", f"{column.name} high"][: 3 if wide else 1]
    writer.writerow(head)
    for row in table.rows:
        entries: list[str | int | float | None] = []
        for cell, wide in zip(row, estimated, strict=True):
            entries += _three(cell) if wide else [_plain(cell)]
        writer.writerow(entries)
    return stream.getvalue()


def _three(cell: Cell) -> list[str | int | float | None]:
    if isinstance(cell, Estimate):
        return [cell.mean, cell.low, cell.high]
    return [_plain(cell), None, None]


def _plain(cell: Cell) -> str | int | float | None:
    if isinstance(cell, Estimate):
        return cell.mean
    return cells.unmarked(cell) if isinstance(cell, str) else cell


def to_latex(table: Table) -> str:
    """A table as a LaTeX `tabular` with the rules of the package booktabs."""
    words = [
        place == 0 or cells.is_words(place, table.rows) for place in range(len(table.columns))
    ]
    lines = [
        f"% {' '.join(table.title.split())}",
        r"\begin{tabular}{" + "".join("l" if w else "r" for w in words) + "}",
        r"\toprule",
        " & ".join(_latex(cells.heading(column)) for column in table.columns) + r" \\",
        r"\midrule",
    ]
    for row in table.rows:
        entries = [_latex(cells.text(c, k)) for c, k in zip(row, table.columns, strict=True)]
        lines.append(" & ".join(entries) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def _latex(text: str) -> str:
    text = cells.unmarked(" ".join(text.split()))
    return "".join(_LATEX.get(character, character) for character in text)
