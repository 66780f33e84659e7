"""Beyond the difference of means: dominance, equivalence, and how many seeds it takes."""

from __future__ import annotations

import altair as alt

from reports.charts import AXIS, GREY, Row, figure, finished, in_unit, layers
from reports.comparison import Comparison
from reports.document import Cell, Column, Figure, Section, Table
from reports.sections.naming import colours, named, points
from reports.statistics.dominance import DOMINATED, DOMINATES, Dominance
from reports.statistics.equivalence import Equivalence
from reports.statistics.power import Power
from reports.summary import BenchmarkSummary, Summary

_MARKS = {DOMINATES: "▲", DOMINATED: "▼"}


def evidence(summary: Summary, benchmark: BenchmarkSummary) -> Section | None:
    """A benchmark's evidence; nothing for summaries of before there was any."""
    parts = [part(summary, benchmark) for part in (_dominance, _equivalence, _power)]
    found = tuple(part for part in parts if part is not None)
    if not found:
        return None
    name = named(summary, benchmark, "evidence")
    return Section(name, "Beyond the difference of means", parts=found)


def _dominance(summary: Summary, benchmark: BenchmarkSummary) -> Section | None:
    found = [(e.searcher, e.dominance) for e in benchmark.evidence if e.dominance is not None]
    if not found:
        return None
    unit = benchmark.units["report"]
    columns = (
        Column("strategy"),
        Column("searches"),
        Column("ahead at", "%", digits=1),
        Column("behind at", "%", digits=1),
        Column("largest advantage", "%", digits=1),
        Column("in reaching", unit),
        Column("largest violation", "%", digits=1),
        Column("in exceeding", unit),
        Column("confidence", "%", digits=1),
        Column("verdict"),
    )
    rows = tuple(
        (
            searcher,
            d.n,
            *(100.0 * v for v in (d.ahead, d.behind, d.advantage)),
            d.advantage_at,
            100.0 * d.violation,
            d.violation_at,
            100.0 * d.dominates,
            f"{_MARKS.get(d.verdict, '○')} {d.verdict}",
        )
        for searcher, d in found
    )
    title = f"Distribution of the final results beside {_reference(benchmark)}"
    note = (
        "Ahead, behind: share of the quantile levels at which the strategy's result is better, or"
        " worse. Confidence: share of resamples without a violation that counts."
    )
    table = Table(named(summary, benchmark, "distributions"), title, columns, rows, note)
    return Section(
        named(summary, benchmark, "dominance"),
        "Stochastic dominance",
        figures=(_gap(summary, benchmark, found),),
        tables=(table,),
    )


def _gap(
    summary: Summary, benchmark: BenchmarkSummary, found: list[tuple[str, Dominance]]
) -> Figure:
    rows: list[Row] = [
        {"searcher": searcher, "x": x, "gap": 100.0 * gap}
        for searcher, d in found
        for x, gap in zip(d.at, d.gap, strict=True)
    ]
    unit = benchmark.units["report"]
    what = f"reported result{in_unit(unit)}"
    x = alt.X("x:Q", title=what, axis=AXIS, scale=alt.Scale(zero=False))
    y = alt.Y("gap:Q", title="chance to reach it − random search's (points)")
    colour = colours(summary).encoding(rows)
    # Of one row, so that it is drawn once.
    zero = alt.Chart(alt.InlineData(values=[{}])).mark_rule(strokeDash=[4, 4], color=GREY)
    base = alt.Chart()
    chart = layers(
        rows,
        zero.encode(y=alt.datum(0)),
        base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour),
        base.mark_circle(size=80, opacity=0).encode(
            x=x,
            y=y,
            color=colour,
            tooltip=[
                alt.Tooltip("searcher:N"),
                alt.Tooltip("x:Q", title="result", format=".5~g"),
                alt.Tooltip("gap:Q", title="gap", format=".3~g"),
            ],
        ),
    )
    title = "Chance to reach a result, minus random search's"
    caption = (
        "In percentage points of probability. A strategy whose curve is nowhere below zero"
        " dominates random search in this sample; one that crosses zero is better at some results"
        " and worse at others."
    )
    columns = {
        "searcher": Column("strategy"),
        "x": Column("result", unit),
        "gap": Column("gap", "percentage points"),
    }
    name = named(summary, benchmark, "gap")
    return figure(name, title, caption, finished(chart, title, benchmark.leaks), rows, columns)


def _equivalence(summary: Summary, benchmark: BenchmarkSummary) -> Section | None:
    found = [(e.searcher, e.equivalence) for e in benchmark.evidence if e.equivalence is not None]
    if not found:
        return None
    unit = points(benchmark.units["report"])
    columns = (
        Column("strategy"),
        Column("margin ±", unit, digits=None if unit == "pp" else 4),
        Column("difference (90%)", unit, signed=True),
        Column("p", digits=3),
        Column("p (Holm)", digits=3),
        Column("verdict"),
    )
    rows = tuple(
        (searcher, e.margin, e.difference, e.p, e.p_holm, _verdict(e, unit))
        for searcher, e in found
    )
    table = Table(
        named(summary, benchmark, "margins"),
        f"Is the difference from {_reference(benchmark)} too small to matter?",
        columns,
        rows,
    )
    name = named(summary, benchmark, "equivalence")
    return Section(name, "Equivalence", tables=(table,))


def _verdict(found: Equivalence, unit: str) -> str:
    if not found.shown:
        return "not shown"
    return f"equivalent within {found.margin:.4g} {unit}".rstrip()


def also_equivalent(benchmark: BenchmarkSummary, comparison: Comparison) -> str:
    """What to add to a comparison's verdict if equivalence is shown beside it; ""."""
    compared = (comparison.searcher, comparison.reference)
    for e in benchmark.evidence:
        found = e.equivalence
        if (e.searcher, e.reference) == compared and found is not None and found.shown:
            return f"; {_verdict(found, points(benchmark.units['report']))}"
    return ""


def _power(summary: Summary, benchmark: BenchmarkSummary) -> Section | None:
    found = [(e.searcher, e.power) for e in benchmark.evidence if e.power is not None]
    rows = tuple(row for searcher, p in found for row in _designs(searcher, p))
    if not rows:
        return None
    unit = points(benchmark.units["report"])
    family = max(p.family for _, p in found)
    columns = (
        Column("strategy"),
        Column("design"),
        Column("sd", unit),
        Column("difference to show", unit),
        Column("seeds, one test"),
        Column(f"seeds, one of {family}"),
        Column("searches here"),
        Column("shown here", unit),
    )
    table = Table(named(summary, benchmark, "seeds"), "Seeds that it takes", columns, rows)
    name = named(summary, benchmark, "power")
    return Section(name, "How many seeds it takes", tables=(table,))


def _designs(searcher: str, found: Power) -> list[tuple[Cell, ...]]:
    return [
        (searcher, d.name, d.sd, found.difference, d.seeds, d.seeds_holm, found.n, d.detectable)
        for d in found.designs
    ]


def _reference(benchmark: BenchmarkSummary) -> str:
    names = sorted({e.reference for e in benchmark.evidence})
    return f"{' or '.join(names)} random search"
