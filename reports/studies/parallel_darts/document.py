"""The page of a study of DARTS on several workers."""

from __future__ import annotations

import altair as alt

from reports.charts import Row, finished, layers
from reports.comparison import ALPHA
from reports.document import Column, Document, Figure, Section, Table
from reports.intervals import Estimate
from reports.studies.diversity.document import benchmark_section
from reports.studies.parallel_darts import published
from reports.studies.parallel_darts.result import ParallelDarts, Team
from reports.studies.parallel_darts.study import label

ALGORITHM = {"epoch": "Algorithm 1", "batch": "Algorithm 2"}

_HOW = {
    "epoch": "Every worker takes its own steps for an epoch; then network weights, running"
    " statistics and architecture parameters are averaged (Algorithm 1).",
    "batch": "Every step of the weights, and every step of the architecture parameters, is taken"
    " with the workers' mean gradient (Algorithm 2); running statistics are averaged once an"
    " epoch.",
}
_DATA = {
    "sharded": "Each worker has its own part of the training and validation images, and batches"
    " of the same size as one worker alone: with more workers, fewer and shorter epochs of steps.",
    "identical": "All workers have all images in the same order, which checks the machinery:"
    " nothing is gained.",
}


def document(result: ParallelDarts) -> Document:
    """What a reader is to see of the result."""
    found = result.diversity.benchmarks[0]
    return Document(
        title=f"DARTS on several workers, {result.benchmark}",
        lead=_lead(result),
        warnings=_warnings(result),
        sections=(
            _speed(result),
            _communication(result),
            benchmark_section(result.diversity, found, 0),
            _searches(result),
            _published(),
        ),
        provenance={
            "benchmark": f"{result.benchmark}, checksum {result.checksum}",
            "search": f"{result.epochs} epochs, batches of {result.batch_size},"
            f" {result.train_images:,} training and {result.valid_images:,} validation images,"
            f" {result.seeds} seeds",
            "options": ", ".join(f"{k}={v}" for k, v in result.options.items()) or "defaults",
            "workers": f"{ALGORITHM[result.mode]}, {result.data}, {result.launcher}",
            **result.machine,
        },
        searchers=tuple(group.name for group in found.groups),
    )


def _warnings(result: ParallelDarts) -> tuple[str, ...]:
    most = max(team.workers for team in result.teams)
    if result.launcher == "processes" and most > result.processors:
        return (
            f"{most} workers shared {result.processors} processors: their seconds say nothing of"
            " a machine with a processor for each.",
        )
    return ()


def _lead(result: ParallelDarts) -> tuple[str, ...]:
    sentences = [
        f"{label(team.workers)}: {_interval(team.seconds)} s a search"
        + (
            f", {_interval(team.speedup)} times as fast as one worker, an efficiency of"
            f" {_interval(team.efficiency, 0)}%"
            if team.workers > 1 and team.speedup.mean is not None
            else ""
        )
        + "."
        for team in result.teams
    ]
    several = [team for team in result.teams if team.workers > 1]
    if several:
        counts = ", ".join(
            f"{team.communications:g} all-reduces an epoch on {team.workers}" for team in several
        )
        sentences.append(f"{ALGORITHM[result.mode]}, counted: {counts} workers.")
    sentences += _same(result)
    return tuple(sentences)


def _same(result: ParallelDarts) -> list[str]:
    found = result.diversity.benchmarks[0]
    sentences = []
    accuracies = [t for t in result.teams if t.accuracy.mean is not None]
    if accuracies:
        means = ", ".join(f"{_interval(t.accuracy)}% ({label(t.workers)})" for t in accuracies)
        sentences.append(f"Validation accuracy of what was derived: {means}.")
    tested = [pair for pair in found.pairs if pair.ks_adjusted is not None]
    if tested:
        fewest = min(tested, key=lambda pair: pair.ks_adjusted or 0.0)
        verdict = "differ" if (fewest.ks_adjusted or 0.0) < ALPHA else "are not shown to differ"
        sentences.append(
            f"By the Kolmogorov-Smirnov test these accuracies {verdict}: the least p after"
            f" Benjamini and Hochberg is {fewest.ks_adjusted:.2f}."
        )
    test = found.test
    if test is not None and test.kruskal_p is not None:
        verdict = "differ" if test.kruskal_p < ALPHA else "are not shown to differ"
        sentences.append(
            f"Graph edit distances within and between numbers of workers {verdict}:"
            f" Kruskal-Wallis p = {test.kruskal_p:.2f} by permuting searches,"
            f" {test.kruskal_naive:.2f} as if pairs were independent."
        )
    return sentences


