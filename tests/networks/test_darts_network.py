"""The networks of DARTS' space have the published numbers of parameters."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from torch import Tensor, nn  # noqa: E402

from harness.errors import UserError  # noqa: E402
from harness.networks import Task, build  # noqa: E402
from harness.networks.darts import Cell, reductions  # noqa: E402
from harness.networks.darts_operations import Halving, Layers  # noqa: E402
from harness.spaces.darts import EDGES, OPERATIONS, DartsSpace  # noqa: E402
from tests.released_cells import BAYESNAS, DARTS_V2  # noqa: E402

SPACE = DartsSpace()
CIFAR = Task((3, 32, 32), 10)


def parameters(architecture: tuple[int, ...], **options: object) -> int:
    with torch.device("meta"):  # shapes without numbers
        network = build(SPACE, architecture, CIFAR, options=options)
    return sum(p.numel() for p in network.parameters())


def test_darts_v2_has_the_published_parameters() -> None:
    # 3.3 M in the paper, 3.349342 MB in what its code prints.
    assert parameters(SPACE.encoded(*DARTS_V2)) == 3_349_342


@pytest.mark.parametrize(
    ("intensity", "expected"), [("0.01", 2.576), ("0.007", 3.197), ("0.005", 2.512)]
)
def test_released_networks_of_bayesnas(intensity: str, expected: float) -> None:
    count = parameters(SPACE.encoded(*BAYESNAS[intensity]), style="bayesnas")
    assert round(count / 1e6, 3) == expected


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("style", ["darts", "bayesnas"])
@pytest.mark.parametrize("side", [1, 2, 7, 8])
def test_all_operations_halve_upwards(name: str, style: str, side: int) -> None:
    layers = Layers(style)  # type: ignore[arg-type]
    images = torch.randn(2, 4, side, side)
    assert layers.operation(name, 4, 1)(images).shape == images.shape
    half = -(-side // 2)
    assert layers.operation(name, 4, 2)(images).shape == (2, 4, half, half)
    assert layers.halving(4, 6)(images).shape == (2, 6, half, half)


def test_dilated_convolutions_by_channel_or_full() -> None:
    def weights(layers: Layers) -> int:
        return sum(p.numel() for p in layers.operation("dil_conv_5x5", 8, 1).parameters())

    assert weights(Layers()) == 25 * 8 + 64 + 16
    assert weights(Layers(full_dilation=True)) == 25 * 64 + 64 + 16
    assert weights(Layers("bayesnas")) == 25 * 64 + 64 + 16
    assert weights(Layers(affine=False)) == 25 * 8 + 64


def test_halving_sees_every_second_pixel_of_both_kinds() -> None:
    halving = Halving(1, 2)
    for convolution in (halving.first, halving.second):
        torch.nn.init.ones_(convolution.weight)
    image = torch.arange(9.0).view(1, 1, 3, 3)
    even, odd = halving(image)[0]
    assert even.tolist() == [[0, 2], [6, 8]]
    assert odd.tolist() == [[4, 0], [0, 0]]


def test_several_operations_on_an_edge_are_summed() -> None:
    bits = 1 << OPERATIONS.index("skip_connect") | 1 << OPERATIONS.index("max_pool_3x3")
    masks = tuple(bits if edge == (1, 2) else 0 for edge in EDGES)

    class Same(nn.Module):
        def forward(self, older: Tensor, newer: Tensor) -> list[Tensor]:
            return [older, newer]

    cell = Cell(masks, Same(), 2, False, Layers())  # type: ignore[arg-type]
    x = torch.randn(1, 2, 4, 4)
    pooled = torch.nn.functional.max_pool2d(x, 3, 1, 1)
    expected = torch.cat([x + pooled, torch.zeros(1, 6, 4, 4)], 1)
    torch.testing.assert_close(cell(torch.zeros_like(x), x), expected)


def test_operations_that_nothing_reaches_are_not_built() -> None:
    alive = [[("sep_conv_3x3", 0)], [], [], []]
    dead = [[("sep_conv_3x3", 0)], [], [], [("sep_conv_5x5", 4)]]
    one, other = SPACE.encoded(alive, alive), SPACE.encoded(dead, dead)
    assert parameters(one, channels=4, cells=3) == parameters(other, channels=4, cells=3)


def test_reductions_stand_at_one_and_two_thirds() -> None:
    assert reductions(8) == (2, 5) and reductions(20) == (6, 13)
    assert reductions(1) == (0,) and reductions(3) == (1, 2)


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(UserError, match="style of the darts networks 'dart'"):
        parameters(SPACE.encoded(*DARTS_V2), style="dart")
