"""The sparse regression behind `bayesnas_tabular`, and what it proposes."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from harness.errors import UserError
from harness.searcher import Observation
from harness.spaces import CategoricalSpace, get_space
from harness.streams import stream
from searchers.bayesnas_tabular import (
    BayesNasTabular,
    Columns,
    along_the_cell,
    normal_scores,
    normals,
    regression,
    standardised,
)
from searchers.one_shot.dag import SparseDAG, combined

SPACE = CategoricalSpace("planted", [["a", "b", "c", "d"]] * 8)


def planted(architecture: Any) -> float:
    """Two of the eight decisions matter."""
    return 3.0 * int(architecture[1] == 2) - 2.0 * int(architecture[6] == 0)


def same(s: np.ndarray) -> np.ndarray:
    return s


def test_the_decisions_that_matter_are_found() -> None:
    rng, columns = stream(1, "regression"), Columns(SPACE.sizes)
    drawn = [SPACE.sample(rng) for _ in range(60)]
    noise = np.random.default_rng(0).normal(scale=0.1, size=60)
    y = standardised(np.array([planted(a) for a in drawn]) + noise)
    features = columns.one_hot(drawn)
    assert features.shape == (60, 32) and (features.sum(axis=1) == 8).all()
    belief = regression(features, y, 30, same)
    sizes = np.abs(belief.mean)
    relevant = set(columns.of([(0, 2, 0, 0, 0, 0, 0, 0)])[0][[1, 6]])
    assert {int(sizes.argmax())} < relevant and set(np.argsort(-sizes)[:2]) == relevant
    assert np.delete(sizes, list(relevant)).max() < 0.15 < 0.5 < sizes[list(relevant)].min()
    ridge = regression(features, y, 0, same)
    others = np.delete(np.abs(ridge.mean), list(relevant)).mean()
    assert np.delete(sizes, list(relevant)).mean() < 0.5 * others  # Sparse, as ridge is not.


def test_a_search_ends_at_the_planted_best() -> None:
    for seed in range(3):
        searcher = BayesNasTabular(SPACE, seed)
        seen = set()
        for number in range(60):
            proposal = searcher.ask()
            assert proposal is not None and proposal.architecture not in seen
            seen.add(proposal.architecture)
            value = planted(proposal.architecture)
            searcher.tell(Observation(number, proposal.architecture, None, value, False))
        best = [planted(a) for a in list(searcher.proposed)[-20:]]
        assert np.mean(best) > 2.5
        assert searcher.statistics() == {"modelled": 50}


def test_each_architecture_once_until_none_is_left() -> None:
    space = CategoricalSpace("tiny", [["a", "b"], ["1", "2", "3"]])
    searcher = BayesNasTabular(space, 1, initial_samples=2)
    for number in range(6):
        proposal = searcher.ask()
        assert proposal is not None
        searcher.tell(Observation(number, proposal.architecture, None, 1.0 * number, False))
    assert len(searcher.proposed) == 6
    assert searcher.ask() is None and searcher.ask() is None


def test_dependency_follows_the_cell() -> None:
    s = np.random.default_rng(0).random((6, 5))
    s[0, 1:] = 0.0  # Nothing but "none" on 0 -> 1: node 1 is fed by nothing.
    gamma = along_the_cell(s.ravel()).reshape(6, 5)
    assert np.array_equal(gamma[:, 0], s[:, 0])
    assert not gamma[[2, 4], 1:].any() and (gamma[[1, 3, 5], 1:] > 0).all()
    cell = SparseDAG.complete(4, ("a", "b", "c", "d"))
    assert np.array_equal(gamma[:, 1:], combined(cell, s[:, 1:]))


def test_targets() -> None:
    scores = normal_scores(np.array([1.0, -np.inf, 7.0, -np.inf]))
    assert scores[1] == scores[3] < scores[0] < scores[2]
    assert scores.tolist() == pytest.approx([0.318639, -0.674490, 1.150349, -0.674490], abs=1e-6)
    filled = standardised(np.array([1.0, -np.inf, 3.0]))
    assert filled[0] == filled[1] and filled.mean() == pytest.approx(0)
    assert filled.std() == pytest.approx(1)
    assert not standardised(np.full(3, -np.inf)).any() and not standardised(np.ones(3)).any()


def test_normals_are_normal() -> None:
    drawn = normals(random.Random(1), 20_000)
    assert abs(drawn.mean()) < 0.03 and drawn.std() == pytest.approx(1, abs=0.02)
    assert np.mean(drawn < 1.0) == pytest.approx(0.8413, abs=0.01)


def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="no fixed decisions"):
        BayesNasTabular(get_space("macro"), 1)
    with pytest.raises(UserError, match="only the space 'tss'"):
        BayesNasTabular(get_space("sss"), 1, dependency="predecessors")
    with pytest.raises(UserError, match="initial_samples=1"):
        BayesNasTabular(SPACE, 1, initial_samples=1)
    with pytest.raises(UserError, match="target='log'"):
        BayesNasTabular(SPACE, 1, target="log")  # type: ignore[arg-type]
