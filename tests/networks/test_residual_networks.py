"""Residual networks have the published parameter counts, and are torchvision's blocks."""

from __future__ import annotations

import random
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from torch import nn  # noqa: E402
from torchvision.models import resnet as torchvision  # noqa: E402

from harness.errors import UserError  # noqa: E402
from harness.networks import Task, build, options_of  # noqa: E402
from harness.networks.residual import Block, ResidualNetwork  # noqa: E402
from harness.spaces import SearchSpace, get_space  # noqa: E402
from harness.spaces.residual import ResidualSpace  # noqa: E402
from harness.spaces.residual_layers import ResidualConfiguration, resnet  # noqa: E402
from harness.streams import stream  # noqa: E402

CIFAR = Task((3, 32, 32), 10)
DIGITS = Task((1, 8, 8), 10)
SPACE = get_space("residual")


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def built(text: str, task: Task = CIFAR, seed: int = 0, **options: Any) -> nn.Module:
    return build(SPACE, SPACE.from_string(text), task, seed=seed, options=options)


# --- counts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("bottleneck:3,6,3,1:64x2:g1", 6_760_202),
        ("bottleneck:7,9,9,1:64x2:g32", 15_002_698),
        ("basic:1,10,1,5:32x2:g32", 6_617_514),
        ("bottleneck:0,3,5,7:64x1:g32", 920_650),
        ("basic:15,2,14,5:64x1:g32", 1_351_498),
        ("basic:5,2,17,1:64x2:g32", 12_293_962),
    ],
)
def test_winners_have_their_published_parameters(text: str, count: int) -> None:
    with torch.device("meta"):  # shapes without numbers
        assert parameters(built(text)) == count


@pytest.mark.parametrize("depth", [14, 32, 56, 110])
@pytest.mark.parametrize("filters", [8, 16, 32, 64])
def test_resnets_have_the_parameters_of_their_formula(depth: int, filters: int) -> None:
    """The published numbers stand beside the formula, in the tests of the space."""
    space = get_space("resnet")
    with torch.device("meta"):
        network = build(space, space.from_string(f"{depth}x{filters}"), CIFAR)
    assert parameters(network) == resnet(depth, filters).parameters()
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth  # its shortcuts have none


@pytest.mark.parametrize("name", ["residual", "residual-text", "residual-union"])
def test_parameters_are_predicted(name: str) -> None:
    """Each preset's builder reads its own option numbers."""
    space, rng = get_space(name), stream(2, "parameters")
    assert isinstance(space, ResidualSpace)
    task = Task((1, 28, 28), 7)
    for _ in range(5):
        architecture, skip = short(space, rng), rng.random() < 0.5
        with torch.device("meta"):
            network = build(space, architecture, task, options={"skip_empty": skip})
        assert parameters(network) == space.parameters(architecture, 1, 7, skip_empty=skip)
        blocks = [m for m in network.modules() if isinstance(m, Block)]
        weighted = sum(len(block.branch) for block in blocks)
        assert 2 + weighted == space.depth(architecture)


def short(space: SearchSpace, rng: random.Random) -> tuple[int, ...]:
    """An architecture with few blocks, so that it is built in no time; often without section 1."""
    drawn: Any = space.sample(rng)
    return (drawn[0], *(value % 3 for value in drawn[1:5]), *drawn[5:])


# --- the computation -------------------------------------------------------------------------


def copied(ours: nn.Module, theirs: nn.Module) -> None:
    """Give the second module the numbers of the first; both list them in one order."""
    numbers = list(ours.state_dict().values())
    theirs.load_state_dict(dict(zip(theirs.state_dict(), numbers, strict=True)))


