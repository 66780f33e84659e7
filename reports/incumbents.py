"""Incumbents: the best architecture of each search so far, and what it was worth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from harness.benchmarks.base import MICROSECONDS, MISSING, REPEAT
from reports.records import Cell, Derivations

ROLES = ("selection", "true", "report")
"""What is known of an incumbent: the value that it was selected by, the mean of that measure over
all training seeds, and the reported result."""


@dataclass(frozen=True, eq=False)
class Incumbents:
    """The incumbent of every search after every charged evaluation.

    A one-shot method evaluates nothing: for it, e evaluations are the image passes of e full
    trainings, so that all methods are compared at equal image passes.

    Attributes:
        seeds: int64 [searches].
        lengths: int64 [searches], charged evaluations.
        values: Role of `ROLES` -> float64 [searches, evaluations]: entry e is what holds after
            e + 1 charged evaluations. NaN before the first success; after a search's end its
            last incumbent.
        seconds: float64 [searches, evaluations], virtual time of each charged evaluation's end;
            infinite after the search's end.
        trainings: float64 [searches, evaluations], full trainings that a search's charged
            evaluations so far amount to, less than their number where some were shorter; after a
            search's end all of them. Without it: one each.
    """

    seeds: np.ndarray
    lengths: np.ndarray
    values: dict[str, np.ndarray]
    seconds: np.ndarray
    trainings: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if not self.trainings.size:
            counts = np.arange(1, self.seconds.shape[1] + 1)
            whole = np.minimum(counts, self.lengths[:, None]).astype(np.float64)
            object.__setattr__(self, "trainings", whole)

    def final(self, role: str) -> np.ndarray:
        """The last incumbents' values, float64 [searches]."""
        return np.asarray(self.values[role][:, -1])


def incumbents(cell: Cell, *, missing_charged: bool = True) -> Incumbents:
    """Follow the incumbents of a cell's searches in their order of completion.

    The incumbent is the evaluation with the best selection value; of equal ones the earlier.
    Failed evaluations never become incumbents. Where a search measures at several fidelities and
    selects by what it measured, only the highest fidelity that it has reached so far counts:
    accuracies after few and after many epochs are not comparable.

    The incumbent of a one-shot method is its latest derivation, good or bad.

    Args:
        cell: The searches.
        missing_charged: Whether architectures that the table lacks were charged, which is so
            where the budget counts evaluations. Uncharged repeats never are.
    """
    if cell.one_shot is not None:
        return _latest(cell, cell.one_shot)
    score = _scores(cell)
    steps = np.arange(score.shape[1])
    best = np.maximum.accumulate(score, axis=1)
    before = np.concatenate([np.full((len(score), 1), -np.inf), best[:, :-1]], axis=1)
    holder = np.maximum.accumulate(np.where(score > before, steps, 0), axis=1)

    # Columns so far are recorded evaluations; now those that were charged.
    places, lengths = charged_places(cell, missing_charged=missing_charged)
    longest = places.shape[1]
    over = np.arange(longest) >= lengths[:, None]
    # Free evaluations after the last charged one count with it.
    ended = np.arange(longest) >= lengths[:, None] - 1
    last = np.maximum(cell.lengths - 1, 0)[:, None]
    known = np.where(ended, last, places)

    found = np.take_along_axis(best, known, axis=1) > -np.inf
    holder = np.take_along_axis(holder, known, axis=1)
    values = {
        role: np.where(found, np.take_along_axis(cell.columns[role], holder, axis=1), np.nan)
        for role in ROLES
    }
    ends = np.take_along_axis(cell.columns["end"], places, axis=1) / MICROSECONDS
    own = np.where(over, 0.0, np.take_along_axis(cell.trainings, places, axis=1))
    ends = np.where(over, np.inf, ends)
    return Incumbents(cell.seeds, lengths, values, ends, own.cumsum(axis=1))


