"""Any-time curves: the incumbent after each number of evaluations and at each virtual second."""

from __future__ import annotations

from typing import Any

import altair as alt

from reports.anytime import AnytimeCurve
from reports.charts import EXACT, Colours, Row, figure, finished, in_unit, layers, points
from reports.document import Column, Figure, Section
from reports.intervals import Band
from reports.sections.naming import along, colours, named
from reports.summary import BenchmarkSummary, Summary


def curves(summary: Summary, benchmark: BenchmarkSummary) -> Section:
    """The incumbent's reported result along both axes."""
    name = named(summary, benchmark, "curves")
    shown = [("anytime", "evaluations", benchmark.curves), ("time", "seconds", None)]
    figures = tuple(
        _anytime(
            named(summary, benchmark, what),
            benchmark,
            benchmark.time_curves if found is None else found,
            colours(summary),
            axis,
        )
        for what, axis, found in shown
    )
    return Section(name, "During the search", figures=figures)


def _anytime(
    name: str,
    benchmark: BenchmarkSummary,
    curves: tuple[AnytimeCurve, ...],
    colours: Colours,
    axis: str,
) -> Figure:
    unit = benchmark.units["report"]
    words = along(benchmark, axis)
    optimum = benchmark.optimum
    rows = [row for curve in curves for row in banded(curve.searcher, curve.x, curve.report)]
    exact = benchmark.exact
    if exact is not None and axis == "evaluations":
        rows += alone(EXACT, exact.curve.x, exact.curve.report)
    if optimum is None:
        title = f"Reported result by {words}"
        what, value, positive = f"reported result{in_unit(unit)}", "reported result", False
    else:
        title = f"Regret by {words}"
        rows = [_as_regret(row, optimum, benchmark.maximize) for row in rows]
        what, value = f"regret{in_unit(points(unit))}", "regret"
        positive = all(row[k] is None or row[k] > 0 for row in rows for k in ("mean", "low"))
    caption = (
        "The incumbent: mean over searches with its 95% band. Strategies that share their initial"
        " architectures coincide there, and one curve hides the others."
    )
    if optimum is not None:
        caption += (
            f" Regret: distance of the reported result from the table's best, {optimum:.5g}{unit}."
        )
    if any(row["searcher"] == EXACT for row in rows):
        caption += " Dashed: exact random search."
    # The incumbent is a step function of evaluations. Where points are left out, a step would put
    # all that happens between two of them at the later one.
    steps = axis == "evaluations" and all(every_count(curve.x) for curve in curves)
    if not steps:
        caption += " Straight lines join points at evenly spaced logarithms."
    chart = curve_chart(rows, colours, words, what, log=positive, steps=steps)
    spec = finished(chart, title, benchmark.leaks)
    columns = curve_columns(words, value, points(unit) if optimum is not None else unit)
    return figure(
        name, title, caption, spec, rows, columns, log=("x", "y") if positive else ("x",)
    )


def every_count(x: tuple[float, ...]) -> bool:
    """Whether a curve has a point for each number of evaluations."""
    return x == tuple(range(1, len(x) + 1))


def curve_columns(axis: str, value: str, unit: str) -> dict[str, Column]:
    """The columns of a curve's data."""
    return {
        "searcher": Column("strategy"),
        "x": Column(axis),
        "mean": Column(f"mean {value}", unit),
        "low": Column("95% from", unit),
        "high": Column("95% to", unit),
    }


def curve_chart(
    rows: list[Row], colours: Colours, axis: str, what: str, *, log: bool, steps: bool = False
) -> alt.LayerChart:
    """Curves with bands over a logarithmic axis.

    Args:
        rows: With fields searcher, x, mean, low, high.
        colours: Of the searchers.
        axis: What x is.
        what: What the others are.
        log: Whether they begin on a logarithmic axis.
        steps: Whether a value holds up to the next x, instead of a straight line to it.
    """
    x = alt.X("x:Q", title=axis, scale=alt.Scale(type="log", nice=False))
    y_scale = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False)
    y = alt.Y("mean:Q", title=what, scale=y_scale)
    colour = colours.encoding(rows)
    base = alt.Chart()
    low = alt.Y("low:Q", title=what, scale=y_scale)
    how: Any = {"clip": True, "interpolate": "step-after" if steps else "linear"}
    band = base.mark_area(opacity=0.18, **how).encode(x=x, y=low, y2="high:Q", color=colour)
    line = base.mark_line(strokeWidth=2, **how).encode(
        x=x, y=y, color=colour, strokeDash=colours.dashes(rows)
    )
    # Invisible, but large enough to be pointed at.
    targets = base.mark_circle(size=120, opacity=0).encode(
        x=x,
        y=y,
        color=colour,
        tooltip=[
            alt.Tooltip("searcher:N"),
            alt.Tooltip("x:Q", title=axis, format=",.4~g"),
            alt.Tooltip("mean:Q", title="mean", format=".5~g"),
            alt.Tooltip("low:Q", title="95% from", format=".5~g"),
            alt.Tooltip("high:Q", title="to", format=".5~g"),
        ],
    )
    if all(row["low"] is None for row in rows):
        return layers(rows, line, targets)
    return layers(rows, band.transform_filter("isValid(datum.low)"), line, targets)


def banded(searcher: str, x: tuple[float, ...], band: Band) -> list[Row]:
    """The rows of a curve with its band."""
    return [
        {"searcher": searcher, "x": x, "mean": mean, "low": low, "high": high}
        for x, mean, low, high in zip(x, band.mean, band.low, band.high, strict=True)
    ]


def alone(searcher: str, x: tuple[float, ...], means: tuple[float | None, ...]) -> list[Row]:
    """The rows of a curve without a band."""
    nothing = (None,) * len(x)
    return banded(searcher, x, Band(means, nothing, nothing))


def _as_regret(row: Row, optimum: float, maximize: bool) -> Row:
    def regret(value: float | None) -> float | None:
        if value is None:
            return None
        return optimum - value if maximize else value - optimum

    ends = (row["high"], row["low"]) if maximize else (row["low"], row["high"])
    low, high = map(regret, ends)
    return {**row, "mean": regret(row["mean"]), "low": low, "high": high}
