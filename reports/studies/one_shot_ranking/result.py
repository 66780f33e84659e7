"""What a study of one-shot scores has found, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reports.intervals import Estimate
from reports.rounding import IF_KNOWN


@dataclass(frozen=True)
class ScoreRanking:
    """How one score orders the architectures, over seeds.

    Attributes:
        label: "METHOD: SCORE", or the name of a control.
        score: Its name, see `reports.studies.one_shot_ranking.scores.SCORES`.
        seeds: Supernets (or draws) that it was taken from; 1 where nothing is drawn.
        taus: Kendall's tau-b with the table of each; None where all scores are equal.
        tau: Their mean with its interval.
        top_tau: Mean tau-b among the best architectures by the table.
        spearman: Mean of Spearman's rho.
        percentile: Percent of the architectures that are worse than the one with the best score,
            equal ones counting half; over equal scores the mean.
        regret: How far that one's result is below the best of all.
    """

    label: str
    score: str
    seeds: int
    taus: tuple[float | None, ...]
    tau: Estimate
    top_tau: Estimate
    spearman: Estimate
    percentile: Estimate
    regret: Estimate


@dataclass(frozen=True)
class Difference:
    """By how much one score orders better than another, seed by seed.

    Attributes:
        first: Label of the one.
        second: Label of the other.
        tau: Mean of the differences of tau-b with its interval.
        top_tau: The same among the best architectures.
    """

    first: str
    second: str
    tau: Estimate
    top_tau: Estimate


@dataclass(frozen=True)
class OneShotRanking:
    """A study of one-shot scores on one table.

    Attributes:
        benchmark: The table's name.
        checksum: Its.
        dataset: Its data set.
        report: The column that tells the truth, as a mean over its training seeds.
        unit: Its unit.
        space: Architectures in the table that have a result.
        sample: How many of them were scored.
        top: How many of these are the best ones, ties with the last included.
        best: The best result among them.
        seeds: Supernets of each method.
        passes: Image passes of each supernet at most.
        evaluation_passes: Image passes of one full training.
        methods: Label -> options.
        scores: One each, supernets' before controls.
        differences: Pairs of scores.
        versions: Package -> version.
        diverged: Supernets of all methods that have diverged, and give no score.
    """

    benchmark: str
    checksum: str
    dataset: str
    report: str
    unit: str
    space: int
    sample: int
    top: int
    best: float
    seeds: int
    passes: int
    evaluation_passes: int
    methods: dict[str, dict[str, Any]]
    scores: tuple[ScoreRanking, ...]
    differences: tuple[Difference, ...]
    versions: dict[str, str]
    diverged: int = field(default=0, metadata=IF_KNOWN)

    def score(self, label: str) -> ScoreRanking:
        """A score by its label.

        Raises:
            KeyError: If there is none.
        """
        for found in self.scores:
            if found.label == label:
                return found
        raise KeyError(label)
