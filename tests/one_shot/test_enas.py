"""ENAS's policy is a distribution, and learns what the shared weights do well on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from math import exp
from typing import Any

import pytest
from scipy.stats import chisquare

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.errors import UserError  # noqa: E402
from harness.one_shot import Diverged  # noqa: E402
from harness.spaces import get_space  # noqa: E402
from harness.spaces.base import CategoricalSpace  # noqa: E402
from searchers.one_shot.coding import Coding  # noqa: E402
from searchers.one_shot.enas import Enas  # noqa: E402
from searchers.one_shot.policy import TANH, Policy  # noqa: E402
from tests.one_shot.small import problem  # noqa: E402

FEW = {"candidates": 4, "finalists": 2}


def started(**options: Any) -> Enas:
    method = Enas(problem(), 0, **{**FEW, **options})
    method.start(1600)
    return method


def worth(monkeypatch: pytest.MonkeyPatch, method: Enas, share: Callable[[Any], float]) -> None:
    """Let the shared weights classify as many images of a cell rightly as a function says."""
    monkeypatch.setattr(
        method.weights, "accuracies", lambda cells, *_: {cell: share(cell) for cell in cells}
    )


def test_a_policy_that_is_no_number_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    method = started()
    worth(monkeypatch, method, lambda _: float("nan"))
    with pytest.raises(Diverged, match="policy"):
        method.step_policy()


def test_rewards_are_told_and_no_passes() -> None:
    method = started(samples=3, controller_steps=2)
    assert Enas(problem(), 0).classified == 0
    assert method.epoch(32) == 32
    assert 2 * 16 <= method.classified <= 2 * 3 * 16, "of equal samples one is tried"
    before = method.classified
    method.derive()
    assert before < method.classified <= before + 4 * 16 + 2 * 32
    other = started()
    other.restore(method.state())
    assert other.classified == method.classified


# --- the policy -----------------------------------------------------------------------------


def test_the_policy_is_a_distribution() -> None:
    policy = Policy((2, 3, 2), 1)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter *= 20  # far from uniform
    cells = list(product(range(2), range(3), range(2)))
    log_p, entropy = (found.detach() for found in policy(cells))
    p = log_p.exp()
    assert float(p.sum()) == pytest.approx(1, abs=1e-5)
    assert float(p.max()) > 2 / 12
    # The mean, over architectures, of the decisions' entropies is the entropy of the whole.
    assert float((p * entropy).sum()) == pytest.approx(float(-(p * log_p).sum()), abs=1e-5)

    drawn = Counter(policy.sample(5_000, torch.Generator().manual_seed(0)))
    expected = 5_000 * p.double() / p.double().sum()
    assert chisquare([drawn[c] for c in cells], expected.numpy()).pvalue > 1e-3


def test_the_policy_starts_near_uniform_and_stays_unsure() -> None:
    policy = Policy((5, 5), 0)
    assert policy([(0, 0)])[0].exp().item() == pytest.approx(1 / 25, rel=0.2)
    with torch.no_grad():
        for head in policy.heads:
            head.bias.copy_(torch.tensor([1e6, -1e6, -1e6, -1e6, -1e6]))
    surest = 1 / (1 + 4 * exp(-2 * TANH))
    assert policy([(0, 0)])[0].exp().item() == pytest.approx(surest**2, rel=1e-3)


# --- learning -------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_expected_reward_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    method = started(learning_rate=0.02)
    # A 3x3 convolution on the third edge is right, whatever else.
    worth(monkeypatch, method, lambda cell: float(cell[2] == 3))

    def expected() -> float:
        drawn = method.policy.sample(2_000, torch.Generator().manual_seed(7))
        return sum(cell[2] == 3 for cell in drawn) / len(drawn)

    before = expected()
    used = method.weights.used
    for _ in range(40):
        method.step_policy()
    assert before < 0.35 < 0.8 < expected()
    assert method.weights.used == used
    # The baseline follows the rewards slowly.
    assert 0.2 < method.baseline < 0.9


def test_a_step_follows_the_policy_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    method = started(entropy_bonus=0.1, baseline_momentum=0.5)
    cells = [(0,) * 6, (1,) * 6, (2,) * 6]
    shares = dict(zip(cells, (0.2, 0.4, 0.9), strict=True))
    monkeypatch.setattr(method, "drawn", lambda count: [(cell, cell) for cell in cells])
    worth(monkeypatch, method, shares.__getitem__)
    baseline = None
    for _ in range(2):
        log_p, entropy = method.policy(cells)
        rewards = [shares[c] + 0.1 * e for c, e in zip(cells, entropy.tolist(), strict=True)]
        mean = sum(rewards) / 3
        baseline = mean if baseline is None else 0.5 * baseline + 0.5 * mean
        objective = sum((r - baseline) * p for r, p in zip(rewards, log_p, strict=True)) / 3
        parameters = list(method.policy.parameters())
        gradient = torch.autograd.grad(objective, parameters, materialize_grads=True)
        method.step_policy()
        assert method.baseline == pytest.approx(baseline)
        for parameter, ascent in zip(parameters, gradient, strict=True):
            assert parameter.grad is None or torch.allclose(parameter.grad, -ascent, atol=1e-6)


def test_epochs_train_what_the_policy_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    method = started(controller_steps=1, samples=2)
    trained = []
    step = method.weights.step_path
    monkeypatch.setattr(method.weights, "step_path", lambda a: trained.append(a) or step(a))
    state = method.generator.get_state()
    expected = method.policy.sample(6, torch.Generator().set_state(state))
    policy = [p.detach().clone() for p in method.policy.parameters()]
    assert method.epoch(100) == 96 == method.weights.used  # rewards are free
    assert trained == expected
    assert not all(map(torch.equal, policy, method.policy.parameters()))
    assert method.derive() in method.problem.space
    assert set(method.log()) == {"loss", "learning_rate", "shared_accuracy", "baseline"}


def test_draws_outside_of_the_space_are_redrawn() -> None:
    class Odd(CategoricalSpace):
        def valid(self, architecture: tuple[int, ...]) -> bool:
            return sum(architecture) % 2 == 1

    space = Odd("odd", [("a", "b", "c")] * 3)
    method = started()
    method.coding = Coding(space, method.weights.network)
    method.policy = Policy(space.sizes, 0)
    drawn = method.drawn(40)
    assert len(drawn) == 40
    assert all(cell == decisions and sum(cell) % 2 == 1 for decisions, cell in drawn)


# --- mistakes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"learning_rate": 1e38}, r"learning_rate=1e\+38; must be at most 1000000.0"),
        ({"entropy_bonus": 1e300}, r"entropy_bonus=1e\+300; must be at most 1000000.0"),
        ({"samples": 0}, "samples"),
        ({"finalists": 101}, "candidates"),
        ({"baseline_momentum": 1.0}, "baseline_momentum"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Enas(problem(), 0, **options)


@pytest.mark.slow
def test_cells_of_other_spaces_take_two_operations_into_every_node() -> None:
    space = get_space("darts")
    small = problem(network={"channels": 2, "cells": 3})
    method = Enas(replace(small, space=space), 0, controller_steps=1, samples=2, **FEW)
    method.start(160)
    # Two cells; into node k lead k edges with seven operations each.
    assert method.coding.sizes == tuple(n for k in (2, 3, 4, 5) for n in (k, 7, k, 7)) * 2
    for decisions, cell in method.drawn(20):
        assert cell in space
        for normal in (True, False):
            masks = cell[:14] if normal else cell[14:]
            mine = decisions[:16] if normal else decisions[16:]
            into = {2: 0, 3: 2, 4: 5, 5: 9}  # where a node's edges begin
            expected = [0] * 14
            for node, first in into.items():
                edge_a, operation_a, edge_b, operation_b = mine[4 * (node - 2) : 4 * (node - 1)]
                expected[first + edge_a] |= 1 << operation_a
                expected[first + edge_b] |= 1 << operation_b
            assert list(masks) == expected
    assert method.epoch(16) == 16
    assert method.derive() in space
