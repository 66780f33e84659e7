"""Random search with weight sharing draws uniformly, and answers with the best that it tried."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from scipy.stats import chisquare

pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.errors import UserError
from searchers.one_shot.rsws import RandomSearchWithSharing
from tests.one_shot.small import problem


def started(passes: int = 1600, **options: Any) -> RandomSearchWithSharing:
    method = RandomSearchWithSharing(problem(), 0, **options)
    method.start(passes)
    return method


def test_paths_are_drawn_uniformly() -> None:
    method = started()
    drawn = []
    for step in range(4_000):
        method.weights.used = 16 * step
        drawn += method.drawn("path", 1)
    for edge in range(6):
        counts = Counter(cell[edge] for cell in drawn)
        assert chisquare([counts[k] for k in range(5)]).pvalue > 1e-3
    # Neighbouring steps are independent: pairs of their first operations are uniform.
    pairs = Counter((a[0], b[0]) for a, b in zip(drawn[::2], drawn[1::2], strict=True))
    assert chisquare([pairs[a, b] for a in range(5) for b in range(5)]).pvalue > 1e-3


def test_every_step_trains_the_path_drawn_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    method = started()
    trained = []
    step = method.weights.step_path
    monkeypatch.setattr(method.weights, "step_path", lambda a: trained.append(a) or step(a))
    assert method.epoch(100) == 96
    expected = []
    for method.weights.used in range(0, 96, 16):
        expected += method.drawn("path", 1)
    assert trained == expected
    assert len(set(trained)) > 1


def test_the_answer_is_the_best_of_all_epochs_under_the_weights_of_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    method = started(candidates=30, finalists=30)
    worth: dict[str, Any] = {"share": lambda cell: sum(cell) / 24}
    monkeypatch.setattr(
        method.weights, "accuracies", lambda cells, *_: {c: worth["share"](c) for c in cells}
    )
    tried = []
    for _ in range(3):
        method.epoch(32)
        tried += method.drawn("candidates", 30)
        assert sum(method.derive()) == max(map(sum, tried))
    assert method.log()["shared_accuracy"] == max(map(sum, tried)) / 24
    # The weights have changed: what was best is judged anew.
    worth["share"] = lambda cell: 1 - sum(cell) / 24
    assert sum(method.derive()) == min(map(sum, method.drawn("candidates", 30)))


def test_trying_is_free_and_told() -> None:
    method = started(candidates=5, finalists=2)
    method.epoch(64)
    method.derive()
    assert method.weights.used == 64
    assert method.cost_factor == 1
    # All candidates on a batch, and the finalists on all validation images.
    assert method.classified == 5 * 16 + 2 * 32
    other = started()
    assert other.classified == 0
    other.restore(method.state())
    assert other.classified == method.classified


@pytest.mark.parametrize("options", [{"candidates": 0}, {"finalists": 0}, {"finalists": 101}])
def test_mistakes_are_named(options: dict[str, int]) -> None:
    with pytest.raises(UserError, match="finalists"):
        RandomSearchWithSharing(problem(), 0, **options)
