"""What a study of rank retention has found, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from reports.rank_correlation import Agreement


@dataclass(frozen=True)
class Measured:
    """A measurement that was compared.

    Attributes:
        label: Its name on the page, distinct within a benchmark.
        column: The table's column.
        epoch: Its epoch.
        seeds: Which training, see `Measurement`.
        split: Images that it was measured on.
        unit: Its unit.
        aggregate: "run", or "mean" of an unstated set of trainings.
        n: Rows that have it.
        distinct: Distinct values.
        sd: Their standard deviation; None with fewer than two.
    """

    label: str
    column: str
    epoch: int
    seeds: str
    split: str
    unit: str
    aggregate: str
    n: int
    distinct: int
    sd: float | None


@dataclass(frozen=True)
class Pair:
    """Two measurements on all rows, by their labels; the first is taken as the proxy."""

    first: str
    second: str
    agreement: Agreement


@dataclass(frozen=True)
class Ceiling:
    """The noise ceiling: how far two trainings of the same architectures agree.

    Attributes:
        measurement: What was measured after each.
        draw: Which two trainings: "seeds 0 and 1", "two different trainings", "two draws, the
            same training included", ...
        same: Share of rows where both are the same training, or have the same number where the
            table does not say; None if no row has both.
        agreement: Of the two.
    """

    measurement: str
    draw: str
    same: float | None
    agreement: Agreement


@dataclass(frozen=True)
class SubsetRetention:
    """A proxy against its data set's reference on some of the rows."""

    dataset: str
    subset: str
    proxy: str
    reference: str
    agreement: Agreement


@dataclass(frozen=True)
class Curve:
    """Agreement with a reference over the epochs of one column.

    Attributes:
        column: The column, and which training of it.
        reference: What it is compared with.
        subset: On which rows.
        separate: Whether each epoch is the end of a training of its own.
        epochs: Ascending.
        agreements: One an epoch.
    """

    column: str
    reference: str
    subset: str
    separate: bool
    epochs: tuple[int, ...]
    agreements: tuple[Agreement, ...]


@dataclass(frozen=True)
class BenchmarkRetention:
    """Rank retention on one table.

    Attributes:
        name: The table's name.
        checksum: Identifies its content.
        architectures: Architectures that it covers.
        rows: Distinct measurements: what is ranked.
        references: Data set ("" if measurements were named) -> label of what its proxies are
            compared with.
        sizes: What sizes are counted in; "" if the table says nothing of size.
        measured: All measurements of the matrix.
        pairs: All pairs of them.
        ceilings: Noise ceilings; () if no architecture was trained twice.
        subsets: Proxies against references on subsets of the rows.
        curves: Over epochs.
        remarks: What limits the reading, in sentences.
    """

    name: str
    checksum: str
    architectures: int
    rows: int
    references: dict[str, str]
    sizes: str
    measured: tuple[Measured, ...]
    pairs: tuple[Pair, ...]
    ceilings: tuple[Ceiling, ...]
    subsets: tuple[SubsetRetention, ...]
    curves: tuple[Curve, ...]
    remarks: tuple[str, ...]

    def pair(self, first: str, second: str) -> Agreement:
        """The agreement of two measurements, by their labels in any order.

        Raises:
            KeyError: If they were not compared.
        """
        for pair in self.pairs:
            if {pair.first, pair.second} == {first, second}:
                return pair.agreement
        raise KeyError((first, second))


@dataclass(frozen=True)
class RankRetention:
    """A study of rank retention.

    Attributes:
        resamples: Bootstrap resamples of each tau.
        level: Level of all intervals.
        top_share: Share of the architectures that counts as the best ones.
        benchmarks: One a table.
    """

    resamples: int
    level: float
    top_share: float
    benchmarks: tuple[BenchmarkRetention, ...]
