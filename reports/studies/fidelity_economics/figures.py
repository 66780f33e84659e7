"""Figures of a study of fidelities: they draw what the result holds."""

from __future__ import annotations

from typing import Any

import altair as alt

from reports.charts import EXACT, LEGEND, Colours, Row, finished, in_unit, layers
from reports.document import Column, Figure, Table
from reports.studies.fidelity_economics.result import ADAPTIVE, FidelityEconomics, SampledCurve

_LOG = alt.Scale(type="log", nice=False)


def budget_figures(result: FidelityEconomics) -> tuple[Figure, ...]:
    """One for random search and for each strategy that runs at every level.

    Strategies that choose the fidelity of each evaluation are lines in all of them.
    """
    fixed = [c.searcher for c in result.sampled if c.level != ADAPTIVE]
    drawn = ([EXACT] if result.random else []) + list(dict.fromkeys(fixed))
    return tuple(_budget_figure(result, name, i) for i, name in enumerate(drawn))


def labels(result: FidelityEconomics) -> tuple[str, ...]:
    """Labels of the lines: levels, then strategies that choose their fidelities."""
    choosing = [c.searcher for c in result.sampled if c.level == ADAPTIVE]
    return (*(level.name for level in result.levels), *choosing)


def _budget_figure(result: FidelityEconomics, searcher: str, place: int) -> Figure:
    """The winner's reported result by budget, one line a level."""
    rows = _exact_rows(result) if searcher == EXACT else []
    for curve in result.sampled:
        if curve.level == ADAPTIVE:
            rows += _sampled_rows(result, curve, curve.searcher)
        elif curve.searcher == searcher:
            rows += _sampled_rows(result, curve, curve.level)
    name = f"by-budget-{place}"
    what = f"reported result{in_unit(result.unit)}"
    x = alt.X("budget:Q", title="budget in full evaluations", scale=_LOG)
    y_scale = alt.Scale(zero=False)
    colours = Colours(labels(result), None)
    colour = colours.encoding(rows)
    base = alt.Chart()
    tooltip = [
        alt.Tooltip("searcher:N", title="level"),
        alt.Tooltip("budget:Q", format=",.4~g"),
        alt.Tooltip("mean:Q", format=".5~g"),
    ]
    band = base.mark_area(opacity=0.15, clip=True).encode(
        x=x, y=alt.Y("low:Q", title=what, scale=y_scale), y2="high:Q", color=colour
    )
    line = base.mark_line(strokeWidth=2, point=True, clip=True).encode(
        x=x,
        y=alt.Y("mean:Q", title=what, scale=y_scale),
        color=colour,
        strokeDash=_dashes(result, colours.order(rows)),
        tooltip=tooltip,
    )
    title = f"{searcher}: result by budget"
    chart = layers(rows, band.transform_filter("isValid(datum.low)"), line)
    how = (
        "Lines without a band are exact; others are means over searches with 95% bands. Dashed:"
        " strategies that choose the fidelity of each evaluation."
    )
    return Figure(
        name=name,
        title=title,
        caption=f"The winner's reported result at equal virtual time. {how}",
        spec=finished(chart, title, result.leaks),
        data=_data(name, title, rows, result.unit),
        log=("x",),
    )


def _dashes(result: FidelityEconomics, domain: list[str]) -> alt.StrokeDash:
    """The dash channel: strategies that choose their fidelities are dashed."""
    fixed = {level.name for level in result.levels}
    dashes = [[1, 0] if label in fixed else [6, 4] for label in domain]
    scale = alt.Scale(domain=domain, range=dashes)
    return alt.StrokeDash("searcher:N", scale=scale, sort=domain, legend=LEGEND)


def agreement_figure(result: FidelityEconomics) -> Figure:
    """Rank correlation against speed-up, one point a level."""
    rows: list[Row] = [
        {
            "searcher": level.name,
            "speedup": level.speedup,
            "tau": level.tau.mean,
            "low": level.tau.low,
            "high": level.tau.high,
        }
        for level in result.levels
    ]
    x = alt.X(
        "speedup:Q",
        title="speed-up over the full evaluation",
        scale=_LOG,
    )
    colour = Colours([level.name for level in result.levels], None).encoding(rows)
    tooltip: list[Any] = [
        alt.Tooltip("searcher:N", title="level"),
        alt.Tooltip("speedup:Q", format=".3~g"),
        alt.Tooltip("tau:Q", format=".3f"),
    ]
    base = alt.Chart()
    rule = base.mark_rule(strokeWidth=2).encode(
        x=x, y=alt.Y("low:Q", title="Kendall's tau-b"), y2="high:Q", color=colour
    )
    point = base.mark_point(filled=True, size=90, opacity=1).encode(
        x=x, y=alt.Y("tau:Q", title="Kendall's tau-b"), color=colour, tooltip=tooltip
    )
    title = "Rank correlation with the reported result by speed-up"
    columns = ("speedup", "tau", "low", "high")
    return Figure(
        name="agreement",
        title=title,
        caption="Bars: 95% bootstrap intervals over the table's measured rows.",
        spec=finished(layers(rows, rule, point), title, result.leaks),
        data=Table(
            name="agreement-data",
            title=title,
            columns=(Column("level"), *(Column(name) for name in columns)),
            rows=tuple((row["searcher"], *(row[name] for name in columns)) for row in rows),
        ),
        log=("x",),
    )


def _exact_rows(result: FidelityEconomics) -> list[Row]:
    return [
        {"searcher": curve.level, "budget": budget, "mean": mean, "low": None, "high": None}
        for curve in result.random
        for budget, mean in zip(result.budgets, curve.report, strict=True)
        if mean is not None
    ]


def _sampled_rows(result: FidelityEconomics, curve: SampledCurve, label: str) -> list[Row]:
    band = curve.report
    return [
        {"searcher": label, "budget": budget, "mean": mean, "low": low, "high": high}
        for budget, mean, low, high in zip(
            result.budgets, band.mean, band.low, band.high, strict=True
        )
        if mean is not None
    ]


def _data(name: str, title: str, rows: list[Row], unit: str) -> Table:
    return Table(
        name=f"{name}-data",
        title=title,
        columns=(
            Column("level"),
            Column("budget"),
            *(Column(column, unit) for column in ("mean", "low", "high")),
        ),
        rows=tuple(
            (row["searcher"], *(row[k] for k in ("budget", "mean", "low", "high"))) for row in rows
        ),
    )
