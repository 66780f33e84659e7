"""The networks of NAS-Bench-101 have the official sizes and compute what the package's compute."""

from __future__ import annotations

import csv
import gzip
import random
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")
package = pytest.importorskip("nasbench_pytorch.model", reason="nasbench-pytorch is missing")

from torch import Tensor, nn  # noqa: E402

from harness.networks import NotBuildable, Task, build  # noqa: E402
from harness.spaces import get_space  # noqa: E402
from harness.spaces.nasbench101 import NasBench101Space  # noqa: E402

CIFAR = Task((3, 32, 32), 10)
NAMES = {"C": "conv3x3-bn-relu", "c": "conv1x1-bn-relu", "M": "maxpool3x3"}


@pytest.fixture
def space() -> NasBench101Space:
    found = get_space("nasbench101")
    assert isinstance(found, NasBench101Space)
    return found


def _cell(space: NasBench101Space, bits: str, letters: str) -> tuple[int, ...]:
    """From the upper triangle, row by row, and the operations of the inner vertices."""
    n = len(letters) + 2
    matrix = np.zeros((n, n), int)
    matrix[np.triu_indices(n, 1)] = list(map(int, bits))
    return space.from_matrix(matrix, ["input", *(NAMES[c] for c in letters), "output"])


def test_parameter_counts_are_official(data_dir: Path, space: NasBench101Space) -> None:
    with gzip.open(data_dir / "nasbench101" / "nb101_30k.csv.gz", "rt") as lines:
        rows = list(csv.DictReader(lines))
    small = [row for row in rows if int(row["n_vertices"]) < 5]
    sample = [*small, *random.Random(1).sample(rows, 10)]
    assert len(small) >= 10
    for row in sample:
        with torch.device("meta"):
            network = build(space, _cell(space, row["adj_upper"], row["ops"]), CIFAR)
        parameters = sum(p.numel() for p in network.parameters())
        assert parameters == int(row["params"]), row["hash"]


@pytest.mark.parametrize("stacks", [1, 3])
def test_computes_what_the_package_computes(space: NasBench101Space, stacks: int) -> None:
    """Output, gradients and running statistics, from the same weights."""
    rng = random.Random(stacks)
    cells = [_cell(space, "1", ""), *(space.sample(rng) for _ in range(12))]
    for architecture in cells:
        options = {"width": 11, "stacks": stacks, "cells": 2}
        ours = build(space, architecture, Task((2, 8, 8), 5), options=options)
        graph = space.graph(architecture)
        theirs = package.Network(
            (graph.adjacency.astype(int), list(graph.operations)),
            num_labels=5,
            in_channels=2,
            stem_out_channels=11,
            num_stacks=stacks,
            num_modules_per_stack=2,
            momentum=0.1,
        )
        weights = _used(theirs.state_dict())
        assert len(weights) == len(ours.state_dict())
        ours.load_state_dict(dict(zip(ours.state_dict(), weights, strict=True)))
        images = torch.randn(4, 2, 8, 8, generator=torch.Generator().manual_seed(1))
        for network in (ours, theirs):
            logits = network(images)
            nn.functional.cross_entropy(logits, torch.arange(4)).backward()  # type: ignore[no-untyped-call]
        torch.testing.assert_close(ours(images), theirs(images))
        gradients = [p.grad for p in _used(dict(theirs.named_parameters()))]
        for parameter, gradient in zip(ours.parameters(), gradients, strict=True):
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-5)
        for own, other in zip(ours.state_dict().values(), _used(theirs.state_dict()), strict=True):
            torch.testing.assert_close(own, other)


def _used(named: dict[str, Tensor]) -> list[Tensor]:
    """What the package's networks use: no placeholders, and the last projection once."""
    unused = (".a", "dev_param")
    return [v for k, v in named.items() if not k.endswith(unused) and "last_inop" not in k]


def test_weights_have_the_packages_distribution(space: NasBench101Space) -> None:
    architecture = _cell(space, "101", "C")
    network = build(space, architecture, CIFAR, options={"width": 64})
    assert isinstance(network, nn.Sequential) and isinstance(network[-1], nn.Linear)
    (first, *_), (last, *_) = [
        [p for p in part.parameters() if p.ndim > 1] for part in (network[0], network[-1])
    ]
    assert first.std().item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.05)
    assert last.std().item() == pytest.approx(0.01, rel=0.05)
    assert not network[-1].bias.any()


def test_dead_vertices_have_no_layers(space: NasBench101Space) -> None:
    alone = _cell(space, "101", "C")
    dead = _cell(space, "110010", "CM")  # the second vertex feeds nothing
    assert alone != dead
    networks = [build(space, a, CIFAR, options={"width": 8}) for a in (alone, dead)]
    assert str(networks[0]) == str(networks[1])


def test_what_cannot_be_built_says_why(space: NasBench101Space) -> None:
    # Four vertices beside each other, and a dead one.
    four = _cell(space, "111100" + "00001" + "0001" + "001" + "01" + "0", "CCCCC")
    with pytest.raises(NotBuildable, match="3 channels cannot be divided among 4 vertices"):
        build(space, four, CIFAR, options={"width": 3})
    build(space, four, CIFAR, options={"width": 4, "cells": 1})
    with pytest.raises(NotBuildable, match="images of 3x9 pixels are too small for 3 stacks"):
        build(space, four, Task((1, 3, 9), 2), options={"width": 4})
