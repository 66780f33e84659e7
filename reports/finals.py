"""Final results: how the reported results of a cell's searches are distributed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reports.incumbents import ROLES, Incumbents
from reports.intervals import Estimate, estimate_mean, plain_mean
from reports.random_search import Distribution

BOX_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
STEPS = 100


@dataclass(frozen=True)
class Spread:
    """How results are distributed.

    Attributes:
        mean: Their mean.
        sd: Their standard deviation; None for fewer than two.
        box: Quantiles at `BOX_LEVELS`.
        steps: Quantiles at 1/100, 2/100, ..., 1: the distribution function, ready to draw.
    """

    mean: float
    sd: float | None
    box: tuple[float, ...]
    steps: tuple[float, ...]


@dataclass(frozen=True)
class FinalResults:
    """What a cell's searches ended with.

    Attributes:
        searcher: The searcher's label.
        n: Searches.
        without: Searches that ended without any success.
        selection: Mean value that the winner was selected by.
        true: Mean of the winners' selection measure over all training seeds.
        report: Mean reported result.
        optimism: Mean of selection minus true, search by search: the winner's curse.
        regret: Distance of the mean reported result from the table's best; None if either is
            unknown.
        spread: Distribution of the reported results; None if there are none.
    """

    searcher: str
    n: int
    without: int
    selection: float | None
    true: float | None
    report: Estimate
    optimism: Estimate
    regret: float | None
    spread: Spread | None


def final_results(
    searcher: str, followed: Incumbents, optimum: float | None, *, maximize: bool
) -> FinalResults:
    """Summarise the last incumbents of a cell's searches.

    Args:
        searcher: The searcher's label.
        followed: The incumbents.
        optimum: The best reported result in the table, if that is known.
        maximize: Whether larger results are better.
    """
    values = {role: followed.final(role) for role in ROLES}
    found = ~np.isnan(values["selection"])
    report = estimate_mean(values["report"])
    regret = None
    if optimum is not None and report.mean is not None:
        regret = (optimum - report.mean) * (1.0 if maximize else -1.0)
    return FinalResults(
        searcher=searcher,
        n=len(found),
        without=int((~found).sum()),
        selection=plain_mean(values["selection"]),
        true=plain_mean(values["true"]),
        report=report,
        optimism=estimate_mean(values["selection"] - values["true"]),
        regret=regret,
        spread=spread_of_sample(values["report"]),
    )


def spread_of_sample(results: np.ndarray) -> Spread | None:
    """The spread of results [n]; NaNs are left out."""
    results = results[~np.isnan(results)]
    if not results.size:
        return None
    spread = spread_of(Distribution.of(results, np.ones(len(results))))
    sd = float(results.std(ddof=1)) if len(results) > 1 else None
    return Spread(float(results.mean()), sd, spread.box, spread.steps)


def spread_of(distribution: Distribution) -> Spread:
    """The spread of a known distribution."""
    steps = np.arange(1, STEPS + 1) / STEPS
    return Spread(
        mean=distribution.mean,
        sd=distribution.sd,
        box=tuple(distribution.quantiles(np.array(BOX_LEVELS)).tolist()),
        steps=tuple(distribution.quantiles(steps).tolist()),
    )
