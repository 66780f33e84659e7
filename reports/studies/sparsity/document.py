"""The page of a study of sparsities."""

from __future__ import annotations

from importlib.metadata import version

import altair as alt

from reports.charts import Row, figure, finished, layers
from reports.document import Column, Document, Figure, Section, Table
from reports.intervals import Estimate
from reports.palette import GREY, PALETTE
from reports.studies.sparsity.result import Level, SparsityCurve

RANDOM = "random search"


def sparsity_document(study: SparsityCurve) -> Document:
    """The page of a study."""
    return Document(
        title="What does a sparser architecture cost?",
        lead=_lead(study),
        warnings=tuple(f"The search uses test images: {leak}" for leak in study.leaks),
        sections=(
            Section(
                name="curve",
                title="Error and parameters",
                text=(
                    f"{study.seeds} searches with each sparsity, the same seeds for all:"
                    f" `{study.searcher}` on {study.benchmark} under the protocol"
                    f" `{study.protocol}`, {_budget(study)} each.",
                ),
                figures=(_curve(study),),
                tables=(_levels(study),),
            ),
            Section(
                name="monotone",
                title="Do both change with the sparsity?",
                text=(
                    "Differences of searches with equal seeds, which share initial weights and the"
                    " order of the images.",
                ),
                tables=(_steps(study), _trend(study)),
            ),
            _published(),
            Section(
                name="methods",
                title="How to read this",
                text=(
                    "Intervals are of the mean over seeds, of 95%, each by itself: with several"
                    " sparsities, one of many intervals may miss by luck.",
                    "An architecture's size is what its network of the benchmark's recipe has,"
                    " counted without the operations on no path.",
                    "Random search has the same budget, in full trainings of networks, and selects"
                    " by validation.",
                ),
                folded=True,
            ),
        ),
        provenance={
            "nas-harness": version("nas-harness"),
            f"benchmark {study.benchmark}": study.checksum,
        },
        searchers=(study.searcher, RANDOM) if study.random else (study.searcher,),
    )


def _lead(study: SparsityCurve) -> tuple[str, ...]:
    first, last = study.levels[0], study.levels[-1]
    span = f"from a sparsity of {first.sparsity:g} to {last.sparsity:g}"
    found = [
        f"{span[0].upper()}{span[1:]} the derived networks go from {_told(first.parameters, 0)} to"
        f" {_told(last.parameters, 0)} parameters, and their errors from"
        f" {_told(first.error, 2)}% to {_told(last.error, 2)}%.",
        f"Larger sparsities give {_direction(study.trend.parameters, 'fewer', 'more')} parameters"
        f" (tau-b {_told(study.trend.parameters, 2)}) and"
        f" {_direction(study.trend.error, 'lower', 'higher')} errors"
        f" (tau-b {_told(study.trend.error, 2)}).",
    ]
    failed = sum(level.failed for level in study.levels)
    if failed:
        found.append(
            f"{failed} of {len(study.levels) * study.seeds} searches failed, and are left out."
        )
    if study.random:
        found.append(
            f"Random search of the same budget finds {_told(study.random.error, 2)}% with"
            f" {_told(study.random.parameters, 0)} parameters."
        )
    return tuple(found)


def _direction(trend: Estimate, falling: str, rising: str) -> str:
    if trend.high is not None and trend.high < 0:
        return falling
    if trend.low is not None and trend.low > 0:
        return rising
    return f"neither clearly {falling} nor clearly {rising}"


def _told(estimate: Estimate, digits: int) -> str:
    if estimate.mean is None:
        return "–"
    text = f"{estimate.mean:,.{digits}f}"
    if estimate.low is not None and estimate.high is not None:
        text += f" [{estimate.low:,.{digits}f}, {estimate.high:,.{digits}f}]"
    return text.replace("-", "−")


def _budget(study: SparsityCurve) -> str:
    return " and ".join(
        f"{limit:,g} {name.replace('_', ' ')}" for name, limit in study.budget.items()
    )


