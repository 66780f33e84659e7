"""A training that is stopped, stored and taken up again gives the same bytes as one in one go."""

from __future__ import annotations

import io
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from torch import nn  # noqa: E402

from harness.errors import HarnessError  # noqa: E402
from harness.recipes import Recipe  # noqa: E402
from harness.training import Curve, Training, tensors  # noqa: E402

EPOCHS = 4
COMMON: dict[str, Any] = {
    "train_images": 40,
    "valid_images": 30,
    "test_images": 30,
    "epochs": EPOCHS,
    "batch_size": 16,
    "drop_last": False,
}
RECIPES = {
    "sgd": Recipe(
        **COMMON, learning_rate=0.1, momentum=0.9, nesterov=True, flip=True, crop=2, erasing=0.5
    ),
    "adam": Recipe(
        **COMMON, learning_rate=0.01, optimizer="AdamW", weight_decay=0.1, gradient_clip=1.0,
        schedule="steps", milestones=(2, 3), warmup_epochs=1, per="epoch", label_smoothing=0.1,
    ),
    "rmsprop": Recipe(**COMMON, learning_rate=0.01, optimizer="RMSprop", momentum=0.5),
    "diverges": Recipe(**COMMON, learning_rate=1e30),
}  # fmt: skip


def training(name: str, seed: int = 3) -> Training:
    """With batch normalisation and dropout: state beside the weights, and draws in the layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout2d(0.3),
            nn.Flatten(), nn.Linear(144, 10),
        )  # fmt: skip
    recipe = RECIPES[name]
    return Training(network, tensors("digits", recipe), recipe, [seed], test_epochs={2, EPOCHS})


def stored(state: dict[str, Any]) -> dict[str, Any]:
    """A state after a journey through a file that nobody need trust."""
    stream = io.BytesIO()
    torch.save(state, stream)
    stream.seek(0)
    found: dict[str, Any] = torch.load(stream, weights_only=True)
    return found


def equal(one: Any, other: Any) -> bool:
    """Whether two states hold the same bytes; times are left out."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, torch.Tensor):
        same: bool = one.numpy().tobytes() == other.numpy().tobytes()
        return same and one.dtype == other.dtype
    return repr(one) == repr(other)  # two NaN are equal here


def timeless(state: dict[str, Any]) -> dict[str, Any]:
    return state | {"epochs": [epoch[:3] for epoch in state["epochs"]]}


def counts(curve: Curve) -> tuple[Any, ...]:
    return curve.status, curve.valid_correct, curve.test_correct, curve.train_loss


@pytest.mark.parametrize("name", RECIPES)
def test_split_at_every_epoch(name: str) -> None:
    whole = training(name)
    whole.run(EPOCHS)
    for split in range(EPOCHS + 1):
        first = training(name)
        first.run(split)
        state = stored(first.state())
        first.run(EPOCHS)  # what goes on does not change what was stored
        second = training(name, seed=3)
        second.restore(state)
        assert second.epoch == min(split, whole.epoch)
        second.run(EPOCHS)
        assert counts(second.curves()[0]) == counts(whole.curves()[0])
        assert equal(timeless(second.state()), timeless(whole.state()))
    assert whole.epoch == (0 if name == "diverges" else EPOCHS)
    assert not equal(timeless(training(name).state()), timeless(whole.state()))


def test_a_state_can_be_taken_up_twice() -> None:
    first = training("sgd")
    first.run(1)
    state = first.state()
    ends = []
    for _ in range(2):
        again = training("sgd")
        again.restore(state)
        again.run(EPOCHS)
        ends.append(timeless(again.state()))
    assert equal(*ends)


def test_another_trainings_state_is_refused() -> None:
    state = training("sgd").state()
    with pytest.raises(HarnessError, match="checkpoint is of another training: delete it"):
        training("sgd").restore(state | {"orders": []})
    with pytest.raises(HarnessError, match="checkpoint is of another training: delete it"):
        training("sgd").restore(state | {"network": {}})
