"""Final results: a table of means, their distribution, and the winner's curse."""

from __future__ import annotations

from typing import Any

import altair as alt

from reports.anytime import AnytimeCurve
from reports.charts import AXIS, EXACT, Colours, Row, figure, finished, in_unit, layers
from reports.charts import points as long_points
from reports.document import Cell, Column, Figure, Section, Table
from reports.finals import BOX_LEVELS, STEPS, Spread
from reports.sections.curves import alone, curve_chart, curve_columns
from reports.sections.naming import colours, named, points
from reports.summary import BenchmarkSummary, Summary

_LEVELS = tuple(f"q{round(100 * level)}" for level in BOX_LEVELS)


def finals(summary: Summary, benchmark: BenchmarkSummary) -> Section:
    """What the searches ended with."""
    figures = [
        _spread(named(summary, benchmark, "spread"), benchmark, colours(summary)),
        _steps(named(summary, benchmark, "steps"), benchmark, colours(summary)),
    ]
    if any(value for curve in _selecting(benchmark) for value in curve.optimism.mean):
        name = named(summary, benchmark, "optimism")
        figures.append(_optimism(name, benchmark, colours(summary)))
    table = _table(named(summary, benchmark, "finals"), benchmark)
    return Section(
        named(summary, benchmark, "final-results"),
        "Final results",
        figures=tuple(f for f in figures if f is not None),
        tables=(table,),
    )


def _selecting(benchmark: BenchmarkSummary) -> list[AnytimeCurve]:
    """The curves of the strategies whose incumbents are selected, as derivations are not."""
    return [curve for curve in benchmark.curves if curve.searcher not in benchmark.one_shot]


def _table(name: str, benchmark: BenchmarkSummary) -> Table:
    unit, measured = benchmark.units["report"], benchmark.units["search"]
    optimum = benchmark.optimum is not None
    without = any(final.without for final in benchmark.finals)
    passes = any(run.image_passes is not None for run in benchmark.searches)
    classified = any(run.classified is not None for run in benchmark.searches)
    columns = [
        Column("strategy"),
        Column("searches"),
        *([Column("without result")] if without else []),
        Column("reported", unit),
        Column("sd", points(unit)),
        *([Column("regret", points(unit))] if optimum else []),
        Column("selection", measured),
        Column("true", measured),
        Column("winner's curse", points(measured), signed=True),
        Column("failed"),
        *([Column("image passes", digits=0)] if passes else []),
        *([Column("only classified", digits=0)] if classified else []),
    ]
    rows: list[tuple[Cell, ...]] = []
    for final, run in zip(benchmark.finals, benchmark.searches, strict=True):
        failed = run.statuses.get("failed", 0) + run.statuses.get("missing", 0)
        row: list[Cell] = [final.searcher, final.n]
        row += [final.without] if without else []
        row += [final.report, final.spread.sd if final.spread else None]
        row += [final.regret] if optimum else []
        row += [final.selection, final.true, None if run.one_shot else final.optimism, failed]
        row += [run.image_passes] if passes else []
        row += [run.classified] if classified else []
        rows.append(tuple(row))
    note = (
        "Means over searches with 95% intervals. Selection: the value that the"
        " winner was selected by; true: the mean of that measure over all training seeds; their"
        " difference is the winner's curse. Failed: evaluations without a value."
    )
    if passes:
        note += (
            " Image passes: images on their way forward and backward through a network in"
            " training, mean over searches."
        )
    if benchmark.one_shot:
        note += (
            f" {', '.join(benchmark.one_shot)}: of the last derivation, whose selection value is"
            " that of one training. It was not selected by it, and has no winner's curse. Failed:"
            " derivations without a value. Image passes: of the supernet, and of one full"
            " training."
        )
    if classified:
        note += " Only classified: images on their way forward alone, mean over searches."
    return Table(name, "Final results", tuple(columns), tuple(rows), note)


def _spreads(
    benchmark: BenchmarkSummary,
) -> list[tuple[str, Spread, tuple[float | None, float | None]]]:
    """Label, spread and interval of the mean of everything with final results."""
    found = [
        (f.searcher, f.spread, (f.report.low, f.report.high))
        for f in benchmark.finals
        if f.spread is not None
    ]
    if benchmark.exact is not None and benchmark.exact.final is not None:
        found.append((EXACT, benchmark.exact.final, (None, None)))
    return found


