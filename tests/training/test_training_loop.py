"""What the loop tells, what it leaves alone, and what happens when memory runs out."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from torch import Tensor, nn  # noqa: E402
from torch.optim import Optimizer  # noqa: E402

from harness.errors import OutOfMemory, UserError  # noqa: E402
from harness.networks import Task, build  # noqa: E402
from harness.recipes import Recipe  # noqa: E402
from harness.spaces import get_space  # noqa: E402
from harness.training import Tensors, Training, tensors  # noqa: E402

RECIPE = Recipe(
    train_images=70,
    valid_images=40,
    test_images=50,
    epochs=3,
    batch_size=16,
    learning_rate=0.1,
    momentum=0.9,
    drop_last=False,
)


def linear() -> nn.Module:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    nn.init.zeros_(network[1].weight)  # type: ignore[arg-type]
    nn.init.zeros_(network[1].bias)  # type: ignore[arg-type]
    return network


def training(recipe: Recipe = RECIPE, network: nn.Module | None = None, **rest: Any) -> Training:
    return Training(network or linear(), tensors("digits", recipe), recipe, [5], **rest)


def test_the_loss_is_the_mean_over_all_images() -> None:
    """A rate of zero leaves the logits at zero: the loss is that of guessing."""
    still = training(replace(RECIPE, learning_rate=0.0))
    still.run(2)
    (curve,) = still.curves()
    assert curve.train_loss == pytest.approx([torch.tensor(10.0).log().item()] * 2)
    moving = training()
    moving.run(3)
    losses = moving.curves()[0].train_loss
    assert losses[2] < losses[1] < losses[0]


def test_the_first_steps_are_those_of_plain_pytorch() -> None:
    """One epoch, written out: order, batches, rates, the last smaller batch."""
    data = tensors("digits", RECIPE)
    network = linear()
    order = torch.randperm(70, generator=torch.Generator().manual_seed(5))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    total = 0.0
    for step, batch in enumerate(order.split(16)):
        cosine = torch.cos(torch.tensor(torch.pi * step / 15))
        optimizer.param_groups[0]["lr"] = 0.05 * (1 + float(cosine))
        loss = nn.functional.cross_entropy(network(data.images[batch]), data.labels[batch])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        total += loss.item() * len(batch)
    found = training()
    found.run(1)
    torch.testing.assert_close(found.network.state_dict(), network.state_dict())
    assert found.curves()[0].train_loss == pytest.approx([total / 70], rel=1e-5)


def test_a_last_batch_of_one_image_is_left_out() -> None:
    """Batch normalisation has no statistics of a single value."""
    network = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 10))
    found = training(replace(RECIPE, train_images=65), network)
    found.run(1)
    assert found.curves()[0].status == "ok"


def test_test_images_are_looked_at_when_asked_to() -> None:
    found = training(test_epochs={2})
    found.run(3)
    every = training()
    every.run(3)
    (some,), (all_,) = found.curves(), every.curves()
    assert some.test_correct == (None, all_.test_correct[1], None)
    assert some.valid_correct == all_.valid_correct


def test_no_validation_images_are_fine() -> None:
    recipe = replace(RECIPE, valid_images=0)
    found = training(recipe)
    found.run(1)
    assert found.curves()[0].valid_correct == (0,)


def test_peak_memory_and_seconds_are_told() -> None:
    found = training()
    found.run(1)
    (curve,) = found.curves()
    assert found.peak_memory > 50 << 20  # a process that holds torch
    assert min(curve.train_seconds + curve.evaluate_seconds) > 0


def test_global_random_numbers_are_left_alone() -> None:
    dropping = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10))
    found = training(network=dropping)
    before = torch.random.get_rng_state()
    found.run(1)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_dropout_differs_between_epochs() -> None:
    seen = []

    class Spy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                seen.append((x == 0).flatten().tolist())
            return x

    network = nn.Sequential(
        nn.Flatten(), nn.BatchNorm1d(64), nn.Dropout(0.5), Spy(), nn.Linear(64, 10)
    )
    training(replace(RECIPE, batch_size=70), network).run(2)
    assert seen[0] != seen[1]


class Told:
    """A reducer that counts, and stops all movement."""

    def __init__(self) -> None:
        self.batches, self.epochs = 0, 0

    def gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        self.batches += 1
        for parameter in parameters:
            assert parameter.grad is not None
            parameter.grad.zero_()

    def epoch(self, network: nn.Module, optimizer: Optimizer) -> None:
        self.epochs += 1
        assert isinstance(optimizer, torch.optim.SGD)


def test_a_reducer_hears_of_gradients_before_they_are_used() -> None:
    reducer = Told()
    found = training(reducer=reducer)
    found.run(2)
    assert (reducer.batches, reducer.epochs) == (10, 2)
    assert not any(p.any() for p in found.network.parameters())


def test_gradients_are_clipped() -> None:
    recipe = replace(RECIPE, batch_size=70, momentum=0.0, schedule="constant", gradient_clip=1e-3)
    found = training(recipe)
    found.run(1)
    moved = torch.cat([p.detach().flatten() for p in found.network.parameters()])
    assert moved.norm().item() == pytest.approx(0.1 * 1e-3, rel=1e-3)


def full(error: Callable[[], BaseException]) -> nn.Module:
    class Full(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            raise error()

    return Full()


@pytest.mark.parametrize("kind", [torch.OutOfMemoryError, MemoryError])
def test_out_of_memory_is_one_clear_error(kind: type[BaseException]) -> None:
    with pytest.raises(OutOfMemory, match=r"out of memory on cpu, [\d,]+ MiB in use: lower") as e:
        training(network=full(kind)).run(1)
    assert e.value.device == "cpu" and e.value.peak > 0
    again = pickle.loads(pickle.dumps(e.value))
    assert (str(again), again.peak) == (str(e.value), e.value.peak)


def test_the_cpu_allocators_own_error_is_understood() -> None:
    class Huge(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = torch.empty(1 << 55) * self.weight
            return found

    with pytest.raises(OutOfMemory):
        training(network=Huge()).run(1)


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="mat1"):
        training(network=full(lambda: RuntimeError("mat1 and mat2"))).run(1)


def test_mistakes_of_a_recipe_that_only_training_sees() -> None:
    with pytest.raises(UserError, match=r"unknown option of SGD .*'dampenin': did you mean dampe"):
        training(replace(RECIPE, options={"dampenin": 0.1}))
    with pytest.raises(UserError, match="Adam refuses its options: Invalid beta"):
        training(replace(RECIPE, optimizer="Adam", momentum=0.0, options={"betas": [2.0, 0.9]}))
    with pytest.raises(UserError, match="no batch of 2048: lower batch_size or set drop_last"):
        training(replace(RECIPE, train_images=None, batch_size=2048, drop_last=True))
    with pytest.raises(UserError, match="gradient_clip is for one training"):
        recipe = replace(RECIPE, gradient_clip=1.0)
        Training(linear(), tensors("digits", recipe), recipe, [1, 2])


def test_mixed_precision_trains_on_float_weights() -> None:
    kinds = set()

    class Spy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            kinds.add(x.dtype)
            return x

    network = nn.Sequential(linear(), Spy())
    found = training(replace(RECIPE, precision="bf16"), network)
    found.run(3)
    assert kinds == {torch.bfloat16}
    assert {p.dtype for p in found.network.parameters()} == {torch.float32}
    assert found.curves()[0].valid_correct[-1] > 20


@pytest.mark.gpu
def test_a_gpu_agrees_with_the_cpu() -> None:
    """Float arithmetic, augmentation and all: the same curve but for rounding."""
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    recipe = replace(RECIPE, precision="fp32", flip=True, crop=1, erasing=0.5, epochs=1)
    losses = [_trained(recipe, device).curves()[0].train_loss[0] for device in ("cpu", "cuda")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)
    half = _trained(replace(recipe, precision="auto"), "cuda")
    assert half.curves()[0].train_loss[0] == pytest.approx(losses[0], rel=0.1)
    assert half.peak_memory > 0


def _trained(recipe: Recipe, device: str) -> Training:
    data: Tensors = tensors("digits", recipe, device)
    network = build(
        get_space("tss"), (3, 2, 1, 4, 3, 1), Task(data.shape, data.classes), seed=1,
        options={"width": 4, "depth": 1},
    )  # fmt: skip
    found = Training(network, data, recipe, [5], device=device)
    found.run(recipe.epochs)
    return found
