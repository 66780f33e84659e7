"""How soon a strategy is where random search ends: the share of the virtual time it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reports.incumbents import Incumbents

STEPS = 1_000


@dataclass(frozen=True)
class CatchingUp:
    """A strategy beside random search's final mean.

    Attributes:
        searcher: The strategy's label.
        target: Random search's mean reported result at the end.
        seconds: Virtual time at the end of the last evaluation of any search.
        share: Of that time, in thousandths rounded up, after which the strategy's mean reported
            result no longer falls below the target; None if it ends below.
    """

    searcher: str
    target: float
    seconds: float
    share: float | None


def catching_up(
    followed: Mapping[str, Incumbents], random_search: str | None, *, maximize: bool
) -> tuple[CatchingUp, ...]:
    """Every strategy beside the sampled random search; () where one of the two is missing.

    Random search itself is among them: where its curve is flat or falls, it is soon where it
    ends, and a strategy that is there as soon has won nothing.

    A search counts from its first result on, and a mean only once all searches have one.

    Args:
        followed: Label -> incumbents.
        random_search: Label of the sampled random search.
        maximize: Whether larger reported results are better.
    """
    if random_search is None or random_search not in followed or len(followed) == 1:
        return ()
    ends = [f.seconds[np.isfinite(f.seconds)] for f in followed.values()]
    seconds = max((float(e.max()) for e in ends if e.size), default=0.0)
    # Added up as at every other time, so that random search itself ends exactly there.
    target = float(_means(followed[random_search], np.array([seconds]))[0])
    if not (seconds > 0.0 and np.isfinite(target)):
        return ()
    found = []
    for label, incumbents in followed.items():
        means = _means(incumbents, np.arange(1, STEPS + 1) / STEPS * seconds)
        # NaN, where a search has no result yet, is below any target.
        below = np.flatnonzero(~(means >= target if maximize else means <= target))
        step = int(below[-1]) + 2 if below.size else 1
        share = step / STEPS if step <= STEPS else None
        found.append(CatchingUp(label, target, seconds, share))
    return tuple(found)


def _means(incumbents: Incumbents, times: np.ndarray) -> np.ndarray:
    """Mean reported result of all searches at each time, NaN before all have one."""
    total = np.zeros(len(times))
    for ends, values in zip(incumbents.seconds, incumbents.values["report"], strict=True):
        held = np.concatenate([[np.nan], values])
        total += held[np.searchsorted(ends, times, side="right")]
    means: np.ndarray = total / len(incumbents.seeds)
    return means
