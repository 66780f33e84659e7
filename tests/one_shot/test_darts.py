"""DARTS descends the gradient it says, counts what it computes, and keeps what its rule says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from torch import Tensor, nn  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

from harness.errors import UserError  # noqa: E402
from harness.one_shot import Diverged  # noqa: E402
from harness.spaces import get_space  # noqa: E402
from searchers.one_shot import supernets  # noqa: E402
from searchers.one_shot import weights as weights_module  # noqa: E402
from searchers.one_shot.dag import Choice, SparseDAG  # noqa: E402
from searchers.one_shot.darts import Darts  # noqa: E402
from searchers.one_shot.mixing import discretised  # noqa: E402
from searchers.one_shot.supernets.base import CellType, Supernet  # noqa: E402
from tests.one_shot.small import problem  # noqa: E402


@pytest.fixture(autouse=True)
def _counted(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Counting multiply-adds takes longer than the searches here."""
    if "costs_more" not in request.node.name:
        monkeypatch.setattr(supernets, "mixture_cost", lambda _: 4.0)


def started(passes: int = 1600, **options: Any) -> Darts:
    method = Darts(problem(**options.pop("recipe", {})), 0, **options)
    method.start(passes)
    return method


def softmax(alpha: Tensor) -> Tensor:
    powers = (alpha - alpha.max()).exp()
    return powers / powers.sum(-1, keepdim=True)


# --- gradients ------------------------------------------------------------------------------


@pytest.mark.parametrize("zero", [True, False])
def test_the_first_order_is_the_gradient_of_the_validation_loss(zero: bool) -> None:
    method = started(zero=zero, rule="strongest")
    network = method.weights.network.train()
    train, valid = method.weights.train.batch(), method.weights.valid.batch()
    [found] = method.gradient(train, valid)
    alpha = method.alphas[0].detach().clone().requires_grad_()
    mixture = softmax(alpha)[..., 1:] if zero else softmax(alpha)
    cross_entropy(network(valid[0], [mixture]), valid[1]).backward()
    assert alpha.shape == (1, 6, 4 + zero)
    assert torch.allclose(found, alpha.grad, atol=1e-6)
    assert found.abs().max() > 1e-3


class Smooth(Supernet):
    """A small analytic network in double precision: no kink spoils a finite difference."""

    def __init__(self) -> None:
        super().__init__()
        dag = SparseDAG.complete(3, ("a", "b"))
        self.cells = (CellType("cell", dag, 1),)
        generator = torch.Generator().manual_seed(0)
        shapes = ((64, 4), (3, 2, 4, 4), (4, 10))
        self.stem, self.edges, self.head = (
            nn.Parameter(0.3 * torch.randn(s, generator=generator, dtype=torch.double))
            for s in shapes
        )

    def forward(self, images: Tensor, weights: Sequence[Tensor]) -> Tensor:
        nodes = [torch.tanh(images.double().flatten(1) @ self.stem), 0.0, 0.0]
        for edge, (source, target) in enumerate(self.cells[0].dag.edges):
            for operation in range(2):
                value = torch.tanh(nodes[source] @ self.edges[edge, operation])
                nodes[target] = nodes[target] + weights[0][0, edge, operation] * value
        return nodes[2] @ self.head

    def run(self, images: Tensor, choices: Sequence[Choice]) -> Tensor:
        return self(images, self.one_hot(choices))

    def architecture(self, choices: Sequence[Choice]) -> tuple[int, ...]:
        return tuple(kept[0] + 1 if kept else 0 for kept in choices[0])

    def choices(self, architecture: Any) -> list[Choice]:
        return [tuple((o - 1,) if o else () for o in architecture)]


