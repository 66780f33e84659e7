"""Runtime distributions: the share of targets held, and what it costs to reach each."""

from __future__ import annotations

from dataclasses import replace

from reports.charts import EXACT, figure, finished
from reports.document import Cell, Column, Figure, Section, Table
from reports.sections.curves import alone, banded, curve_chart, curve_columns
from reports.sections.naming import along, colours, named
from reports.summary import BenchmarkSummary, Summary
from reports.targets import Runtime, Runtimes, Target


def targets(summary: Summary, benchmark: BenchmarkSummary) -> Section | None:
    """Evaluations and virtual seconds to targets."""
    found = benchmark.views.runtimes
    if found is None:
        return None
    unit = benchmark.units["report"]
    levels = ", ".join(f"{_label(found, t)} ({t.value:.5g}{unit})" for t in found.targets)
    if found.kind == "space":
        text = f"Targets are the reported results of the best architectures: {levels}."
    else:
        text = (
            "The table is not at hand, so that targets are quantiles of the final results of all"
            f" strategies together: {levels}."
        )
    text += (
        " A search holds a target while its incumbent's reported result is at least as good. The"
        " incumbent is chosen by its selection value, so that a target can be lost again."
    )
    return Section(
        named(summary, benchmark, "runtimes"),
        "Evaluations and time to targets",
        text=(text,),
        figures=(
            _curves(summary, benchmark, found, "evaluations"),
            _curves(summary, benchmark, found, "seconds"),
        ),
        tables=(_table(named(summary, benchmark, "expected-runtimes"), found),),
    )


def _curves(summary: Summary, benchmark: BenchmarkSummary, found: Runtimes, by: str) -> Figure:
    axis = along(benchmark, by)
    x = found.x if by == "evaluations" else found.t
    rows = []
    for runtime in found.searchers:
        band = runtime.evaluations if by == "evaluations" else runtime.seconds
        rows += banded(runtime.searcher, x, band)
    if found.exact is not None and by == "evaluations":
        rows += alone(EXACT, x, found.exact.evaluations.mean)
    title = f"Targets held by {axis}"
    chart = curve_chart(
        rows, colours(summary), axis, "share of pairs of search and target", log=False
    )
    caption = (
        f"Of all pairs of a search and one of the {len(found.targets)} targets, the share that"
        " hold, with 95% bands over searches."
    )
    if any(row["searcher"] == EXACT for row in rows):
        caption += " Dashed: exact random search."
    return figure(
        named(summary, benchmark, f"targets-{by}"),
        title,
        caption,
        finished(chart, title, benchmark.leaks),
        rows,
        curve_columns(axis, "share of pairs", ""),
        log=("x",),
    )


def _table(name: str, found: Runtimes) -> Table:
    # Every second target, the hardest among them.
    shown = range(len(found.targets))[::-1][::2][::-1]
    columns = (
        Column("strategy"),
        *(Column(_label(found, found.targets[k]), digits=1) for k in shown),
        Column("hold the hardest", "%", digits=1),
    )
    runtimes = list(found.searchers)
    if found.exact is not None:
        runtimes.append(replace(found.exact, searcher=EXACT))
    rows = tuple(_row(runtime, list(shown)) for runtime in runtimes)
    note = (
        "Every second target. Expected evaluations to each if searches that end without it are"
        " started anew: all evaluations begun below the target, divided by the searches that hold"
        " it at the end; with 95% percentile bootstrap intervals (1,000 resamples of searches). A"
        " dash where no search holds it, or an end of an interval is infinite."
    )
    return Table(name, "Expected evaluations to targets", columns, rows, note)


def _row(runtime: Runtime, shown: list[int]) -> tuple[Cell, ...]:
    expected: list[Cell] = [runtime.expected[k] for k in shown]
    if runtime.searcher == EXACT:  # It has no sampling error.
        expected = [runtime.expected[k].mean for k in shown]
    return (runtime.searcher, *expected, 100.0 * runtime.held[-1])


def _label(found: Runtimes, target: Target) -> str:
    if found.kind == "space":
        return f"best {100.0 * target.share:.3g}%"
    return f"{100.0 * target.share:g}% quantile"
