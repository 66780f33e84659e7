"""Protocol, table and traces of a benchmark, in full."""

from __future__ import annotations

import json
from typing import Any

from reports.document import Cell, Column, Section, Table
from reports.sections.naming import named
from reports.summary import BenchmarkSummary, Summary


def details(summary: Summary, benchmark: BenchmarkSummary) -> Section:
    """Everything by which someone else can tell whether they ran the same."""
    return Section(
        named(summary, benchmark, "details"),
        "Protocol, table and traces",
        tables=(
            _protocol(named(summary, benchmark, "protocol"), benchmark),
            _traces(named(summary, benchmark, "traces"), benchmark),
        ),
        folded=True,
    )


def _protocol(name: str, benchmark: BenchmarkSummary) -> Table:
    rows: list[tuple[Cell, ...]] = [("hash", f"`{benchmark.protocol_hash}`")]
    rows += [(field, _plain(value)) for field, value in benchmark.protocol.items()]
    rows += [
        ("table", benchmark.source),
        ("data set", benchmark.dataset),
        ("checksum of the table", f"`{benchmark.checksum}`"),
    ]
    if benchmark.optimum is not None:
        best = f"{benchmark.optimum:.7g}{benchmark.units['report']} (mean over seeds)"
        rows.append(("best result in it", best))
    columns = (Column("field"), Column("value"))
    return Table(name, "The protocol, and the table it was asked of", columns, tuple(rows))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _traces(name: str, benchmark: BenchmarkSummary) -> Table:
    columns = ("strategy", "searches", "evaluations", "by status", "ended by", "digest")
    rows = tuple(
        (
            run.searcher,
            run.searches,
            None if run.one_shot else run.evaluations,
            ", ".join(f"{count:,} {name}" for name, count in run.statuses.items() if count),
            ", ".join(f"{count:,} {name}" for name, count in run.stopped.items()),
            f"`{run.digest}`",
        )
        for run in benchmark.searches
    )
    note = "The digest is that of the digests of all searches in the order of their seeds."
    if benchmark.one_shot:
        note += f" {', '.join(benchmark.one_shot)}: statuses are those of derivations."
    return Table(name, "Traces", tuple(map(Column, columns)), rows, note)
