"""Figures of the study: they draw what its result holds."""

from __future__ import annotations

import altair as alt

from reports.charts import Colours, Row, figure, finished, in_unit, layers, points
from reports.comparison import BETTER, WORSE
from reports.document import Column, Figure
from reports.studies.noise.phases import PhaseDiagram
from reports.studies.noise.simulation import TRUTH, Simulation

_ROW = 36
_MARKS = {BETTER: "▲", WORSE: "▼"}


def seen(tau: float) -> str:
    """What a search sees, in words."""
    return "no noise" if tau == TRUTH else f"tau {tau:g}"


def progression_figure(simulation: Simulation, dimensions: int) -> Figure:
    """Range gaps by evaluations, one line a tau."""
    shown = [p for p in simulation.progressions if p.dimensions == dimensions]
    rows: list[Row] = [
        {"searcher": seen(p.tau), "x": x, "mean": mean, "low": low, "high": high}
        for p in shown
        for x, mean, low, high in zip(
            p.evaluations, p.range_gap.mean, p.range_gap.low, p.range_gap.high, strict=True
        )
    ]
    colour = Colours([seen(tau) for tau in simulation.settings.taus], None).encoding(rows)
    x = alt.X("x:Q", title="evaluations", scale=alt.Scale(type="log", nice=False))
    what = "mean range gap"
    scale = alt.Scale(type="log", nice=False)
    tooltip = [
        alt.Tooltip("searcher:N", title="sees"),
        alt.Tooltip("x:Q", title="evaluations", format=","),
        alt.Tooltip("mean:Q", format=".4f"),
        alt.Tooltip("low:Q", title="95% from", format=".4f"),
        alt.Tooltip("high:Q", title="to", format=".4f"),
    ]
    base = alt.Chart()
    band = base.mark_area(opacity=0.15, clip=True).encode(
        x=x, y=alt.Y("low:Q", title=what, scale=scale), y2="high:Q", color=colour
    )
    line = base.mark_line(strokeWidth=2, point=True, clip=True).encode(
        x=x, y=alt.Y("mean:Q", title=what, scale=scale), color=colour, tooltip=tooltip
    )
    title = f"{dimensions} dimensions: what the genetic algorithm finds, by evaluations"
    return figure(
        f"progression-{dimensions}",
        title,
        "The true value of the point that looks best, as a share of the function's range: mean"
        f" over {simulation.settings.repeats:,} runs with its 95% interval.",
        finished(layers(rows, band, line), title),
        rows,
        {
            "searcher": Column("sees"),
            "x": Column("evaluations"),
            **{name: Column(name, digits=5) for name in ("mean", "low", "high")},
        },
        ("x", "y"),
    )


def phase_figure(diagram: PhaseDiagram, searcher: str, name: str) -> Figure:
    """One strategy's differences from random search, by noise and budget."""
    level_of = {level.name: level for level in diagram.levels}
    better = 1.0 if diagram.maximize else -1.0
    rows: list[Row] = []
    for phase in diagram.phases:
        if phase.searcher != searcher or phase.difference.mean is None:
            continue
        level = level_of[phase.level]
        mark = _MARKS.get(phase.verdict, "")
        digits = 2 if diagram.maximize else 3
        rows.append(
            {
                "noise": level_label(diagram, phase.level),
                "tau": level.tau,
                "budget": phase.budget,
                "difference": phase.difference.mean,
                "gain": better * phase.difference.mean,
                "low": phase.difference.low,
                "high": phase.difference.high,
                "p": phase.p_holm,
                "verdict": phase.verdict,
                "text": f"{phase.difference.mean:+.{digits}f} {mark}".replace("-", "−"),
            }
        )
    # One colour scale for all strategies of a diagram.
    means = [abs(p.difference.mean) for p in diagram.phases if p.difference.mean is not None]
    most = max(means, default=0.0) or 1.0
    scale = alt.Scale(domain=[-most, 0, most], range=["#b2182b", "#f7f7f7", "#2166ac"])
    unit = in_unit(points(diagram.unit))
    x = alt.X("budget:O", title="evaluations", axis=alt.Axis(labelAngle=0, format=","))
    order = [level_label(diagram, level.name) for level in diagram.levels]
    y = alt.Y("noise:N", sort=order, title=None, axis=alt.Axis(labelLimit=220))
    tooltip = [
        alt.Tooltip("noise:N"),
        alt.Tooltip("budget:Q", title="evaluations", format=","),
        alt.Tooltip("difference:Q", format="+.4f"),
        alt.Tooltip("low:Q", title="95% from", format="+.4f"),
        alt.Tooltip("high:Q", title="to", format="+.4f"),
        alt.Tooltip("p:Q", title="p, Holm", format=".2g"),
        alt.Tooltip("verdict:N"),
    ]
    base = alt.Chart()
    legend = alt.Legend(title="better", orient="right", format="+.2~g")
    squares = base.mark_rect().encode(
        x=x, y=y, color=alt.Color("gain:Q", scale=scale, legend=legend), tooltip=tooltip
    )
    dark = alt.expr.abs(alt.datum.gain) > 0.6 * most
    texts = base.mark_text(fontSize=12).encode(
        x=x, y=y, text="text:N", color=alt.condition(dark, alt.value("white"), alt.value("#222"))
    )
    title = f"{searcher} minus random search{unit}"
    if len(diagram.searchers) == 1:
        title = f"{diagram.benchmark}: {title}"
    direction = "above" if diagram.maximize else "below"
    return figure(
        name,
        title,
        f"Mean difference of reported results; {direction} 0 the strategy is better (blue). ▲:"
        " better than random search, ▼: worse, no mark: no difference shown.",
        finished(
            layers(rows, squares, texts), title, diagram.leaks, height=_ROW * (len(order) + 1)
        ),
        rows,
        {
            "noise": Column("noise"),
            "tau": Column("tau", digits=4),
            "budget": Column("evaluations"),
            "difference": Column("difference", points(diagram.unit), digits=4, signed=True),
            "low": Column("low", points(diagram.unit), digits=4, signed=True),
            "high": Column("high", points(diagram.unit), digits=4, signed=True),
            "p": Column("p, Holm"),
            "verdict": Column("verdict"),
        },
    )


def level_label(diagram: PhaseDiagram, level: str) -> str:
    """An amount of noise in words: a tau, or a factor with the tau that it leaves."""
    found = next(candidate for candidate in diagram.levels if candidate.name == level)
    if diagram.reference == "exact":
        return f"noise × {level} (tau {found.tau:.2f})"
    return seen(float(level))
