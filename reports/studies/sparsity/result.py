"""What a study of sparsities has found, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from reports.intervals import Estimate


@dataclass(frozen=True)
class Found:
    """What one search found.

    Attributes:
        architecture: In the space's notation; None, as all else, if the search failed: its
            supernet diverged, or its last network has no result.
        error: What the benchmark reports of it, as an error in percent.
        parameters: Of its network.
        operations: Candidates that the method had not pruned; None for random search.
    """

    architecture: str | None
    error: float | None
    parameters: int | None
    operations: int | None = None


@dataclass(frozen=True)
class Level:
    """All searches with one sparsity.

    Attributes:
        sparsity: lambda_w; None: random search with the same budget.
        error: Mean reported error.
        parameters: Mean parameters of the networks.
        operations: Mean number of candidates that were not pruned.
        found: One a seed, in the order of the seeds.
    """

    sparsity: float | None
    error: Estimate
    parameters: Estimate
    operations: Estimate
    found: tuple[Found, ...]

    @property
    def failed(self) -> int:
        """Searches that found nothing."""
        return sum(found.architecture is None for found in self.found)


@dataclass(frozen=True)
class Step:
    """From one sparsity to the next larger one, means of the differences of equal seeds.

    Attributes:
        before: The smaller sparsity.
        after: The larger one.
        error: How much the reported error grows.
        parameters: How much the parameters grow.
    """

    before: float
    after: float
    error: Estimate
    parameters: Estimate


@dataclass(frozen=True)
class Trend:
    """Kendall's tau-b between the sparsity and what a seed's searches found, mean over seeds.

    Attributes:
        error: Above 0 where errors grow with the sparsity.
        parameters: Below 0 where networks shrink with it.
        operations: Below 0 where fewer candidates are left unpruned.
    """

    error: Estimate
    parameters: Estimate
    operations: Estimate


@dataclass(frozen=True)
class SparsityCurve:
    """A study of sparsities.

    Attributes:
        benchmark: Its name.
        checksum: Its content.
        protocol: Of the benchmark.
        leaks: How the search uses test images, in sentences.
        searcher: The method, and its options beside the sparsity.
        seeds: Searches with each sparsity.
        budget: Of each search, in the fields of `harness.loop.Budget`.
        levels: By ascending sparsity.
        steps: Between neighbouring levels.
        trend: Over all of them.
        random: Random search; None on benchmarks that train, where it would take the budget
            again.
    """

    benchmark: str
    checksum: str
    protocol: str
    leaks: tuple[str, ...]
    searcher: str
    seeds: int
    budget: dict[str, float]
    levels: tuple[Level, ...]
    steps: tuple[Step, ...]
    trend: Trend
    random: Level | None
