"""Cells of tables as text."""

from __future__ import annotations

from reports.document import Cell, Column, Table
from reports.intervals import UNPROMISED, Estimate

NOTHING = "–"
MARKS = {"▲ ": "better", "▼ ": "worse", "○ ": "undecided"}
"""Beginning of a cell -> what it says of the rest."""

UNPROMISED_MARK = "†"
_UNPROMISED_NOTE = (
    "† More than a fifth of the results behind this interval are the same: it may hold the true"
    " mean less or more often than in 95 of 100 reports."
)

_POINTS = ("%", "pp", "percentage points")


def number(value: float | None, column: Column) -> str:
    """A number with the digits and the sign of its column; a dash for none.

    Whole numbers get thousands separators. What is too small for the column's decimals is
    written as such ("< 0.001") and never as zero, unless the column is signed.
    """
    if value is None:
        return NOTHING
    sign = "+" if column.signed else ""
    if isinstance(value, int) and column.digits is None:
        return f"{value:{sign},}".replace("-", "−")
    digits = column.digits
    if digits is None and column.unit in _POINTS:
        digits = 3
    if digits is None:
        large = 1e4 <= abs(value) < 1e15
        text = f"{value:{sign},.0f}" if large else f"{value:{sign}.4g}"
    elif 0.0 < value < 10.0**-digits and not column.signed:
        return f"< {10.0**-digits:.{digits}f}"
    else:
        text = f"{value:{sign},.{digits}f}"
    return text.replace("-", "−")


def interval(estimate: Estimate, column: Column) -> str:
    """The interval of an estimate in brackets, with a mark where it promises nothing."""
    if estimate.low is None or estimate.high is None:
        return f"[{NOTHING}]"
    mark = UNPROMISED_MARK if estimate.method in UNPROMISED else ""
    return f"[{number(estimate.low, column)}, {number(estimate.high, column)}]{mark}"


def note(table: Table) -> str:
    """A table's note, with the meaning of the mark if an interval has it."""
    marked = any(
        isinstance(cell, Estimate) and cell.method in UNPROMISED
        for row in table.rows
        for cell in row
    )
    return " ".join([*filter(None, [table.note]), *[_UNPROMISED_NOTE] * marked])


def text(cell: Cell, column: Column) -> str:
    """A cell as plain text."""
    if isinstance(cell, Estimate):
        if cell.mean is None:
            return NOTHING
        return f"{number(cell.mean, column)} {interval(cell, column)}"
    if cell is None or isinstance(cell, int | float):
        return number(cell, column)
    return cell


def sentence(title: str) -> str:
    """A title with a mark at its end."""
    return title if title.endswith((".", "?", "!")) else f"{title}."


def unmarked(text: str) -> str:
    """Text without the mark that it begins with."""
    return text[2:] if text[:2] in MARKS else text


def heading(column: Column) -> str:
    """A column's name with its unit."""
    return f"{column.name} ({column.unit})" if column.unit else column.name


def is_words(column: int, rows: tuple[tuple[Cell, ...], ...]) -> bool:
    """Whether a column holds text, and no numbers."""
    return any(isinstance(row[column], str) for row in rows)
