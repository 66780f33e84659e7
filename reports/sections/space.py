"""The space: how good its architectures are, what random search leaves, what was found in it."""

from __future__ import annotations

import altair as alt

from reports.charts import EXACT, GREY, PALETTE, Row, figure, finished, in_unit, layers
from reports.charts import points as long_points
from reports.document import Cell, Column, Figure, Section, Table
from reports.finals import BOX_LEVELS
from reports.landscape import BEST, Landscape
from reports.percentile import Percentiles
from reports.sections.naming import named, points
from reports.summary import BenchmarkSummary, Summary


def space(summary: Summary, benchmark: BenchmarkSummary) -> Section | None:
    """The table's architectures, and the places of those that were found."""
    found, places = benchmark.views.landscape, benchmark.views.percentiles
    if found is None:
        return None
    tail = named(summary, benchmark, "tail")
    tables = [
        _distribution(named(summary, benchmark, "distribution"), benchmark, found),
        _near(named(summary, benchmark, "near"), benchmark, found),
    ]
    if found.noise:
        tables.append(_noise(named(summary, benchmark, "noise"), benchmark, found))
    if places is not None and places.found:
        tables.append(_places(named(summary, benchmark, "percentiles"), places))
    return Section(
        named(summary, benchmark, "space"),
        "The space",
        text=_text(benchmark, found),
        figures=() if found.tail[-1][0] == 0.0 else (_tail(tail, benchmark, found),),
        tables=tuple(tables),
    )


def _text(benchmark: BenchmarkSummary, found: Landscape) -> tuple[str, ...]:
    unit = benchmark.units["report"]
    measured = found.measured == found.architectures
    extent = {True: "all of its space", False: "a part of its space", None: "each one cell"}
    first = f"The table has {found.architectures:,} architectures, {extent[found.complete]}"
    first += "." if measured else f"; {found.measured:,} have a reported result."
    median = found.report.box[2]
    first += f" The median reports {median:.5g}{unit}, the best {found.best:.5g}{unit}."
    if found.spearman is not None and found.tau is not None:
        first += (
            f" Rank correlation of the selection value (mean over seeds) with the report:"
            f" Spearman {found.spearman:.3f}, Kendall's tau-b {found.tau:.3f}"
        )
        if found.spearman_run is not None:
            first += f"; of one run's selection value: Spearman {found.spearman_run:.3f}"
        first += "."
    if found.headroom is None:
        return (first,)
    room, pp = found.headroom, points(unit)
    second = (
        f"Random search is expected to report {room.random_search:.5g}{unit} after"
        f" {room.n:,} evaluations. That leaves {room.to_best:.3g} {pp} to the best architecture,"
        f" and {room.to_oracle:.3g} {pp} to the one with the best selection value (mean over"
        f" seeds), {found.oracle:.5g}{unit}, which is where a search without noise and without"
        " end would stop."
    )
    if room.closed is not None:
        second += (
            f" Of the distance from the median architecture to the best, random search comes"
            f" {100.0 * room.closed:.1f}%."
        )
    return first, second


def _tail(name: str, benchmark: BenchmarkSummary, found: Landscape) -> Figure:
    # The best itself has no place on a logarithmic axis.
    rows: list[Row] = [
        {"x": distance, "share": share} for distance, share in found.tail if distance > 0.0
    ]
    unit = long_points(benchmark.units["report"])
    x_scale, y_scale = alt.Scale(type="log", nice=False), alt.Scale(type="log")
    title_x = f"distance from the best reported result{in_unit(unit)}"
    x = alt.X("x:Q", title=title_x, scale=x_scale)
    y = alt.Y("share:Q", title="share of architectures", scale=y_scale)
    charts = [
        alt.Chart()
        .mark_line(strokeWidth=2, color=PALETTE[0], point=False)
        .encode(
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("x:Q", title="within", format=".4~g"),
                alt.Tooltip("share:Q", title="share of architectures", format=".3~g"),
            ],
        )
    ]
    caption = "Share of the table's architectures that are at most so far from the best."
    if found.headroom is not None and found.headroom.to_best > 0.0:
        rule = alt.Chart(alt.InlineData(values=[{"x": found.headroom.to_best}]))
        charts.append(rule.mark_rule(strokeDash=[6, 4], color=GREY).encode(x=x))
        caption += (
            " Dashed: the expected distance of exact random search after"
            f" {found.headroom.n:,} evaluations."
        )
    title = "Architectures by their distance from the best"
    columns = {"x": Column("distance", unit), "share": Column("share of architectures")}
    spec = finished(layers(rows, *charts), title, benchmark.leaks)
    return figure(name, title, caption, spec, rows, columns, log=("x", "y"))


