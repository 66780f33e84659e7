"""Mean ranks over search spaces, with the critical-difference diagram."""

from __future__ import annotations

import altair as alt

from reports.charts import GREY, Row, figure, finished, layers
from reports.document import Column, Figure, Section, Table
from reports.sections.naming import colours
from reports.statistics.ranks import Ranks
from reports.summary import Summary

_ROW = 26


def ranking(summary: Summary) -> Section | None:
    """Ranks and tests, or why there are none."""
    ranks = summary.ranks
    if ranks is None or not ranks.searchers:
        return None
    blocks = (
        "A block is a search space: data sets of one space share its architectures and are not"
        " independent, so that ranks on them are averaged and ranked again."
    )
    if ranks.untested:
        text = (f"Friedman's and Nemenyi's tests are not made: {ranks.untested}. {blocks}",)
        return Section("ranks", "Ranks over search spaces", text=text)
    assert ranks.critical_difference is not None
    text = (
        f"Friedman's test over {len(ranks.spaces)} search spaces asks whether all strategies have"
        f" the same mean rank: chi-squared {ranks.statistic:.3g}, p {_p(ranks.p)}. By Nemenyi's"
        " test two strategies differ, at 5% over all pairs, if their mean ranks are further apart"
        f" than the critical difference, {ranks.critical_difference:.3g}. {blocks} Both tests are"
        " approximations for many blocks, and assume that search spaces are independent.",
    )
    return Section(
        "ranks",
        "Ranks over search spaces",
        text=text,
        figures=(_diagram(summary, ranks),),
        tables=(_pairs(ranks),),
    )


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def _pairs(ranks: Ranks) -> Table:
    of = dict(zip(ranks.searchers, ranks.mean_ranks, strict=True))
    rows = tuple(
        (p.first, p.second, of[p.first], of[p.second], of[p.second] - of[p.first], p.p)
        for p in ranks.pairs
    )
    columns = (
        Column("strategy"),
        Column("other"),
        Column("mean rank", digits=2),
        Column("of the other", digits=2),
        Column("difference", digits=2),
        Column("p (Nemenyi)", digits=3),
    )
    return Table("rank-pairs", "Pairs of strategies; rank 1 is the best", columns, rows)


def _diagram(summary: Summary, ranks: Ranks) -> Figure:
    """Strategies at their mean ranks; bars join those that are not shown to differ."""
    of = dict(zip(ranks.searchers, ranks.mean_ranks, strict=True))
    rows: list[Row] = [
        {"kind": "strategy", "searcher": label, "rank": rank, "end": rank, "label": label}
        for label, rank in of.items()
    ]
    bars: list[Row] = [
        {
            "kind": "no difference shown",
            "searcher": "",
            "rank": of[group[0]],
            "end": of[group[-1]],
            "label": f"not shown to differ ({i + 1})",
        }
        for i, group in enumerate(ranks.groups)
    ]
    order = [row["label"] for row in (*rows, *bars)]
    x = alt.X(
        "rank:Q",
        title="mean rank (1 is the best)",
        scale=alt.Scale(domain=[1, len(of)], nice=False),
        axis=alt.Axis(tickMinStep=1),
    )
    y = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=220))
    base = alt.Chart()
    chart = layers(
        [*rows, *bars],
        base.transform_filter("datum.kind != 'strategy'")
        .mark_rule(strokeWidth=6, color=GREY)
        .encode(x=x, x2="end:Q", y=y),
        base.transform_filter("datum.kind == 'strategy'")
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            x=x,
            y=y,
            color=colours(summary).encoding(rows).legend(None),
            tooltip=[alt.Tooltip("searcher:N"), alt.Tooltip("rank:Q", format=".3g")],
        ),
    )
    title = f"Mean ranks; critical difference {ranks.critical_difference:.3g}"
    caption = (
        "Points: mean ranks over search spaces. Thick lines span strategies that Nemenyi's test"
        " does not show to differ; those that no line spans together differ."
    )
    columns = {
        "kind": Column("kind"),
        "searcher": Column("strategy"),
        "rank": Column("mean rank"),
        "end": Column("to rank"),
    }
    spec = finished(chart, title, height=_ROW * len(order) + 10)
    return figure("critical-difference", title, caption, spec, [*rows, *bars], columns)
