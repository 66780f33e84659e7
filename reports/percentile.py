"""Where the architectures that were found stand in the enumerated space.

Yu et al. ("Evaluating the Search Phase of Neural Architecture Search", ICLR 2020) rank what each
repetition of a strategy finds among all architectures of a space small enough to be trained whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reports.enumerated import Enumerated
from reports.incumbents import winners
from reports.intervals import Estimate, estimate_mean
from reports.random_search import RandomSearch
from reports.records import Cell


@dataclass(frozen=True)
class Percentile:
    """What one strategy's searches found, among all architectures of the table.

    Architectures are ordered by their mean reported result over seeds, so that the luck of the
    winner's own training does not count.

    Attributes:
        searcher: The searcher's label.
        n: Searches that found anything.
        percentile: Mean percent of the architectures that are worse than the one found, those
            equally good counting half.
        least: Of the searches' percentiles, the worst.
        median: Their median.
        most: The best.
        median_rank: Median place among all architectures, 1 for the best; ties share the mean.
    """

    searcher: str
    n: int
    percentile: Estimate
    least: float
    median: float
    most: float
    median_rank: float


@dataclass(frozen=True)
class Percentiles:
    """The places of all strategies' findings.

    Attributes:
        architectures: How many they are ranked among.
        complete: Whether these are all of the space; None where that cannot be told.
        found: One a strategy.
        random_search: Expected percentile of exact random search after a whole search; None
            without it.
    """

    architectures: int
    complete: bool | None
    found: tuple[Percentile, ...]
    random_search: float | None


def percentiles(
    cells: Mapping[str, Cell],
    space: Enumerated,
    search: RandomSearch | None = None,
    n: int | None = None,
) -> Percentiles:
    """Rank the last incumbents of all searches.

    Args:
        cells: Label -> searches.
        space: The architectures.
        search: Exact random search.
        n: Evaluations of a whole search.
    """
    found = [_percentile(label, cell, space) for label, cell in cells.items()]
    expected = None
    if search is not None and n is not None:
        chance = search.holders(n)
        expected = float(chance @ space.percentile[search.outcomes.row] / chance.sum())
    present = tuple(p for p in found if p is not None)
    return Percentiles(space.architectures, space.complete, present, expected)


def _percentile(label: str, cell: Cell, space: Enumerated) -> Percentile | None:
    place = winners(cell)
    rows = cell.columns["row"][np.arange(len(place)), place][place >= 0]
    if not rows.size:
        return None
    reached = space.percentile[rows]
    return Percentile(
        searcher=label,
        n=len(rows),
        percentile=estimate_mean(reached).clipped(0.0, 100.0),
        least=float(reached.min()),
        median=float(np.median(reached)),
        most=float(reached.max()),
        median_rank=float(np.median(space.rank[rows])),
    )
