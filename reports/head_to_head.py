"""One strategy against each of the others, search by search under the same seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from reports.comparison import BETTER, Comparison, against_sampled, judged
from reports.endings import Endings, read_endings

RANDOM_SEARCH = "random_search"


@dataclass(frozen=True)
class HeadToHead:
    """A strategy on one benchmark.

    Attributes:
        benchmark: The benchmark's label.
        unit: Unit of the reported results.
        rivals: The others in the experiment's order, each with the strategy's comparison with it
            (`difference`: the strategy minus the rival). Random search is none of them: the
            report's verdicts are about it, and mostly against its exact distribution. p values
            are adjusted by Holm's method over all rivals and benchmarks; the verdict is "better",
            "worse" or that no difference is shown.
    """

    benchmark: str
    unit: str
    rivals: tuple[tuple[str, Comparison], ...]


def head_to_head(directory: str | Path, searcher: str) -> tuple[HeadToHead, ...]:
    """Compare a strategy's final reported results with those of each other strategy.

    The tests are those of strategies against the sampled random search.

    Args:
        directory: The experiment's ``--out`` directory.
        searcher: The strategy's label.

    Returns:
        One a benchmark that the strategy ran on.

    Raises:
        UserError: If the directory holds no experiment or no finished search.
        HarnessError: If a trace file is damaged.
    """
    records, endings = read_endings(directory)
    places, comparisons, maximize = [], [], []
    for question in records.questions:
        ours = endings.get((searcher, question.key))
        for identity in records.searchers:
            other = identity["searcher"]
            theirs = endings.get((other, question.key))
            if ours is None or theirs is None or other == searcher:
                continue
            if identity["strategy"] == RANDOM_SEARCH:
                continue
            larger = question.protocol.larger_report_is_better
            pairs = _paired(ours, theirs)
            places.append((question, other))
            comparisons.append(against_sampled(searcher, question.label, *pairs, larger))
            maximize.append(larger)
    found = [_worded(comparison) for comparison in judged(comparisons, maximize)]
    return tuple(
        HeadToHead(
            question.label,
            question.units["report"],
            tuple((o, c) for (q, o), c in zip(places, found, strict=True) if q is question),
        )
        for question in records.questions
        if (searcher, question.key) in endings
    )


def _paired(ours: Endings, theirs: Endings) -> tuple[np.ndarray, np.ndarray]:
    """Reported results under the seeds that both have."""
    _, a, b = np.intersect1d(ours.seeds, theirs.seeds, return_indices=True)
    return ours.values["report"][a], theirs.values["report"][b]


def _worded(comparison: Comparison) -> Comparison:
    """The verdict of a comparison with something else than random search."""
    return replace(comparison, verdict="better") if comparison.verdict == BETTER else comparison
