"""Where a strategy beats random search as noise and budget grow: the phase diagram."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports.comparison import BETTER, Comparison, judged
from reports.intervals import Estimate

Progress = Callable[[int, int], None]
FUNCTION = "function"


@dataclass(frozen=True)
class Level:
    """An amount of noise.

    Attributes:
        name: For readers.
        amount: What grows along the axis: a factor of a table's noise, or an amplitude.
        deviation: Standard deviation of a draw about its mean, in the values' unit.
        tau: Kendall's tau-b between what a search sees and what is reported, over architectures.
    """

    name: str
    amount: float
    deviation: float
    tau: float


@dataclass(frozen=True)
class Phase:
    """A strategy at one level of noise and one budget.

    Attributes:
        searcher: Its label.
        level: Name of the level.
        budget: Evaluations.
        result: Mean reported result of the strategy's winner.
        random: Expected or mean reported result of random search's.
        difference: Strategy minus random search.
        p_holm: Two-sided, by Holm's method over the whole diagram.
        verdict: As in `reports.comparison`.
    """

    searcher: str
    level: str
    budget: int
    result: Estimate
    random: float
    difference: Estimate
    p_holm: float | None
    verdict: str


@dataclass(frozen=True)
class PhaseDiagram:
    """Every strategy at every level of noise and budget.

    Attributes:
        benchmark: Its name.
        checksum: Of the table, or of the function without noise.
        protocol: Name and hash.
        leaks: How searches use test images.
        unit: Of results and differences.
        maximize: Whether larger results are better.
        noise: Whose noise it is: of "training runs" or "the search's measure" of a table (see
            `scaled`), or of a "function".
        reference: "exact": random search's distribution; "sampled": its searches of the same
            seeds.
        seeds: Searches of each strategy and level.
        searchers: Labels.
        budgets: Evaluations.
        levels: From the least noise to the most.
        phases: In the order of searchers, levels, budgets.
    """

    benchmark: str
    checksum: str
    protocol: str
    leaks: tuple[str, ...]
    unit: str
    maximize: bool
    noise: str
    reference: str
    seeds: int
    searchers: tuple[str, ...]
    budgets: tuple[int, ...]
    levels: tuple[Level, ...]
    phases: tuple[Phase, ...]

    def phase(self, searcher: str, level: str, budget: int) -> Phase:
        """One of the phases."""
        wanted = (searcher, level, budget)
        return next(p for p in self.phases if (p.searcher, p.level, p.budget) == wanted)

    def onset(self, searcher: str, level: str) -> int | None:
        """The least budget from which on a strategy is better at all larger ones; None: never."""
        found = None
        for budget in reversed(self.budgets):
            if self.phase(searcher, level, budget).verdict != BETTER:
                break
            found = budget
        return found


@dataclass(frozen=True)
class Trial:
    """A strategy's results at one level and budget, before the verdicts.

    Attributes:
        comparison: With random search; its benchmark is the level's name.
        budget: Evaluations.
        result: Mean reported result.
        random: Random search's.
    """

    comparison: Comparison
    budget: int
    result: Estimate
    random: float


def judged_phases(
    trials: Sequence[Trial], searchers: Sequence[str], *, maximize: bool
) -> tuple[Phase, ...]:
    """The phases with verdicts, by Holm's method over all of them, in the searchers' order."""
    comparisons = judged([t.comparison for t in trials], [maximize] * len(trials))
    phases = [
        Phase(
            searcher=c.searcher,
            level=c.benchmark,
            budget=trial.budget,
            result=trial.result,
            random=trial.random,
            difference=c.difference,
            p_holm=c.p_holm,
            verdict=c.verdict,
        )
        for c, trial in zip(comparisons, trials, strict=True)
    ]
    return tuple(sorted(phases, key=lambda phase: list(searchers).index(phase.searcher)))
