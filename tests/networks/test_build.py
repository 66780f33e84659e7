"""Networks are built from a space's own builder, by its options, from a seed."""

from __future__ import annotations

import sys

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from torch import nn  # noqa: E402

from harness.errors import UserError  # noqa: E402
from harness.networks import NotBuildable, Task, Unavailable, build, options_of  # noqa: E402
from harness.networks.initialise import seeded  # noqa: E402
from harness.networks.nats import build_sss, build_tss  # noqa: E402
from harness.spaces import CategoricalSpace, get_space  # noqa: E402

CIFAR = Task((3, 32, 32), 10)
CELL = (3, 1, 2, 4, 0, 3)


class Own(CategoricalSpace):
    """Somebody's space of layers, whose builder is in this file."""

    network = f"{__name__}:own_network"

    def __init__(self) -> None:
        super().__init__("own", [["4", "8"]])


def own_network(
    architecture: tuple[int, ...],
    task: Task,
    *,
    seed: int,
    share: float = 0.5,
    bias: bool = True,
    kind: str = "linear",
    anything: list[int] | None = None,
) -> nn.Module:
    if kind != "linear":
        raise NotBuildable(f"there is no {kind} layer")
    channels, height, width = task.shape
    with seeded(seed):
        layer = nn.Linear(channels * height * width, task.classes, bias=bias)
    return nn.Sequential(nn.Flatten(), layer)


def test_a_builder_is_called_with_its_options() -> None:
    space, task = get_space("tss"), Task((1, 8, 8), 7)
    network = build(space, CELL, task, seed=5, options={"width": 4, "depth": 1})
    expected = build_tss(CELL, width=4, depth=1, num_classes=7, in_channels=1, seeds=[5])
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(network(images), expected(images))
    assert options_of(space) == {"width": 16, "depth": 5}


def test_sizes_are_indices_into_the_channels() -> None:
    space = get_space("sss")
    network = build(space, space.from_string("8:16:8:16:64"), CIFAR, seed=3)
    expected = build_sss((8, 16, 8, 16, 64), seeds=[3])
    assert str(network) == str(expected)
    assert options_of(space) == {}


def test_a_space_brings_its_own_builder() -> None:
    network = build(Own(), (0,), Task((2, 3, 3), 4), options={"bias": False, "anything": [1]})
    assert sum(p.numel() for p in network.parameters()) == 18 * 4
    with pytest.raises(NotBuildable, match="there is no dense layer"):
        build(Own(), (0,), CIFAR, options={"kind": "dense"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baias": False}, "unknown own network option 'baias': did you mean bias?"),
        ({"bias": 1}, "own network option 'bias' must be of type bool, not 1"),
        ({"share": "half"}, "own network option 'share' must be of type float, not 'half'"),
        ({"kind": 3}, "own network option 'kind' must be of type str, not 3"),
    ],
)
def test_an_options_mistake_is_one_line(options: dict[str, object], message: str) -> None:
    build(Own(), (0,), CIFAR, options={"share": 1})  # a whole number will do for a float
    with pytest.raises(UserError) as caught:
        build(Own(), (0,), CIFAR, options=options)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [0, -1, True, 2.0])
def test_counts_are_whole_numbers_from_1_on(value: object) -> None:
    with pytest.raises(UserError, match="'width' must be a whole number from 1 on, not"):
        build(get_space("tss"), CELL, CIFAR, options={"width": value})


def test_a_space_without_networks_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    space = Own()
    for path, message in [
        ("", "space 'own' has no networks to train"),
        ("no_such_module:f", "its network 'no_such_module:f' cannot be loaded: No module named"),
        (f"{__name__}:no_such", "cannot be loaded: module .* has no attribute 'no_such'"),
    ]:
        monkeypatch.setattr(space, "network", path)
        with pytest.raises(UserError, match=message):
            build(space, (0,), CIFAR)


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "harness.networks.nats")
    with pytest.raises(Unavailable, match="networks need torch: pip install 'nas-harness"):
        build(get_space("tss"), CELL, CIFAR)


def test_seeded_gives_the_generator_back() -> None:
    before = torch.get_rng_state()
    draws = []
    for seed in (1, 2**64 - 1, 1):
        with seeded(seed):
            draws.append(torch.rand(5))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(draws[0], draws[2]) and not torch.equal(draws[0], draws[1])


@pytest.mark.parametrize("cell", [(0, 0, 0, 0, 0, 0), (3, 3, 3, 0, 0, 0)])
def test_a_cell_without_a_path_trains_and_knows_nothing(cell: tuple[int, ...]) -> None:
    network = build(get_space("tss"), cell, CIFAR, options={"width": 4, "depth": 1})
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    images = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(images), torch.arange(8) % 2)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert losses[2] < losses[1] < losses[0]  # it learns how frequent the classes are
    logits = network.eval()(images)
    assert torch.equal(logits, logits[:1].expand_as(logits))