def _interval(estimate: Estimate, digits: int = 2) -> str:
    if estimate.mean is None:
        return "–"
    mean = f"{estimate.mean:.{digits}f}"
    if estimate.low is None or estimate.high is None:
        return mean
    return f"{mean} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def _speed(result: ParallelDarts) -> Section:
    table = Table(
        name="speed",
        title="Seconds of a search",
        columns=(
            Column("workers"),
            Column("searches", digits=0),
            Column("seconds", "s", digits=2),
            Column("speed-up", digits=2),
            Column("efficiency", "%", digits=0),
            Column("in all-reduces", "%", digits=1),
            Column("image passes", digits=0),
            Column("validation accuracy", "%", digits=2),
        ),
        rows=tuple(
            (
                str(team.workers),
                team.searches,
                team.seconds,
                team.speedup,
                team.efficiency,
                team.waited,
                team.passes,
                team.accuracy,
            )
            for team in result.teams
        ),
        note=(
            "Means over seeds with 95% intervals. Seconds are those of the training, without the"
            " start of the processes, measured on this machine and not repeatable. speed-up: the"
            " seconds of one worker divided by these, seed by seed. in all-reduces: most of it is"
            " waiting for the slowest worker. image passes: of all workers together."
            + (
                " validation accuracy: the derived architecture trained alone."
                if result.trained
                else " validation accuracy: the derived architecture's, by the table."
            )
        ),
    )
    return Section(
        name="speed",
        title="Speed",
        text=(_HOW[result.mode], _DATA[result.data]),
        figures=(_figure(result),),
        tables=(table,),
    )


def _figure(result: ParallelDarts) -> Figure:
    rows: list[Row] = []

    def add(searcher: str, workers: int, speedup: Estimate) -> None:
        rows.append(
            {
                "searcher": searcher,
                "workers": workers,
                "speedup": speedup.mean,
                "low": speedup.low,
                "high": speedup.high,
            }
        )

    for team in result.teams:
        if team.speedup.mean is not None:
            add("measured here", team.workers, team.speedup)
    alone = published.SPEED[0][1]
    for workers, seconds, _, _ in published.SPEED:
        add("Kyriakides 2022", workers, Estimate(alone / seconds, None, None))
    for workers in sorted({row["workers"] for row in rows}):
        add("perfect", workers, Estimate(float(workers), None, None))
    title = "Speed-up over one worker"
    colour = alt.Color("searcher:N", title=None, sort=["measured here", "Kyriakides 2022"])
    x = alt.X("workers:Q", axis=alt.Axis(tickMinStep=1, format="d"))
    y = alt.Y("speedup:Q", title="times as fast")
    base = alt.Chart()
    chart = layers(
        rows,
        base.mark_line(point=True).encode(x=x, y=y, color=colour),
        base.mark_rule().encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour),
    )
    names = ("searcher", "workers", "speedup", "low", "high")
    return Figure(
        name="speedup",
        title=title,
        caption="Mean over seeds with 95% intervals, the published values, and perfect speed-up.",
        spec=finished(chart, title),
        data=Table(
            name="speedup-data",
            title=title,
            columns=tuple(Column(name) for name in names),
            rows=tuple(tuple(row[name] for name in names) for row in rows),
        ),
    )


