"""All benchmarks together: one verdict a strategy, and what it cannot say."""

from __future__ import annotations

import altair as alt

from reports.charts import AXIS, GREY, Row, figure, finished, in_unit, layers
from reports.charts import points as long_points
from reports.document import Cell, Column, Figure, Section, Table
from reports.rendering import cells
from reports.sections.naming import colours, points, slug
from reports.statistics.overall import Overall
from reports.summary import Summary

_ROW = 24


def across(summary: Summary) -> Section | None:
    """The overall verdicts; nothing for summaries of before there were any."""
    if not summary.overall:
        return None
    if len(summary.benchmarks) == 1:
        # Its sentences and table would repeat what the page begins with.
        text, drawings = tuple(_limits(summary)), tuple(_forests(summary))
        return Section("across", "One benchmark", text=text, figures=drawings)
    return Section(
        "across",
        "Over all benchmarks",
        text=(*map(sentence, summary.overall), _reading(summary), *_limits(summary)),
        figures=tuple(_forests(summary)),
        tables=(_table(summary),),
    )


def sentence(overall: Overall) -> str:
    """A strategy's verdict in one sentence."""
    n = overall.benchmarks
    benchmarks = f"{n} benchmark{'s' if n != 1 else ''}"
    verdict = (
        f"`{overall.searcher}`: better than random search on {overall.better} of {benchmarks}"
    )
    if overall.worse:
        verdict += f", worse on {overall.worse}"
    if overall.equivalent:
        verdict += f", equivalent within the margin on {overall.equivalent}"
    if overall.here.mean is None:
        return f"{verdict}; no seed has results on all of them."
    unit = points(overall.unit)
    column = Column("", unit, signed=True)
    verdict += f"; mean difference {cells.number(overall.here.mean, column)} {unit}".rstrip()
    if overall.here.low is None:
        return f"{verdict}, from one seed."
    verdict += f" {cells.interval(overall.here, column)} here, over {overall.seeds} seeds"
    if overall.beyond is not None:
        among = f"other {overall.resampled}" if overall.resampled else "others"
        verdict += f"; {cells.interval(overall.beyond, column)} for {among} like these"
    return f"{verdict}."


def _reading(summary: Summary) -> str:
    text = (
        "The mean difference counts every search space the same, and within it every data set."
        " Better and worse are the verdicts of each benchmark, adjusted by Holm's method. The"
        " interval “here” is 95%, over seeds: these benchmarks with other seeds."
    )
    if any(o.beyond is not None for o in summary.overall):
        text += (
            " The interval for others comes from a hierarchical bootstrap over search spaces, data"
            " sets within them and seeds, with Student's t for the number of units resampled on"
            " top. It assumes that the units are a random sample of those that one means, which"
            " published benchmarks are not: read it as the least uncertainty."
        )
    return text


def _limits(summary: Summary) -> list[str]:
    """What the verdicts cannot say."""
    spaces = {space for o in summary.overall for space in o.spaces}
    datasets = max(o.datasets for o in summary.overall)
    found = []
    subject = "The benchmark is" if len(summary.benchmarks) == 1 else "All benchmarks are"
    if datasets == 1:
        found.append(
            f"{subject} of one data set: nothing here says how the strategies do on other data,"
            " and no interval does."
        )
    if len(spaces) == 1:
        found.append(
            f"{subject} of one search space ({next(iter(spaces))}): nothing here says how the"
            " strategies do in other spaces."
        )
    return found


def _table(summary: Summary) -> Table:
    units = sorted({points(o.unit) for o in summary.overall})
    unit = units[0] if len(units) == 1 else ""
    columns = (
        Column("strategy"),
        Column("benchmarks"),
        Column("better"),
        Column("worse"),
        Column("equivalent"),
        Column("difference, here", unit, signed=True),
        Column("difference, others like these", unit, signed=True),
        Column("search spaces"),
        Column("data sets"),
        Column("seeds"),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            o.searcher,
            o.benchmarks,
            o.better,
            o.worse,
            o.equivalent,
            o.here,
            o.beyond,
            len(o.spaces),
            o.datasets,
            o.seeds,
        )
        for o in summary.overall
    ]
    note = "Differences are positive where the strategy is better. A dash: not to be estimated."
    return Table("overall", "Verdicts over all benchmarks", columns, tuple(rows), note)


def _forests(summary: Summary) -> list[Figure]:
    """One figure for each unit of results."""
    units = list(dict.fromkeys(b.units["report"] for b in summary.benchmarks))
    drawn = (_forest(summary, unit, alone=len(units) == 1) for unit in units)
    return [drawing for drawing in drawn if drawing is not None]


def _forest(summary: Summary, unit: str, *, alone: bool) -> Figure | None:
    rows: list[Row] = []
    for benchmark in summary.benchmarks:
        for searcher in summary.searchers:
            c = benchmark.headline(searcher["searcher"])
            if c is None or c.difference.mean is None or benchmark.units["report"] != unit:
                continue
            sign = 1.0 if benchmark.maximize else -1.0
            ends = [None if v is None else sign * v for v in (c.difference.low, c.difference.high)]
            low, high = ends if benchmark.maximize else reversed(ends)
            rows.append(
                {
                    "searcher": c.searcher,
                    "benchmark": benchmark.name,
                    "row": f"{c.searcher} on {benchmark.name}",
                    "mean": sign * c.difference.mean,
                    "low": low,
                    "high": high,
                    "verdict": c.verdict,
                }
            )
    if not rows:
        return None
    # By strategy, so that one sees whether its benchmarks agree.
    order = {s["searcher"]: i for i, s in enumerate(summary.searchers)}
    rows.sort(key=lambda row: order[row["searcher"]])
    what = f"advantage over random search{in_unit(long_points(unit))}"
    y = alt.Y(
        "row:N", sort=[row["row"] for row in rows], title=None, axis=alt.Axis(labelLimit=320)
    )
    colour = colours(summary).encoding(rows).legend(None)
    x = alt.X("mean:Q", title=what, axis=AXIS)
    tooltip = [
        alt.Tooltip("searcher:N"),
        alt.Tooltip("benchmark:N"),
        *(alt.Tooltip(f"{name}:Q", format=".4~g") for name in ("mean", "low", "high")),
        alt.Tooltip("verdict:N"),
    ]
    # Of one row, so that it is drawn once.
    zero = alt.Chart(alt.InlineData(values=[{}])).mark_rule(strokeDash=[4, 4], color=GREY)
    base = alt.Chart()
    chart = layers(
        rows,
        zero.encode(x=alt.datum(0)),
        base.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title=what), x2="high:Q", y=y, color=colour
        ),
        base.mark_point(filled=True, size=70, opacity=1).encode(
            x=x, y=y, color=colour, tooltip=tooltip
        ),
    )
    title = "Difference from random search, benchmark by benchmark"
    caption = (
        "Mean reported result minus random search's, positive where the strategy is better, with"
        " its 95% interval, of one comparison each: verdicts are stricter, for they are adjusted"
        " for the number of comparisons."
    )
    leaks = [f"{b.name}: {leak}" for b in summary.benchmarks for leak in b.leaks]
    columns = {
        "searcher": Column("strategy"),
        "benchmark": Column("benchmark"),
        "mean": Column("advantage", points(unit)),
        "low": Column("95% from", points(unit)),
        "high": Column("95% to", points(unit)),
        "verdict": Column("verdict"),
    }
    name = "differences" if alone else f"differences-{slug(unit or 'plain')}"
    spec = finished(chart, title, leaks, height=_ROW * len(rows) + 10)
    return figure(name, title, caption, spec, rows, columns)
