"""Promotions that continue a paused training: what they cost, and that none is made up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from harness.benchmarks import open_benchmark
from harness.errors import HarnessError, UserError
from harness.loop import Budget, Search, run_search
from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import SearchSpace
from harness.traces import Trace
from tests.function_benchmark import NAME, Slopes


class Continues(Searcher):
    """Trains one architecture at given epochs, continuing from others."""

    plan: tuple[tuple[int, int | None], ...] = ()

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(space, seed)
        self.left = list(self.plan)

    def ask(self) -> Proposal | None:
        if not self.left:
            return None
        fidelity, continues = self.left.pop(0)
        return Proposal((1, 1, 1, 1), fidelity, continues)

    def tell(self, observation: Observation) -> None:
        """One after the other is enough."""


def continued(plan: Sequence[tuple[int, int | None]], workers: int = 1, **options: Any) -> Trace:
    benchmark = open_benchmark(NAME, options=options)
    kind = type("Planned", (Continues,), {"plan": tuple(plan)})
    search = Search(
        kind(benchmark.space, 0), benchmark, Budget(10), 0, {"searcher": "it"}, workers
    )
    return run_search(search)


def test_a_continued_training_pays_for_its_further_epochs() -> None:
    """Slopes: (1, ...) costs 1.25 s an epoch."""
    plan = [(1, None), (3, 1), (9, 3), (3, None)]
    columns = continued(plan, pause_seconds=0.5).columns
    assert columns["epochs"].tolist() == [1, 3, 9, 3]
    assert columns["continued"].tolist() == [0, 1, 3, 0]
    seconds = (columns["end"] - columns["start"]) / 1e6
    assert seconds.tolist() == [1.25, 2 * 1.25 + 0.5, 6 * 1.25 + 0.5, 3 * 1.25]
    restarted = continued(plan, promotion="restart").columns
    assert not restarted["continued"].any()
    assert (restarted["end"] - restarted["start"]).tolist() == [
        1_250_000 * e for e in (1, 3, 9, 3)
    ]


@pytest.mark.parametrize(
    ("plan", "workers"),
    [
        ([(3, 1)], 1),  # never trained
        ([(1, None), (9, 3)], 1),  # not for so long
        ([(3, None), (3, 3)], 1),  # not further
        ([(1, None), (3, 1)], 2),  # still running
    ],
)
def test_a_training_that_never_happened_is_not_continued(
    plan: list[tuple[int, int | None]], workers: int
) -> None:
    with pytest.raises(HarnessError, match=r"it continues .* but no evaluation of it has ended"):
        continued(plan, workers)


def test_continuing_needs_one_learning_curve() -> None:
    """Where every number of epochs is a training of its own there is nothing to go on with."""
    separate = type("Separate", (Slopes,), {"promotion": "restart"})
    asked = separate.default_protocol().with_options(promotion="continue")
    with pytest.raises(UserError, match=r"a training of its own; choose promotion=restart"):
        separate(asked)
