"""What the study of fidelities found, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reports.intervals import Band, Estimate

ADAPTIVE = "chosen by the strategy"
"""The level's label of a strategy that chooses the fidelity of each evaluation itself."""


@dataclass(frozen=True)
class Level:
    """One way to evaluate an architecture.

    Attributes:
        name: Its label.
        epochs: Epochs of training of one evaluation.
        seconds: Mean virtual seconds of one evaluation of a random architecture.
        speedup: Seconds of the full evaluation divided by these.
        tau: Kendall's tau-b over architectures between the value that guides the search (the
            mean over its training seeds, one at a time) and the reported result, with a normal
            95% interval from the bootstrap's standard error over the table's rows.
        saturated: Expected reported result of random search here after half as many evaluations
            as there are architectures: about what no budget improves on. None if there is no
            exact distribution.
        largest_gain: Largest budget of `FidelityEconomics.budgets`, in full evaluations, at
            which random search here ends above random search with full evaluations; None if
            there is none, or this is the full level.
    """

    name: str
    epochs: int
    seconds: float
    speedup: float
    tau: Estimate
    saturated: float | None
    largest_gain: float | None


@dataclass(frozen=True)
class RandomCurve:
    """Random search at one level, exactly. Sequences follow `FidelityEconomics.budgets`.

    Attributes:
        level: Label of the level.
        evaluations: Evaluations that the budget pays for in expectation; None if not one.
        seconds: Their expected virtual seconds, the winner's full training included.
        report: Expected reported result of the winner; None without an evaluation, or where a
            search would evaluate more architectures than there are.
        sd: Its standard deviation over searches.
        superiority: Probability that one search ends better than one with full evaluations and
            the same budget, ties counting half; None if either does not exist.
        equivalent: Budget with which full evaluations reach the same expected result, divided by
            this one; None if they never do.
    """

    level: str
    evaluations: tuple[int | None, ...]
    seconds: tuple[float | None, ...]
    report: tuple[float | None, ...]
    sd: tuple[float | None, ...]
    superiority: tuple[float | None, ...]
    equivalent: tuple[float | None, ...]


@dataclass(frozen=True)
class SampledCurve:
    """A strategy at one level, from searches. The band follows `FidelityEconomics.budgets`.

    Attributes:
        searcher: The strategy's label.
        level: Label of the level.
        searches: How many.
        evaluations: Mean number of evaluations within the largest budget.
        report: Reported result of the winner: mean with its 95% bootstrap band.
    """

    searcher: str
    level: str
    searches: int
    evaluations: float
    report: Band


@dataclass(frozen=True)
class Best:
    """The best level at one budget.

    Attributes:
        searcher: The strategy's label.
        budget: In full evaluations.
        level: Label of the level with the best mean.
        report: Its mean, with an interval for sampled strategies.
        full: The mean with full evaluations; None if the strategy has no such searches.
        gain: Difference of the two in the direction of better, over searches with the same
            seeds; without an interval where it is exact.
        shares: Label of a level -> share of bootstrap resamples of the seeds in which it is the
            best; {} where it is exact.
    """

    searcher: str
    budget: float
    level: str
    report: Estimate
    full: float | None
    gain: Estimate
    shares: dict[str, float]


@dataclass(frozen=True)
class FidelityEconomics:
    """What cheaper evaluations buy on one table.

    Attributes:
        benchmark: The table's name.
        checksum: The table's.
        protocol: The protocol that the levels were derived from, or their names.
        protocols: Label of a level -> hash of its protocol.
        split: Role -> images it is measured on.
        unit: Unit of the reported result.
        maximize: Whether larger reported results are better.
        leaks: How the searches use test images, in sentences.
        optimum: Best reported result in the table.
        architectures: How many random search draws from.
        per_encoding: Whether they are drawn as the strategy `random_search` draws them.
        final_training: Whether the budget pays for a full training of the winner.
        full: Label of the full level.
        budgets: In full evaluations of mean cost; powers of the square root of two.
        levels: From the cheapest to the full one.
        random: Exact random search at each level; () if there is no exact distribution.
        exact_missing: Why not; "".
        sampled: One a strategy and level.
        best: One a strategy and whole power of two of the budgets.
        seeds: Seeds of each sampled strategy.
        options: Label of a searcher -> its strategy and configuration.
    """

    benchmark: str
    checksum: str
    protocol: str
    protocols: dict[str, str]
    split: dict[str, str]
    unit: str
    maximize: bool
    leaks: tuple[str, ...]
    optimum: float | None
    architectures: int
    per_encoding: bool
    final_training: bool
    full: str
    budgets: tuple[float, ...]
    levels: tuple[Level, ...]
    random: tuple[RandomCurve, ...]
    exact_missing: str
    sampled: tuple[SampledCurve, ...]
    best: tuple[Best, ...]
    seeds: int
    options: dict[str, dict[str, Any]]

    def level(self, name: str) -> Level:
        """The level of that label."""
        return next(level for level in self.levels if level.name == name)
