"""What searches evaluated: scatter over time, means, likeness to the first samples, depth."""

from __future__ import annotations

import altair as alt

from reports.charts import AXIS, Row, figure, finished, in_unit, layers
from reports.depth_bias import BEST, LEAST_P, DepthBiases
from reports.document import Cell, Column, Figure, Section, Table
from reports.dynamics import WINDOW, Dynamics
from reports.intervals import Estimate
from reports.resemblance import Resemblances
from reports.sections.curves import banded, curve_chart, curve_columns
from reports.sections.naming import colours, named
from reports.summary import BenchmarkSummary, Summary

_ROW_HEIGHT = 90


def dynamics(summary: Summary, benchmark: BenchmarkSummary) -> Section | None:
    """The evaluations of all searches, and what is left of the first ones."""
    views = benchmark.views
    figures: list[Figure] = []
    tables: list[Table] = []
    if views.dynamics is not None:
        figures = [
            _scatter(summary, benchmark, views.dynamics),
            _means(summary, benchmark, views.dynamics, "cumulative"),
            _means(summary, benchmark, views.dynamics, "trailing"),
        ]
    if views.resemblances is not None:
        tables.append(_resemblance(named(summary, benchmark, "likeness"), views.resemblances))
    if views.depth_biases is not None:
        tables.append(_depth(named(summary, benchmark, "depth"), views.depth_biases))
    if not figures and not tables:
        return None
    text = (
        "All charged evaluations by the value that the searches select by, as measured; failed"
        " ones have none. Where searches measure at several numbers of epochs, only those at the"
        " most epochs are shown."
    )
    paragraphs = [text]
    if benchmark.one_shot:
        labels = ", ".join(benchmark.one_shot)
        paragraphs.append(
            f"Left out, but for the depth of what was derived last: {labels}. One-shot methods"
            " evaluate nothing on their way."
        )
    return Section(
        named(summary, benchmark, "dynamics"),
        "What was evaluated",
        text=tuple(paragraphs),
        figures=tuple(figures),
        tables=tuple(tables),
        folded=True,
    )


def _scatter(summary: Summary, benchmark: BenchmarkSummary, found: Dynamics) -> Figure:
    levels = len(found.values) - 1
    # One row a column of the figure, or labels would be most of the page.
    rows: list[Row] = [
        {"searcher": scatter.searcher, "k": k, "j": list(range(levels)), "n": list(counts)}
        for scatter in found.scatters
        for k, counts in enumerate(scatter.counts)
    ]
    second = found.seconds[1] - found.seconds[0]
    step = found.values[1] - found.values[0]
    low, high = found.values[0], found.values[-1]
    unit = benchmark.units["search"]
    order = colours(summary).order(rows)
    chart = (
        alt.Chart()
        .mark_rect()
        .transform_flatten(["j", "n"])
        .transform_filter("datum.n > 0")
        .transform_calculate(
            t=f"datum.k*{second:.6g}",
            u=f"(datum.k+1)*{second:.6g}",
            v=f"{low:.6g}+datum.j*{step:.6g}",
            w=f"{low:.6g}+(datum.j+1)*{step:.6g}",
        )
        .encode(
            x=alt.X("t:Q", title="virtual seconds", axis=AXIS, scale=alt.Scale(nice=False)),
            x2="u:Q",
            y=alt.Y("searcher:N", sort=order, title=None, axis=alt.Axis(labelLimit=190)),
            yOffset=alt.YOffset(
                "j:O", sort="descending", scale=alt.Scale(domain=list(range(levels))[::-1])
            ),
            color=alt.Color(
                "n:Q",
                title="evaluations",
                scale=alt.Scale(type="sqrt", scheme="viridis"),
                legend=alt.Legend(orient="bottom"),
            ),
            tooltip=[
                alt.Tooltip("searcher:N"),
                alt.Tooltip("t:Q", title="from second", format=",.4~g"),
                alt.Tooltip("v:Q", title="value from", format=".5~g"),
                alt.Tooltip("w:Q", title="to", format=".5~g"),
                alt.Tooltip("n:Q", title="evaluations", format=","),
            ],
        )
    )
    title = "All evaluations over time"
    caption = (
        "Number of evaluations that ended at each time with each value, all searches of a strategy"
        f" together. Each strategy's band goes from {low:.4g}{unit} at its foot to"
        f" {high:.4g}{unit}; what lies outside is counted in the outer rows."
    )
    columns = {"searcher": Column("strategy"), "k": Column(f"bin of {second:.6g} s")}
    columns |= {f"n{j}": Column(f"from {v:.6g}{unit}") for j, v in enumerate(found.values[:-1])}
    counted = [row | {f"n{j}": n for j, n in enumerate(row["n"])} for row in rows]
    height = _ROW_HEIGHT * len(order)
    spec = finished(layers(rows, chart), title, benchmark.leaks, height=height)
    return figure(named(summary, benchmark, "scatter"), title, caption, spec, counted, columns)


