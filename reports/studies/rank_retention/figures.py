"""Figures of rank retention: matrices as heat maps, and curves over epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from reports.charts import HEIGHT, PALETTE, Row, finished, layers
from reports.document import Column, Figure, Table
from reports.rank_correlation import Agreement, Tau
from reports.studies.rank_retention.result import BenchmarkRetention, Curve

RAW, ROUNDED = "tau-b", "tau-b, rounded"
_CELL = 34
_LABEL = 260


def heat_map(benchmark: BenchmarkRetention, name: str) -> Figure:
    """All pairs of a benchmark's measurements, with a switch for the statistic."""
    rows: list[Row] = []
    for pair in benchmark.pairs:
        for what, value, (low, high) in _statistics(pair.agreement):
            for first, second in ((pair.first, pair.second), (pair.second, pair.first)):
                rows.append(
                    {
                        "first": first,
                        "second": second,
                        "statistic": what,
                        "value": value,
                        "low": low,
                        "high": high,
                        "n": pair.agreement.n,
                    }
                )
    order = [measured.label for measured in benchmark.measured]
    title = f"{benchmark.name}: how far measurements agree on the order of architectures"
    return Figure(
        name=name,
        title=title,
        caption=(
            "Each cell: the rank correlation of two measurements of the same architectures. 1:"
            " the same order, 0: none in common, −1: the opposite one. Rounded: both measurements"
            " rounded to whole percents first."
        ),
        spec=_matrix(rows, order, name, title),
        data=_table(f"{name}-data", title, rows),
    )


def _statistics(
    agreement: Agreement,
) -> list[tuple[str, float | None, tuple[float | None, float | None]]]:
    def of(tau: Tau) -> tuple[float | None, tuple[float | None, float | None]]:
        return tau.value, (tau.low, tau.high)

    found = [(RAW, *of(agreement.tau))]
    if agreement.rounded is not None:
        found.append((ROUNDED, *of(agreement.rounded)))
    found.append(("Spearman's rho", agreement.spearman, (None, None)))
    found.append(("weighted tau", agreement.weighted_tau, (None, None)))
    return found


def _matrix(rows: list[Row], order: list[str], name: str, title: str) -> dict[str, Any]:
    shown, switch = _switch(rows, name)
    lowest = min((row["value"] for row in rows if row["value"] is not None), default=0.0)
    signed = lowest < -0.05
    scale = alt.Scale(
        domain=[-1, 0, 1] if signed else [0, 1],
        range=["#b2182b", "#f7f7f7", "#2166ac"] if signed else ["#f7fbff", "#2166ac"],
    )
    axis = alt.Axis(title=None)
    x = alt.X("second:N", sort=order, axis=alt.Axis(labelLimit=_LABEL, title=None, labelAngle=-40))
    y = alt.Y("first:N", sort=order, axis=axis)
    tooltip = [
        alt.Tooltip("first:N"),
        alt.Tooltip("second:N"),
        alt.Tooltip("statistic:N"),
        alt.Tooltip("value:Q", format=".4f"),
        alt.Tooltip("low:Q", title="95% from", format=".4f"),
        alt.Tooltip("high:Q", title="to", format=".4f"),
        alt.Tooltip("n:Q", title="architectures", format=","),
    ]
    base = alt.Chart().transform_filter(alt.datum.statistic == shown)
    legend = alt.Legend(title=None, orient="right")
    squares = base.mark_rect().encode(
        x=x, y=y, color=alt.Color("value:Q", scale=scale, legend=legend), tooltip=tooltip
    )
    dark = alt.expr.abs(alt.datum.value) > 0.6
    numbers = base.mark_text(fontSize=11).encode(
        x=x,
        y=y,
        text=alt.Text("value:Q", format=".2f"),
        color=alt.condition(dark, alt.value("white"), alt.value("#222222")),
    )
    chart = layers(rows, squares, numbers).add_params(*switch)
    return finished(chart, title, height=max(120, _CELL * len(order)))


