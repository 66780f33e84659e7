"""Random search on tiny tables by enumeration, in exact fractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations, product

import numpy as np

from reports.outcomes import Outcomes


@dataclass(frozen=True)
class TinyTable:
    """A few rows.

    Attributes:
        runs: Selection values that each row may show.
        size: Architectures of each row.
        failing: Architectures that always fail.
    """

    runs: list[list[float]]
    size: list[int]
    failing: int = 0

    def outcomes(self) -> Outcomes:
        """As the code under test takes it; the report of row r is 100 + r."""
        row = np.repeat(np.arange(len(self.runs)), [len(r) for r in self.runs])
        selection = np.concatenate([np.array(r, dtype=float) for r in self.runs])
        return Outcomes(
            row=row,
            chance=np.array([1.0 / len(self.runs[r]) for r in row]),
            selection=selection,
            true=np.array([np.mean(self.runs[r]) for r in row]),
            report=100.0 + row,
            size=np.array(self.size),
            failing=self.failing,
        )

    def architectures(self) -> list[int]:
        """The row of each architecture, -1 for those that fail."""
        rows = [r for r, size in enumerate(self.size) for _ in range(size)]
        return rows + [-1] * self.failing

    def draws(self, n: int, *, replacement: bool) -> Iterator[tuple[int, ...]]:
        """All equally likely sequences of n architectures, by number."""
        everyone = range(len(self.architectures()))
        if replacement:
            return product(everyone, repeat=n)
        return permutations(everyone, n)

    def best_of(
        self, n: int, *, replacement: bool, shared: bool
    ) -> dict[tuple[float, int] | None, Fraction]:
        """Probability of each (selection value, row) to be the incumbent; None: no success."""
        found: dict[tuple[float, int] | None, Fraction] = defaultdict(Fraction)
        rows = self.architectures()
        sequences = list(self.draws(n, replacement=replacement))
        if shared:
            for shown in product(*self.runs):
                each = Fraction(1, len(sequences) * int(np.prod([len(r) for r in self.runs])))
                for sequence in sequences:
                    values = [
                        (shown[rows[a]], rows[a]) if rows[a] >= 0 else None for a in sequence
                    ]
                    found[first_best(values)] += each
            return found
        for sequence in sequences:
            choices = [
                [(v, rows[a]) for v in self.runs[rows[a]]] if rows[a] >= 0 else [None]
                for a in sequence
            ]
            each = Fraction(1, len(sequences) * int(np.prod([len(c) for c in choices])))
            for values in product(*choices):
                found[first_best(list(values))] += each
        return found


def first_best(values: list[tuple[float, int] | None]) -> tuple[float, int] | None:
    """The first of the best values."""
    best = None
    for value in values:
        if value is not None and (best is None or value[0] > best[0]):
            best = value
    return best
