"""How dominance, equivalence and power are computed, and what they assume."""

from __future__ import annotations

from reports.document import Section
from reports.intervals import RESAMPLES
from reports.statistics import dominance, power
from reports.statistics.superiority import UNCORRELATED
from reports.summary import Summary


def evidence_method(summary: Summary) -> Section | None:
    """One paragraph a statistic; nothing where there is none."""
    everything = [e for b in summary.benchmarks for e in b.evidence]
    if not everything:
        return None
    equivalences = [e.equivalence for e in everything if e.equivalence is not None]
    tests = sum(e.p is not None for e in equivalences)
    return Section(
        "evidence-method",
        "How the evidence is computed",
        text=(
            "Pairs. Searches under one seed are compared pair by pair, by Wilcoxon's signed-rank"
            " test, which assumes differences that are symmetric where strategies are equal. Where"
            f" the correlation of the pairs is within ±{UNCORRELATED} all searches are compared"
            " with all, by Brunner and Munzel's test, which assumes independence: pairing then"
            " changes the variance of a difference by less than a tenth.",
            "Dominance. A strategy dominates random search if, whatever result one asks for, its"
            " chance to reach it is at least as large. Largest advantage: most by which its chance"
            " to reach a result exceeds random search's; largest violation: most by which its"
            " chance to exceed one falls short. Of"
            f" {RESAMPLES:,} bootstrap resamples of the seeds, the verdict needs a violation of at"
            f" most {100 * dominance.SLACK:.0f} percentage points of probability in"
            f" {100 * dominance.CONFIDENCE:.0f}%, and a larger advantage in as many; below"
            f" {dominance.FEWEST} searches there is none, for failures of one search in twenty may"
            " not have been seen. It assumes independent seeds and no shape of the distributions,"
            " and is not adjusted for the number of comparisons.",
            "Equivalence. “No difference shown” is no evidence of equality. Equivalence is shown"
            " if two one-sided tests (TOST) show the mean difference to lie within the margin, at"
            f" 5% and adjusted by Holm's method over {tests} tests. One test alone shows it where"
            " the 90% interval lies within the margin. The tests are those of the intervals. A"
            " difference can be shown and still be within the margin.",
            "Seeds that it takes. How many seeds show a true difference with probability"
            f" {100 * power.POWER:.0f}%, by a two-sided t test, if results spread as they did"
            " here: in one test at 5%, and in one of many, where Holm's method asks for at most 5%"
            " divided by their number. Against exact: random search's expectation is known, and"
            " only the strategy's searches vary; paired: both run under the same seeds; unpaired:"
            " under different ones, so many each. Shown here: the difference that the searches of"
            " this report show with that probability in one test. It assumes means that are about"
            " normal, and a spread that is known: from few seeds it is not.",
        ),
    )
