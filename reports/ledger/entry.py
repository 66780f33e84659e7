"""One entry of the ledger: published numbers, how they are computed anew, and what follows.

A verdict is never written down by hand: it follows from the printed numbers, from ours, from the
tolerance, and from what ours are computed from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import product

from harness.errors import HarnessError

SLACK = 1e-9
"""Relative room for the last bits of floating-point numbers where a difference is compared."""


class Verdict(StrEnum):
    """What an entry has come to."""

    REPRODUCED = "reproduced"
    DIFFERS = "differs"
    CONTRADICTED = "contradicted by its own source"
    NOT_RUN = "not run"


class Basis(StrEnum):
    """What our numbers are computed from; it decides what a disagreement means."""

    SOURCE = "other statements of the source"
    OWN = "our own computation"


class Relation(StrEnum):
    """How a published number and ours should compare."""

    EQUAL = "equals"
    AT_MOST = "is at most"
    AT_LEAST = "is at least"


class Missing(HarnessError):
    """What an entry needs is not at hand; the text completes "needs ..."."""


@dataclass(frozen=True)
class Published:
    """A number as its source prints it.

    Attributes:
        what: What it is a number of.
        printed: Its digits as printed ("13,296,960", "0.71", "6.8e11"); "" where the source
            prints none and ours stands alone.
        tolerance: Largest difference that counts as agreement; None: half a unit of the last
            printed digit, which is rounding and nothing else.
        relation: How the published number should compare with ours.
        unit: Its unit, "" for none.
    """

    what: str
    printed: str = ""
    tolerance: float | None = None
    relation: Relation = Relation.EQUAL
    unit: str = ""

    @property
    def value(self) -> float | None:
        """The printed number."""
        return float(self._decimal) if self.printed else None

    @property
    def room(self) -> float:
        """The tolerance in force."""
        if self.tolerance is not None or not self.printed:
            return self.tolerance or 0.0
        exponent = self._decimal.as_tuple().exponent
        return 0.5 * 10.0 ** int(exponent)

    @property
    def _decimal(self) -> Decimal:
        return Decimal(self.printed.replace(",", ""))


@dataclass(frozen=True)
class Measured:
    """Our number.

    Attributes:
        value: The number; None where it does not exist.
        error: Half its 95% interval, of a simulation or a sample; 0 for exact results.
        rounding: How far it moves within the rounding of the printed numbers that it was
            computed from; 0 where there are none.
    """

    value: float | None
    error: float = 0.0
    rounding: float = 0.0


def exact(*values: float | None) -> list[Measured]:
    """Numbers without an error."""
    return [Measured(None if value is None else float(value)) for value in values]


def from_printed(function: Callable[..., float], *inputs: str | float) -> Measured:
    """A number computed from printed ones.

    Args:
        function: Takes the inputs as numbers. Its extremes over what rounding allows are taken
            to be at the corners, as those of whatever is monotone in each input are.
        inputs: Texts are numbers as printed, at most 12, which may be off by half a unit of their
            last digit; numbers are exact.

    Returns:
        Its value at the inputs, and how far it moves within the rounding of the texts.
    """
    texts = sum(isinstance(given, str) for given in inputs)
    if texts > 12:
        raise ValueError(f"{texts} printed numbers have too many corners")
    centre, corners = [], []
    for given in inputs:
        number = Published("", given if isinstance(given, str) else "")
        middle = float(given) if number.value is None else number.value
        centre.append(middle)
        corners.append({middle - number.room, middle + number.room})
    value = float(function(*centre))
    moved = (abs(function(*corner) - value) for corner in product(*map(sorted, corners)))
    return Measured(value, rounding=float(max(moved)))


@dataclass(frozen=True)
class Entry:
    """A set of published numbers that one computation yields.

    Attributes:
        id: Its name on the command line: lower case, digits, dots and hyphens.
        title: What is computed, one line.
        source: The publication.
        where: The table, figure or section.
        published: The numbers.
        compute: Makes ours, in the order of `published`; takes the path of `data` if that is
            not "". None: nothing here can make them, and `needs` says what could.
        basis: What `compute` works with.
        explanation: What to know where numbers differ, or how a number is to be read.
        needs: What is missing if it cannot be computed; completes "needs ...".
        data: Name of a file that the user gives, "" for none.
        recorded: The verdict when the entry was last looked at. It decides nothing but whether
            a change is pointed out.
    """

    id: str
    title: str
    source: str
    where: str
    published: tuple[Published, ...]
    compute: Callable[..., Sequence[Measured]] | None = None
    basis: Basis = Basis.OWN
    explanation: str = ""
    needs: str = ""
    data: str = ""
    recorded: Verdict = Verdict.REPRODUCED


@dataclass(frozen=True)
class Row:
    """One published number beside ours.

    Attributes:
        what: What it is a number of.
        printed: As printed, "" if the source prints none.
        unit: Unit of both.
        published: The printed number.
        ours: Ours; None if it was not computed or does not exist.
        error: Half the 95% interval of ours.
        rounding: How far ours moves within the rounding of what it was computed from.
        tolerance: Largest difference that counts as agreement, besides `rounding`.
        relation: How the published number should compare with ours.
        agrees: Whether it does; None where one of the two is missing.
    """

    what: str
    printed: str
    unit: str
    published: float | None
    ours: float | None
    error: float
    rounding: float
    tolerance: float
    relation: Relation
    agrees: bool | None


@dataclass(frozen=True)
class Outcome:
    """What an entry has come to.

    Attributes:
        id: The entry's, as are the next three.
        title: What was computed.
        source: The publication.
        where: The table, figure or section.
        basis: What ours were computed from.
        verdict: Follows from the rows and the basis.
        recorded: The verdict when the entry was last looked at.
        lost: Whether it was recorded as reproduced, ran, and is reproduced no longer.
        agreeing: Numbers that agree.
        compared: Numbers that were compared.
        rows: All numbers.
        explanation: What to know where numbers differ, or how a number is to be read.
        needs: What it needs, if it was not run; "" otherwise.
        data: The user's file that it reads; "" for none.
    """

    id: str
    title: str
    source: str
    where: str
    basis: Basis
    verdict: Verdict
    recorded: Verdict
    lost: bool
    agreeing: int
    compared: int
    rows: tuple[Row, ...]
    explanation: str
    needs: str
    data: str


def outcome(entry: Entry, verdict: Verdict, rows: tuple[Row, ...], needs: str = "") -> Outcome:
    """What an entry has come to, from its verdict and its rows."""
    reproduced = entry.recorded is Verdict.REPRODUCED
    return Outcome(
        id=entry.id,
        title=entry.title,
        source=entry.source,
        where=entry.where,
        basis=entry.basis,
        verdict=verdict,
        recorded=entry.recorded,
        lost=reproduced and verdict not in (Verdict.REPRODUCED, Verdict.NOT_RUN),
        agreeing=sum(row.agrees is True for row in rows),
        compared=sum(row.agrees is not None for row in rows),
        rows=rows,
        explanation=entry.explanation,
        needs=needs,
        data=entry.data,
    )


def judged(entry: Entry, measured: Sequence[Measured]) -> Outcome:
    """The outcome of an entry whose numbers were computed.

    A number agrees if it is no further from ours than its tolerance, and the rounding of what ours
    was computed from. All agree: reproduced. One does not: the source contradicts itself if ours
    were computed from its own statements, else the entry differs.

    Raises:
        ValueError: If there is not one number of ours for each published one, or none to compare.
    """
    rows = tuple(_row(p, m) for p, m in zip(entry.published, measured, strict=True))
    if all(row.agrees is None for row in rows):
        raise ValueError(f"{entry.id}: no number to compare")
    if all(row.agrees is not False for row in rows):
        verdict = Verdict.REPRODUCED
    else:
        own = entry.basis is Basis.OWN
        verdict = Verdict.DIFFERS if own else Verdict.CONTRADICTED
    return outcome(entry, verdict, rows)


def not_run(entry: Entry, needs: str) -> Outcome:
    """The outcome of an entry that cannot be computed here."""
    rows = tuple(
        Row(p.what, p.printed, p.unit, p.value, None, 0.0, 0.0, p.room, p.relation, None)
        for p in entry.published
    )
    return outcome(entry, Verdict.NOT_RUN, rows, needs)


def _row(published: Published, ours: Measured) -> Row:
    value = published.value
    return Row(
        published.what,
        published.printed,
        published.unit,
        value,
        ours.value,
        ours.error,
        ours.rounding,
        published.room,
        published.relation,
        _agree(published, value, ours),
    )


def _agree(published: Published, value: float | None, ours: Measured) -> bool | None:
    if value is None:
        return None
    if ours.value is None:  # the printed number should not exist
        return False
    room = published.room + ours.rounding
    room += SLACK * max(abs(value), abs(ours.value))
    excess = value - ours.value
    if published.relation is Relation.AT_MOST:
        return excess <= room
    if published.relation is Relation.AT_LEAST:
        return excess >= -room
    return abs(excess) <= room
