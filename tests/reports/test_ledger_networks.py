"""The reproduction ledger: parameters that it counts against those of networks that are built."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from harness.spaces.residual import ResidualSpace
from reports.ledger import geada, kyriakides_search
from reports.ledger.era import WINNERS


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_winners_are_architectures_of_the_space_with_64_filters() -> None:
    space = ResidualSpace()
    texts = {
        "evolution": "bottleneck:3,6,3,1:64x2:g1",
        "regularised evolution": "bottleneck:7,9,9,1:64x2:g32",
        "crossover evolution": "basic:1,10,1,5:32x2:g32",
        "random search": "bottleneck:0,3,5,7:64x1:g32",
        "local search": "basic:15,2,14,5:64x1:g32",
        "Bayesian optimisation": "basic:5,2,17,1:64x2:g32",
    }
    found = {name: space.configuration(space.from_string(text)) for name, text in texts.items()}
    assert found == WINNERS


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
        pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        return nn.Sequential(depthwise, pointwise, nn.BatchNorm2d(channels))

    assert geada.dilated(channels, kernel) == size(once())
    assert geada.separable(channels, kernel) == size(once()) + size(once())


def test_the_supernet_is_the_published_one_to_the_last_parameter() -> None:
    assert geada.supernet()[0].value == pytest.approx(12.041363, abs=1e-9)
