"""What is known of a strategy on one benchmark beyond its comparison of means and ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.statistics.contest import Contest
from reports.statistics.dominance import Dominance, dominance
from reports.statistics.equivalence import Equivalence, adjusted, equivalence
from reports.statistics.power import Power, power


@dataclass(frozen=True)
class Evidence:
    """Dominance, equivalence and power of one strategy on one benchmark.

    Attributes:
        searcher: The strategy's label.
        reference: "exact" or "sampled": the random search that counts.
        dominance: None for fewer than two searches.
        equivalence: None where there is no margin.
        power: None where there is no margin.
    """

    searcher: str
    reference: str
    dominance: Dominance | None
    equivalence: Equivalence | None
    power: Power | None


def evidence(contest: Contest, margin: float | None, family: int) -> Evidence:
    """Compute it for one contest; equivalence is adjusted only by `joined`.

    Args:
        contest: The contest.
        margin: Difference that matters, in units of the result; None if it is not known.
        family: Comparisons that Holm's method adjusts for, at least 1.
    """
    return Evidence(
        searcher=contest.searcher,
        reference=contest.reference,
        dominance=dominance(contest),
        equivalence=None if margin is None else equivalence(contest.differences, margin),
        power=None if margin is None else power(contest, margin, family),
    )


def joined(found: Sequence[Evidence]) -> list[Evidence]:
    """The evidence of a whole report, equivalence adjusted over all of it."""
    tests = iter(adjusted([e.equivalence for e in found if e.equivalence is not None]))
    return [e if e.equivalence is None else replace(e, equivalence=next(tests)) for e in found]
