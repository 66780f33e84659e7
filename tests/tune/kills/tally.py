"""How many kills of each kind there were, and whether there are to be more."""

from __future__ import annotations

import time
from collections import Counter
from math import ceil, inf

BARE, DRIVERS, WORKERS = "without Ray", "drivers on Ray", "workers on Ray"
"""What is killed."""
SHARES = {BARE: 0.9, DRIVERS: 0.02, WORKERS: 0.08}
"""How many kills of each: a start without Ray takes milliseconds, on Ray several seconds."""


class Tally:
    """Counts kills.

    Args:
        most: Kills in all; None for no limit.
        seconds: How long to go on; None for no limit.

    Attributes:
        kinds: What was killed -> how -> how often.
        violations: What the audits found.
        searches: Number of searches that finished.
        measured: Number of evaluations that trials carried out.
        again: How many of them had been in flight at a kill and were carried out again.
    """

    def __init__(self, most: int | None, seconds: float | None) -> None:
        self.kinds: dict[str, Counter[str]] = {level: Counter() for level in SHARES}
        self.violations: list[str] = []
        self.searches = self.measured = self.again = 0
        self._began = time.monotonic()
        self._seconds = inf if seconds is None else seconds
        self._most: dict[str, float] = dict.fromkeys(SHARES, inf)
        if most is not None:
            self._most = {level: ceil(most * share) for level, share in SHARES.items()}
            self._most[BARE] = most - self._most[DRIVERS] - self._most[WORKERS]

    def wants(self, level: str) -> bool:
        """Whether there are to be more kills of this."""
        # What is quick comes first, and gets a fifth of the time.
        seconds = self._seconds / 5 if level == BARE else self._seconds
        return self.left(level) > 0 and self.elapsed < seconds and not self.violations

    def left(self, level: str) -> float:
        """How many more kills of this there may be."""
        return self._most[level] - self.kinds[level].total()

    @property
    def elapsed(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._began

    @property
    def kills(self) -> int:
        """All kills so far."""
        return sum(kinds.total() for kinds in self.kinds.values())

    def lines(self) -> list[str]:
        """The result, to be printed."""
        lines = [f"{self.kills:,} kills in {self.elapsed / 60:.1f} minutes"]
        for level, kinds in self.kinds.items():
            lines.append(f"  {level}: {kinds.total():,}")
            lines += [f"    {kind}: {count:,}" for kind, count in sorted(kinds.items())]
        lines.append(
            f"{self.searches:,} searches, {self.measured:,} evaluations measured, of them"
            f" {self.again:,} again because a kill met them in flight"
        )
        if self.violations:
            return [*lines, f"{len(self.violations):,} violations", *self.violations]
        return [*lines, "none lost, none repeated, every digest that of the undisturbed search"]
