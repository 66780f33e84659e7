"""The page on final trainings."""

from __future__ import annotations

import altair as alt

from reports.charts import AXIS, Row, figure, finished, layers
from reports.document import Cell, Column, Document, Figure, Section, Table
from reports.retrained import Retrained


def document(result: Retrained, provenance: dict[str, str]) -> Document:
    """Search score against final score, as a table and a figure.

    Args:
        result: What came out.
        provenance: Name -> what it was made from.
    """
    lead = [
        f"The {len(result.finals)} best architectures of {result.benchmark} by the mean of their"
        f" search scores, trained again by {result.recipe}, {result.seeds} seeds each."
    ]
    best = max(
        (f for f in result.finals if f.test.mean is not None),
        key=lambda f: f.test.mean or 0.0,
        default=None,
    )
    if best is not None and best.test.mean is not None:
        place = result.finals.index(best) + 1
        lead.append(
            f"The highest mean test accuracy, {best.test.mean:.2f}%, is that of the architecture"
            f" in place {place} of the search. It is the best of {len(result.finals)} looked at on"
            " test images, and so too high an expectation of a further training."
        )
    if result.tau is not None:
        lead.append(
            f"Kendall's tau-b between search scores and final test accuracies: {result.tau:.2f}"
            f" ({len(result.finals)} architectures, chosen for their search scores: no estimate of"
            " the tau over the space)."
        )
    figures = tuple(f for f in [_figure(result)] if f is not None)
    section = Section("finals", "Search score and final score", (), figures, (_table(result),))
    return Document("Final trainings", tuple(lead), (section,), provenance)


def _table(result: Retrained) -> Table:
    columns = (
        Column("place"),
        Column("architecture"),
        Column("found by"),
        Column("search score", digits=3),
        Column("trainings in searches"),
        Column("parameters"),
        Column("valid", "%", digits=2),
        Column("test", "%", digits=2),
        Column("failed"),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            place,
            f"`{f.candidate.architecture}`",
            ", ".join(f.candidate.searchers),
            f.candidate.score,
            f.candidate.trainings,
            f.parameters,
            f.valid,
            f.test,
            "; ".join(f.failed) or None,
        )
        for place, f in enumerate(result.finals, start=1)
    ]
    note = "Test: mean over the final trainings' seeds with its 95% interval."
    return Table("finals", "Search score and final score", columns, tuple(rows), note)


def _figure(result: Retrained) -> Figure | None:
    rows: list[Row] = [
        {
            "architecture": f.candidate.architecture,
            "score": f.candidate.score,
            "test": f.test.mean,
            "low": f.test.low,
            "high": f.test.high,
        }
        for f in result.finals
        if f.test.mean is not None
    ]
    if len(rows) < 2:
        return None
    x = alt.X("score:Q", title="search score", axis=AXIS, scale=alt.Scale(zero=False))
    base = alt.Chart()
    scale = alt.Scale(zero=False)
    y = alt.Y("test:Q", title="test accuracy (%)", scale=scale)
    tooltip = ["architecture:N", "score:Q", "test:Q"]
    chart = layers(
        rows,
        base.mark_rule(strokeWidth=2).encode(x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q"),
        base.mark_point(filled=True, size=70, opacity=1).encode(x=x, y=y, tooltip=tooltip),
    )
    title = "Final test accuracy by search score"
    columns = {
        "architecture": Column("architecture"),
        "score": Column("search score"),
        "test": Column("test", "%"),
        "low": Column("95% from", "%"),
        "high": Column("95% to", "%"),
    }
    caption = "Means over the final trainings' seeds; lines: their 95% intervals."
    return figure("search-and-final", title, caption, finished(chart, title), rows, columns)
