"""The page of a study of one-shot scores."""

from __future__ import annotations

import altair as alt

from reports.charts import AXIS, Row, figure, finished, layers
from reports.document import Column, Document, Figure, Section, Table
from reports.intervals import Estimate
from reports.studies.one_shot_ranking.result import OneShotRanking, ScoreRanking
from reports.studies.one_shot_ranking.scores import CONTROLS, SCORES


def document(result: OneShotRanking) -> Document:
    """What a reader is to see of the result."""
    return Document(
        title=f"Do one-shot scores rank architectures? {result.benchmark}",
        lead=_lead(result),
        sections=(_ranking(result), _differences(result), _method(result)),
        provenance={
            "benchmark": f"{result.benchmark}, checksum {result.checksum}",
            "methods": "; ".join(
                label + "".join(f", {k}={v}" for k, v in options.items() if k not in label)
                for label, options in result.methods.items()
            ),
            **result.versions,
        },
    )


def _lead(result: OneShotRanking) -> tuple[str, ...]:
    trained = (
        f"{result.benchmark}: {_supernets(result.seeds)} of each method, {result.passes:,} image"
        f" passes each, which is {result.passes / result.evaluation_passes:.3g} full trainings."
        f" Their scores of {result.sample:,} of {result.space:,} architectures are compared with"
        f" `{result.report}` by Kendall's tau-b."
    )
    if result.diverged:
        trained += f" Diverged, and without a score: {_supernets(result.diverged)}."
    return (trained, *(_sentence(score) for score in result.scores))


def _supernets(seeds: int) -> str:
    return f"{seeds} supernet{'s' if seeds > 1 else ''}"


def _sentence(score: ScoreRanking) -> str:
    text = f"`{score.label}`: tau-b {_words(score.tau)}"
    if score.top_tau.mean is not None:
        text += f", among the best tenth {_words(score.top_tau)}"
    if score.percentile.mean is not None:
        text += f"; its pick is better than {score.percentile.mean:.1f}% of the architectures"
    return f"{text}."


def _words(estimate: Estimate, digits: int = 3) -> str:
    if estimate.mean is None:
        return "none"
    text = f"{estimate.mean:.{digits}f}"
    if estimate.low is not None and estimate.high is not None:
        text += f" [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"
    return text.replace("-", "−")


def _ranking(result: OneShotRanking) -> Section:
    regret = "pp" if result.unit == "%" else result.unit
    table = Table(
        name="ranking",
        title="Scores against the table",
        columns=(
            Column("score"),
            Column("seeds", digits=0),
            Column("tau-b", digits=3),
            Column("tau-b of the best", digits=3),
            Column("Spearman's rho", digits=3),
            Column("its pick is better than", "%", digits=1),
            Column("regret of its pick", regret, digits=2),
        ),
        rows=tuple(
            (s.label, s.seeds, s.tau, s.top_tau, s.spearman, s.percentile, s.regret)
            for s in result.scores
        ),
        note=(
            f"Means over seeds with 95% intervals. The best: the {result.top:,} of"
            f" {result.sample:,} architectures with the best results, ties included. Its pick: the"
            " architecture with the best score, the mean over equal ones; regret: how far its"
            f" result is from the best one of the sample, {result.best:.5g}{result.unit}. Where"
            " nothing is drawn there is no interval."
        ),
    )
    figures = (_figure(result),) if any(s.tau.mean is not None for s in result.scores) else ()
    return Section("ranking", "Scores against the table", figures=figures, tables=(table,))


def _figure(result: OneShotRanking) -> Figure:
    rows: list[Row] = []
    for score in result.scores:
        if score.tau.mean is not None:
            ends = {"low": score.tau.low, "high": score.tau.high}
            rows.append({"searcher": score.label, "mean": score.tau.mean, "seed": None, **ends})
        rows += [
            {"searcher": score.label, "mean": None, "seed": tau, "low": None, "high": None}
            for tau in score.taus
            if tau is not None
        ]
    order = [score.label for score in result.scores]
    y = alt.Y("searcher:N", sort=order, title=None, axis=alt.Axis(labelLimit=190))
    base = alt.Chart()

    def along(field: str) -> alt.X:
        return alt.X(f"{field}:Q", title="Kendall's tau-b with the table", axis=AXIS)

    chart = layers(
        rows,
        base.mark_rule(strokeWidth=3).encode(x=along("low"), x2="high:Q", y=y),
        base.mark_point(opacity=0.6, size=40).encode(x=along("seed"), y=y),
        base.mark_point(filled=True, shape="diamond", size=90, opacity=1).encode(
            x=along("mean"), y=y, tooltip=["searcher:N", "mean:Q", "low:Q", "high:Q"]
        ),
    )
    title = "Rank correlation with the table"
    columns = {
        "searcher": Column("score"),
        "mean": Column("mean tau-b"),
        "low": Column("95% from"),
        "high": Column("95% to"),
        "seed": Column("tau-b of one seed"),
    }
    caption = "Circles: one supernet each. Diamonds: their mean; lines: its 95% interval."
    spec = finished(chart, title, height=36 * len(order) + 20)
    return figure("tau", title, caption, spec, rows, columns)


def _differences(result: OneShotRanking) -> Section:
    table = Table(
        name="differences",
        title="One score beside another",
        columns=(
            Column("score"),
            Column("beside"),
            Column("difference of tau-b", digits=3, signed=True),
            Column("of the best", digits=3, signed=True),
        ),
        rows=tuple((d.first, d.second, d.tau, d.top_tau) for d in result.differences),
        note=(
            "Tau-b of the first minus that of the second, seed by seed: scores of one method come"
            " from the same supernets. Means with 95% intervals, of one comparison each and not"
            " adjusted for their number."
        ),
    )
    return Section(
        "differences",
        "One score beside another",
        tables=(table,) if result.differences else (),
        text=() if result.differences else ("There is nothing to compare.",),
    )


def _method(result: OneShotRanking) -> Section:
    shown = dict.fromkeys(score.score for score in result.scores)
    said = [f"`{name}`: {SCORES[name]}." for name in shown]
    text = [
        "Supernets see training and validation images, and nothing of the table. " + " ".join(said)
    ]
    if any(name not in CONTROLS for name in shown):
        text.append(
            "Scores of operations are summed over the edges of a cell, where no operation counts"
            " as 0 (of DARTS, as the option that it is, and with zero=false as the weakest"
            " operation). A sum of what is never negative is larger"
            " the more operations there are: compare with `parameters`."
        )
    if "training" in shown:
        text.append(
            "`training` is what a strategy that evaluates is told. It flatters itself: the table's"
            " result is a mean over trainings, of which it may be one."
        )
    text.append(
        "The architectures are one sample for all seeds and scores, so that intervals are of the"
        " supernets' luck and not of the sample's. What the table says is itself noisy: no score"
        " can reach a tau-b of 1."
    )
    return Section("method", "How to read this", text=tuple(text))
