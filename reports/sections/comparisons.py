"""Each strategy against random search: exact, and sampled pair by pair."""

from __future__ import annotations

from dataclasses import replace

from reports.comparison import BETTER, WORSE, Comparison
from reports.document import Cell, Column, Section, Table
from reports.intervals import Estimate
from reports.sections.evidence import also_equivalent
from reports.sections.naming import named, points
from reports.summary import BenchmarkSummary, Summary

_TITLES = {
    "exact": "Against exact random search",
    "sampled": "Against sampled random search, pair by pair",
}


def comparisons(summary: Summary, benchmark: BenchmarkSummary) -> Section | None:
    """The comparisons with each reference that there is."""
    tables = tuple(
        _table(summary, benchmark, reference)
        for reference in _TITLES
        if any(c.reference == reference for c in benchmark.comparisons)
    )
    if not tables:
        return None
    name = named(summary, benchmark, "comparisons")
    return Section(name, "Comparisons with random search", tables=tables)


def marked(benchmark: BenchmarkSummary, comparison: Comparison) -> str:
    """A verdict with its mark, and beside it equivalence where that is shown."""
    mark = {BETTER: "▲", WORSE: "▼"}.get(comparison.verdict, "○")
    return f"{mark} {comparison.verdict}{also_equivalent(benchmark, comparison)}"


def percent(share: Estimate) -> Estimate:
    """A share in per cent."""
    values = (share.mean, share.low, share.high)
    mean, low, high = (None if v is None else 100.0 * v for v in values)
    return replace(share, mean=mean, low=low, high=high)


def _table(summary: Summary, benchmark: BenchmarkSummary, reference: str) -> Table:
    found = [c for c in benchmark.comparisons if c.reference == reference]
    unit = points(benchmark.units["report"])
    paired = reference == "sampled"
    remarks = any(c.remark for c in found)
    columns = [
        Column("strategy"),
        Column("pairs" if paired else "searches"),
        Column("difference", unit, signed=True),
        Column("P(better)", "%", digits=1),
        *([Column("r", digits=2)] if paired else []),
        *([Column("test")] if paired else []),
        Column("p", digits=3),
        Column("p (Holm)", digits=3),
        Column("verdict"),
        *([Column("remark")] if remarks else []),
    ]
    rows: list[tuple[Cell, ...]] = []
    for c in found:
        row: list[Cell] = [c.searcher, c.n, c.difference, percent(c.superiority)]
        row += [c.correlation, c.test] if paired else []
        row += [c.p, c.p_holm, marked(benchmark, c)]
        row += [c.remark] if remarks else []
        rows.append(tuple(row))
    tests = summary.family[reference]
    if paired:
        note = (
            "Searches under the same seed share their luck and are compared as pairs, or all"
            " with all where the pairs' correlation r is near zero. P(better): probability that a"
            " search of the strategy has the better result than the random search, ties counting"
            f" half; p: of the test named, adjusted by Holm's method over {tests} tests."
        )
        if benchmark.one_shot:
            note += (
                f" {', '.join(benchmark.one_shot)}: a supernet shares nothing with a random search"
                " but the seed's number. Pairing does no harm there, and gains nothing."
            )
    else:
        note = (
            "Difference of the mean reported result from the exact expectation. P(better):"
            " probability that one search of the strategy has the better result than one random"
            f" search, ties counting half; p: {found[0].test}, adjusted by Holm's method over"
            f" {tests} tests."
        )
    methods = {e.method for c in found for e in (c.difference, c.superiority) if e.method}
    note += f" Intervals: 95% ({', '.join(sorted(methods))})." if methods else ""
    name = named(summary, benchmark, f"against-{reference}")
    return Table(name, _TITLES[reference], tuple(columns), tuple(rows), note)