@pytest.mark.parametrize(("inputs", "stride"), [(8, 1), (32, 1), (32, 2)])
def test_bottlenecks_are_those_of_torchvision(inputs: int, stride: int) -> None:
    """Without ResNeXt's own widths: 8 channels in 4 groups, halved by the 3x3 convolution."""
    configuration = ResidualConfiguration("bottleneck", (2, 2), 8, 1, 4)
    (block,) = {
        b for b in configuration.blocks() if (b.inputs, b.stride) == (inputs, stride)
    }  # fmt: skip
    shortcut = None
    if block.shortcut is not None:
        convolution = nn.Conv2d(inputs, 32, 1, stride, bias=False)
        shortcut = nn.Sequential(convolution, nn.BatchNorm2d(32))
    theirs = torchvision.Bottleneck(inputs, 8, stride, shortcut, groups=4, base_width=64 // 4)
    assert_equal(Block(block), theirs, inputs)


@pytest.mark.parametrize("stride", [1, 2])
def test_basic_blocks_are_those_of_torchvision(stride: int) -> None:
    configuration = ResidualConfiguration("basic", (1, 1), 8, 2)
    block = list(configuration.blocks())[stride - 1]
    shortcut = None
    if stride == 2:
        shortcut = nn.Sequential(nn.Conv2d(8, 16, 1, 2, bias=False), nn.BatchNorm2d(16))
    assert_equal(Block(block), torchvision.BasicBlock(8, 8 * stride, stride, shortcut), 8)


def assert_equal(ours: nn.Module, theirs: nn.Module, inputs: int) -> None:
    copied(ours, theirs)
    images = torch.randn(3, inputs, 7, 7, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(ours(images), theirs(images))
    # In evaluation too, with the running statistics that this first pass has left.
    torch.testing.assert_close(ours.eval()(images), theirs.eval()(images))


def test_basic_blocks_take_groups() -> None:
    network = built("basic:1,1,1,1:8x2:g4", DIGITS)
    groups = [m.groups for m in network.modules() if isinstance(m, nn.Conv2d)]
    # The stem; two a block; and from the second section on a projection, never grouped.
    assert groups == [1, 2, 2, *[2, 2, 1] * 3]


def test_shortcut_without_parameters() -> None:
    block = Block(list(ResidualConfiguration("basic", (1, 1), 2, projection=False).blocks())[1])
    x = torch.arange(32.0).reshape(1, 2, 4, 4)
    shortcut = block.shortcut(x)
    assert shortcut.shape == (1, 4, 2, 2)
    assert shortcut[0, 0].tolist() == [[0.0, 2.0], [8.0, 10.0]]
    assert not shortcut[0, 2:].any()
    assert block(x).shape == (1, 4, 2, 2)


@pytest.mark.parametrize("text", ["bottleneck:1,1,1,1:4x2:g2", "basic:0,2,1,1:4x1:g1"])
@pytest.mark.parametrize("size", [1, 5, 8, 16, 28])
def test_small_images(text: str, size: int) -> None:
    """Halving rounds up: 28, 14, 7, 4; 8, 4, 2, 1."""
    network = built(text, Task((1, size, size), 7))
    assert isinstance(network, ResidualNetwork)
    images = torch.rand(2, 1, size, size)
    assert network(images).shape == (2, 7)
    halved = network.blocks(network.stem(images)).shape[-1]
    assert halved == -(-size // 8)


def test_an_empty_section_counts_or_not() -> None:
    images, text = torch.rand(2, 3, 32, 32), "basic:0,1,1,1:4x2:g4"
    for skip, side, outputs in ((False, 4, 32), (True, 8, 16)):
        network = built(text, skip_empty=skip)
        assert isinstance(network, ResidualNetwork)
        assert network.blocks(network.stem(images)).shape == (2, outputs, side, side)
    assert options_of(SPACE) == {"skip_empty": False}
    with pytest.raises(UserError, match=r"unknown residual network option 'skip'.*skip_empty"):
        built(text, skip=True)


# --- weights ---------------------------------------------------------------------------------


def test_weights_depend_on_the_seed_alone() -> None:
    text = "bottleneck:1,1,1,1:8x2:g2"
    torch.manual_seed(3)
    state = torch.random.get_rng_state()
    first = built(text, DIGITS, 2**64 - 1)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(5)
    second, other = built(text, DIGITS, 2**64 - 1), built(text, DIGITS, 5)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])
    images = torch.rand(4, 1, 8, 8)
    assert torch.equal(first(images), second(images))
    assert not torch.equal(first(images), other(images))


def test_weights_are_normal_with_the_variance_of_their_outputs() -> None:
    network = built("basic:1,1,1,1:64x1:g32", seed=1)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            deviation = (2 / (module.out_channels * module.kernel_size[0] ** 2)) ** 0.5
            standard = module.weight.detach() / deviation
            n = standard.numel()
            assert abs(float(standard.mean())) < 5 / n**0.5
            assert abs(float(standard.var()) - 1) < 5 * (2 / n) ** 0.5
            # Uniform weights of this variance end at the root of three.
            assert float(standard.abs().max()) > 2.5
        elif isinstance(module, nn.BatchNorm2d):
            numbers = module.weight, module.bias, module.running_var, module.running_mean
            for tensor, value in zip(numbers, (1, 0, 1, 0), strict=True):
                assert tensor is not None and bool((tensor == value).all())
        elif isinstance(module, nn.Linear):
            for tensor in (module.weight.detach(), module.bias.detach()):
                assert 0.8 / 8 < float(tensor.abs().max()) <= 1 / 8


@pytest.mark.parametrize("text", ["bottleneck:1,1,1,1:4x2:g2", "basic:0,2,1,1:4x1:g1"])
def test_all_weights_learn(text: str) -> None:
    network = built(text, DIGITS)
    loss = nn.functional.cross_entropy(network(torch.rand(8, 1, 8, 8)), torch.arange(8))
    torch.autograd.backward(loss)
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())
