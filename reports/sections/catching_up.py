"""When a strategy is where random search ends."""

from __future__ import annotations

from reports.document import Column, Section, Table
from reports.sections.naming import named
from reports.summary import BenchmarkSummary, Summary


def catching_up(summary: Summary, benchmark: BenchmarkSummary) -> Section | None:
    """The share of the virtual time that each strategy needs."""
    if not benchmark.catching_up:
        return None
    first = benchmark.catching_up[0]
    workers = f"{summary.workers} worker{'s' if summary.workers > 1 else ''}"
    note = (
        f"Share of the virtual time ({first.seconds:,.0f} s, {workers}) after which the"
        " strategy's mean reported result no longer falls below"
        f" {first.target:.5g}{benchmark.units['report']}, random search's mean at the end; a dash"
        " where it ends below."
    )
    rows = tuple(
        (c.searcher, None if c.share is None else 100.0 * c.share) for c in benchmark.catching_up
    )
    columns = (Column("strategy"), Column("share of the time", "%", digits=1))
    title = "When a strategy is where random search ends"
    table = Table(named(summary, benchmark, "catching-up"), title, columns, rows, note)
    return Section(named(summary, benchmark, "time-to-random-search"), title, tables=(table,))
