"""Vega-Lite figures of a summary. They draw what it holds and compute nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import altair as alt

from reports.anytime import AnytimeCurve
from reports.finals import BOX_LEVELS, STEPS, Spread
from reports.intervals import Band
from reports.summary import BenchmarkSummary, Summary

EXACT = "random search, exact"

PALETTE = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a5fbf", "#a0522d",
    "#3d9a9a", "#b5a000",
)  # fmt: skip
"""Colours of the strategies: those of Okabe and Ito that show on white and on black, and four
more. Random search is grey."""

_GREY = "#808080"
_WARNING = "#d4351c"
_HEIGHT = 300

_AXIS = alt.Axis(tickCount=6, labelOverlap="greedy", labelFlush=True)

# Names of their own, because Altair numbers what has none by a counter of the whole process.
_PICK = alt.selection_point(name="pick", fields=["searcher"], bind="legend")
_PICKABLE = "lines"

_LEGEND = alt.Legend(
    orient="bottom",
    title=None,
    labelLimit=300,
    symbolType="stroke",
    symbolOpacity=1,
    symbolSize=300,
    symbolStrokeWidth=2.5,
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """A figure of the page.

    Attributes:
        name: Unique on the page; an HTML id.
        title: What it shows.
        caption: How to read it.
        spec: Its Vega-Lite specification, as wide as its container.
    """

    name: str
    title: str
    caption: str
    spec: dict[str, Any]


def figures_of(summary: Summary, place: int) -> list[Figure]:
    """The figures of one benchmark.

    Args:
        summary: The report.
        place: The benchmark's place in it.
    """
    benchmark = summary.benchmarks[place]
    colours = _Colours(summary)
    drawn = [
        ("anytime", *_anytime(benchmark, benchmark.curves, colours, "charged evaluations")),
        ("time", *_anytime(benchmark, benchmark.time_curves, colours, "virtual seconds")),
        ("spread", *_spread(benchmark, colours)),
        ("steps", *_steps(benchmark, colours)),
    ]
    if any(value for curve in benchmark.curves for value in curve.optimism.mean):
        drawn.append(("optimism", *_optimism(benchmark, colours)))
    return [
        Figure(f"figure-{place}-{name}", title, caption, _finished(chart, title, benchmark.leaks))
        for name, title, caption, chart in drawn
    ]


class _Colours:
    """One colour a searcher, the same in every figure."""

    def __init__(self, summary: Summary) -> None:
        labels = [searcher["searcher"] for searcher in summary.searchers]
        others = [label for label in labels if label != summary.random_search]
        self._of = {label: PALETTE[i % len(PALETTE)] for i, label in enumerate(others)}
        self._order = [*others, *(label for label in labels if label not in others), EXACT]

    def encoding(self, rows: Iterable[Row]) -> alt.Color:
        """The colour channel for the searchers among the rows."""
        domain = self.order(rows)
        colours = [self._of.get(label, _GREY) for label in domain]
        scale = alt.Scale(domain=domain, range=colours)
        return alt.Color("searcher:N", scale=scale, sort=domain, legend=_LEGEND)

    def dashes(self, rows: Iterable[Row]) -> alt.StrokeDash:
        """The dash channel: what is exact is dashed. It shares the colours' legend."""
        domain = self.order(rows)
        dashes = [[6, 4] if label == EXACT else [1, 0] for label in domain]
        scale = alt.Scale(domain=domain, range=dashes)
        return alt.StrokeDash("searcher:N", scale=scale, sort=domain, legend=_LEGEND)

    def order(self, rows: Iterable[Row]) -> list[str]:
        """The searchers among the rows from top to bottom."""
        present = {row["searcher"] for row in rows}
        return [label for label in self._order if label in present]