def exact_unrolled(method: Darts, train: Any, valid: Any) -> list[Tensor]:
    """The gradient through one differentiable step of SGD, by autograd."""
    weights, recipe = method.weights, method.problem.recipe
    alpha = method.alphas[0].detach().clone().requires_grad_()
    now = dict(weights.network.named_parameters())

    def loss(at: dict[str, Tensor], batch: Any) -> Tensor:
        mixture = softmax(alpha)[..., 1:]
        logits = torch.func.functional_call(weights.network, at, (batch[0], [mixture]))
        return cross_entropy(logits, batch[1])

    slopes = torch.autograd.grad(loss(now, train), list(now.values()), create_graph=True)
    ahead = {}
    for (name, w), slope in zip(now.items(), slopes, strict=True):
        decayed = slope + recipe.weight_decay * w
        buffer = recipe.momentum * weights.optimizer.state[w]["momentum_buffer"] + decayed
        step = decayed + recipe.momentum * buffer if recipe.nesterov else buffer
        ahead[name] = w - weights.rate * step
    return list(torch.autograd.grad(loss(ahead, valid), [alpha]))


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_second_order_is_the_gradient_through_the_next_step(
    nesterov: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights_module, "supernet", lambda *_: Smooth())
    method = started(order=2, recipe={"nesterov": nesterov, "weight_decay": 0.02})
    method.epoch(5 * 16 * 3)  # momentum is under way
    train, valid = method.weights.train.batch(), method.weights.valid.batch()
    before = [p.detach().clone() for p in method.weights.network.parameters()]
    [exact] = exact_unrolled(method, train, valid)
    [found] = method.gradient(train, valid)
    method.order = 1
    [first] = method.gradient(train, valid)
    assert float((found - exact).norm() / exact.norm()) < 1e-3
    assert float((first - exact).norm() / exact.norm()) > 0.02
    assert all(map(torch.equal, before, method.weights.network.parameters()))