def curves(benchmark: BenchmarkRetention, name: str) -> Figure:
    """Agreement over epochs, with a switch for the statistic."""
    rows: list[Row] = []
    series = list(dict.fromkeys(map(series_of, benchmark.curves)))
    for curve in benchmark.curves:
        for epoch, agreement in zip(curve.epochs, curve.agreements, strict=True):
            for what, value, (low, high) in [
                *_statistics(agreement),
                ("overlap of the best", agreement.top_overlap, (None, None)),
            ]:
                rows.append(
                    {
                        "first": series_of(curve),
                        "second": curve.reference,
                        "epoch": epoch,
                        "statistic": what,
                        "value": value,
                        "low": low,
                        "high": high,
                        "n": agreement.n,
                    }
                )
    title = f"{benchmark.name}: agreement by the epochs of training"
    # A measurement before any training has no place on a logarithmic axis.
    log = all(row["epoch"] > 0 for row in rows)
    separate = any(curve.separate for curve in benchmark.curves)
    caption = (
        "Agreement of the measurement after so many epochs with the reference. Bands: 95%"
        " percentile intervals of the bootstrap over architectures. Overlap of the best: the share"
        " of the best by the measurement that are among the best by the reference."
    )
    if separate:
        caption += " Each number of epochs is a training of its own."
    return Figure(
        name=name,
        title=title,
        caption=caption,
        spec=_lines(rows, series, name, title, log=log),
        data=_table(f"{name}-data", title, rows),
        log=("x",) if log else (),
    )


def series_of(curve: Curve) -> str:
    """What a curve is called in the legend."""
    on = "" if curve.subset == "all" else f", {curve.subset}"
    return f"{curve.column} against {curve.reference}{on}"


def _lines(
    rows: list[Row], series: list[str], name: str, title: str, *, log: bool
) -> dict[str, Any]:
    shown, switch = _switch(rows, name)
    x_scale = alt.Scale(type="log", nice=False) if log else alt.Scale(nice=False)
    x = alt.X("epoch:Q", title="epochs", scale=x_scale)
    y = alt.Y("value:Q", title="agreement", scale=alt.Scale(zero=False))
    colours = [PALETTE[i % len(PALETTE)] for i in range(len(series))]
    legend = alt.Legend(
        orient="bottom",
        title=None,
        columns=1,
        labelLimit=640,
        symbolType="stroke",
        symbolOpacity=1,
        symbolStrokeWidth=2.5,
    )
    colour = alt.Color(
        "first:N", scale=alt.Scale(domain=series, range=colours), sort=series, legend=legend
    )
    base = alt.Chart().transform_filter(alt.datum.statistic == shown)
    band = (
        base.transform_filter("isValid(datum.low)")
        .mark_area(opacity=0.18)
        .encode(x=x, y=alt.Y("low:Q", title="agreement"), y2="high:Q", color=colour)
    )
    line = base.mark_line(strokeWidth=2, point=True).encode(
        x=x,
        y=y,
        color=colour,
        tooltip=[
            alt.Tooltip("first:N", title="measurement"),
            alt.Tooltip("epoch:Q"),
            alt.Tooltip("value:Q", format=".4f"),
            alt.Tooltip("low:Q", title="95% from", format=".4f"),
            alt.Tooltip("high:Q", title="to", format=".4f"),
            alt.Tooltip("n:Q", title="architectures", format=","),
        ],
    )
    chart = layers(rows, band, line).add_params(*switch)
    return finished(chart, title, height=HEIGHT)


def _switch(rows: Sequence[Row], name: str) -> tuple[Any, list[Any]]:
    """What chooses the statistic: an expression, and the parameter with its buttons."""
    options = list(dict.fromkeys(row["statistic"] for row in rows))
    parameter = alt.param(
        name=f"shown_{name.replace('-', '_')}",
        value=options[0] if options else RAW,
        bind=alt.binding_radio(options=options or [RAW], name="shown: "),
    )
    return parameter, [parameter]


def _table(name: str, title: str, rows: list[Row]) -> Table:
    """The rows of a figure, as data."""
    names = list(rows[0]) if rows else ["first"]
    distinct = list(dict.fromkeys(tuple(row[n] for n in names) for row in rows))
    return Table(name, title, tuple(Column(n) for n in names), tuple(distinct))