def _communication(result: ParallelDarts) -> Section:
    from searchers.one_shot.parallel import communications, fewer

    def row(team: Team) -> tuple[str | float, ...]:
        steps = result.steps[str(team.workers)]
        other = communications("batch", steps) if team.workers > 1 else 0
        return (
            str(team.workers),
            float(steps),
            team.communications,
            team.expected,
            float(other),
            team.sent / 1e3,
        )

    table = Table(
        name="communication",
        title="All-reduces of a worker in an epoch",
        columns=(
            Column("workers"),
            Column("steps", digits=0),
            Column("counted", digits=0),
            Column("in closed form", digits=0),
            Column("Algorithm 2 would take", digits=0),
            Column("sent", "kB", digits=1),
        ),
        rows=tuple(row(team) for team in result.teams),
        note=(
            "Closed form: 1 for Algorithm 1; for Algorithm 2 two for every step (the gradients of"
            " weights and of architecture parameters), and 1 for running statistics. sent: what"
            " a worker gives to all-reduces in an epoch."
        ),
    )
    factor = fewer(published.IMAGES, published.BATCH_SIZE)
    return Section(
        name="communication",
        title="Communication",
        text=(
            f"Published: {published.IMAGES:,} images / batches of {published.BATCH_SIZE} ="
            f" {factor:g} times fewer all-reduces for Algorithm 1. Half of these images trained"
            " the weights and half the architecture, so that 468.75 steps with two all-reduces"
            " each give the same number. With the images dealt out to G workers, each takes a"
            " G-th of the steps, and the factor is a G-th, too.",
        ),
        tables=(table,),
    )


def _searches(result: ParallelDarts) -> Section:
    table = Table(
        name="searches",
        title="Every search",
        columns=(
            Column("workers"),
            Column("seed", digits=0),
            Column("architecture"),
            Column("seconds", "s", digits=2),
            Column("validation accuracy", "%", digits=2),
        ),
        rows=tuple(
            (str(one.workers), one.seed, f"`{one.architecture}`", one.seconds, one.accuracy)
            for one in result.searches
        ),
    )
    return Section(name="searches", title="The searches", tables=(table,), folded=True)


def _published() -> Section:
    from reports.studies.diversity.label_tests import benjamini_hochberg

    alone = published.SPEED[0][1]
    speed = Table(
        name="published-speed",
        title="Kyriakides 2022, table 8.2",
        columns=(
            Column("GPUs"),
            Column("seconds", "s", digits=0),
            Column("speed-up", digits=2),
            Column("efficiency", "%", digits=0),
            Column("best training accuracy", "%", digits=2),
            Column("best validation accuracy", "%", digits=2),
        ),
        rows=tuple(
            (str(n), seconds, alone / seconds, 100.0 * alone / seconds / n, train, valid)
            for n, seconds, train, valid in published.SPEED
        ),
        note="One search each of 50 epochs on Fashion-MNIST with A100s; the best of four seeds.",
    )
    corrected = benjamini_hochberg([p for _, p, _ in published.KS])
    tests = Table(
        name="published-tests",
        title="Kyriakides 2022, table 8.3: Kolmogorov-Smirnov tests",
        columns=(
            Column("pair"),
            Column("p", digits=2),
            Column("p (BH), printed", digits=2),
            Column("p (BH), recomputed", digits=3),
        ),
        rows=tuple(
            (pair, p, printed, again)
            for (pair, p, printed), again in zip(published.KS, corrected, strict=True)
        ),
        note=(
            "Of the final networks' validation accuracies in epochs 10 to 100. The printed"
            " corrections are not those of Benjamini and Hochberg over the three; nothing is"
            " rejected either way."
        ),
    )
    kruskal = " and ".join(f"{p:g} ({cells})" for cells, p in published.KRUSKAL)
    return Section(
        name="published",
        title="Published values",
        text=(
            f"Mean graph edit distance {published.MEAN_DISTANCE:g}, about four operations;"
            f" Kruskal-Wallis p of distances within and between groups: {kruskal}.",
        ),
        tables=(speed, tests),
        folded=True,
    )
