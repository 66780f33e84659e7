"""The reproduction ledger: parameters that it counts against those of networks that are built."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reports.ledger import geada, kyriakides_search
from reports.ledger.residual_networks import WINNERS, Block, ResidualNetwork, resnet


def normalised(
    a: int, b: int, kernel: int, stride: int = 1, groups: int = 1, bias: bool = False
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(a, b, kernel, stride, kernel // 2, groups=groups, bias=bias), nn.BatchNorm2d(b)
    )


class Residual(nn.Module):
    """A block of ERA's networks."""

    def __init__(self, block: Block, a: int, width: int, stride: int, groups: int) -> None:
        super().__init__()
        out = width if block == "basic" else 4 * width
        if block == "basic":
            layers = [
                normalised(a, width, 3, stride, groups),
                normalised(width, width, 3, 1, groups),
            ]
        else:
            layers = [
                normalised(a, width, 1),
                normalised(width, width, 3, stride, groups),
                normalised(width, out, 1),
            ]
        self.layers = nn.ModuleList(layers)
        same = stride == 1 and a == out
        self.shortcut = nn.Identity() if same else normalised(a, out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for layer in self.layers[:-1]:
            y = functional.relu(layer(y))
        total: Tensor = self.layers[-1](y) + self.shortcut(x)
        return functional.relu(total)


def built(network: ResidualNetwork) -> nn.Sequential:
    layers: list[nn.Module] = [normalised(3, network.filters, 3)]
    before = network.filters
    for place, blocks in enumerate(network.sections):
        width = network.filters * network.update**place
        for number in range(blocks):
            stride = 2 if place > 0 and number == 0 else 1
            layers.append(Residual(network.block, before, width, stride, network.cardinality))
            before = width if network.block == "basic" else 4 * width
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10)]
    return nn.Sequential(*layers, *head)


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("name", WINNERS)
def test_residual_networks_have_the_parameters_of_built_ones(name: str) -> None:
    assert WINNERS[name].parameters == size(built(WINNERS[name]))


def test_hand_made_networks_differ_from_built_ones_by_their_projections() -> None:
    found = resnet(20, 8)
    projections = normalised(8, 16, 1, 2), normalised(16, 32, 1, 2)
    assert found.depth == 20
    assert found.parameters == size(built(found)) - sum(map(size, projections))
    with pytest.raises(ValueError, match="111 layers"):
        resnet(111)


def test_built_networks_run() -> None:
    small = ResidualNetwork("bottleneck", (0, 1, 1, 2), 8, 2, 2)
    assert built(small)(torch.zeros(2, 3, 16, 16)).shape == (2, 10)


@pytest.mark.parametrize("channels", [64, 128, 256])
def test_remnet_has_the_parameters_of_a_built_one(channels: int) -> None:
    def layer(a: int, b: int, kernel: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(a, b, kernel), nn.BatchNorm2d(b))

    half = channels // 2
    trunk = nn.Sequential(
        layer(1, channels, 2), layer(channels, channels, 2), layer(channels, channels, 3),
        layer(channels, channels, 5), nn.AvgPool2d(5),
    )  # fmt: skip
    branches = nn.ModuleList([layer(channels, half, 3), layer(channels, half, 3)])
    x = trunk(torch.zeros(2, 1, 28, 28))
    features = sum(branch(x) for branch in branches).flatten(1).shape[1]
    head = nn.Sequential(
        nn.Linear(features, features // 4),
        nn.Linear(features // 4, features // 8),
        nn.Linear(features // 8, 10),
    )
    assert kyriakides_search.remnet(channels) == sum(map(size, (trunk, branches, head)))


@pytest.mark.parametrize("channels, kernel", [(36, 3), (36, 5), (64, 3)])
def test_separable_convolutions_have_the_parameters_of_built_ones(
    channels: int, kernel: int
) -> None:
    def once() -> nn.Sequential:
        depthwise = nn.Conv2d(channels, channels, kernel, groups=channels, bias=False)
        return nn.Sequential(depthwise, normalised(channels, channels, 1))

    assert geada.dilated(channels, kernel) == size(once())
    assert geada.separable(channels, kernel) == size(once()) + size(once())


def test_the_supernet_is_the_published_one_to_the_last_parameter() -> None:
    assert geada.supernet()[0].value == pytest.approx(12.041363, abs=1e-9)
