"""DARTS on several workers: how much faster, how often they talk, and what they find."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path

import numpy as np

from harness.benchmarks import Benchmark, open_benchmark
from harness.benchmarks.table import TableBenchmark
from harness.one_shot import Problem
from reports.intervals import Estimate, estimate_mean
from reports.records import Question
from reports.studies.diversity import Diversity
from reports.studies.diversity.found import Found
from reports.studies.diversity.study import compared
from reports.studies.overhead.machine import describe
from reports.studies.parallel_darts.result import OneSearch, ParallelDarts, Team
from reports.studies.parallel_darts.searches import Finished, Launch, Settings, carried_out

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Makes a progress bar of what is counted, as `harness.cli.console.counting_bar` does."""


def parallel_darts(
    source: str,
    settings: Settings,
    out: Path,
    *,
    launch: Launch,
    launcher: str,
    trainings: int = 0,
    bar: Bar,
) -> ParallelDarts:
    """Search on each number of workers, and compare.

    Args:
        source: As for `harness.benchmarks.open_benchmark`.
        settings: What is searched, and how.
        out: Finished searches are kept in its folder ``searches``, and not run again.
        launch: Who starts the workers.
        launcher: What a reader is told of that.
        trainings: How often a derived architecture is trained where the benchmark is no table;
            0: its accuracy stays unknown.
        bar: Shows how far it is.

    Raises:
        UserError: If something is unknown or does not fit, or the workers are too many.
        HarnessError: If a worker fails.
    """
    benchmark = open_benchmark(source, None, {})
    problem = settings.problem(benchmark)
    steps = {workers: settings.search(problem, workers, 0).steps for workers in settings.workers}
    finished = Finished(out / "searches", benchmark.checksum, settings, launcher)
    with bar("searches") as progress:
        found = carried_out(problem, settings, finished, launch, progress)
    with bar("accuracies") as progress:
        texts = [f["architecture"] for f in found.values()]
        accuracies = _accuracies(benchmark, texts, trainings, progress)
    searches = tuple(
        OneSearch(workers, seed, accuracy=accuracies[f["architecture"]], **f)
        for (workers, seed), f in found.items()
    )
    return ParallelDarts(
        benchmark=benchmark.name,
        checksum=benchmark.checksum,
        trained=trainings > 0 and not isinstance(benchmark, TableBenchmark),
        mode=settings.mode,
        data=settings.data,
        launcher=launcher,
        epochs=settings.epochs,
        batch_size=problem.recipe.batch_size,
        train_images=len(problem.data.train),
        valid_images=len(problem.data.valid),
        seeds=settings.seeds,
        options=settings.spec.configuration,
        steps={str(workers): count for workers, count in steps.items()},
        machine={**describe(), "torch": version("torch")},
        processors=len(os.sched_getaffinity(0)),
        searches=searches,
        teams=_teams(searches, settings, steps),
        diversity=_diversity(benchmark, problem, searches),
    )


def _accuracies(
    benchmark: Benchmark,
    texts: Sequence[str],
    trainings: int,
    progress: Callable[[int, int], None],
) -> dict[str, float | None]:
    """Validation accuracy of each architecture: a table's mean, or that of some trainings."""
    found: dict[str, float | None] = {}
    distinct = list(dict.fromkeys(texts))
    for text in distinct:
        architecture = benchmark.space.from_string(text)
        if isinstance(benchmark, TableBenchmark):
            answer = benchmark.evaluator(0)(architecture)
            row, visit, value = (np.array([x]) for x in (answer.row, answer.visit, answer.value))
            worth = float(benchmark.results([architecture], row, visit, value, 0)["true"][0])
        else:
            values = [benchmark.read(architecture, None, seed, 0) for seed in range(trainings)]
            worth = float(np.mean(values)) if values else math.nan
        found[text] = None if math.isnan(worth) else worth
        progress(len(found), len(distinct))
    return found


def _teams(
    searches: Sequence[OneSearch], settings: Settings, steps: Mapping[int, int]
) -> tuple[Team, ...]:
    alone = {one.seed: one.seconds for one in searches if one.workers == 1}
    return tuple(
        _team([one for one in searches if one.workers == workers], alone, settings, steps[workers])
        for workers in settings.workers
    )


def _team(
    own: Sequence[OneSearch], alone: Mapping[int, float], settings: Settings, steps: int
) -> Team:
    from searchers.one_shot.parallel import communications

    workers = own[0].workers

    def mean(values: Sequence[float | None]) -> Estimate:
        return estimate_mean(np.array(values, dtype=np.float64))

    if workers == 1:  # by definition
        speedup, efficiency, waited = (Estimate(x, None, None) for x in (1.0, 100.0, 0.0))
    else:
        speedups = [alone[one.seed] / one.seconds for one in own if one.seed in alone]
        speedup = mean(speedups).clipped(0.0, math.inf)
        efficiency = mean([100.0 * s / workers for s in speedups]).clipped(0.0, math.inf)
        waited = mean([100.0 * one.waited for one in own]).clipped(0.0, 100.0)
    return Team(
        workers=workers,
        searches=len(own),
        seconds=mean([one.seconds for one in own]).clipped(0.0, math.inf),
        speedup=speedup,
        efficiency=efficiency,
        waited=waited,
        passes=float(np.mean([one.passes for one in own])),
        communications=float(np.mean([one.communications for one in own])) / settings.epochs,
        expected=communications(settings.mode, steps) if workers > 1 else 0,  # type: ignore[arg-type]
        sent=float(np.mean([one.sent for one in own])) / settings.epochs,
        accuracy=mean([one.accuracy for one in own]).clipped(0.0, 100.0),
    )


def _diversity(benchmark: Benchmark, problem: Problem, searches: Sequence[OneSearch]) -> Diversity:
    """The numbers of workers as groups of the study of diversity."""
    protocol = benchmark.protocol
    question = Question(
        name=benchmark.name,
        label=benchmark.name,
        source=benchmark.name,
        checksum=benchmark.checksum,
        dataset=benchmark.dataset,
        protocol=protocol,
        leaks=tuple(benchmark.leaks),
        split={"report": benchmark.split_of(protocol.selection)},
        units={"report": benchmark.unit_of(protocol.selection)},
    )
    found = [
        Found(
            searcher=label(one.workers),
            seed=one.seed,
            architectures=(problem.space.from_string(one.architecture),),
            report=math.nan if one.accuracy is None else one.accuracy,
        )
        for one in sorted(searches, key=lambda one: (one.workers, one.seed))
    ]
    return Diversity(
        by="searcher",
        take="derived",
        count=1,
        searches=max(one.seed for one in searches) + 1,
        versions={"nas-harness": version("nas-harness")},
        benchmarks=(compared(question, problem.space, found),),
    )


def label(workers: int) -> str:
    """What a reader is told of a number of workers."""
    return "1 worker" if workers == 1 else f"{workers} workers"
