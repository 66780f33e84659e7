"""The networks have the official parameter counts, and weights that depend on the seed alone."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness.networks.cells import Cell  # noqa: E402
from harness.networks.counting import count  # noqa: E402
from harness.networks.edges import live_edges  # noqa: E402
from harness.networks.nats import build_sss, build_tss  # noqa: E402
from harness.networks.operations import ResidualReduction  # noqa: E402


def _parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameter_counts_of_all_operation_mixes_are_official(data_dir: Path) -> None:
    counts: dict[tuple[str, ...], tuple[str, float]] = {}
    with gzip.open(data_dir / "nasbench201" / "nb201_main.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            # The count depends on which operations there are, not on where they are.
            counts[tuple(sorted(row["ops"]))] = row["ops"], 1e6 * float(row["params_M_c10"])
    assert len(counts) == 210
    for text, expected in counts.values():
        with torch.device("meta"):  # shapes without numbers
            network = build_tss(tuple(map(int, text)))
        assert _parameters(network) == round(expected), text


@pytest.mark.parametrize(
    ("channels", "expected"),
    [((8, 8, 8, 8, 8), 11_714), ((8, 8, 8, 16, 32), 49_202), ((8, 8, 40, 32, 40), 144_834)],
)
def test_size_space_has_official_parameter_counts(
    channels: tuple[int, ...], expected: int
) -> None:
    # The counts of records 0, 11 and 284 of the published size space (CIFAR-10).
    assert _parameters(build_sss(channels)) == expected
    assert build_sss(channels)(torch.zeros(2, 3, 16, 16)).shape == (2, 10)


def test_weights_depend_on_the_seed_alone() -> None:
    images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    first = build_tss((3, 1, 2, 4, 0, 3), width=4, depth=1, in_channels=1, seeds=[2**64 - 1])
    torch.manual_seed(1)
    second = build_tss((3, 1, 2, 4, 0, 3), width=4, depth=1, in_channels=1, seeds=[2**64 - 1])
    other = build_tss((3, 1, 2, 4, 0, 3), width=4, depth=1, in_channels=1, seeds=[5])
    assert torch.equal(first(images), second(images))
    assert not torch.equal(first(images), other(images))


def test_copies_are_separate_networks_side_by_side() -> None:
    cell, seeds = (2, 3, 1, 4, 3, 2), [3, 4, 5]
    images = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    together = build_tss(cell, width=4, depth=1, in_channels=1, seeds=seeds)
    logits = together(images.repeat(1, 3, 1, 1)).view(6, 3, 10)
    for i, seed in enumerate(seeds):
        alone = build_tss(cell, width=4, depth=1, in_channels=1, seeds=[seed])
        torch.testing.assert_close(logits[:, i], alone(images))


@pytest.mark.parametrize(
    ("cell", "live"),
    [
        ((3, 3, 3, 3, 3, 3), (0, 1, 2, 3, 4, 5)),
        ((0, 3, 3, 3, 3, 3), (1, 3, 5)),  # nothing enters node 1
        ((3, 3, 0, 3, 0, 3), (1, 3, 5)),  # nothing leaves node 1
        ((3, 0, 2, 0, 0, 1), (0, 2, 5)),  # a chain through all nodes
        ((3, 3, 3, 0, 0, 0), ()),  # no path to the output
    ],
)
def test_only_edges_on_a_path_are_computed(cell: tuple[int, ...], live: tuple[int, ...]) -> None:
    assert live_edges(cell) == live


def test_a_cell_without_a_path_gives_zeros() -> None:
    output = Cell((3, 3, 3, 0, 0, 0), 2, 5)(torch.ones(3, 2, 4, 4))
    assert output.shape == (3, 5, 4, 4)
    assert not output.any()


def test_a_cell_sums_its_edges() -> None:
    # Skips 0->1, 1->3 and 0->3: the output is twice the input. Pooling constants changes nothing.
    x = torch.full((1, 2, 4, 4), 1.5)
    assert torch.equal(Cell((1, 0, 0, 1, 1, 0), 2, 2)(x), 2 * x)
    assert torch.equal(Cell((0, 0, 0, 4, 0, 0), 2, 2)(x), x)


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (2, 6)])
def test_a_reduction_of_even_sides_is_the_official_one(size: tuple[int, int]) -> None:
    block = ResidualReduction(3, 6, copies=2).eval()
    images = torch.rand(4, 6, *size, generator=torch.Generator().manual_seed(1))
    found, counted = block(images), count(block, (6, *size))
    assert found.shape[2:] == (size[0] // 2, size[1] // 2)
    block.downsample[0] = torch.nn.AvgPool2d(2, stride=2)
    assert torch.equal(found, block(images))
    assert counted == count(block, (6, *size))


def test_a_reduction_averages_the_pixels_that_are_there() -> None:
    pool = ResidualReduction(1, 1).downsample[0]
    rows = torch.tensor([[1.0, 2.0, 5.0], [3.0, 4.0, 7.0], [8.0, 10.0, 9.0]])
    assert pool(rows[None]).tolist() == [[[2.5, 6.0], [9.0, 9.0]]]


@pytest.mark.parametrize("size", [(10, 10), (3, 3), (5, 7), (1, 4), (52, 1)])
def test_images_of_any_size_are_classified(size: tuple[int, int]) -> None:
    images = torch.rand(4, 3, *size, generator=torch.Generator().manual_seed(1))
    for network in (
        build_tss((3, 1, 2, 4, 0, 3), width=4, depth=1, seeds=[1, 2]),
        build_sss((8, 16, 8, 24, 8), seeds=[1, 2]),
    ):
        logits = network(images.repeat(1, 2, 1, 1))
        assert logits.shape == (4, 20)
        assert logits.isfinite().all()
    # The shortcut is of the branch's own size: no image is broadcast.
    block = ResidualReduction(3, 6)
    assert block.downsample(images).shape == block.conv_a(images).shape
