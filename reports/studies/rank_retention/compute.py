"""From tables to `RankRetention`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from harness.benchmarks.packed import PackedTable
from harness.errors import UserError
from reports.intervals import LEVEL
from reports.rank_correlation import RESAMPLES, TOP_SHARE, Agreement, agreement
from reports.studies.rank_retention.ceilings import TwoTrainings, run_of, two_trainings
from reports.studies.rank_retention.measurements import (
    MEAN,
    OTHER,
    Measurement,
    Question,
    labels,
    parse,
    questions,
    thinned,
    values_of,
)
from reports.studies.rank_retention.result import (
    BenchmarkRetention,
    Ceiling,
    Curve,
    Measured,
    Pair,
    RankRetention,
    SubsetRetention,
)
from reports.studies.rank_retention.subsets import (
    ALL,
    size_subsets,
    sizes_of,
    top_subset,
)

CURVE_EPOCHS = 16
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Comparison:
    """Two measurements on a subset of the rows, by its name."""

    first: Measurement
    second: Measurement
    subset: str = ALL


def rank_retention(
    tables: Sequence[tuple[PackedTable, Sequence[str]]],
    *,
    measures: Sequence[str] = (),
    size: str | None = None,
    resamples: int = RESAMPLES,
    top_share: float = TOP_SHARE,
    progress: Progress | None = None,
) -> RankRetention:
    """How far cheaper measurements keep the order of architectures, on each table.

    Args:
        tables: Opened tables, each with the data sets of it that are asked about; () for all.
        measures: Measurements to compare, ``column[@epoch][:seeds]``, the last one as reference;
            default: what the tables' protocols search on and report.
        size: A column of sizes; default: found by its name.
        resamples: Bootstrap resamples; 0 for none.
        top_share: Share of the architectures that counts as the best ones.
        progress: Called with the numbers of finished and of all comparisons.

    Raises:
        UserError: If a name is unknown, or there is nothing to compare.
    """
    if not 0.0 < top_share < 1.0:
        raise UserError(f"--top {top_share}: give a share between 0 and 1")
    if resamples < 0 or resamples == 1:
        raise UserError(f"--resamples {resamples}: give 2 or more, or 0 for no intervals")
    studies = [_Study(table, of, measures, size, top_share) for table, of in tables]
    total = sum(len(study.comparisons) for study in studies)
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    found = tuple(study.run(resamples, tick) for study in studies)
    return RankRetention(resamples, LEVEL, top_share, found)


class _Study:
    """One table: what will be compared, and after `run` what came out."""

    def __init__(
        self,
        table: PackedTable,
        datasets: Sequence[str],
        measures: Sequence[str],
        size: str | None,
        top_share: float,
    ) -> None:
        self.table = table
        self.top_share = top_share
        self.questions = _named(table, measures) if measures else questions(table, datasets)
        references = list(dict.fromkeys(q.reference for q in self.questions))
        proxies = dict.fromkeys(p for q in self.questions for p in q.proxies)
        # Of a pair the first is the proxy, so that references stand last.
        self.measurements = [*(p for p in proxies if p not in references), *references]
        if len(self.measurements) < 2:
            raise UserError(
                f"table '{table.header.name}': its protocols have one measurement only: name two"
                " or more by --measure"
            )
        self.smaller = frozenset().union(*(q.smaller for q in self.questions))
        self.sizes = sizes_of(table, size)
        self.by_size = [] if self.sizes is None else size_subsets(self.sizes)
        self._values: dict[Measurement, np.ndarray] = {}
        self._members = {s.name: s.members for s in self.by_size}
        self._ceilings: dict[Comparison, TwoTrainings] = {}
        for place, pair in enumerate(two_trainings(table, self.measurements, self.values)):
            subset = ALL if pair.members is None else f"ceiling {place}"
            if pair.members is not None:
                self._members[subset] = pair.members
            self._ceilings[Comparison(pair.first, pair.second, subset)] = pair
        self.comparisons = self._planned()

    # --- the plan ----------------------------------------------------------------------------

    def _planned(self) -> list[Comparison]:
        planned = [Comparison(a, b) for a, b in combinations(self.measurements, 2)]
        planned += self._ceilings
        for question in self.questions:
            for subset in self._subsets(question):
                planned += [Comparison(p, question.reference, subset) for p in question.proxies]
            for _, reference, subset, points in self._curves(question):
                planned += [Comparison(p, reference, subset) for p in points]
        return list(dict.fromkeys(planned))

    def _subsets(self, question: Question) -> list[str]:
        """Names of a question's subsets, the best rows first."""
        best = top_subset(self.values(question.reference), self.top_share)
        name = best.name if len(self.questions) == 1 else f"{best.name}, {question.name}"
        self._members[name] = best.members
        return [name, *(subset.name for subset in self.by_size)]

    def _curves(
        self, question: Question
    ) -> Iterable[tuple[Measurement, Measurement, str, list[Measurement]]]:
        """Column and training, reference, subset, and the points along the epochs."""
        offered: dict[tuple[str, str | int], set[int]] = {}
        for m in question.proxies:
            offered.setdefault((m.column, m.seeds), set()).add(m.epoch)
        subsets = [ALL, *self._subsets(question)[:2]]
        for (column, seeds), epochs in offered.items():
            if len(epochs) < 2:
                continue
            known = self.table.columns[column].epochs
            between = [e for e in known if min(epochs) <= e <= max(epochs)]
            points = [Measurement(column, e, seeds) for e in thinned(between, CURVE_EPOCHS)]
            references = [question.reference]
            if len(self.table.columns[column].seeds) > 1:
                references.append(Measurement(column, max(epochs), OTHER))
            for reference in references:
                for subset in subsets if reference == question.reference else [ALL]:
                    yield points[-1], reference, subset, [p for p in points if p != reference]

    # --- the numbers -------------------------------------------------------------------------

    def values(self, measurement: Measurement) -> np.ndarray:
        """A measurement of every row; negated where smaller is better."""
        if measurement not in self._values:
            sign = -1.0 if measurement.column in self.smaller else 1.0
            self._values[measurement] = sign * values_of(self.table, measurement)
        return self._values[measurement]

    def compare(self, comparison: Comparison, resamples: int) -> Agreement:
        x, y = self.values(comparison.first), self.values(comparison.second)
        if comparison.subset != ALL:
            members = self._members[comparison.subset]
            x, y = x[members], y[members]
        units = {self.table.columns[m.column].unit for m in (comparison.first, comparison.second)}
        return agreement(
            x, y, percent=units == {"%"}, resamples=resamples, top_share=self.top_share
        )

    def run(self, resamples: int, tick: Callable[[], None]) -> BenchmarkRetention:
        done: dict[Comparison, Agreement] = {}
        for comparison in self.comparisons:
            done[comparison] = self.compare(comparison, resamples)
            tick()
        everything = list(
            dict.fromkeys([*self.measurements, *(m for c in done for m in (c.first, c.second))])
        )
        label = labels(self.table, everything)
        header = self.table.header
        return BenchmarkRetention(
            name=header.name,
            checksum=self.table.checksum,
            architectures=len(self.table.keys),
            rows=self.table.n_rows,
            references={q.name: label[q.reference] for q in self.questions},
            sizes="" if self.sizes is None else self.sizes.what,
            measured=tuple(self._measured(m, label[m]) for m in self.measurements),
            pairs=tuple(
                Pair(label[a], label[b], done[Comparison(a, b)])
                for a, b in combinations(self.measurements, 2)
            ),
            ceilings=tuple(
                Ceiling(_either(pair, label), pair.draw, pair.same, done[comparison])
                for comparison, pair in self._ceilings.items()
            ),
            subsets=tuple(
                SubsetRetention(
                    q.name, s, label[p], label[q.reference], done[Comparison(p, q.reference, s)]
                )
                for q in self.questions
                for s in self._subsets(q)
                for p in q.proxies
            ),
            curves=tuple(
                Curve(
                    column=label[last].replace(f"@{last.epoch}", "", 1),
                    reference=label[reference],
                    subset=subset,
                    separate=self.table.columns[last.column].schedule == "separate",
                    epochs=tuple(p.epoch for p in points),
                    agreements=tuple(done[Comparison(p, reference, subset)] for p in points),
                )
                for q in self.questions
                for last, reference, subset, points in self._curves(q)
            ),
            remarks=tuple(self._remarks()),
        )

    def _measured(self, measurement: Measurement, label: str) -> Measured:
        column = self.table.columns[measurement.column]
        values = values_of(self.table, measurement)
        values = values[~np.isnan(values)]
        return Measured(
            label=label,
            column=measurement.column,
            epoch=measurement.epoch,
            seeds=str(measurement.seeds),
            split=column.split,
            unit=column.unit,
            aggregate=column.aggregate,
            n=len(values),
            distinct=len(np.unique(values)),
            sd=float(values.std(ddof=1)) if len(values) > 1 else None,
        )

    def _remarks(self) -> Iterable[str]:
        if not self._ceilings:
            yield (
                "No architecture of this table has two trainings of one kind, so it gives no noise"
                " ceiling."
            )
        for m in self.measurements:
            if self.table.columns[m.column].split in ("test", "valid+test") and any(
                m in q.proxies for q in self.questions
            ):
                yield f"`{m.column}` is measured on test images: no search may be guided by it."
        for reference in dict.fromkeys(q.reference for q in self.questions):
            if reference.seeds == MEAN or self.table.columns[reference.column].aggregate == "mean":
                yield (
                    f"The reference `{reference.column}` is a mean over trainings. A single"
                    " training that is one of them shares its luck and agrees better for that."
                )
        if self.sizes is None:
            yield "The table says nothing of sizes, so there are no groups by size."


def _named(table: PackedTable, measures: Sequence[str]) -> list[Question]:
    found = list(dict.fromkeys(parse(text, table) for text in measures))
    if len(found) < 2:
        raise UserError("give --measure two or more times, the reference last")
    return [Question("", tuple(found[:-1]), found[-1])]


def _either(pair: TwoTrainings, label: dict[Measurement, str]) -> str:
    """One name for two trainings."""
    name = label[pair.first]
    if pair.first.column == pair.second.column:
        return name.rpartition(":")[0] or name
    return name.replace(f"_{run_of(pair.first.column)}", "", 1)
