"""The ledger as a document: what was published, what comes of computing it anew."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from reports.document import Column, Document, Section, Table
from reports.ledger.entry import Basis, Outcome, Relation, Row, Verdict
from reports.ledger.run import Ledger

TITLE = "Which published numbers can be derived anew, and which cannot?"

READING = (
    "An entry is a set of numbers that a publication prints and that one computation yields."
    " The computation starts from what the publication states: its formulas, settings, or other"
    " printed numbers. No entry holds its own answer.",
    "A number agrees if it is no further from ours than the tolerance. Unless an entry says"
    " otherwise, that is half a unit of the last printed digit, which is rounding and nothing"
    " else. Where ours is computed from printed numbers, what their rounding allows comes on top"
    " and stands in a column of its own. Errors of ours are half a 95% interval, where ours are"
    " simulated or sampled; they do not widen the tolerance.",
    "A verdict follows from that. `reproduced`: all numbers agree. `contradicted by its own"
    " source`: one does not, and ours was computed from other statements of the same publication."
    " `differs`: one does not, and ours is our own count, simulation or measurement. `not run`:"
    " what it needs is not at hand. Numbers that a publication does not print stand without a"
    " comparison.",
)


def ledger_document(ledger: Ledger, *, details: bool = True) -> Document:
    """What a reader sees of the ledger.

    Args:
        ledger: The outcomes.
        details: Whether every number stands on the page, or entries alone.
    """
    sources = dict.fromkeys(outcome.source for outcome in ledger.outcomes)
    sections = [
        _section(f"source-{place}", source, ledger.outcomes, details)
        for place, source in enumerate(sources, 1)
    ]
    if not details:
        return Document(TITLE, tuple(lead(ledger)), tuple(sections), {})
    from reports.ledger.figures import verdict_bars

    overview = Section("overview", "At a glance", figures=(verdict_bars(ledger.outcomes),))
    reading = Section("reading", "How to read this", READING)
    return Document(
        TITLE, tuple(lead(ledger)), (overview, *sections, reading), dict(ledger.versions)
    )


def lead(ledger: Ledger) -> Iterable[str]:
    """The answer, in sentences."""
    counts = ledger.counts
    ran = [o for o in ledger.outcomes if o.verdict is not Verdict.NOT_RUN]
    compared = sum(outcome.compared for outcome in ran)
    agreeing = sum(outcome.agreeing for outcome in ran)
    yield (
        f"Entries that ran: {len(ran)}; {counts[Verdict.REPRODUCED]} reproduced,"
        f" {counts[Verdict.DIFFERS]} differing, {counts[Verdict.CONTRADICTED]} contradicted by"
        f" their own source. Of {compared} printed numbers, {agreeing} agree. Not run:"
        f" {counts[Verdict.NOT_RUN]}."
    )
    reproduced = [outcome for outcome in ran if outcome.verdict is Verdict.REPRODUCED]
    own = sum(outcome.basis is Basis.OWN for outcome in reproduced)
    yield (
        f"Of the {len(reproduced)} reproduced, {own} rest on our own computation; the others only"
        " show that the source agrees with itself."
    )
    if ledger.lost:
        yield f"No longer reproduced: {', '.join(ledger.lost)}."


def _section(name: str, source: str, outcomes: Iterable[Outcome], details: bool) -> Section:
    mine = [outcome for outcome in outcomes if outcome.source == source]
    ran = [outcome for outcome in mine if outcome.verdict is not Verdict.NOT_RUN]
    waiting = [outcome for outcome in mine if outcome.verdict is Verdict.NOT_RUN]
    tables = [entries_table(f"{name}-entries", ran)] if ran else []
    if waiting:
        tables.append(waiting_table(f"{name}-not-run", waiting))
    numbers = Section(
        f"{name}-numbers", "Every number", tables=(numbers_table(name, mine),), folded=True
    )
    return Section(name, source, tables=tuple(tables), parts=(numbers,) if details else ())


def entries_table(name: str, outcomes: Iterable[Outcome]) -> Table:
    """Entries that ran, one a row."""
    columns = ("entry", "what", "where", "agree", "verdict", "remark")
    rows = [
        (f"`{o.id}`", o.title, o.where, f"{o.agreeing} of {o.compared}", o.verdict.value,
         o.explanation)
        for o in outcomes
    ]  # fmt: skip
    return Table(name, "Entries that ran", tuple(map(Column, columns)), tuple(rows))


def waiting_table(name: str, outcomes: Iterable[Outcome]) -> Table:
    """Entries that were not run, with their printed numbers."""
    columns = ("entry", "what", "where", "printed", "needs")
    rows = [(f"`{o.id}`", o.title, o.where, _printed(o), o.needs) for o in outcomes]
    return Table(name, "Not run", tuple(map(Column, columns)), tuple(rows))


MOST_PRINTED = 4
"""Numbers of an entry that was not run that stand in a row."""


def _printed(outcome: Outcome) -> str:
    printed = [row for row in outcome.rows if row.printed]
    shown = [f"{row.what}: {printed_text(row)}" for row in printed[:MOST_PRINTED]]
    if len(printed) > MOST_PRINTED:
        shown.append(f"and {len(printed) - MOST_PRINTED} more")
    return "; ".join(shown)


def numbers_table(name: str, outcomes: Iterable[Outcome]) -> Table:
    """Every number of some entries."""
    columns = (
        "entry", "number", "printed", "ours", "error of ours", "tolerance", "rounding", "agrees",
    )  # fmt: skip
    rows = [(f"`{o.id}`", *number_cells(row)) for o in outcomes for row in o.rows]
    return Table(f"{name}-all", "Every number", tuple(map(Column, columns)), tuple(rows))


def number_cells(row: Row) -> tuple[str, ...]:
    """A number as text: what, printed, ours, error, tolerance, rounding, whether it agrees."""
    agrees = {True: "yes", False: "no", None: "–"}[row.agrees]
    return (
        row.what,
        printed_text(row),
        shown(row.ours, row),
        _small(row.error),
        _small(row.tolerance) if row.printed else "–",
        _small(row.rounding),
        agrees,
    )


def printed_text(row: Row) -> str:
    """The printed number with its relation and unit; a dash if there is none."""
    if not row.printed:
        return "–"
    unit = f" {row.unit}" if row.unit else ""
    side = "" if row.relation is Relation.EQUAL else f", {row.relation.removeprefix('is ')} ours"
    return f"{row.printed}{unit}{side}"


def shown(value: float | None, row: Row) -> str:
    """Our number, with one decimal more than is printed."""
    if value is None:
        return "–"
    text = _digits(value, row.printed)
    return f"{text} {row.unit}" if row.unit else text


def _digits(value: float, printed: str) -> str:
    value += 0.0  # no negative zero
    if value == int(value) and abs(value) < 1e15 and "." not in printed:
        return f"{value:,.0f}"
    if not printed or "e" in printed:
        return f"{value:.4g}"
    decimals = max(0, -int(Decimal(printed.replace(",", "")).as_tuple().exponent)) + 1
    plain = f"{value:,.{decimals}f}"
    # What is far below the printed digits would read as zero.
    return plain if not value or float(plain.replace(",", "")) else f"{value:.2g}"


def _small(value: float) -> str:
    return f"{value:.2g}" if value else "–"


def computed_from(outcome: Outcome) -> str:
    """What ours were computed from, as a clause."""
    if outcome.basis is Basis.SOURCE:
        return "computed from other statements of the source"
    return f"computed by us{f' from {outcome.data}' if outcome.data else ''}"
