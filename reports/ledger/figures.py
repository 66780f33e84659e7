"""The ledger at a glance: how the entries of each source have come out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import altair as alt

from reports.charts import Row, figure, finished, layers
from reports.document import Column, Figure
from reports.ledger.entry import Basis, Outcome, Verdict
from reports.palette import GREY, PALETTE

ALONE = "reproduced by our own computation"
WITHIN = "reproduced from the source's own statements"

COLOURS = {
    ALONE: PALETTE[0],
    WITHIN: PALETTE[4],
    Verdict.DIFFERS.value: PALETTE[2],
    Verdict.CONTRADICTED.value: PALETTE[1],
    Verdict.NOT_RUN.value: GREY,
}
"""What an entry may come to -> its colour, from left to right."""

_BAR = 36


def verdict_bars(outcomes: Iterable[Outcome]) -> Figure:
    """Entries of each source by what they have come to."""
    counts = Counter((outcome.source.split(",")[0], _kind(outcome)) for outcome in outcomes)
    sources = list(dict.fromkeys(source for source, _ in counts))
    rows: list[Row] = [
        {"source": source, "verdict": kind, "entries": counts[source, kind], "place": place}
        for source in sources
        for place, kind in enumerate(COLOURS)
        if counts[source, kind]
    ]
    title = "Entries of each source by what they have come to"
    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    legend = alt.Legend(orient="bottom", title=None, labelLimit=400, columns=2)
    bars = alt.Chart().mark_bar()
    bars = bars.encode(
        x=alt.X("entries:Q", title="entries", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y("source:N", title=None, sort=sources, axis=alt.Axis(labelLimit=260)),
        color=alt.Color("verdict:N", scale=scale, legend=legend),
        order=alt.Order("place:Q"),
        tooltip=["source:N", "verdict:N", "entries:Q"],
    )
    return figure(
        "verdicts",
        title,
        "Numbers are of entries. An entry is reproduced if all of its numbers agree.",
        finished(layers(rows, bars), title, height=_BAR * len(sources)),
        rows,
        {
            "source": Column("source"),
            "verdict": Column("verdict"),
            "entries": Column("entries", digits=0),
        },
    )


def _kind(outcome: Outcome) -> str:
    if outcome.verdict is not Verdict.REPRODUCED:
        return outcome.verdict.value
    return ALONE if outcome.basis is Basis.OWN else WITHIN