def _latest(cell: Cell, derivations: Derivations) -> Incumbents:
    """The latest derivation after the image passes of every number of full trainings.

    The last one counts at the end of a search whose image passes are no whole number of trainings.
    """
    passes, evaluation = derivations.passes, derivations.evaluation
    last = np.take_along_axis(passes, np.maximum(cell.lengths - 1, 0)[:, None], axis=1)[:, 0]
    lengths = np.where(cell.lengths > 0, -(-last // evaluation), 0)
    longest = max(int(lengths.max()), 1)
    spent = np.arange(1, longest + 1) * evaluation
    done = np.stack([np.searchsorted(own, spent, side="right") for own in passes])
    holder = np.maximum(done - 1, 0)
    values = {
        role: np.where(done > 0, np.take_along_axis(cell.columns[role], holder, axis=1), np.nan)
        for role in ROLES
    }
    # Virtual time passes evenly from one derivation to the next.
    ends = cell.columns["end"] / MICROSECONDS
    seconds = np.stack(
        [
            np.interp(spent, [0, *own[:n]], [0.0, *end[:n]])
            for own, end, n in zip(passes, ends, cell.lengths.tolist(), strict=True)
        ]
    )
    over = np.arange(longest) >= lengths[:, None]
    seconds = np.where(over, np.inf, seconds)
    trainings = np.minimum(spent, last[:, None]) / evaluation
    return Incumbents(cell.seeds, lengths, values, seconds, trainings)


def charged_places(cell: Cell, *, missing_charged: bool) -> tuple[np.ndarray, np.ndarray]:
    """Which recorded evaluations were charged, in their order.

    Args:
        cell: The searches, not of a one-shot method, whose rows are no evaluations.
        missing_charged: Whether architectures that the table lacks were charged.

    Returns:
        int64 [searches, most charged] of places among the recorded evaluations, arbitrary after
        a search's end; int64 [searches], charged evaluations of each.
    """
    charged = cell.columns["status"] != REPEAT
    if not missing_charged:
        charged &= cell.columns["status"] != MISSING
    lengths = charged.sum(axis=1)
    longest = max(int(lengths.max()), 1)
    return np.argsort(~charged, axis=1, kind="stable")[:, :longest], lengths


def winners(cell: Cell, *, first: int | None = None) -> np.ndarray:
    """Place of each search's last incumbent among its recorded evaluations, int64 [searches].

    -1 where no evaluation succeeded, and for a one-shot method where the last derivation has no
    value.

    Args:
        cell: The searches.
        first: Only so many first evaluations, or derivations, count; None: all.
    """
    if cell.one_shot is not None:
        lengths = cell.lengths if first is None else np.minimum(cell.lengths, first)
        place = np.maximum(lengths - 1, 0)
        known = ~np.isnan(cell.columns["selection"][np.arange(len(place)), place])
        return np.where(known, place, -1)
    score = _scores(cell)[:, :first]
    best = np.argmax(score, axis=1)
    return np.where(score.max(axis=1) > -np.inf, best, -1)


def _scores(cell: Cell) -> np.ndarray:
    """What the incumbent has most of, -inf for evaluations that cannot be one."""
    protocol = cell.question.protocol
    selection = cell.columns["selection"]
    score = selection if protocol.maximize else -selection
    score = np.where(np.isnan(score), -np.inf, score)
    measured = protocol.select in (None, protocol.search)
    if not (protocol.fidelities and measured):
        return score
    # One number that orders by epochs first and by value second.
    epochs = cell.columns["epochs"].astype(np.float64)
    pairs = np.stack([epochs.ravel(), score.ravel()])
    order = np.lexsort(pairs[::-1])
    ordered = pairs[:, order]
    steps = np.any(ordered[:, 1:] != ordered[:, :-1], axis=0)
    rank = np.empty(score.size)
    rank[order] = np.concatenate([[0], np.cumsum(steps)])
    return np.where(score > -np.inf, rank.reshape(score.shape), -np.inf)