def _anytime(
    benchmark: BenchmarkSummary, curves: tuple[AnytimeCurve, ...], colours: _Colours, axis: str
) -> tuple[str, str, alt.LayerChart]:
    unit = benchmark.units["report"]
    optimum = benchmark.optimum
    rows = [row for curve in curves for row in _banded(curve.searcher, curve.x, curve.report)]
    exact = benchmark.exact
    if exact is not None and axis != "virtual seconds":
        nothing = (None,) * len(exact.curve.x)
        rows += _banded(EXACT, exact.curve.x, Band(exact.curve.report, nothing, nothing))
    if optimum is None:
        title = f"Reported result by {axis}"
        what, log = f"reported result{_in(unit)}", False
    else:
        title = f"Regret by {axis}"
        rows = [_as_regret(row, optimum, benchmark.maximize) for row in rows]
        what = f"regret{_in(_points(unit))}"
        log = all(row[k] is None or row[k] > 0 for row in rows for k in ("mean", "low"))
    caption = "The incumbent: mean over searches with its 95% bootstrap band."
    if optimum is not None:
        best = _short(optimum)
        caption += f" Regret: distance of the reported result from the table's best, {best}{unit}."
    if any(row["searcher"] == EXACT for row in rows):
        caption += " Dashed: exact random search."
    return title, caption, _curves(rows, colours, axis, what, log=log)


def _optimism(benchmark: BenchmarkSummary, colours: _Colours) -> tuple[str, str, alt.LayerChart]:
    rows = [row for c in benchmark.curves for row in _banded(c.searcher, c.x, c.optimism)]
    # Many wide bands on one line hide each other; the table has the last interval of each.
    rows = [{**row, "low": None, "high": None} for row in rows]
    if benchmark.exact is not None:
        curve = benchmark.exact.curve
        nothing = (None,) * len(curve.x)
        rows += _banded(EXACT, curve.x, Band(curve.optimism, nothing, nothing))
    what = f"selection value − true value{_in(_points(benchmark.units['search']))}"
    caption = (
        "How much better the incumbent looked when it was selected than the mean of the same"
        " measure over all its training seeds. Mean over searches."
    )
    chart = _curves(rows, colours, "charged evaluations", what, log=False)
    return "The winner's curse", caption, chart


