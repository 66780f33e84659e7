"""What the study of diversity found, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from reports.intervals import Estimate


@dataclass(frozen=True)
class Group:
    """The architectures of one group of searches.

    Attributes:
        name: Its label.
        searches: Number of searches.
        distinct: Number of distinct graphs among what they found.
        networks: Number of distinct canonical architectures among it.
        within: Mean graph edit distance between two of its searches, with a 95% percentile
            bootstrap interval over searches; None for one search.
        report: Mean reported result of the winners, with its interval.
    """

    name: str
    searches: int
    distinct: int
    networks: int
    within: Estimate
    report: Estimate


@dataclass(frozen=True)
class Pair:
    """Two groups.

    Attributes:
        first: Label of the one.
        second: Label of the other.
        between: Mean graph edit distance between a search of the one and one of the other, with
            a 95% percentile bootstrap interval over searches.
        excess: `between` minus the mean of both groups' `within`; None if one is unknown.
        p: p value of the label permutation of the pseudo-F; None if it cannot be computed.
        p_adjusted: The same after Benjamini and Hochberg, over all pairs.
        ks: Kolmogorov-Smirnov statistic of the reported results of the two; None where
            searches are not grouped by strategy.
        ks_p: Its two-sided p value, as if all searches were independent.
        ks_adjusted: The same after Benjamini and Hochberg, over all pairs.
    """

    first: str
    second: str
    between: Estimate
    excess: float | None
    p: float | None
    p_adjusted: float | None
    ks: float | None
    ks_p: float | None
    ks_adjusted: float | None


@dataclass(frozen=True)
class LabelTest:
    """Whether groups differ, from one matrix of distances.

    Attributes:
        pseudo_f: Pseudo-F of Anderson (2001): distances between groups against those within;
            None if there is no distance within.
        p: Its p value by permuting labels; None if labels cannot be permuted.
        kruskal: Kruskal-Wallis statistic over the sets of pairwise distances: within each group,
            and between each two.
        kruskal_naive: Its chi-squared p value, which takes pairs that share a search for
            independent.
        kruskal_p: Its p value by permuting labels.
        permutations: How many were drawn.
        blocked: Whether labels were permuted within seeds (or strategies) only.
        least: The least p value that permutations can give.
    """

    pseudo_f: float | None
    p: float | None
    kruskal: float | None
    kruskal_naive: float | None
    kruskal_p: float | None
    permutations: int
    blocked: bool
    least: float


@dataclass(frozen=True)
class OperationUse:
    """How often one group uses one operation.

    Attributes:
        group: Label of the group.
        operation: Name of the operation; "all" for all of them.
        mean: Mean number in an architecture, with a 95% interval over searches.
        base: The same of a random architecture of the space.
    """

    group: str
    operation: str
    mean: Estimate
    base: float


@dataclass(frozen=True)
class Together:
    """How often two operations occur in one architecture.

    Attributes:
        group: Label of the group.
        first: The one.
        second: The other; if it is the same, two of it are meant.
        share: Share of the group's architectures with both.
        base: Share of random architectures of the space with both.
    """

    group: str
    first: str
    second: str
    share: float
    base: float


@dataclass(frozen=True)
class Dot:
    """A vertex of the overlay.

    Attributes:
        group: Label of the group.
        name: What stands there.
        x: Position.
        y: Position.
        share: Share of the group's architectures that have it.
        opacity: Of that many drawings over another, each with an opacity of one divided by the
            number of architectures.
    """

    group: str
    name: str
    x: float
    y: float
    share: float
    opacity: float


@dataclass(frozen=True)
class Line:
    """An edge of the overlay.

    Attributes:
        group: Label of the group.
        operation: What stands on it; "" for nothing.
        x: Position of its source.
        y: Position of its source.
        x2: Position of its target.
        y2: Position of its target.
        share: Share of the group's architectures that have it.
        opacity: As a dot's.
    """

    group: str
    operation: str
    x: float
    y: float
    x2: float
    y2: float
    share: float
    opacity: float


@dataclass(frozen=True)
class BenchmarkDiversity:
    """Diversity on one benchmark.

    Attributes:
        benchmark: Its label.
        checksum: The table's.
        protocol_hash: The protocol's.
        leaks: How the search used test images, in sentences.
        unit: Unit of the reported results.
        space: Name of the space.
        numbered: Whether vertices are told apart by their numbers.
        groups: The groups.
        random_pair: Mean distance of two random architectures of the space, with its interval.
        test: Whether the groups differ; None for a single group.
        pairs: Every two groups; () where there are too many.
        whole_space: Whether base rates are over the whole space, not a sample.
        operations: How often operations are used.
        together: How often two operations occur together.
        dots: Vertices of the overlay drawings.
        lines: Edges of the overlay drawings.
    """

    benchmark: str
    checksum: str
    protocol_hash: str
    leaks: tuple[str, ...]
    unit: str
    space: str
    numbered: bool
    groups: tuple[Group, ...]
    random_pair: Estimate
    test: LabelTest | None
    pairs: tuple[Pair, ...]
    whole_space: bool
    operations: tuple[OperationUse, ...]
    together: tuple[Together, ...]
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Diversity:
    """The study of one experiment.

    Attributes:
        by: What makes a group: "searcher" or "seed".
        take: What is taken of a search: "winner", "top" (its best distinct networks), "last"
            (its last evaluated ones), or "derived" (what a one-shot method ended with).
        count: How many of them at most.
        searches: Most searches of a strategy that were looked at, the first seeds.
        versions: Package -> version, of the experiment.
        benchmarks: One each.
    """

    by: str
    take: str
    count: int
    searches: int
    versions: dict[str, str]
    benchmarks: tuple[BenchmarkDiversity, ...]
