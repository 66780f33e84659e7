"""The best of a search, trained again at full length: what search scores say of final scores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.errors import UserError
from harness.live.record import Record
from reports.intervals import Estimate, estimate_mean, plain_mean
from reports.rank_correlation import tau_b

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Candidate:
    """An architecture that searches have evaluated.

    Attributes:
        architecture: In its space's notation.
        score: Mean of the values that guided the searches, over distinct trainings.
        trainings: How many trainings that were.
        searchers: Which strategies proposed it.
    """

    architecture: str
    score: float
    trainings: int
    searchers: tuple[str, ...]


@dataclass(frozen=True)
class Final:
    """A candidate's final trainings.

    Attributes:
        candidate: What was trained again.
        parameters: Of its network.
        valid: Mean validation accuracy in per cent; no value where the recipe leaves none.
        test: Mean test accuracy in per cent, with its interval over seeds.
        failed: Trainings that diverged or failed, with the first reason.
    """

    candidate: Candidate
    parameters: int
    valid: float | None
    test: Estimate
    failed: tuple[str, ...]


@dataclass(frozen=True)
class Retrained:
    """The table of search score against final score.

    Attributes:
        benchmark: What was searched.
        recipe: The final trainings': what was trained how.
        seeds: Final trainings of each.
        finals: Best search score first.
        tau: Kendall's tau-b between search scores and mean test accuracies; None for fewer than
            three candidates or where either does not vary.
        maximize: Whether larger search scores are better.
    """

    benchmark: str
    recipe: str
    seeds: int
    finals: tuple[Final, ...]
    tau: float | None
    maximize: bool


def best(
    directory: Path,
    benchmark: str,
    k: int,
    *,
    identity: Callable[[str], Hashable],
    epochs: int,
    maximize: bool = True,
    repeats: int = 1,
) -> tuple[Candidate, ...]:
    """The best architectures of an experiment by the mean of their search values.

    Several searches under one seed share a training; it counts once. Only evaluations at the
    protocol's own number of epochs count, and of a one-shot method its last derivation.

    Args:
        directory: The experiment's.
        benchmark: Its benchmark's name.
        k: How many.
        identity: Equal for notations of one network.
        epochs: The protocol's own.
        maximize: Whether larger values are better.
        repeats: Least number of distinct trainings of an architecture (the thesis on REMNet asks
            for 5: G. Kyriakides, 2022, section 6.4).

    Raises:
        HarnessError: If there are no traces.
        UserError: If no architecture has been evaluated often enough.
    """
    from harness.traces import load_traces

    wanted = ["architecture", "visit", "epochs", "value", "status"]
    traces = _answers(directory, load_traces(directory, wanted))
    traces = traces[(traces["benchmark"] == benchmark) & (traces["status"] == "ok")]
    traces = traces[traces["epochs"] == epochs]
    values: defaultdict[Hashable, dict[tuple[int, int], float]] = defaultdict(dict)
    names: dict[Hashable, str] = {}
    searchers: defaultdict[Hashable, set[str]] = defaultdict(set)
    columns = ("architecture", "searcher", "seed", "visit", "value")
    for text, who, seed, visit, value in zip(*(traces[c].tolist() for c in columns), strict=True):
        key = identity(text)
        names.setdefault(key, text)
        values[key][seed, visit] = value
        searchers[key].add(who)
    found = [
        Candidate(names[key], float(np.mean([*draws.values()])), len(draws), tuple(sorted(who)))
        for (key, draws), who in zip(values.items(), searchers.values(), strict=True)
        if len(draws) >= repeats
    ]
    if not found:
        raise UserError(
            f"{directory}: no architecture of {benchmark} has {repeats} full evaluations: lower"
            " --repeats"
        )
    sign = -1.0 if maximize else 1.0
    found.sort(key=lambda c: (sign * c.score, c.architecture))
    return tuple(found[:k])


def _answers(directory: Path, traces: pd.DataFrame) -> pd.DataFrame:
    """Without the derivations of one-shot searches that are not their last ones."""
    from harness.traces import read_metadata, trace_files

    derived = {
        (header["searcher"], header["benchmark"], header["seed"])
        for path in trace_files(directory)
        for header in read_metadata(path)["headers"]
        if "one_shot" in header
    }
    if not derived:
        return traces
    identity = ["searcher", "benchmark", "seed"]
    searches = zip(*(traces[name].tolist() for name in identity), strict=True)
    one_shot = np.array([search in derived for search in searches])
    last = ~traces.duplicated(identity, keep="last").to_numpy()
    kept: pd.DataFrame = traces[~one_shot | last]
    return kept


def retrained(
    benchmark: str,
    recipe: str,
    candidates: Sequence[Candidate],
    records: Mapping[str, Sequence[Record]],
    *,
    epochs: int,
    maximize: bool = True,
) -> Retrained:
    """Join search scores with final trainings.

    Args:
        benchmark: What was searched.
        recipe: What was trained how.
        candidates: Best first.
        records: Architecture -> its final trainings, one a seed.
        epochs: Of the final recipe.
        maximize: Whether larger search scores are better.
    """
    finals = []
    for candidate in candidates:
        own = records[candidate.architecture]
        tests = [record.test.get(epochs, np.nan) for record in own]
        valid = [record.value(epochs) for record in own]
        finals.append(
            Final(
                candidate,
                max((record.parameters for record in own), default=0),
                plain_mean(np.array(valid, float)),
                estimate_mean(np.array(tests, float)).clipped(0.0, 100.0),
                tuple(record.reason for record in own if record.reason),
            )
        )
    pairs = [(f.candidate.score, f.test.mean) for f in finals if f.test.mean is not None]
    tau = None
    if len(pairs) >= 3:
        scores, reached = np.array(pairs, float).T
        tau = tau_b(scores if maximize else -scores, reached, resamples=0).value
    seeds = max((len(own) for own in records.values()), default=0)
    return Retrained(benchmark, recipe, seeds, tuple(finals), tau, maximize)
