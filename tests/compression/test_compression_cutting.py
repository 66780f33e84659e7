"""The sliced network gives the masked one's outputs, and counts what the source counts."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="compression needs torch")
from torch import nn  # noqa: E402

from harness.errors import HarnessError, UserError  # noqa: E402
from harness.networks import Task  # noqa: E402
from harness.networks.residual import build  # noqa: E402
from harness.spaces.residual_layers import ResidualConfiguration  # noqa: E402
from reports.ledger.bayesnas_compression import LENET_5, LENET_300_100, RESNET_18  # noqa: E402
from searchers.compression.compressor import remaining  # noqa: E402
from searchers.compression.networks import lenet_5, lenet_300_100, resnet_18  # noqa: E402
from searchers.compression.operations import operations  # noqa: E402
from searchers.compression.structure import Masks  # noqa: E402
from searchers.compression.structures import structure_of  # noqa: E402

MNIST = Task((1, 28, 28), 10)


def shaken(network: nn.Module, seed: int) -> nn.Module:
    """The network in double precision, with normalisations that do something."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean):
                tensor.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
    return network.double().eval()


def random_masks(weights: dict[str, Any], lost: float, seed: int) -> dict[str, Any]:
    """Masks that lose outputs, inputs and single weights; the last layer keeps its outputs."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, weight in weights.items():
        mask = torch.rand(weight.shape, generator=generator) > 0.2
        if name != list(weights)[-1]:
            mask[torch.rand(len(mask), generator=generator) < lost] = False
        if mask.shape[1] > 3:
            mask[:, torch.rand(mask.shape[1], generator=generator) < lost] = False
        found[name] = mask
    return found


def check_sliced(network: nn.Module, shape: tuple[int, ...], lost: float, seed: int) -> Masks:
    structure = structure_of(shaken(network, seed))
    masks = structure.settle(random_masks(structure.weights, lost, seed))
    structure.apply(masks)
    sliced = structure.sliced(masks).eval()
    images = torch.randn(5, *shape, generator=torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        assert torch.allclose(sliced(images), network(images), rtol=0, atol=1e-12)
    sizes = [sum(p.numel() for p in one.parameters()) for one in (sliced, network)]
    assert sizes[0] < 0.95 * sizes[1]
    again = structure.settle(masks.weights)
    assert all(torch.equal(again.weights[name], masks.weights[name]) for name in again.weights)
    return masks


def normalised_chain() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 6, 3), nn.BatchNorm2d(6), nn.Tanh(), nn.Flatten(),
        nn.Linear(24, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.5), nn.Linear(12, 4),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("lost", [0.1, 0.5])
def test_a_sliced_chain_is_the_masked_one(lost: float, seed: int) -> None:
    check_sliced(lenet_300_100(Task((1, 8, 8), 10), seed), (1, 8, 8), lost, seed)
    check_sliced(lenet_5(Task((1, 16, 16), 10), seed), (1, 16, 16), lost, seed)
    check_sliced(normalised_chain(), (3, 8, 8), 0.1, seed)


@pytest.mark.parametrize("seed", range(4))
def test_a_sliced_residual_network_is_the_masked_one(seed: int) -> None:
    configuration = ResidualConfiguration("basic", (2, 2, 1), 6, projection=False)
    network = build(configuration, Task((3, 8, 8), 5), seed)
    check_sliced(network, (3, 8, 8), (0.1, 0.2, 0.25, 0.3)[seed], seed)


def test_a_block_without_weights_is_its_shortcut() -> None:
    network = shaken(build(ResidualConfiguration("basic", (1, 1), 4, projection=False),
                           Task((3, 8, 8), 5), 0), 0)  # fmt: skip
    structure = structure_of(network)
    weights = {n: torch.ones_like(w, dtype=torch.bool) for n, w in structure.weights.items()}
    weights["blocks.1.branch.1.0"][:] = False
    masks = structure.settle(weights)
    assert structure.architecture(masks) == "4 | 4,4 | -"
    # With the second convolution went the first, and the classifier's inputs that nothing feeds.
    assert not masks.weights["blocks.1.branch.0.0"].any()
    assert masks.weights["classifier"].any(0).sum() == 4
    structure.apply(masks)
    images = torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(0)).double()
    sliced = structure.sliced(masks).eval()
    assert torch.allclose(sliced(images), network(images), rtol=0, atol=1e-12)


def test_what_feeds_nothing_is_off_too() -> None:
    structure = structure_of(lenet_300_100(MNIST, 0))
    weights = {n: torch.ones_like(w, dtype=torch.bool) for n, w in structure.weights.items()}
    weights["fc2"][:, 37:] = False
    weights["fc3"][:, 90:] = False
    weights["fc1"][:, 465:] = False
    masks = structure.settle(weights)
    assert structure.architecture(masks) == "465-37-90"
    assert not masks.units["fc1"][37:].any() and masks.units["fc1"][:37].all()
    assert int(masks.weights["fc1"].sum()) == 465 * 37
    structure.apply(masks)
    assert not structure.layers["fc1"].bias[37:].any()
    assert operations(structure.sliced(masks), MNIST.shape) == pytest.approx(0.0427e6, rel=2e-3)


def test_inputs_behind_an_image_are_cut_one_by_one() -> None:
    structure = structure_of(lenet_5(MNIST, 0))
    weights = {n: torch.ones_like(w, dtype=torch.bool) for n, w in structure.weights.items()}
    weights["conv1"][5:] = False
    weights["conv2"][10:] = False
    weights["fc1"][25:] = False
    weights["fc1"][:, 65:] = False
    masks = structure.settle(weights)
    # 65 inputs are four channels of 16 pixels and one pixel: nothing reads the other five.
    assert structure.architecture(masks) == "5-5-65-25"


def widths_masks(structure: Any, widths: list[int]) -> Masks:
    """Masks of a LeNet with these widths, inputs spread over all channels."""
    weights = {n: torch.ones_like(w, dtype=torch.bool) for n, w in structure.weights.items()}
    if len(widths) == 4:
        first, second, inputs, hidden = widths
        weights["conv1"][first:] = False
        weights["conv2"][second:] = False
        place = torch.arange(800).view(50, 16)[:second].T.flatten()[:inputs]
        read = torch.zeros(800, dtype=torch.bool)
        read[place] = True
        weights["fc1"][:, ~read] = False
        weights["fc1"][hidden:] = False
    else:
        inputs, first, second = widths
        weights["fc1"][:, inputs:] = False
        weights["fc1"][first:] = False
        weights["fc2"][second:] = False
    masks: Masks = structure.settle(weights)
    return masks


@pytest.mark.parametrize("row", [*LENET_300_100, *LENET_5], ids=lambda row: row.widths)
def test_operations_of_the_published_widths(row: Any) -> None:
    network = lenet_300_100(MNIST, 0) if len(row.widths.split("-")) == 3 else lenet_5(MNIST, 0)
    structure = structure_of(network)
    masks = widths_masks(structure, [*map(int, row.widths.split("-"))])
    assert structure.architecture(masks) == row.widths
    counted = operations(structure.sliced(masks), MNIST.shape) / 1e6
    printed = float(row.operations)
    assert abs(counted - printed) <= max(0.012 * printed, 0.005)


def test_conventions_differ() -> None:
    network = lenet_5(MNIST, 0)
    assert operations(network, MNIST.shape) == pytest.approx(8.839e6, rel=1e-3)
    assert operations(network, MNIST.shape, "molchanov-output") == pytest.approx(4.6e6, rel=0.02)
    # Each multiply-add with its bias: 20 x 24^2 x 26 + 50 x 8^2 x 501 + 500 x 801 + 10 x 501
    by_hand = 20 * 24**2 * 26 + 50 * 8**2 * 501 + 500 * 801 + 10 * 501
    assert operations(network, MNIST.shape, "multiply-adds") == by_hand
    with pytest.raises(UserError, match="unknown convention 'molchanof'"):
        operations(network, MNIST.shape, "molchanof")


def test_table_a_3_weighs_the_layers_of_this_resnet_18() -> None:
    with torch.device("meta"):
        shapes = {n: p.shape for n, p in structure_of(resnet_18_on_meta()).weights.items()}
    shares = [float(text) for *_, texts in RESNET_18 for text in texts.split()]
    sizes = [shape.numel() for shape in shapes.values()]
    assert sum(sizes) == 10_992_320 and len(sizes) == len(shares) == 18
    left = sum(size * share / 100 for size, share in zip(sizes, shares, strict=True))
    assert 100 * left / sum(sizes) == pytest.approx(2.955, abs=5e-4)
    assert left == pytest.approx(324_843, abs=1)


def resnet_18_on_meta() -> nn.Module:
    with torch.device("meta"):
        return resnet_18(Task((3, 32, 32), 10), 0)


def test_remaining_weights_are_counted_per_layer() -> None:
    structure = structure_of(lenet_300_100(Task((1, 8, 8), 10), 0))
    masks = structure.full()
    assert remaining(masks) == [
        ("fc1", 19_200, 19_200), ("fc2", 30_000, 30_000), ("fc3", 1_000, 1_000),
        ("total", 50_200, 50_200),
    ]  # fmt: skip


def test_what_cannot_be_compressed_is_refused() -> None:
    with pytest.raises(UserError, match="layer '1': Sigmoid"):
        structure_of(nn.Sequential(nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 2)))
    with pytest.raises(UserError, match="a Bilinear"):
        structure_of(nn.Bilinear(2, 2, 2))
    with pytest.raises(UserError, match="'0': it is grouped"):
        structure_of(nn.Sequential(nn.Conv2d(4, 4, 3, groups=2), nn.Flatten(), nn.Linear(4, 2)))
    with pytest.raises(UserError, match="projections"):
        structure_of(build(ResidualConfiguration("basic", (1, 1), 4), Task((3, 8, 8), 5), 0))


def test_a_layer_without_weights_is_the_end_of_a_chain() -> None:
    structure = structure_of(lenet_300_100(Task((1, 8, 8), 10), 0))
    weights = dict(structure.full().weights)
    weights["fc2"] = torch.zeros_like(weights["fc2"])
    with pytest.raises(HarnessError, match="'fc1' has no weight left"):
        structure.settle(weights)
