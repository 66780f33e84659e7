"""A second, naive implementation of the search loop, and a searcher that tells orders apart."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from math import inf, isnan
from typing import Any, NamedTuple

from harness.benchmarks.base import REPEAT, Answer
from harness.loop import Budget
from harness.searcher import Observation, Proposal, Searcher
from harness.streams import below
from tests.small_table import CELLS, EPOCHS

MICRO = 1_000_000


class Scripted(Searcher):
    """Proposes by a hash of all that it has heard, and holds back at times.

    Whatever the loop does in another order shows in its later proposals.

    Args:
        patience: None is proposed while so many evaluations are under way; with `limit`, the
            search is over after so many proposals.
    """

    def __init__(
        self,
        space: Any,
        seed: int,
        *,
        patience: int = 99,
        limit: int = 10**9,
        fidelities: Sequence[int | None] = (None,),
        cells: Sequence[tuple[int, ...]] = tuple(CELLS),
    ) -> None:
        super().__init__(space, seed)
        self.patience, self.limit = patience, limit
        self.fidelities, self.cells = fidelities, cells
        self.asked = 0
        self.heard: list[Observation] = []

    def ask(self) -> Proposal | None:
        if self.asked - len(self.heard) >= self.patience or self.asked >= self.limit:
            return None
        self.asked += 1
        numbers = [(o.number, str(o.value), o.failed) for o in self.heard]
        rng = random.Random(f"{self.seed} {self.asked} {numbers}")
        cell = self.cells[below(rng, len(self.cells))]
        return Proposal(cell, self.fidelities[below(rng, len(self.fidelities))])

    def tell(self, observation: Observation) -> None:
        self.heard.append(observation)


class Row(NamedTuple):
    number: int
    cell: Any
    start: int
    end: int
    worker: int
    status: int


def naive(
    searcher: Searcher,
    evaluate: Callable[[Any, int | None], Answer],
    budget: Budget,
    workers: int,
) -> tuple[list[Row], str]:
    """Asynchronous workers in virtual time, written down without heaps or bookkeeping.

    Every number that matters is computed anew from the list of all proposals.
    """
    proposed: list[tuple[Row, Answer, Proposal]] = []
    done: list[Row] = []
    now, stopped = 0, ""
    while True:
        for worker in range(workers):
            busy = any(row.worker == worker and row not in done for row, _, _ in proposed)
            paid = [answer for _, answer, _ in proposed if answer.status != REPEAT]
            if budget.evaluations is not None and len(paid) >= budget.evaluations and not busy:
                stopped = stopped or "budget"
            if busy or stopped:
                continue
            proposal = searcher.ask()
            if proposal is None:
                break
            answer = evaluate(proposal.architecture, proposal.fidelity)
            end = now + answer.cost
            if answer.status == REPEAT:
                # Its value is known when the evaluation that it repeats has ended.
                level = proposal.fidelity or EPOCHS[-1]
                end = max(
                    [now]
                    + [
                        row.end
                        for row, a, p in proposed
                        if a.row == answer.row and (p.fidelity or EPOCHS[-1]) == level
                    ]
                )
            late = budget.seconds is not None and end > budget.seconds * MICRO
            epochs = answer.epochs + sum(a.epochs for a in paid)
            long = budget.epochs is not None and epochs > budget.epochs
            if answer.status != REPEAT and (late or long):
                stopped = "budget"
                break
            number = len(proposed)
            row = Row(number, proposal.architecture, now, end, worker, answer.status)
            proposed.append((row, answer, proposal))
        waiting = [item for item in proposed if item[0] not in done]
        if not waiting:
            return done, stopped or "exhausted"
        row, answer, proposal = min(waiting, key=lambda item: (item[0].end, item[0].number))
        now = row.end
        done.append(row)
        failed = isnan(answer.value)
        value = -inf if failed else answer.value
        searcher.tell(
            Observation(row.number, proposal.architecture, proposal.fidelity, value, failed)
        )
