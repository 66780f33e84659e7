"""Each strategy against random search: difference, interval, superiority, test, verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reports.intervals import Estimate, estimate_mean
from reports.random_search import Distribution
from reports.statistics.holm import holm
from reports.statistics.superiority import (
    brunner_munzel,
    of_pairs,
    of_placements,
    unpaired_suffices,
)

ALPHA = 0.05
PLACEMENT = "placement t test"
SIGNED_RANK = "Wilcoxon signed-rank test"
UNPAIRED = "Brunner-Munzel test"
BETTER, WORSE, UNDECIDED = "better than random search", "worse", "no difference shown"


@dataclass(frozen=True)
class Comparison:
    """A strategy's final results against random search on one benchmark.

    Attributes:
        searcher: The strategy's label.
        benchmark: The benchmark's label.
        reference: "exact" (the distribution computed from the table) or "sampled" (searches of
            the same seeds).
        n: Searches (or pairs of searches) compared.
        difference: Mean reported result of the strategy minus that of random search.
        superiority: Probability that the strategy's result is the better one, ties counting
            half.
        test: What p comes from: `PLACEMENT`, `SIGNED_RANK` or `UNPAIRED`.
        p: Its two-sided p value; None if it cannot be computed.
        p_holm: The same, adjusted by Holm's method over all comparisons with this reference.
        correlation: Pearson correlation of the pairs; None if there are none.
        verdict: `BETTER`, `WORSE` or `UNDECIDED`, from `p_holm` and the interval.
        remark: Why something is missing; "" if nothing is.
    """

    searcher: str
    benchmark: str
    reference: str
    n: int
    difference: Estimate
    superiority: Estimate
    test: str
    p: float | None
    p_holm: float | None
    correlation: float | None
    verdict: str
    remark: str


def against_exact(
    searcher: str, benchmark: str, results: np.ndarray, reference: Distribution, maximize: bool
) -> Comparison:
    """Compare final results [searches] with random search's exact distribution.

    The test asks whether the mean placement of the results in that distribution is one half: the
    Brunner-Munzel test in the limit of infinitely many searches of the reference.
    """
    results = results[~np.isnan(results)]
    placements = reference.placement(results)
    if not maximize:
        placements = 1.0 - placements
    p, remark = _placement_test(placements, reference)
    return Comparison(
        searcher=searcher,
        benchmark=benchmark,
        reference="exact",
        n=len(results),
        difference=estimate_mean(results).shifted(reference.mean),
        superiority=of_placements(placements),
        test=PLACEMENT,
        p=p,
        p_holm=None,
        correlation=None,
        verdict=UNDECIDED,
        remark=remark,
    )


def against_sampled(
    searcher: str, benchmark: str, results: np.ndarray, reference: np.ndarray, maximize: bool
) -> Comparison:
    """Compare final results with those of random search under the same seeds, both [pairs].

    Searches under one seed share the luck of the initial design and of the table's draws, so
    they are compared pair by pair (Wilcoxon's signed ranks, zeros by Pratt's method). Where this
    leaves hardly any correlation, all searches are compared with all (Brunner and Munzel's test):
    see `reports.statistics.superiority`.
    """
    both = ~(np.isnan(results) | np.isnan(reference))
    results, reference = results[both], reference[both]
    differences = results - reference
    gain = differences if maximize else -differences
    superiority, test = of_pairs(gain), SIGNED_RANK
    p, remark = _signed_rank_test(differences)
    correlation = _correlation(results, reference)
    if unpaired_suffices(correlation, len(results)):
        sign = 1.0 if maximize else -1.0
        unpaired = brunner_munzel(sign * results, sign * reference)
        if unpaired is not None:
            (superiority, p), test, remark = unpaired, UNPAIRED, ""
    return Comparison(
        searcher=searcher,
        benchmark=benchmark,
        reference="sampled",
        n=len(results),
        difference=estimate_mean(differences),
        superiority=superiority,
        test=test,
        p=p,
        p_holm=None,
        correlation=correlation,
        verdict=UNDECIDED,
        remark=remark,
    )


def judged(comparisons: Sequence[Comparison], maximize: Sequence[bool]) -> list[Comparison]:
    """The comparisons with one reference, with adjusted p values and verdicts.

    A difference is shown if the adjusted p value is below 0.05 and the interval of the mean
    difference lies on the side to which the probability of superiority leans.

    Args:
        comparisons: A family of comparisons.
        maximize: For each, whether larger results are better.
    """
    adjusted = holm([c.p for c in comparisons])
    return [
        replace(c, p_holm=p, verdict=_verdict(c, p, larger))
        for c, p, larger in zip(comparisons, adjusted, maximize, strict=True)
    ]


def _verdict(comparison: Comparison, p_holm: float | None, maximize: bool) -> str:
    low, high = comparison.difference.low, comparison.difference.high
    superiority = comparison.superiority.mean
    if p_holm is None or p_holm >= ALPHA or low is None or high is None or superiority is None:
        return UNDECIDED
    up, down = (low > 0, high < 0) if maximize else (high < 0, low > 0)
    if up and superiority > 0.5:
        return BETTER
    if down and superiority < 0.5:
        return WORSE
    return UNDECIDED


def _placement_test(placements: np.ndarray, reference: Distribution) -> tuple[float | None, str]:
    from scipy.stats import norm, ttest_1samp

    n = len(placements)
    if n < 2:
        return None, "needs at least two seeds"
    if np.ptp(placements) > 1e-12:
        return float(ttest_1samp(placements, 0.5).pvalue), ""
    # All searches found results of the same rank: the variance that random search itself has.
    variance = (1.0 - float((reference.weights**3).sum())) / 12.0
    if variance < 1e-12:
        return None, "random search always has the same result"
    z = (placements[0] - 0.5) / np.sqrt(variance / n)
    return float(2.0 * norm.sf(abs(z))), "all searches found results of the same rank"


def _signed_rank_test(differences: np.ndarray) -> tuple[float | None, str]:
    from scipy.stats import wilcoxon

    n = len(differences)
    if n < 2:
        return None, "needs at least two seeds in common"
    if not differences.any():
        return None, "all searches found the same results"
    # The least p value is that of differences that all have one sign.
    remark = f"{n} seeds cannot give p < {ALPHA}" if 2.0 ** (1 - n) >= ALPHA else ""
    return float(wilcoxon(differences, zero_method="pratt").pvalue), remark


def _correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])
