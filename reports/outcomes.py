"""What one evaluation of random search can give: a tabular benchmark as a distribution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from harness.benchmarks.table import TableBenchmark
from harness.spaces import CategoricalSpace

Runs = Sequence[tuple[float, ...]]


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The distribution of one uniformly drawn evaluation.

    An entry is one row showing one combination of its seeds.

    Attributes:
        row: int64 [k], the row of each entry.
        chance: float64 [k], probability of the entry given its row.
        selection: float64 [k], the selection value as measured.
        true: float64 [k], its mean over the row's seeds.
        report: float64 [k], the reported result; NaN if there is none.
        size: int64 [rows], architectures that share each row.
        failing: Number of architectures whose evaluation always fails.
        maximize: Whether larger selection values are better.
        per_encoding: Whether the entries weigh every encoding that the space's `sample` returns
            alike, as random search does; False: every covered cell alike.
    """

    row: np.ndarray
    chance: np.ndarray
    selection: np.ndarray
    true: np.ndarray
    report: np.ndarray
    size: np.ndarray
    failing: int = 0
    maximize: bool = True
    per_encoding: bool = True

    @cached_property
    def architectures(self) -> int:
        """The number of architectures that are drawn from."""
        return int(self.size[np.unique(self.row)].sum()) + self.failing

    @cached_property
    def mass(self) -> np.ndarray:
        """float64 [k], the probability of each entry; what is missing to 1 fails."""
        return np.asarray(self.size[self.row] * self.chance / self.architectures)

    @cached_property
    def levels(self) -> np.ndarray:
        """The distinct selection values from worst to best, larger being better."""
        return self._ranked[0]

    @cached_property
    def level(self) -> np.ndarray:
        """int64 [k], each entry's place in `levels`."""
        return self._ranked[1]

    @cached_property
    def pair(self) -> np.ndarray:
        """int64 [k], a number for each entry's row and level."""
        return np.asarray(self.row.astype(np.int64) * len(self.levels) + self.level)

    @cached_property
    def below(self) -> np.ndarray:
        """float64 [k], probability that the entry's row shows a worse value."""
        return self._cumulated[0]

    @cached_property
    def on_level(self) -> np.ndarray:
        """float64 [k], probability that the entry's row shows a value exactly as good."""
        return self._cumulated[1]

    @cached_property
    def _cumulated(self) -> tuple[np.ndarray, np.ndarray]:
        # Sums over each (row, level), then over the levels of each row.
        pairs, place = np.unique(self.pair, return_inverse=True)
        on_level = np.bincount(place, self.chance)
        reached = np.cumsum(on_level)
        row = pairs // len(self.levels)
        first = np.searchsorted(row, row)
        below = reached - on_level - (reached - on_level)[first]
        return below[place], on_level[place]

    @cached_property
    def _ranked(self) -> tuple[np.ndarray, np.ndarray]:
        oriented = self.selection if self.maximize else -self.selection
        levels, level = np.unique(oriented, return_inverse=True)
        return levels, level