def _spread(name: str, benchmark: BenchmarkSummary, colours: Colours) -> Figure | None:
    rows: list[Row] = []
    for label, spread, (low, high) in _spreads(benchmark):
        quantiles = dict(zip(_LEVELS, spread.box, strict=True))
        rows.append(
            {"searcher": label, **quantiles, "mean": spread.mean, "low": low, "high": high}
        )
    if not rows:
        return None
    unit = benchmark.units["report"]
    what = f"reported result{in_unit(unit)}"
    y = alt.Y("searcher:N", sort=colours.order(rows), title=None, axis=alt.Axis(labelLimit=190))
    colour = colours.encoding(rows).legend(None)
    fields = ("mean", "low", "high", *_LEVELS)
    tooltip = [alt.Tooltip("searcher:N"), *(alt.Tooltip(f"{n}:Q", format=".5~g") for n in fields)]

    def along(start: str, end: str | None = None) -> dict[str, Any]:
        x = alt.X(f"{start}:Q", title=what, scale=alt.Scale(zero=False), axis=AXIS)
        channels = {"x": x, "y": y, "color": colour}
        return channels if end is None else {**channels, "x2": f"{end}:Q"}

    base = alt.Chart()
    chart = layers(
        rows,
        base.mark_rule(strokeWidth=1.5).encode(**along("q5", "q95")),
        base.mark_bar(height=14, opacity=0.35).encode(**along("q25", "q75"), tooltip=tooltip),
        base.mark_tick(thickness=2, height=18).encode(**along("q50"), tooltip=tooltip),
        base.mark_rule(strokeWidth=4).encode(**along("low", "high")),
        base.mark_point(filled=True, size=70, shape="diamond", opacity=1).encode(
            **along("mean"), tooltip=tooltip
        ),
    )
    caption = (
        "Final reported results: line from the 5% to the 95% quantile, box from 25% to 75%, tick"
        " at the median; diamond: mean, thick line: its 95% interval."
    )
    columns = {
        "searcher": Column("strategy"),
        "mean": Column("mean", unit),
        "low": Column("95% from", unit),
        "high": Column("95% to", unit),
        **{q: Column(f"{level:.0%} quantile", unit) for q, level in zip(_LEVELS, BOX_LEVELS)},
    }
    title = "Spread of the final results"
    return figure(name, title, caption, finished(chart, title, benchmark.leaks), rows, columns)


def _steps(name: str, benchmark: BenchmarkSummary, colours: Colours) -> Figure | None:
    rows: list[Row] = []
    for label, spread, _ in _spreads(benchmark):
        shares = [0.0, *(i / STEPS for i in range(1, STEPS + 1))]
        values = [spread.steps[0], *spread.steps]
        rows += [
            {"searcher": label, "x": x, "share": share}
            for x, share in zip(values, shares, strict=True)
        ]
    if not rows:
        return None
    unit = benchmark.units["report"]
    what = f"reported result{in_unit(unit)}"
    x = alt.X("x:Q", title=what, axis=AXIS, scale=alt.Scale(domain=_domain(rows)))
    y = alt.Y("share:Q", title="share of searches", axis=alt.Axis(format="%"))
    base = alt.Chart()
    line = base.mark_line(interpolate="step-before", strokeWidth=2, clip=True).encode(
        x=x,
        y=y,
        color=colours.encoding(rows),
        order="share:Q",
        strokeDash=colours.dashes(rows),
    )
    targets = base.mark_circle(size=80, opacity=0, clip=True).encode(
        x=x,
        y=y,
        color=colours.encoding(rows),
        tooltip=[
            alt.Tooltip("searcher:N"),
            alt.Tooltip("x:Q", title="at most", format=".5~g"),
            alt.Tooltip("share:Q", title="share of searches", format=".0%"),
        ],
    )
    better = "right" if benchmark.maximize else "left"
    caption = (
        f"Share of searches whose reported result is at most so large; further {better} is better."
        " The lowest 2% are cut off on the left."
    )
    title = "Distribution of the final results"
    columns = {
        "searcher": Column("strategy"),
        "x": Column("reported result", unit),
        "share": Column("share of searches"),
    }
    spec = finished(layers(rows, line, targets), title, benchmark.leaks)
    return figure(name, title, caption, spec, rows, columns)


def _domain(rows: list[Row]) -> list[float]:
    """From the least 2% quantile of any searcher to the greatest value."""
    shown = [row["x"] for row in rows if row["share"] >= 0.02]
    low, high = min(shown), max(shown)
    return [low, high] if low < high else [low - 0.5, high + 0.5]


def _optimism(name: str, benchmark: BenchmarkSummary, colours: Colours) -> Figure:
    # Many wide bands on one line hide each other; the table has the last interval of each.
    rows = [row for c in _selecting(benchmark) for row in alone(c.searcher, c.x, c.optimism.mean)]
    if benchmark.exact is not None:
        rows += alone(EXACT, benchmark.exact.curve.x, benchmark.exact.curve.optimism)
    unit = long_points(benchmark.units["search"])
    chart = curve_chart(
        rows, colours, "charged evaluations", f"selection − true{in_unit(unit)}", log=False
    )
    caption = (
        "How much better the incumbent looked when it was selected than the mean of the same"
        " measure over all its training seeds. Mean over searches."
    )
    title = "The winner's curse"
    columns = curve_columns("charged evaluations", "selection − true", unit)
    del columns["low"], columns["high"]
    spec = finished(chart, title, benchmark.leaks)
    return figure(name, title, caption, spec, rows, columns, log=("x",))
