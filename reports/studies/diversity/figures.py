"""Figures of a study of diversity: they draw what the result holds."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from reports.charts import GREY, PALETTE, Row, brief, finished, layers
from reports.document import Column, Figure, Table
from reports.studies.diversity.result import BenchmarkDiversity


def overlay_figures(found: BenchmarkDiversity, place: int) -> tuple[Figure, ...]:
    """One drawing a group: all its architectures over another."""
    groups = list(dict.fromkeys(dot.group for dot in found.dots))
    return tuple(_overlay(found, group, f"overlay-{place}-{i}") for i, group in enumerate(groups))


def _overlay(found: BenchmarkDiversity, group: str, name: str) -> Figure:
    lines = [line for line in found.lines if line.group == group]
    dots = [dot for dot in found.dots if dot.group == group]
    rows: list[Row] = [
        {
            "kind": "edge",
            "operation": line.operation,
            "x": line.x,
            "y": line.y,
            "x2": line.x2,
            "y2": line.y2,
            "share": line.share,
            "opacity": line.opacity,
        }
        for line in lines
    ]
    rows += [
        {
            "kind": "vertex",
            "operation": dot.name,
            "x": dot.x,
            "y": dot.y,
            "x2": None,
            "y2": None,
            "share": dot.share,
            "opacity": dot.opacity,
        }
        for dot in dots
    ]
    x, y = alt.X("x:Q", axis=None), alt.Y("y:Q", axis=None)
    opacity = alt.Opacity("opacity:Q", scale=None, legend=None)
    names = list(dict.fromkeys(use.operation for use in found.operations))
    scale = alt.Scale(domain=names, range=[PALETTE[i % len(PALETTE)] for i in range(len(names))])
    colour = alt.Color("operation:N", scale=scale, legend=None)
    tooltip = [alt.Tooltip("operation:N"), alt.Tooltip("share:Q", format=".0%")]
    base = alt.Chart()
    edges = base.mark_rule(strokeWidth=3).transform_filter("datum.kind == 'edge'")
    vertices = base.mark_circle(size=260).transform_filter("datum.kind == 'vertex'")
    if any(line.operation for line in lines):
        present = [n for n in names if n in {line.operation for line in lines}]
        legend = alt.Legend(orient="bottom", title=None, values=present, symbolOpacity=1)
        edges = edges.encode(
            x=x, y=y, x2="x2:Q", y2="y2:Q", opacity=opacity, tooltip=tooltip,
            color=colour.legend(legend),
        )  # fmt: skip
        vertices = vertices.encode(x=x, y=y, color=alt.value(GREY), tooltip=tooltip)
    else:
        edges = edges.encode(
            x=x, y=y, x2="x2:Q", y2="y2:Q", opacity=opacity, color=alt.value(GREY)
        )
        vertices = vertices.encode(x=x, y=y, opacity=opacity, color=colour, tooltip=tooltip)
    labels = (
        base.mark_text(dy=-16, fontSize=10)
        .transform_filter("datum.kind == 'vertex'")
        .encode(x=x, y=y, text="operation:N", opacity=opacity)
    )
    title = f"{group}: all architectures over another"
    columns = ("kind", "operation", "x", "y", "x2", "y2", "share", "opacity")
    return Figure(
        name=name,
        title=title,
        caption=(
            "Each architecture is drawn with an opacity of one divided by their number: what all"
            " share is darkest."
        ),
        spec=finished(layers(rows, edges, vertices, labels), title, found.leaks),
        data=Table(
            name=f"{name}-data",
            title=title,
            columns=tuple(Column(column) for column in columns),
            rows=tuple(tuple(row[column] for column in columns) for row in rows),
        ),
    )


def together_figures(found: BenchmarkDiversity, place: int) -> tuple[Figure, ...]:
    """One heat map a group: pairs of operations against the space's base rates."""
    groups = list(dict.fromkeys(both.group for both in found.together))
    return tuple(
        _together(found, group, f"together-{place}-{i}") for i, group in enumerate(groups)
    )


def _together(found: BenchmarkDiversity, group: str, name: str) -> Figure:
    pairs = [both for both in found.together if both.group == group]
    order = list(dict.fromkeys(both.first for both in pairs))
    rows: list[Row] = [
        {
            "first": both.first,
            "second": both.second,
            "share": both.share,
            "base": both.base,
            "difference": both.share - both.base,
        }
        for both in pairs
    ]
    chart = (
        alt.Chart(alt.InlineData(values=[{k: brief(v) for k, v in row.items()} for row in rows]))
        .mark_rect()
        .encode(
            x=alt.X("first:N", sort=order, title=None, axis=alt.Axis(labelAngle=-30)),
            y=alt.Y("second:N", sort=order, title=None),
            color=alt.Color(
                "difference:Q",
                title="share minus base rate",
                scale=alt.Scale(scheme="blueorange", domain=[-1, 0, 1]),
                legend=alt.Legend(orient="bottom", format="+.0%"),
            ),
            tooltip=[
                alt.Tooltip("first:N"),
                alt.Tooltip("second:N"),
                alt.Tooltip("share:Q", format=".1%"),
                alt.Tooltip("base:Q", format=".1%"),
            ],
        )
    )
    title = f"{group}: operations that occur together"
    columns: Sequence[str] = ("first", "second", "share", "base", "difference")
    return Figure(
        name=name,
        title=title,
        caption=(
            "Share of architectures with both operations (on the diagonal: with two of one), minus"
            " the same share of random architectures of the space."
        ),
        spec=finished(chart, title, found.leaks),
        data=Table(
            name=f"{name}-data",
            title=title,
            columns=tuple(Column(column) for column in columns),
            rows=tuple(tuple(row[column] for column in columns) for row in rows),
        ),
    )
