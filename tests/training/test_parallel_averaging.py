"""Workers that train together: what they exchange, how often, and that two equal ones are one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

import torch.distributed as dist  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from harness.training import Reducer  # noqa: E402
from harness.training.reducers import Averaging, BatchReducer, EpochReducer  # noqa: E402
from tests.training.gang import together  # noqa: E402

EPOCHS, BATCH = 3, 8


def images(count: int = 48) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    pixels = torch.randn(count, 1, 6, 6, generator=generator)
    return pixels, (pixels.mean((1, 2, 3)) > 0).long()


def network(norm: bool = True) -> nn.Module:
    layers: Sequence[nn.Module] = (
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4) if norm else nn.Identity(),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 2),
    )
    made = nn.Sequential(*layers)
    generator = torch.Generator().manual_seed(3)  # threads share the process-wide one
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.2, generator=generator)
    return made


def sgd(net: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True)


def adam(net: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(net.parameters(), lr=0.01)


def fit(
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    data: tuple[Tensor, Tensor],
    reducer: Reducer | None = None,
    *,
    epochs: int = EPOCHS,
    batch: int = BATCH,
) -> dict[str, Tensor]:
    """A plain training loop with the two calls of a reducer; gives the final weights."""
    pixels, labels = data
    for _ in range(epochs):
        for start in range(0, len(labels) - batch + 1, batch):
            chosen = slice(start, start + batch)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(pixels[chosen]), labels[chosen]).backward()
            if reducer is not None:
                reducer.gradients(net.parameters())
            optimizer.step()
        if reducer is not None:
            reducer.epoch(net, optimizer)
    return copy.deepcopy(net.state_dict())


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("make", [sgd, adam])
@pytest.mark.parametrize(
    "reducer", [BatchReducer, EpochReducer, lambda g: EpochReducer(g, state="average")]
)
def test_two_workers_with_the_same_images_are_one(
    reducer: Callable[[dist.ProcessGroup], Averaging],
    make: Callable[[nn.Module], torch.optim.Optimizer],
) -> None:
    def work(rank: int, group: dist.ProcessGroup) -> dict[str, Tensor]:
        net = network()
        return fit(net, make(net), images(), reducer(group))

    alone = network()
    serial = fit(alone, make(alone), images())
    assert not same(serial, network().state_dict())
    assert all(same(serial, one) for one in together(2, work))


def test_mean_gradients_of_two_halves_are_those_of_the_whole_batch() -> None:
    pixels, labels = images()

    def work(rank: int, group: dist.ProcessGroup) -> dict[str, Tensor]:
        # Every batch of the whole is cut into two halves, one a worker.
        half = (pixels[rank::2], labels[rank::2])
        net = network(norm=False)  # batch statistics would be those of the halves
        return fit(net, sgd(net), half, BatchReducer(group), batch=BATCH // 2)

    first, second = together(2, work)
    alone = network(norm=False)
    whole = fit(alone, sgd(alone), (pixels, labels))
    assert same(first, second)
    for name, value in whole.items():
        torch.testing.assert_close(first[name], value, rtol=1e-4, atol=1e-6)


def test_an_epoch_ends_at_the_mean_of_what_the_workers_reached_alone() -> None:
    pixels, labels = images()
    shards = [(pixels[rank::2], labels[rank::2]) for rank in range(2)]

    def work(rank: int, group: dist.ProcessGroup) -> dict[str, Tensor]:
        net = network()
        return fit(net, sgd(net), shards[rank], EpochReducer(group), epochs=1)

    first, second = together(2, work)
    nets = [network(), network()]
    alone = [fit(net, sgd(net), shard, epochs=1) for net, shard in zip(nets, shards, strict=True)]
    assert not same(*alone)
    for name in first:
        if first[name].is_floating_point():  # weights and running statistics alike
            expected = (alone[0][name] + alone[1][name]) / 2
            assert torch.equal(first[name], expected)
            assert torch.equal(second[name], expected)


@pytest.mark.parametrize("state", ["local", "average"])
def test_what_becomes_of_the_momentum(state: Any) -> None:
    pixels, labels = images()

    def work(rank: int, group: dist.ProcessGroup) -> list[Tensor]:
        net = network()
        optimizer = sgd(net)
        reducer = EpochReducer(group, state=state)
        fit(net, optimizer, (pixels[rank::2], labels[rank::2]), reducer, epochs=1)
        return [optimizer.state[p]["momentum_buffer"] for p in net.parameters()]

    first, second = together(2, work)
    equal = [torch.equal(a, b) for a, b in zip(first, second, strict=True)]
    assert all(equal) if state == "average" else not any(equal)


def test_running_statistics_of_batch_mode_are_averaged_at_an_epoch_s_end() -> None:
    pixels, labels = images()

    def work(rank: int, group: dist.ProcessGroup) -> tuple[list[Tensor], dict[str, Tensor]]:
        net = network()
        before: list[Tensor] = []

        class Watching(BatchReducer):
            def epoch(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
                before.extend(b.clone() for b in network.buffers() if b.is_floating_point())
                super().epoch(network, optimizer)

        shard = pixels[rank::2], labels[rank::2]
        return before, fit(net, sgd(net), shard, Watching(group), epochs=1)

    (mine, first), (others, second) = together(2, work)
    assert same(first, second)
    mean, variance = ((a + b) / 2 for a, b in zip(mine, others, strict=True))
    assert not torch.equal(mine[0], others[0])
    assert torch.equal(first["1.running_mean"], mean)
    assert torch.equal(first["1.running_var"], variance)


def test_averaging_by_the_epoch_cuts_the_communications_937_5_fold() -> None:
    """Kyriakides 2022, section 8: 60,000 images in batches of 64, one all-reduce against N / B."""
    count, batch = 60_000, 64

    def work(rank: int, group: dist.ProcessGroup) -> list[tuple[int, int]]:
        counted = []
        for reducer in (BatchReducer(group), EpochReducer(group)):
            net = nn.Linear(2, 2)
            data = torch.zeros(count, 2), torch.zeros(count, dtype=torch.int64)
            optimizer = torch.optim.SGD(net.parameters(), lr=0.0)
            fit(net, optimizer, data, reducer, epochs=1, batch=batch)
            counted.append((reducer.communications, reducer.sent))
        return counted

    ((batches, batch_bytes), (epochs, epoch_bytes)) = together(1, work)[0]
    assert (batches, epochs) == (937, 1)
    assert abs(batches / epochs - count / batch) <= 0.5  # the last half batch is dropped
    assert epoch_bytes == 6 * 4  # four weights and two biases of four bytes
    assert batch_bytes == 937 * epoch_bytes