def _means(summary: Summary, benchmark: BenchmarkSummary, found: Dynamics, which: str) -> Figure:
    cumulative = which == "cumulative"
    rows = [
        row
        for course in found.courses
        for row in banded(
            course.searcher, found.x, course.cumulative if cumulative else course.trailing
        )
    ]
    axis, unit = "charged evaluations", benchmark.units["search"]
    if cumulative:
        title = "Mean of all evaluations so far"
        caption = "Mean of the values of all evaluations so far"
    else:
        title = f"Mean of the last {WINDOW} evaluations"
        caption = (
            f"Mean of the values of the last {WINDOW} evaluations, before that of those that"
            " there are"
        )
    caption += (
        ", mean over searches with 95% bands. Random search learns nothing: its curve is level but"
        " for chance."
    )
    chart = curve_chart(rows, colours(summary), axis, f"evaluated{in_unit(unit)}", log=False)
    return figure(
        named(summary, benchmark, f"{which}-mean"),
        title,
        caption,
        finished(chart, title, benchmark.leaks),
        rows,
        curve_columns(axis, "evaluated value", unit),
        log=("x",),
    )


def _resemblance(name: str, found: Resemblances) -> Table:
    columns = (
        Column("strategy"),
        Column("initial samples"),
        Column("searches"),
        Column("decisions in common", "%", digits=1),
        Column("by chance", "%", digits=1),
        Column("random search's", "%", digits=1),
        Column("the same architecture", "%", digits=1),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            r.searcher,
            r.initial,
            r.n,
            _percent(r.shared),
            100.0 * r.chance,
            _percent(r.random_search),
            100.0 * r.same,
        )
        for r in found.found
    ]
    drawn = "all" if found.exhaustive else "sampled"
    note = (
        f"Of the {found.decisions} decisions of an architecture, the share that the returned one"
        " has in common with the best of the search's own initial samples, mean over searches with"
        f" 95% interval. By chance: the mean over {found.drawn:,} architectures ({drawn}) in its"
        " place. Random search's: with the best of as many first samples of its own."
    )
    title = "Likeness of the returned architecture to the best initial sample"
    return Table(name, title, columns, tuple(rows), note)


def _depth(name: str, found: DepthBiases) -> Table:
    columns = (
        Column("strategy"),
        Column("searches"),
        Column("mean depth", digits=2),
        Column("p of the mean", digits=4),
        Column("deepest"),
        Column("p that none is deeper", digits=4),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            bias.searcher,
            bias.n,
            bias.depth,
            f"< {LEAST_P:.0e}" if bias.p <= LEAST_P else bias.p,
            bias.deepest,
            bias.all_below,
        )
        for bias in found.found
    ]
    drawn = "all" if found.exhaustive else "sampled"
    beside = [f"{found.uniform:.2f} by uniform sampling"]
    if found.random_search is not None:
        beside.append(f"{found.random_search:.2f} for what exact random search returns")
    if found.best is not None:
        beside.append(f"{found.best:.2f} for the best {BEST:.0%} by their report")
    note = (
        "Depth: operations on the longest path, skip connections counting nothing, or layers where"
        f" the space counts them; {found.shallowest} to {found.deepest} over {found.drawn:,}"
        f" architectures ({drawn}). Mean depth: {', '.join(beside)}. p: two-sided, that as many"
        " uniform draws have a mean so far out, computed without approximation and not adjusted"
        " for the number of strategies. A small one says that winners are not like uniform draws,"
        " not why."
    )
    title = "Depth of the returned architectures against uniform sampling"
    return Table(name, title, columns, tuple(rows), note)


def _percent(share: Estimate | None) -> Estimate | None:
    if share is None:
        return None
    ends = (None if v is None else 100.0 * v for v in (share.mean, share.low, share.high))
    mean, low, high = ends
    return Estimate(mean, low, high, share.method)