# --- image passes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "batches"),
    [
        ({}, 2),
        ({"order": 2}, 5),
        ({"random_weights": True}, 1),
        ({"order": 2, "random_weights": True}, 4),
    ],
)
def test_image_passes_are_counted_as_they_are_made(options: dict[str, Any], batches: int) -> None:
    method = started(**options)
    made = {"forward": 0, "backward": 0}

    def forward(_module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        made["forward"] += len(inputs[0])
        output.register_hook(backward)

    def backward(gradient: Tensor) -> None:
        made["backward"] += len(gradient)

    method.weights.network.register_forward_hook(forward)
    used = method.epoch(3 * batches * 16 + 15)
    assert used == 3 * batches * 16 == made["forward"] == made["backward"]
    assert method.epoch(batches * 16 - 1) == 0


@pytest.mark.slow
def test_random_weights_stay_random() -> None:
    method, trained = started(random_weights=True), started()
    before = [p.detach().clone() for p in method.weights.network.parameters()]
    alpha = method.alphas[0].detach().clone()
    method.epoch(160)
    trained.epoch(160)
    assert all(map(torch.equal, before, method.weights.network.parameters()))
    assert not torch.equal(alpha, method.alphas[0])
    assert not all(map(torch.equal, before, trained.weights.network.parameters()))


def test_alpha_alone_steps_on_validation_images(monkeypatch: pytest.MonkeyPatch) -> None:
    method = started()
    seen = []
    step = method.weights.step
    monkeypatch.setattr(method.weights, "step", lambda loss: seen.append("w") or step(loss))
    gradient = method.gradient
    monkeypatch.setattr(method, "gradient", lambda t, v: seen.append("alpha") or gradient(t, v))
    method.epoch(64)
    assert seen == ["alpha", "w", "alpha", "w"]
    # The weights' step leaves no gradient in alpha, and Adam moves by its rate at first.
    assert method.architect.param_groups[0]["betas"] == (0.5, 0.999)


# --- what is kept ---------------------------------------------------------------------------

CELL = SparseDAG.complete(5, ("a", "b"), inputs=(0, 1), output=(2, 3, 4))


def alphas(dag: SparseDAG, rows: Sequence[Sequence[float]]) -> Tensor:
    """Parameters [1, edges, options] whose softmax is the given shares."""
    return torch.tensor(rows).log().reshape(1, len(dag.edges), -1)


def test_every_edge_keeps_its_strongest() -> None:
    dag = SparseDAG.complete(3, ("a", "b"))
    given = alphas(dag, [(0.5, 0.2, 0.3), (0.4, 0.5, 0.1), (0.2, 0.3, 0.5)])
    assert discretised(dag, given, True, "argmax") == ((), (0,), (1,))
    assert discretised(dag, given, True, "strongest") == ((1,), (0,), (1,))
    # Without a zero among the options no edge is dropped.
    assert discretised(dag, given[..., 1:], False, "strongest") == ((1,), (0,), (1,))


def test_two_edges_into_every_node_are_kept() -> None:
    # Into node 2: 0, 1; into 3: 0, 1, 2; into 4: 0, 1, 2, 3. The first share is zero's.
    rows = [(0.9, 0.02, 0.08), (0.8, 0.1, 0.1), (0.1, 0.4, 0.5), (0.2, 0.7, 0.1), (0.3, 0.1, 0.6)]
    rows += [(0.1, 0.45, 0.45), (0.1, 0.44, 0.46), (0.5, 0.1, 0.4), (0.02, 0.97, 0.01)]
    found = discretised(CELL, alphas(CELL, rows), True, "top2")
    assert found == ((1,), (0,), (), (0,), (1,), (), (1,), (), (0,))


@pytest.mark.parametrize(
    ("options", "sweeps"),
    [({}, 2), ({"order": 2}, 5), ({"random_weights": True}, 1)],
)
def test_an_epoch_sees_all_training_images_once(options: dict[str, Any], sweeps: int) -> None:
    method = Darts(problem(), 0, **options)
    assert method.natural_epoch == sweeps * problem().train_images
    assert method.natural_epoch == method.step_passes * problem().train_images // 16


def test_alphas_that_are_no_numbers_end_the_search() -> None:
    method = started(random_weights=True)
    method.alphas[0].data[0, 0] = float("nan")
    with pytest.raises(Diverged, match="no finite numbers"):
        method.epoch(16)


@pytest.mark.parametrize("rule", ["argmax", "strongest", "top2"])
def test_rules_keep_what_they_say(rule: str) -> None:
    generator = torch.Generator().manual_seed(1)
    for _ in range(50):
        given = torch.randn((1, 9, 3), generator=generator)
        choice = discretised(CELL, given, True, rule)
        assert all(len(kept) <= 1 for kept in choice)
        into = [sum(bool(choice[e]) for e in CELL.into(node)) for node in (2, 3, 4)]
        if rule == "strongest":
            assert into == [2, 3, 4]
        if rule == "top2":
            assert into == [2, 2, 2]
        for edge, kept in enumerate(choice):
            best = int(np.argmax(given[0, edge].numpy()))
            if rule == "argmax":
                assert kept == (() if best == 0 else (best - 1,))
            elif kept and best:
                assert kept == (best - 1,)


def test_the_answer_is_a_cell_of_the_space() -> None:
    method = started()
    assert method.rule == "argmax"
    with torch.no_grad():
        method.alphas[0].zero_()
        for edge, option in enumerate((0, 1, 2, 3, 4, 0)):
            method.alphas[0][0, edge, option] = 1.0
    assert method.derive() == (0, 1, 2, 3, 4, 0)
    # One edge has the share e / (e + 4) for it, and five have 1 / (e + 4).
    assert method.log()["cell"]["skip_connect"] == pytest.approx((np.e + 5) / (np.e + 4) / 6)


@pytest.mark.slow
def test_in_darts_space_every_node_keeps_two_edges() -> None:
    small = problem(network={"channels": 2, "cells": 3})
    method = Darts(replace(small, space=get_space("darts")), 0)
    assert method.rule == "top2"
    method.start(160)
    assert method.epoch(32) == 32
    cell = method.derive()
    assert cell in method.problem.space
    for first, edges in ((0, 2), (2, 3), (5, 4), (9, 5)):
        for masks in (cell[:14], cell[14:]):
            into = masks[first : first + edges]
            assert sum(mask > 0 for mask in into) == 2
            assert all(mask.bit_count() <= 1 for mask in into)
    assert set(method.log()) == {"loss", "learning_rate", "normal", "reduction"}


@pytest.mark.slow
def test_a_mixture_costs_more_than_a_network() -> None:
    assert started().cost_factor > 1.5


# --- mistakes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"order": 3}, "order=3"),
        ({"rule": "best"}, "rule='best'"),
        ({"zero": False}, "rule to strongest"),
        ({"architecture_rate": -1.0}, "architecture_rate"),
        ({"architecture_rate": 1e40}, r"architecture_rate=1e\+40; must be at most 1000000.0"),
        ({"architecture_decay": 1e7}, "architecture_decay=10000000.0"),
        ({"order": 2, "recipe": {"optimizer": "Adam", "momentum": 0.0, "nesterov": False}}, "SGD"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        started(**options)
