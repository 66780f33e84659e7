"""What figures share: colours of the searchers, legends, leak stamps, numbers as drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from reports.document import Column, Figure, Table
from reports.palette import DASHED, SOLID, WARNING, colour, dash
from reports.palette import GREY as GREY
from reports.palette import PALETTE as PALETTE

EXACT = "random search, exact"

HEIGHT = 300

AXIS = alt.Axis(tickCount=6, labelOverlap="greedy", labelFlush=True)

LEGEND = alt.Legend(
    orient="bottom",
    title=None,
    labelLimit=300,
    symbolType="stroke",
    symbolOpacity=1,
    symbolSize=300,
    symbolStrokeWidth=2.5,
)

Row = dict[str, Any]


class Colours:
    """One colour a searcher, the same in every figure of a document.

    Rows carry a searcher's label in the field `searcher`.

    Args:
        labels: Labels of the searchers in the order of their colours.
        random_search: Label of the sampled random search, which is grey, as `EXACT` is.
    """

    def __init__(self, labels: Sequence[str], random_search: str | None) -> None:
        others = [label for label in labels if label != random_search]
        self._of = {label: colour(i) for i, label in enumerate(others)}
        self._dashes = {label: dash(i) for i, label in enumerate(others)} | {EXACT: DASHED}
        self.labels = (*others, *(label for label in labels if label not in others), EXACT)
        """All labels from top to bottom."""

    def encoding(self, rows: Iterable[Row]) -> alt.Color:
        """The colour channel for the searchers among the rows."""
        domain = self.order(rows)
        colours = [self._of.get(label, GREY) for label in domain]
        scale = alt.Scale(domain=domain, range=colours)
        return alt.Color("searcher:N", scale=scale, sort=domain, legend=LEGEND)

    def dashes(self, rows: Iterable[Row]) -> alt.StrokeDash:
        """The dash channel, where colours come again or a curve is exact.

        It shares the colours' legend.
        """
        domain = self.order(rows)
        dashes = [self._dashes.get(label, SOLID) for label in domain]
        scale = alt.Scale(domain=domain, range=dashes)
        return alt.StrokeDash("searcher:N", scale=scale, sort=domain, legend=LEGEND)

    def order(self, rows: Iterable[Row]) -> list[str]:
        """The searchers among the rows from top to bottom."""
        present = {row["searcher"] for row in rows}
        return [label for label in self.labels if label in present]


def layers(rows: list[Row], *charts: alt.Chart) -> alt.LayerChart:
    """Charts over one another that share their rows, with numbers as precise as can be seen."""
    data = [{k: brief(v) for k, v in row.items()} for row in rows]
    return alt.LayerChart(layer=list(charts), data=alt.InlineData(values=data))


def finished(
    chart: alt.TopLevelMixin, title: str, leaks: Sequence[str] = (), height: int = HEIGHT
) -> dict[str, Any]:
    """A chart's specification with its title, as wide as its container.

    Args:
        chart: A single or layered chart.
        title: What it shows.
        leaks: How the search uses test images, in sentences; stamped on the figure.
        height: Of the plot, in pixels.
    """
    heading: dict[str, Any] = {"text": title, "anchor": "start"}
    if leaks:
        heading |= {
            "subtitle": ["LEAK: this search uses test images", *leaks],
            "subtitleColor": WARNING,
        }
    chart = chart.properties(title=heading, width="container", height=height)
    # The tests hold every figure against Vega-Lite's schema, which takes long.
    spec: dict[str, Any] = chart.to_dict(validate=False)
    spec.pop("config", None)
    return spec


def brief(value: Any) -> Any:
    """A number with the six digits that a figure can show; anything else as it is."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def in_unit(unit: str) -> str:
    """A unit in brackets, to follow an axis' name; "" for none."""
    return f" ({unit})" if unit else ""


def points(unit: str) -> str:
    """The unit of differences."""
    return "percentage points" if unit == "%" else unit


def figure(
    name: str,
    title: str,
    caption: str,
    spec: dict[str, Any],
    rows: Sequence[Row],
    columns: Mapping[str, Column],
    log: tuple[str, ...] = (),
) -> Figure:
    """A figure with the rows that it draws as its data.

    Args:
        name: Its name.
        title: What it shows.
        caption: How to read it.
        spec: Its specification.
        rows: What it draws, with all digits that there are.
        columns: Field of the rows -> its column in the data.
        log: Axes that may be switched.
    """
    cells = tuple(tuple(row.get(field) for field in columns) for row in rows)
    return Figure(
        name, title, caption, spec, Table(name, title, tuple(columns.values()), cells), log
    )
