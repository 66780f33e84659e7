"""From an experiment's directory to the summary of its report: all computing, no drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from harness.benchmarks import Benchmark
from reports.anytime import by_evaluations, by_seconds, evaluation_grid, seconds_grid
from reports.baseline import Baseline, baseline_of
from reports.catching_up import catching_up
from reports.checklist import checklist
from reports.comparison import Comparison, against_exact, against_sampled, judged
from reports.finals import final_results
from reports.incumbents import Incumbents, incumbents
from reports.origins import origin_of
from reports.records import Cell, Question, Records, read_records
from reports.statistics.contest import Contest
from reports.statistics.verdicts import check_margin, contests, with_verdicts
from reports.summary import BenchmarkSummary, Searches, Summary
from reports.training_costs import training_costs
from reports.views import views_of

RANDOM_SEARCH = "random_search"


def summarise(
    directory: str | Path,
    tables: Mapping[str, Benchmark] | None = None,
    *,
    margin: float | None = None,
) -> Summary:
    """Summarise an experiment's directory.

    Args:
        directory: The experiment's ``--out`` directory.
        tables: Benchmark name -> opened benchmark, for tables that are not where the experiment
            found them.
        margin: Difference that matters, in units of the reported result; by default 0.1 where
            that is in percent, and a tenth of random search's standard deviation elsewhere.

    Raises:
        UserError: If the directory holds no experiment or no finished search, or the margin is
            not above zero.
        HarnessError: If a trace file is damaged.
    """
    check_margin(margin)
    records = read_records(directory)
    document = records.document
    sampled = _sampled(records)
    answered = [q for q in records.questions if any(key == q.key for _, key in records.cells)]
    found = [_benchmark(records, question, sampled, tables or {}) for question in answered]
    benchmarks, family = _judged([benchmark for benchmark, _ in found])
    cells = records.cells.values()
    summary = Summary(
        searchers=tuple(records.searchers),
        random_search=sampled["searcher"] if sampled else None,
        seeds=tuple(document["seeds"]),
        budget=dict(document["budget"]),
        workers=document["workers"],
        versions=dict(document["versions"]),
        experiment=experiment_file(document),
        finished=sum(len(cell.seeds) for cell in cells),
        expected=len(document["searchers"]) * len(records.questions) * len(document["seeds"]),
        evaluations=sum(int(cell.lengths.sum()) for cell in cells if cell.one_shot is None),
        family=family,
        benchmarks=tuple(benchmarks),
        declared=dict(document.get("declared", {})),
    )
    summary = replace(
        summary,
        benchmarks=tuple(
            replace(b, trainings=training_costs(Path(directory), b.checksum)) for b in benchmarks
        ),
    )
    summary = with_verdicts(summary, [contests for _, contests in found], margin)
    origins = [origin_of(question, tables or {}) for question in answered]
    return replace(summary, checklist=checklist(summary, origins))


def _sampled(records: Records) -> dict[str, Any] | None:
    """The experiment's random search; of several, one that draws with replacement."""
    found = [s for s in records.searchers if s["strategy"] == RANDOM_SEARCH]
    found.sort(key=lambda s: not s["options"].get("replacement", True))
    return found[0] if found else None


def _benchmark(
    records: Records,
    question: Question,
    sampled: dict[str, Any] | None,
    tables: Mapping[str, Benchmark],
) -> tuple[BenchmarkSummary, list[Contest]]:
    cells = [
        records.cells[searcher["searcher"], question.key]
        for searcher in records.searchers
        if (searcher["searcher"], question.key) in records.cells
    ]
    budget = records.document["budget"]
    counted = budget.get("evaluations") is not None
    followed = {cell.searcher: incumbents(cell, missing_charged=counted) for cell in cells}
    random_label = sampled["searcher"] if sampled else None
    replacement = sampled["options"].get("replacement", True) if sampled else True
    baseline = baseline_of(question, budget, replacement=replacement, tables=tables)
    maximize = question.protocol.larger_report_is_better
    finals = tuple(
        final_results(label, f, baseline.optimum, maximize=maximize)
        for label, f in followed.items()
    )
    random_finals = next((f for f in finals if f.searcher == random_label), None)
    grid = evaluation_grid(max(f.seconds.shape[1] for f in followed.values()))
    times = seconds_grid(followed.values())
    summary = BenchmarkSummary(
        name=question.label,
        source=question.source,
        dataset=question.dataset,
        checksum=question.checksum,
        protocol=question.protocol.to_dict(),
        protocol_hash=question.protocol.hash,
        split=question.split,
        units=question.units,
        leaks=question.leaks,
        maximize=maximize,
        optimum=baseline.optimum,
        curves=tuple(by_evaluations(label, f, grid) for label, f in followed.items()),
        time_curves=tuple(by_seconds(label, f, times) for label, f in followed.items()),
        catching_up=catching_up(followed, random_label, maximize=maximize),
        exact=baseline.summary(grid, random_finals),
        exact_missing=baseline.missing,
        finals=finals,
        comparisons=tuple(_comparisons(question, followed, random_label, baseline)),
        searches=tuple(map(_searches, cells)),
        space=baseline.benchmark.space.name if baseline.benchmark else "",
        views=views_of(
            cells,
            followed,
            baseline,
            records.searchers,
            random_label,
            grid,
            times,
            counted=counted,
        ),
    )
    return summary, contests(summary, followed, random_label, baseline.final)