def _distribution(name: str, benchmark: BenchmarkSummary, found: Landscape) -> Table:
    quantiles = [f"{100.0 * level:g}%" for level in BOX_LEVELS]
    columns = ("measure", "mean", "sd", *(f"{q} quantile" for q in quantiles))
    spreads = (("reported", "report", found.report), ("selection", "search", found.true))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            f"{what}{in_unit(benchmark.units[role])}",
            *(None if v is None else f"{v:.5g}" for v in (s.mean, s.sd, *s.box)),
        )
        for what, role, s in spreads
    )
    title = "Distribution over the space"
    note = "Means over the training seeds of each architecture; every architecture counts once."
    return Table(name, title, tuple(map(Column, columns)), rows, note)


def _near(name: str, benchmark: BenchmarkSummary, found: Landscape) -> Table:
    columns = (
        Column("within", points(benchmark.units["report"]), digits=3),
        Column("architectures"),
        Column("share", "%"),
    )
    rows = tuple((near.margin, near.architectures, 100.0 * near.share) for near in found.near)
    title = "Architectures close to the best"
    note = "By the mean reported result over seeds; the best itself is counted."
    return Table(name, title, columns, rows, note)


def _noise(name: str, benchmark: BenchmarkSummary, found: Landscape) -> Table:
    units = {"selection": benchmark.units["search"], "report": benchmark.units["report"]}
    rows: list[tuple[Cell, ...]] = []
    for noise in found.noise:
        unit = points(units[noise.role])
        share = None if noise.share is None else 100.0 * noise.share
        rows.append((f"{noise.role}{in_unit(unit)}", noise.rows, noise.sd, noise.sd_best, share))
    columns = (
        Column("value"),
        Column("networks with several seeds"),
        Column("sd over seeds", digits=3),
        Column(f"among the best {BEST:.0%}", digits=3),
        Column("part of the variance", "%", digits=1),
    )
    note = (
        "Standard deviation over the training seeds of one network, pooled over networks; and the"
        " part of the variance of single runs over the whole space that it makes."
    )
    return Table(name, "Noise of training seeds", columns, tuple(rows), note)


def _places(name: str, places: Percentiles) -> Table:
    columns = (
        Column("strategy"),
        Column("searches"),
        Column("worse architectures", "%"),
        Column("worst search", "%"),
        Column("median", "%"),
        Column("best search", "%"),
        Column("median place", digits=1),
    )
    rows: list[tuple[Cell, ...]] = [
        (p.searcher, p.n, p.percentile, p.least, p.median, p.most, p.median_rank)
        for p in places.found
    ]
    if places.random_search is not None:
        rows.append((EXACT, None, places.random_search, None, None, None, None))
    note = (
        f"Percent of the {places.architectures:,} architectures whose mean reported result is"
        " worse than that of the architecture that a search returned (equal ones count half), mean"
        " over searches with 95% interval; and its place among them, 1 for the best. The protocol"
        " of Yu et al. (ICLR 2020)."
    )
    title = "Where the returned architectures stand among all"
    return Table(name, title, columns, tuple(rows), note)
