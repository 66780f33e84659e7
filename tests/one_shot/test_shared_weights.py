"""Shared weights are trained as the recipe says, tried without a trace, and go on exactly."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.errors import HarnessError, UserError  # noqa: E402
from harness.one_shot import Diverged, OneShot  # noqa: E402
from harness.recipes.schedule import learning_rate  # noqa: E402
from harness.spaces import Architecture, CategoricalSpace  # noqa: E402
from searchers.one_shot import supernets  # noqa: E402
from searchers.one_shot.darts import Darts  # noqa: E402
from searchers.one_shot.enas import Enas  # noqa: E402
from searchers.one_shot.rsws import RandomSearchWithSharing  # noqa: E402
from searchers.one_shot.weights import SharedWeights  # noqa: E402
from tests.one_shot.small import CELLS, problem  # noqa: E402

FEW = {"candidates": 4, "finalists": 2}
METHODS: dict[str, Callable[[], OneShot]] = {
    "darts": lambda: Darts(problem(), 3),
    "darts, second order": lambda: Darts(problem(), 3, order=2),
    "rsws": lambda: RandomSearchWithSharing(problem(), 3, **FEW),
    "enas": lambda: Enas(problem(), 3, controller_steps=2, samples=2, **FEW),
}


def content(weights: SharedWeights) -> dict[str, Any]:
    return {name: tensor.clone() for name, tensor in weights.network.state_dict().items()}


def same(one: Any, other: Any) -> bool:
    """Whether two states are equal, bit for bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


# --- training -------------------------------------------------------------------------------


def test_the_schedule_spans_the_search() -> None:
    steps = 10
    weights = SharedWeights(problem(), 0, steps * 16)
    alone = replace(problem().recipe, epochs=1)
    for step in range(steps):
        assert weights.rate == pytest.approx(learning_rate(alone, 0, step, steps), abs=1e-12)
        weights.step_path(CELLS[0])
        assert weights.optimizer.param_groups[0]["lr"] == pytest.approx(
            learning_rate(alone, 0, step, steps), abs=1e-12
        )
    assert weights.rate == pytest.approx(0, abs=1e-12)


def test_milestones_keep_their_place() -> None:
    stepped = problem(schedule="steps", epochs=4, milestones=(1, 3), per="epoch")
    weights = SharedWeights(stepped, 0, 80)
    rates = []
    for weights.used in range(0, 80, 10):
        rates.append(weights.rate)
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.001, 0.001])


def test_a_step_moves_one_path_alone() -> None:
    weights = SharedWeights(problem(), 0, 160)
    weights.step_path(CELLS[0])
    before = content(weights)
    weights.step_path((1, 1, 1, 1, 1, 1))  # skip connections: stem, reductions and head alone
    after = content(weights)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    cells = {name for name in before if ".thin." in name or ".wide." in name}
    assert moved and not moved & cells
    assert weights.used == 32