def _comparisons(
    question: Question,
    followed: Mapping[str, Incumbents],
    random_label: str | None,
    baseline: Baseline,
) -> list[Comparison]:
    """Every strategy but random search against each reference that there is."""
    maximize = question.protocol.larger_report_is_better
    reference = followed.get(random_label) if random_label else None
    found = []
    for label, strategy in followed.items():
        if label == random_label:
            continue
        results = strategy.final("report")
        if baseline.final is not None:
            found.append(against_exact(label, question.label, results, baseline.final, maximize))
        if reference is not None:
            _, ours, theirs = np.intersect1d(strategy.seeds, reference.seeds, return_indices=True)
            sampled = reference.final("report")[theirs]
            found.append(against_sampled(label, question.label, results[ours], sampled, maximize))
    return found


def _judged(
    benchmarks: list[BenchmarkSummary],
) -> tuple[list[BenchmarkSummary], dict[str, int]]:
    """The benchmarks with verdicts, and the sizes of the families of tests."""
    family = {}
    for reference in ("exact", "sampled"):
        places = [
            (b, i)
            for b, benchmark in enumerate(benchmarks)
            for i, c in enumerate(benchmark.comparisons)
            if c.reference == reference
        ]
        verdicts = judged(
            [benchmarks[b].comparisons[i] for b, i in places],
            [benchmarks[b].maximize for b, _ in places],
        )
        for (b, i), verdict in zip(places, verdicts, strict=True):
            comparisons = list(benchmarks[b].comparisons)
            comparisons[i] = verdict
            benchmarks[b] = replace(benchmarks[b], comparisons=tuple(comparisons))
        family[reference] = sum(v.p is not None for v in verdicts)
    return benchmarks, family


def _searches(cell: Cell) -> Searches:
    return Searches(
        searcher=cell.searcher,
        searches=len(cell.seeds),
        evaluations=int(cell.lengths.sum()),
        statuses=cell.statuses,
        stopped=cell.stopped,
        digest=cell.digest,
        image_passes=cell.image_passes,
        one_shot=cell.one_shot is not None,
        short=cell.short,
        classified=None if cell.one_shot is None else cell.one_shot.classified,
    )


def experiment_file(document: Mapping[str, Any]) -> str:
    """An experiment as YAML for ``nas-harness run``."""
    # Written out because a reader asks for them, beside what the experiment replaced.
    fields = ("repeat", "charge_repeats", "missing", "time_noise", "allow_leak")
    seeds = document["seeds"]
    content = {
        "benchmarks": [
            {
                "source": benchmark["source"],
                "protocol": benchmark["protocol"]["name"],
                "options": {name: benchmark["protocol"][name] for name in fields}
                | benchmark.get("options", {}),
            }
            for benchmark in document["benchmarks"]
        ],
        "searchers": [
            {searcher["strategy"]: {"label": searcher["searcher"], **searcher["options"]}}
            for searcher in document["searchers"]
        ],
        "seeds": len(seeds) if seeds == list(range(len(seeds))) else seeds,
        "budget": {k: v for k, v in document["budget"].items() if v is not None},
        "workers": document["workers"],
    }
    if document.get("declared"):
        content["declared"] = document["declared"]
    return str(yaml.safe_dump(content, sort_keys=False))
