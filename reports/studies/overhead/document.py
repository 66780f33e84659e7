"""The page of a study of search logic."""

from __future__ import annotations

import altair as alt

from reports.charts import Colours, Row, finished, layers
from reports.document import Column, Document, Figure, Section, Table
from reports.studies.overhead.result import OverheadStudy

PUBLISHED = (("evolution", 0.8), ("reinforcement learning", 34.1))
"""Kyriakides (PhD thesis, University of Macedonia, 2022), section 3.1: seconds of search logic."""

PUBLISHED_TRAINING = 30_000.0
"""The same: seconds of training that they stand beside, "close to 30,000 s"."""

SLIGHT = 0.01
"""A share of the time that the text calls slight."""


def document(result: OverheadStudy) -> Document:
    """What a reader is to see of the result."""
    return Document(
        title=f"Search logic against evaluation on {result.benchmark}",
        lead=_lead(result),
        sections=(_measured(result), _published()),
        provenance={
            "benchmark": f"{result.benchmark}, checksum {result.checksum}",
            "protocol": f"{result.protocol} ({result.protocol_hash})",
            "budget": ", ".join(f"{v:g} {k}" for k, v in result.budget.items() if v is not None),
            **result.machine,
        },
        searchers=tuple(found.searcher for found in result.measured),
    )


def _lead(result: OverheadStudy) -> tuple[str, ...]:
    least, most = result.measured[0], result.measured[-1]
    sentences = [
        f"Measured on this machine: a search's own logic took {_seconds(least.logic)}"
        f" ({least.searcher}) to {_seconds(most.logic)} ({most.searcher}) of processor time.",
        f"The evaluations that {most.searcher} asked for cost {most.training:,.4g} virtual"
        f" seconds: its logic is {most.share:.3%} of logic and evaluation together.",
    ]
    slight = [found for found in result.measured if found.share <= SLIGHT]
    longest = max(found.proposal for found in result.measured) * (1.0 - SLIGHT) / SLIGHT
    sentences.append(
        f"{len(slight)} of {len(result.measured)} strategies stay at or below {SLIGHT:.0%} on"
        f" this benchmark; all would if an evaluation took {_seconds(longest)} or more."
    )
    if result.unsuited:
        sentences.append(f"Not measured: {', '.join(result.unsuited)}; the last table says why.")
    return tuple(sentences)


def _measured(result: OverheadStudy) -> Section:
    table = Table(
        name="overhead",
        title="Search logic of a whole search, and what it asked for",
        columns=(
            Column("strategy"),
            Column("evaluations", digits=0),
            Column("logic, median", "ms"),
            Column("least", "ms"),
            Column("most", "ms"),
            Column("an evaluation", "ms"),
            Column("virtual evaluation", "s"),
            Column("share of logic", "%"),
            Column("under 1% from", "s"),
        ),
        rows=tuple(
            (
                found.searcher,
                found.evaluations,
                1e3 * found.logic,
                1e3 * found.least,
                1e3 * found.most,
                1e3 * found.proposal,
                found.training,
                100.0 * found.share,
                found.proposal * (1.0 - SLIGHT) / SLIGHT,
            )
            for found in result.measured
        ),
        note=(
            "Seconds of logic are telemetry: they were measured on this machine and are not"
            " repeatable. under 1% from: how long one evaluation must take for the logic to be"
            " at most 1% of a worker's time."
        ),
    )
    unsuited = Table(
        name="unsuited",
        title="Strategies that were not measured",
        columns=(Column("strategy"), Column("why")),
        rows=tuple(result.unsuited.items()),
    )
    return Section(
        name="measured",
        title="Measured on this machine",
        text=(
            f"Searches of each strategy: {result.seeds}. Each was run once, and every question and"
            " answer written down. The same conversation was then held with a fresh strategy"
            f" (repeats: {result.repeats}); nothing else is in the timed loop. Times are those of"
            " all threads of the process.",
            "Virtual seconds are the benchmark's, added up over evaluations: what one worker would"
            " have waited. They depend on no machine.",
        ),
        figures=(_figure(result),),
        tables=(table, unsuited) if result.unsuited else (table,),
    )


def _figure(result: OverheadStudy) -> Figure:
    rows: list[Row] = [
        {
            "searcher": found.searcher,
            "logic": found.logic,
            "least": found.least,
            "most": found.most,
            "training": found.training,
        }
        for found in result.measured
    ]
    order = [found.searcher for found in result.measured]
    colour = Colours(order, None).encoding(rows).legend(None)
    title = "Seconds of logic and of evaluation, one search"
    scale = alt.Scale(type="log", nice=False)
    x = alt.X("logic:Q", title="seconds (logarithmic)", scale=scale)
    y = alt.Y("searcher:N", sort=order, title=None, axis=alt.Axis(labelLimit=220))
    base = alt.Chart()
    chart = layers(
        rows,
        base.mark_rule(strokeWidth=2).encode(
            x=alt.X("least:Q", title="seconds (logarithmic)", scale=scale),
            x2="most:Q",
            y=y,
            color=colour,
        ),
        base.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=y, color=colour),
        base.mark_point(shape="diamond", size=90, opacity=1).encode(
            x=alt.X("training:Q", title="seconds (logarithmic)", scale=scale), y=y, color=colour
        ),
    )
    names = ("logic", "least", "most", "training")
    return Figure(
        name="seconds",
        title=title,
        caption=(
            "Filled: processor seconds of the search logic, median with least and most. Diamond:"
            " virtual seconds of its evaluations."
        ),
        spec=finished(chart, title, height=max(120, 26 * len(rows))),
        data=Table(
            name="seconds-data",
            title=title,
            columns=(Column("strategy"), *(Column(name, "s") for name in names)),
            rows=tuple((row["searcher"], *(row[name] for name in names)) for row in rows),
        ),
        log=("x",),
    )


def _published() -> Section:
    table = Table(
        name="published-overhead",
        title="Kyriakides 2022, section 3.1",
        columns=(
            Column("strategy"),
            Column("search logic", "s"),
            Column("training", "s"),
            Column("share of logic", "%"),
        ),
        rows=tuple(
            (name, logic, PUBLISHED_TRAINING, 100.0 * logic / (logic + PUBLISHED_TRAINING))
            for name, logic in PUBLISHED
        ),
        note="Another machine, other strategies and another benchmark: an order of magnitude.",
    )
    return Section(
        name="published",
        title="Published times",
        text=(
            "The published seconds, with the share that follows from them. The thesis gives the"
            " training also as 23 h 20 min; 30,000 s are 8.3 h, and only the seconds are used.",
        ),
        tables=(table,),
        folded=True,
    )


def _seconds(value: float) -> str:
    return f"{1e3 * value:.3g} ms" if value < 1.0 else f"{value:.3g} s"