@dataclass(frozen=True, eq=False)
class UnitGroups:
    """At every level, the units of random search by their chance of a value at most that good.

    A unit is what shows one draw throughout a search: a row if its draws are shared, else one
    architecture. Entry 0 of the levels stands for "no success"; failing units are in at all.

    Attributes:
        certain: float64 [levels + 1], architectures of units that are certainly at most so good.
        most: float64 [levels + 1], architectures of units that may be.
        uncertain: float64 [levels + 1, groups], number of units of each group that may or may
            not be.
        held_with: int64 [entries], architectures of the unit of each entry.
        size: float64 [groups], architectures of a unit.
        chance: float64 [groups], probability that a unit is at most so good.
    """

    certain: np.ndarray
    most: np.ndarray
    uncertain: np.ndarray
    held_with: np.ndarray
    size: np.ndarray
    chance: np.ndarray

    @classmethod
    def of(cls, outcomes: Outcomes, *, shared: bool) -> UnitGroups:
        """The groups of a benchmark's outcomes.

        Args:
            outcomes: What one evaluation can give.
            shared: Whether draws from a row are shared by all architectures and visits.
        """
        # One entry for each level of each row.
        once = np.unique(outcomes.pair, return_index=True)[1]
        level, before = outcomes.level[once], outcomes.below[once]
        after = before + outcomes.on_level[once]
        held = outcomes.size[outcomes.row[once]]
        size, units = (held, np.ones_like(held)) if shared else (np.ones_like(held), held)

        shape = len(outcomes.levels) + 1
        certain, most = np.zeros(shape), np.zeros(shape)
        certain[0] = most[0] = outcomes.failing
        last, first = after > 1 - 1e-9, before < 1e-9
        np.add.at(certain, level[last] + 1, (size * units)[last])
        np.add.at(most, level[first] + 1, (size * units)[first])

        # Each entry moves its row's units from one group to the next.
        chances = np.concatenate([before, after])
        # Sums of the same fractions differ in their last digits.
        key = np.stack([np.tile(size, 2), np.round(chances, 9)], axis=1)
        kinds, example, group = np.unique(key, axis=0, return_index=True, return_inverse=True)
        moved = np.zeros((shape, len(kinds)))
        np.add.at(moved, (level + 1, group[: len(level)]), -units)
        np.add.at(moved, (level + 1, group[len(level) :]), units)
        open_ = (kinds[:, 1] > 0.0) & (kinds[:, 1] < 1.0)
        return cls(
            certain=np.cumsum(certain),
            most=np.cumsum(most),
            uncertain=np.cumsum(moved[:, open_], axis=0),
            held_with=outcomes.size[outcomes.row] if shared else np.ones_like(outcomes.row),
            size=kinds[open_, 0],
            chance=chances[example][open_],
        )


def outcomes_of(benchmark: TableBenchmark) -> Outcomes:
    """What one evaluation of a uniformly drawn architecture gives under a benchmark's protocol.

    Selection and report draw the same fraction of their seed lists, as the benchmark does.
    """
    protocol, table = benchmark.protocol, benchmark.table
    space = benchmark.space
    selection = benchmark.runs(protocol.selection)
    report = benchmark.runs(protocol.report)
    size = np.bincount(table.row_of, minlength=table.n_rows)
    same = protocol.selection == protocol.search
    searched = selection if same else benchmark.runs(protocol.search)
    usable = np.array([bool(a and b) for a, b in zip(searched, selection, strict=True)])
    # Only spaces whose keys are the encodings themselves have as many keys as encodings.
    own_keys = isinstance(space, CategoricalSpace) and type(space).key is CategoricalSpace.key
    covered = len(table.row_of)
    lacking = len(space) - covered if own_keys and protocol.missing == "fail" else 0
    complete = protocol.missing == "resample" or covered + lacking == len(space)
    parts = _entries(selection, report, np.flatnonzero(usable & (size > 0)))
    row, chance, values, results = (np.concatenate(part) for part in zip(*parts, strict=True))
    means = np.array([sum(runs) / len(runs) if runs else np.nan for runs in selection])
    return Outcomes(
        row=row,
        chance=chance,
        selection=values,
        true=means[row],
        report=results,
        size=size,
        failing=int(size[~usable].sum()) + lacking,
        maximize=protocol.maximize,
        per_encoding=own_keys and complete,
    )


def _entries(
    selection: Runs, report: Runs, rows: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Row, chance, selection value and report of every entry, by numbers of runs."""
    counts = np.array([(len(selection[r]), len(report[r])) for r in rows.tolist()])
    nothing = np.zeros(0)
    parts = [(nothing.astype(int), nothing, nothing, nothing)]
    for n, m in np.unique(counts, axis=0).tolist() if len(rows) else ():
        these = rows[(counts == (n, m)).all(axis=1)]
        # A draw is a fraction u of the list: cut [0, 1) where either choice changes.
        cuts = sorted({Fraction(i, n) for i in range(n)} | {Fraction(j, m) for j in range(m)})
        ends = [*cuts[1:], Fraction(1)]
        lengths = [float(end - start) for start, end in zip(cuts, ends, strict=True)]
        drawn = np.array([selection[r] for r in these.tolist()])
        values = drawn[:, [int(start * n) for start in cuts]]
        results = np.full(values.shape, np.nan)
        if m:
            reported = np.array([report[r] for r in these.tolist()])
            results = reported[:, [int(start * m) for start in cuts]]
        parts.append(
            (
                np.repeat(these, len(cuts)),
                np.tile(lengths, len(these)),
                values.ravel(),
                results.ravel(),
            )
        )
    return parts
