"""The verdicts: every strategy against random search on every benchmark."""

from __future__ import annotations

from reports.document import Cell, Column, Section, Table
from reports.sections.comparisons import marked, percent
from reports.sections.naming import points
from reports.summary import Summary


def verdicts(summary: Summary) -> Section | None:
    """One table: a row for each strategy and benchmark, with the comparison that counts."""
    rows: list[tuple[Cell, ...]] = []
    units = [points(benchmark.units["report"]) for benchmark in summary.benchmarks]
    mixed = len(set(units)) > 1
    for searcher in summary.searchers:
        for benchmark, unit in zip(summary.benchmarks, units, strict=True):
            found = benchmark.headline(searcher["searcher"])
            if found is None or found.searcher == summary.random_search:
                continue
            name = f"{benchmark.name} (leaks)" if benchmark.leaks else benchmark.name
            row: list[Cell] = [found.searcher, name, found.difference]
            row += [unit or "–"] if mixed else []
            row += [percent(found.superiority), found.p_holm, marked(benchmark, found)]
            rows.append(tuple(row))
    if not rows:
        lacks = (
            "no strategy besides random search"
            if summary.random_search
            else "no random search, and its tables were not found"
        )
        text = f"There is nothing to compare: the experiment has {lacks}."
        return Section("verdicts", "Verdicts", text=(text,))
    columns = (
        Column("strategy"),
        Column("benchmark"),
        Column("difference", "" if mixed else units[0], signed=True),
        *((Column("unit"),) if mixed else ()),
        Column("P(better)", "%", digits=1),
        Column("p (Holm)", digits=3),
        Column("verdict"),
    )
    note = (
        "Difference of the mean reported result from random search's; P(better): probability that"
        " one search of the strategy has the better result than one random search, ties counting"
        " half; intervals: 95%; p adjusted by Holm's method over all comparisons of the report"
        " with the same reference, so that the chance of any false verdict among them is at most"
        " 5%."
    )
    table = Table("verdicts", "Each strategy against random search", columns, tuple(rows), note)
    return Section("verdicts", "Verdicts", tables=(table,))
