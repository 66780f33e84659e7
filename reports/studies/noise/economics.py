"""Equal cost: more generations on a cheap, noisy proxy, or fewer on the truth?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports.comparison import BETTER, WORSE, against_sampled, judged
from reports.intervals import Estimate, estimate_mean
from reports.studies.noise.landscape import range_gap
from reports.studies.noise.simulation import TRUTH, Settings, simulated_runs

SPEEDUPS: dict[float, float] = {0.85: 2.5, 0.75: 10.0, 0.65: 50.0}
"""Tau -> how many times cheaper an evaluation is that ranks so well.

The thesis assumes 10 at 0.75 (5 of 50 epochs) and 50 at 0.65 (1 of 50). 2.5 at 0.85 is ours: 20 of
50 epochs, at which its SGD has a tau of 0.851.
"""

BUDGETS = (10, 20, 100)
"""Generations on the truth that set the costs to compare at."""

SEARCH_MORE, EVALUATE_BETTER, OPEN = (
    "more generations on the proxy",
    "fewer on the truth",
    "no difference shown",
)
_VERDICTS = {BETTER: SEARCH_MORE, WORSE: EVALUATE_BETTER}


@dataclass(frozen=True)
class EqualCost:
    """A proxy and the truth at one cost.

    Attributes:
        dimensions: Of the function.
        budget: Generations on the truth that cost as much.
        tau: The proxy's.
        speedup: How many times cheaper one of its evaluations is.
        generations: On the proxy: budget x speedup.
        truth: Mean range gap after the generations on the truth.
        proxy: The same on the proxy.
        difference: `proxy` minus `truth`, run by run from the same first population; below 0 the
            proxy is the better choice.
        p: Of Wilcoxon's signed-rank test.
        p_holm: Adjusted by Holm's method over all rows.
        verdict: `SEARCH_MORE`, `EVALUATE_BETTER` or `OPEN`, from `p_holm` and the interval.
    """

    dimensions: int
    budget: int
    tau: float
    speedup: float
    generations: int
    truth: Estimate
    proxy: Estimate
    difference: Estimate
    p: float | None
    p_holm: float | None
    verdict: str


def equal_costs(
    settings: Settings, speedups: Mapping[float, float] = SPEEDUPS
) -> tuple[EqualCost, ...]:
    """All pairs of a budget and a proxy that the simulation has.

    Args:
        settings: What was simulated; without noise-free runs there is nothing to compare with.
        speedups: Tau -> speed-up; other taus are left out.
    """
    if TRUTH not in settings.taus:
        return ()
    found = []
    comparisons = []
    for dimensions in settings.dimensions:
        truth = simulated_runs(settings, dimensions, TRUTH).found
        for budget in BUDGETS:
            for tau in settings.taus:
                generations = round(budget * speedups.get(tau, 0.0))
                proxy = simulated_runs(settings, dimensions, tau).found
                if tau == TRUTH or generations not in proxy or budget not in truth:
                    continue
                ours = range_gap(proxy[generations], dimensions)
                theirs = range_gap(truth[budget], dimensions)
                comparison = against_sampled(f"tau {tau}", f"{dimensions}-D", ours, theirs, False)
                comparisons.append(comparison)
                means = estimate_mean(theirs), estimate_mean(ours)
                found.append((dimensions, budget, tau, speedups[tau], generations, *means))
    verdicts = judged(comparisons, [False] * len(comparisons))
    return tuple(
        EqualCost(*row, c.difference, c.p, c.p_holm, _VERDICTS.get(c.verdict, OPEN))
        for row, c in zip(found, verdicts, strict=True)
    )