def _curves(
    rows: list[Row], colours: _Colours, axis: str, what: str, *, log: bool
) -> alt.LayerChart:
    x = alt.X("x:Q", title=axis, scale=alt.Scale(type="log", nice=False))
    y_scale = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False)
    y = alt.Y("mean:Q", title=what, scale=y_scale)
    colour = colours.encoding(rows)
    faded = alt.condition(_PICK, alt.value(1.0), alt.value(0.12))
    base = alt.Chart()
    band = base.mark_area(clip=True).encode(
        x=x,
        y=alt.Y("low:Q", title=what, scale=y_scale),
        y2="high:Q",
        color=colour,
        opacity=alt.condition(_PICK, alt.value(0.18), alt.value(0.02)),
    )
    line = (
        alt.Chart(name=_PICKABLE)
        .mark_line(strokeWidth=2, clip=True)
        .encode(
            x=x,
            y=y,
            color=colour,
            strokeDash=colours.dashes(rows),
            opacity=faded,
        )
    )
    line = line.add_params(_PICK)
    # Invisible, but large enough to be pointed at.
    points = base.mark_circle(size=120, opacity=0).encode(
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
    return _layers(rows, band.transform_filter("isValid(datum.low)"), line, points)


def _spread(benchmark: BenchmarkSummary, colours: _Colours) -> tuple[str, str, alt.LayerChart]:
    rows = []
    for label, spread, mean in _spreads(benchmark):
        quantiles = {f"q{round(100 * level)}": v for level, v in zip(BOX_LEVELS, spread.box)}
        low, high = mean
        rows.append(
            {"searcher": label, **quantiles, "mean": spread.mean, "low": low, "high": high}
        )
    order = colours.order(rows)
    colour = colours.encoding(rows).legend(None)
    what = f"reported result{_in(benchmark.units['report'])}"
    y = alt.Y("searcher:N", sort=order, title=None, axis=alt.Axis(labelLimit=190))
    scale = alt.Scale(zero=False)
    names = ("mean", "low", "high", *(f"q{round(100 * level)}" for level in BOX_LEVELS))
    tooltip = [alt.Tooltip("searcher:N"), *(alt.Tooltip(f"{n}:Q", format=".5~g") for n in names)]

    def along(start: str, end: str | None = None) -> dict[str, Any]:
        x = alt.X(f"{start}:Q", title=what, scale=scale, axis=_AXIS)
        channels = {"x": x, "y": y, "color": colour}
        return channels if end is None else {**channels, "x2": f"{end}:Q"}

    base = alt.Chart()
    chart = _layers(
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
        " at the median; diamond: mean, thick line: its 95% bootstrap interval."
    )
    return "Final results", caption, chart


def _steps(benchmark: BenchmarkSummary, colours: _Colours) -> tuple[str, str, alt.LayerChart]:
    rows = []
    for label, spread, _ in _spreads(benchmark):
        shares = [0.0, *(i / STEPS for i in range(1, STEPS + 1))]
        values = [spread.steps[0], *spread.steps]
        rows += [
            {"searcher": label, "x": x, "share": share}
            for x, share in zip(values, shares, strict=True)
        ]
    what = f"reported result{_in(benchmark.units['report'])}"
    line = (
        alt.Chart(name=_PICKABLE)
        .mark_line(interpolate="step-before", strokeWidth=2, clip=True)
        .encode(
            x=alt.X("x:Q", title=what, axis=_AXIS, scale=alt.Scale(domain=_domain(rows))),
            y=alt.Y("share:Q", title="share of searches", axis=alt.Axis(format="%")),
            color=colours.encoding(rows),
            order="share:Q",
            strokeDash=colours.dashes(rows),
            opacity=alt.condition(_PICK, alt.value(1.0), alt.value(0.12)),
        )
        .add_params(_PICK)
    )
    better = "right" if benchmark.maximize else "left"
    caption = (
        f"Share of searches whose reported result is at most so large; further {better} is better."
        " The lowest 2% are cut off on the left."
    )
    return "Distribution of final results", caption, _layers(rows, line)


def _domain(rows: list[Row]) -> list[float]:
    """From the least 2% quantile of any searcher to the greatest value."""
    shown = [row["x"] for row in rows if row["share"] >= 0.02]
    low, high = min(shown), max(shown)
    return [low, high] if low < high else [low - 0.5, high + 0.5]


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


def _banded(searcher: str, x: tuple[float, ...], band: Band) -> list[Row]:
    return [
        {"searcher": searcher, "x": x, "mean": mean, "low": low, "high": high}
        for x, mean, low, high in zip(x, band.mean, band.low, band.high, strict=True)
    ]


def _as_regret(row: Row, optimum: float, maximize: bool) -> Row:
    def regret(value: float | None) -> float | None:
        if value is None:
            return None
        return optimum - value if maximize else value - optimum

    ends = (row["high"], row["low"]) if maximize else (row["low"], row["high"])
    low, high = map(regret, ends)
    return {**row, "mean": regret(row["mean"]), "low": low, "high": high}


def _layers(rows: list[Row], *layers: alt.Chart) -> alt.LayerChart:
    data = [{k: _brief(v) for k, v in row.items()} for row in rows]
    return alt.LayerChart(layer=list(layers), data=alt.InlineData(values=data))


def _finished(chart: alt.LayerChart, title: str, leaks: tuple[str, ...]) -> dict[str, Any]:
    heading: dict[str, Any] = {"text": title, "anchor": "start"}
    if leaks:
        heading |= {
            "subtitle": ["LEAK: this search uses test images", *leaks],
            "subtitleColor": _WARNING,
            "subtitleFontWeight": "bold",
        }
    chart = chart.properties(title=heading, width="container", height=_HEIGHT)
    spec: dict[str, Any] = chart.to_dict()
    spec.pop("config", None)
    return spec


def _brief(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _short(value: float) -> str:
    return f"{value:.5g}"


def _in(unit: str) -> str:
    return f" ({unit})" if unit else ""


def _points(unit: str) -> str:
    return "percentage points" if unit == "%" else unit