def test_a_step_is_the_one_of_a_single_training() -> None:
    weights = SharedWeights(problem(), 0, 160)
    other = SharedWeights(problem(), 0, 160)
    images, labels = other.train.batch()
    torch.nn.functional.cross_entropy(other.network.path(images, CELLS[0]), labels).backward()
    plain = torch.optim.SGD(
        other.network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    plain.step()
    weights.step_path(CELLS[0])
    pairs = zip(weights.network.parameters(), other.network.parameters(), strict=True)
    assert all(torch.allclose(one, two, atol=1e-7) for one, two in pairs)


def test_gradients_are_clipped() -> None:
    first = SharedWeights(problem(momentum=0.0, nesterov=False, weight_decay=0.0), 0, 160)
    clipped = SharedWeights(
        problem(momentum=0.0, nesterov=False, weight_decay=0.0, gradient_clip=1e-3), 0, 160
    )
    for weights, longest in ((first, None), (clipped, 1e-3)):
        before = torch.cat([p.detach().flatten() for p in weights.network.parameters()])
        weights.step_path(CELLS[0])
        after = torch.cat([p.detach().flatten() for p in weights.network.parameters()])
        length = float((after - before).norm()) / 0.1
        assert length == pytest.approx(longest, rel=1e-3) if longest else length > 0.1


def test_a_loss_that_is_no_number_ends_the_search() -> None:
    weights = SharedWeights(problem(), 0, 160)
    with pytest.raises(Diverged), weights.training():
        weights.step(
            lambda: weights.loss(lambda x: x.flatten(1)[:, :10] * torch.nan, _grad(weights))
        )


def _grad(weights: SharedWeights) -> tuple[Any, Any]:
    images, labels = weights.train.batch()
    return images.requires_grad_(), labels


# --- trying architectures -------------------------------------------------------------------


@pytest.mark.parametrize("batch_statistics", [False, True])
def test_an_accuracy_leaves_no_trace(batch_statistics: bool) -> None:
    weights = SharedWeights(problem(), 0, 160)
    for _ in range(3):
        weights.step_path(CELLS[0])
    before, used = content(weights), weights.used
    everything = list(weights.valid.plain(16))
    found = weights.accuracies(CELLS, everything, batch_statistics)
    assert same(before, content(weights)) and weights.used == used

    # Independently: a network in evaluation mode, or one in training mode that may track.
    weights.network.train(batch_statistics)
    for cell in CELLS:
        right = [(weights.network.path(x, cell).argmax(1) == y).sum() for x, y in everything]
        assert found[cell] == pytest.approx(int(sum(right)) / 32)


def test_the_best_is_the_best_of_the_finalists(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = SharedWeights(problem(), 0, 160)
    cells = [(k, 0, 0, 0, 0, 0) for k in range(5)]
    on_a_batch = dict(zip(cells, (0.5, 0.6, 0.7, 0.8, 0.1), strict=True))
    on_all = dict(zip(cells, (0.9, 0.55, 0.4, 0.5, 0.55), strict=True))
    tried: list[tuple[int, list[Architecture]]] = []

    def accuracies(given: Any, batches: Any, batch_statistics: bool) -> dict[Any, float]:
        images = sum(len(labels) for _, labels in batches)
        tried.append((images, list(given)))
        return {cell: (on_a_batch if images == 16 else on_all)[cell] for cell in given}

    monkeypatch.setattr(weights, "accuracies", accuracies)
    assert weights.best(cells, 3, True) == (cells[1], 0.55)
    assert tried == [(16, cells), (32, [cells[3], cells[2], cells[1]])]
    # What was the answer before is always a finalist, and wins a draw.
    assert weights.best(cells[1:4], 3, True, champion=cells[0]) == (cells[0], 0.9)
    assert weights.best(cells[1:4], 3, True, champion=cells[4]) == (cells[4], 0.55)


# --- going on -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_a_search_goes_on_exactly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supernets, "mixture_cost", lambda _: 4.0)
    make = METHODS[name]
    passes = 10 * 16
    straight, first, second = make(), make(), make()
    for method in (straight, first):
        method.start(2 * passes)
        assert 0 < method.epoch(passes) <= passes
        method.derive()
    stream = io.BytesIO()
    torch.save(first.state(), stream)
    stream.seek(0)
    second.start(2 * passes)
    second.restore(torch.load(stream, weights_only=True))
    for method in (straight, second):
        method.epoch(passes)
    assert straight.derive() == second.derive()
    assert same(straight.state(), second.state())
    assert straight.log() == second.log()
    # The state was a copy: the first object still stands where it was.
    assert not same(first.state(), second.state())


@pytest.mark.parametrize("method", [Darts, Enas, RandomSearchWithSharing])
def test_a_space_without_a_supernet_is_refused_at_once(method: type[OneShot]) -> None:
    space = CategoricalSpace("tiny", [("a", "b")] * 2)
    with pytest.raises(UserError, match="'tiny' has no supernet"):
        method(replace(problem(), space=space), 0)


def test_another_searchs_state_is_refused() -> None:
    weights = SharedWeights(problem(), 0, 160)
    wider = SharedWeights(problem(network={"width": 3, "depth": 1}), 0, 160)
    with pytest.raises(HarnessError, match="another search"):
        weights.restore(wider.state())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", METHODS)
def test_a_search_runs_on_a_gpu(name: str) -> None:
    method = METHODS[name]()
    method.problem = replace(method.problem, device="cuda")
    method.start(160)
    assert method.epoch(160) > 0
    assert method.derive() in method.problem.space
    state = method.state()
    method.restore(state)
    assert method.epoch(160) > 0
