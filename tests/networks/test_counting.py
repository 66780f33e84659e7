"""Parameters and multiply-adds are those that publications print."""

from __future__ import annotations

import csv
import gzip
from itertools import islice
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from torch import nn  # noqa: E402

from harness.networks import Task, build  # noqa: E402
from harness.networks.counting import Counts, count  # noqa: E402
from harness.spaces import get_space  # noqa: E402

CIFAR = Task((3, 32, 32), 10)


def _counts(space: str, text: str) -> Counts:
    found = get_space(space)
    return count(build(found, found.from_string(text), CIFAR), CIFAR.shape)


@pytest.mark.parametrize(
    ("network", "shape", "expected"),
    [
        # 3 * 3 * 2 weights and a bias for each of 5 outputs, at 4 x 6 places.
        (nn.Conv2d(2, 5, 3, padding=1), (2, 4, 6), Counts(5 * 19, 24 * 5 * 19)),
        # Each of 6 channels sees two of the others; 2 x 3 places are left.
        (nn.Conv2d(6, 6, 1, stride=2, groups=3, bias=False), (6, 4, 6), Counts(12, 6 * 12)),
        (nn.Sequential(nn.Flatten(), nn.Linear(12, 7)), (3, 2, 2), Counts(91, 91)),
        (nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.AvgPool2d(2)), (3, 4, 4), Counts(6, 0)),
    ],
)
def test_counts_by_hand(network: nn.Module, shape: tuple[int, int, int], expected: Counts) -> None:
    assert count(network, shape) == expected


def test_a_layer_counts_as_often_as_it_runs_and_once_as_parameters() -> None:
    layer = nn.Conv2d(3, 3, 1, bias=False)
    assert count(nn.Sequential(layer, layer), (3, 2, 2)) == (9, 2 * 9 * 4)
    layer.requires_grad_(False)
    assert count(layer, (3, 2, 2)) == (0, 9 * 4)


def test_counting_changes_nothing() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    network[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    count(network, (3, 8, 8))
    assert [m.training for m in network] == [True, False, True]
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert not any(m._forward_hooks for m in network.modules())


def test_a_network_without_memory_is_counted() -> None:
    with torch.device("meta"):
        network = nn.Conv2d(10_000, 10_000, 3, bias=False)  # 3.6 GB
    assert count(network, (10_000, 3, 3)).parameters == 9 * 10_000**2


@pytest.mark.parametrize(
    "cell",
    [
        (0, 0, 0, 0, 0, 0),
        (3, 3, 3, 0, 0, 0),  # no edge is computed, all count
        (2, 3, 2, 4, 2, 3),
    ],
)
def test_the_official_rule_of_the_topology_space(cell: tuple[int, ...]) -> None:
    network = build(get_space("tss"), cell, CIFAR)
    expected = 7_783_050 + 3_932_160 * cell.count(2) + 35_389_440 * cell.count(3)
    assert count(network, CIFAR.shape).flops == expected


def test_counts_of_the_topology_space_are_the_published_ones(data_dir: Path) -> None:
    path = data_dir / "nasbench201" / "nb201_main.csv.gz"
    with gzip.open(path, "rt") as lines:
        rows = list(islice(csv.DictReader(lines), 0, None, 4_000)) + _row(path, 9930)
    for row in rows:
        counts = _counts("tss", row["arch_str"])
        assert counts.parameters == round(1e6 * float(row["params_M_c10"])), row["index"]
        assert counts.flops == round(1e6 * float(row["flops_M_c10"])), row["index"]


def _row(path: Path, index: int) -> list[dict[str, str]]:
    """The row of one architecture; cell 9930 has 1.2885 M parameters and 184.73 MFLOPs."""
    with gzip.open(path, "rt") as lines:
        found = list(islice(csv.DictReader(lines), index, index + 1))
    assert found[0]["index"] == str(index)
    assert f"{float(found[0]['params_M_c10']):.4f}" == "1.2885"
    assert f"{float(found[0]['flops_M_c10']):.2f}" == "184.73"
    return found


@pytest.mark.parametrize(
    ("channels", "weights"),
    [
        ("8:16:8:16:8", 18_664),
        ("8:8:16:8:16", 25_016),
        ("16:16:8:16:16", 36_240),
        ("16:8:16:16:16", 39_696),
    ],
)
def test_weights_of_the_size_space(channels: str, weights: int) -> None:
    """Of convolutions and the linear layer, for the four networks of Siegert (2022), table 3.1."""
    space = get_space("sss")
    network = build(space, space.from_string(channels), CIFAR)
    layers = [m for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert sum(layer.weight.numel() for layer in layers) == weights
    others = 10 + sum(2 * norm.num_features for norm in norms)  # biases, scales and shifts
    assert count(network, CIFAR.shape).parameters == weights + others