def _curve(study: SparsityCurve) -> Figure:
    rows: list[Row] = []
    for place, level in enumerate(_all(study)):
        error, size = level.error, level.parameters
        if error.mean is None or size.mean is None:
            continue
        rows.append(
            {
                "order": place,
                "label": RANDOM if level.sparsity is None else f"{level.sparsity:g}",
                "searcher": RANDOM if level.sparsity is None else study.searcher,
                "parameters": size.mean,
                "parameters_low": size.low,
                "parameters_high": size.high,
                "error": error.mean,
                "error_low": error.low,
                "error_high": error.high,
            }
        )
    base = alt.Chart()
    plain = alt.Scale(zero=False)
    x = alt.X("parameters:Q", title="parameters", scale=plain)
    y = alt.Y("error:Q", title="error (%)", scale=plain)
    chosen = alt.Color(
        "searcher:N",
        scale=alt.Scale(domain=[study.searcher, RANDOM], range=[PALETTE[0], GREY]),
        legend=None,
    )
    of_method = alt.datum.searcher == study.searcher
    chart = layers(
        rows,
        base.mark_line(strokeWidth=1)
        .transform_filter(of_method)
        .encode(x=x, y=y, order="order:Q", color=chosen),
        base.mark_rule().encode(x=x, y=alt.Y("error_low:Q"), y2="error_high:Q", color=chosen),
        base.mark_rule().encode(
            x=alt.X("parameters_low:Q"), x2="parameters_high:Q", y=y, color=chosen
        ),
        base.mark_point(filled=True, size=70, opacity=1).encode(x=x, y=y, color=chosen),
        base.mark_text(align="left", dx=7, dy=-7).encode(x=x, y=y, text="label:N"),
    )
    title = "Error over parameters"
    return figure(
        "curve",
        title,
        "Each point: the mean of the searches with one sparsity, whose value stands beside it;"
        " lines are intervals of both means.",
        finished(chart, title, study.leaks),
        rows,
        {
            "label": Column("sparsity"),
            "parameters": Column("parameters", digits=0),
            "parameters_low": Column("parameters, low", digits=0),
            "parameters_high": Column("parameters, high", digits=0),
            "error": Column("error", "%", digits=2),
            "error_low": Column("error, low", "%", digits=2),
            "error_high": Column("error, high", "%", digits=2),
        },
    )


def _all(study: SparsityCurve) -> tuple[Level, ...]:
    return (*study.levels, study.random) if study.random else study.levels


def _levels(study: SparsityCurve) -> Table:
    return Table(
        name="levels",
        title="What was found with each sparsity",
        columns=(
            Column("sparsity"),
            Column("error", "%", digits=2),
            Column("parameters", digits=0),
            Column("unpruned operations", digits=1),
            Column("different architectures"),
            Column("failed searches"),
        ),
        rows=tuple(
            (
                RANDOM if level.sparsity is None else f"{level.sparsity:g}",
                level.error,
                level.parameters,
                level.operations,
                len({found.architecture for found in level.found} - {None}),
                level.failed,
            )
            for level in _all(study)
        ),
        note="Unpruned operations are candidates in all types of cells together. Failed searches"
        " diverged, or what they found has no result: they are in no other number.",
    )


def _steps(study: SparsityCurve) -> Table:
    return Table(
        name="steps",
        title="From one sparsity to the next",
        columns=(
            Column("sparsities"),
            Column("error", "percentage points", digits=2, signed=True),
            Column("parameters", digits=0, signed=True),
        ),
        rows=tuple(
            (f"{step.before:g} to {step.after:g}", step.error, step.parameters)
            for step in study.steps
        ),
    )


def _trend(study: SparsityCurve) -> Table:
    return Table(
        name="trend",
        title="Kendall's tau-b with the sparsity",
        columns=(Column("of"), Column("tau-b", digits=2, signed=True)),
        rows=(
            ("error", study.trend.error),
            ("parameters", study.trend.parameters),
            ("unpruned operations", study.trend.operations),
        ),
        note="Of each seed's searches, mean over seeds; 0 where all searches of a seed are equal.",
    )


def _published() -> Section:
    """M. Yang (2019), Table 5-1."""
    return Section(
        name="published",
        title="Published values",
        text=(
            "M. Yang (TU Delft, 2019, Table 5-1) derived one cell with each of three sparsities"
            " on CIFAR-10 and trained it with 20 cells; what the intervals are over is not said.",
        ),
        tables=(
            Table(
                name="published-sparsities",
                title="Test error and parameters on CIFAR-10, as published",
                columns=(
                    Column("sparsity"),
                    Column("error", "%", digits=2),
                    Column("parameters (millions)", digits=2),
                ),
                rows=(
                    ("0.005", Estimate(2.81, 2.77, 2.85), Estimate(3.40, 2.78, 4.02)),
                    ("0.007", Estimate(2.90, 2.85, 2.95), Estimate(3.10, 2.95, 3.25)),
                    ("0.01", Estimate(3.02, 2.98, 3.06), Estimate(2.59, 2.36, 2.82)),
                ),
            ),
        ),
        folded=True,
    )
