"""Tree cells: the space's notation and graph, the networks' sizes, the supernet of paths."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from torch import Tensor, nn  # noqa: E402

from harness import recipes  # noqa: E402
from harness.errors import UserError  # noqa: E402
from harness.networks import Task, build  # noqa: E402
from harness.networks.pyramid_tree import Bottleneck, PyramidNetwork, inner_channels  # noqa: E402
from harness.one_shot import Problem  # noqa: E402
from harness.spaces import get_space  # noqa: E402
from harness.spaces.pyramid_tree import PATHS, PyramidTreeSpace, masks, of_masks  # noqa: E402
from searchers.one_shot.supernets import supernet  # noqa: E402
from searchers.one_shot.supernets.base import batch_normalised  # noqa: E402
from searchers.one_shot.supernets.pyramid_tree import CELL, PyramidTreeSupernet  # noqa: E402

SMALL = PyramidTreeSpace(stages=2, bottlenecks=1)
TASK = Task((1, 8, 8), 10)
SIZES = {"width": 2, "alpha": 4}
OPTIONS = {"stages": 2, **SIZES}


def made() -> PyramidTreeSupernet:
    """The small space's supernet, in double precision."""
    recipe = replace(recipes.load("digits"), network=SIZES)
    net = supernet(Problem(SMALL, "digits", recipe), 1).double()
    assert isinstance(net, PyramidTreeSupernet)
    return net


def pixels() -> Tensor:
    """Normally distributed, float64 [4, 1, 8, 8]."""
    generator = torch.Generator().manual_seed(1)
    images: Tensor = torch.randn((4, *TASK.shape), generator=generator, dtype=torch.float64)
    return images


def test_a_cell_without_paths_is_its_shortcut() -> None:
    net, images = made().train(), pixels()
    for parameter in net.parameters():
        parameter.data.add_(0.1)  # No shift is zero: batch normalisation of nothing is not.
    shut, open_ = ((),), ((0, 4),)
    with batch_normalised(net), torch.no_grad():
        first, second = net.network.blocks
        assert isinstance(first, Bottleneck) and isinstance(second, Bottleneck)
        x = first.skip(net.network.stem(images))
        x = second.skip(x) + second.branch(x, (0, 4))
        expected = net.network.head(x)
        torch.testing.assert_close(net.run(images, [shut, open_]), expected)
        weights = [w.double() for w in net.one_hot([shut, open_])]
        torch.testing.assert_close(net(images, weights), expected)


def test_every_bottleneck_has_choices_of_its_own() -> None:
    net = made()
    assert [cell.name for cell in net.cells] == ["1.1", "2.1"]
    assert all(cell.dag == CELL and cell.repeats == 1 for cell in net.cells)
    choices = [((2, 8),), ((),)]
    architecture = net.architecture(choices)
    assert SMALL.to_string(architecture) == "104.000" and net.choices(architecture) == choices


def test_the_registered_space_is_that_of_the_experiment() -> None:
    space = get_space("pyramid-tree")
    assert isinstance(space, PyramidTreeSpace) and len(PATHS) == len(CELL.operations) == 9
    assert (space.stages, space.bottlenecks, len(space.sizes)) == (3, 18, 54 * 9)
    assert len(space) == sys.maxsize and len(SMALL) == 1 << 18
    # alpha 84: from 16 channels to 100, four times as many behind the last bottleneck.
    widths = [inner_channels(16, 84, number, 54) for number in range(1, 55)]
    assert widths[0] == 18 and widths[-1] == 100
    assert sorted(widths) == widths and not any(width % 2 for width in widths)


def test_sizes_are_about_those_of_the_experiment() -> None:
    """Its derived network has 3.4 million parameters: within what the cells here can have."""
    with torch.device("meta"):
        small, large = (
            PyramidNetwork([kept] * 54, 3, 16, 84, Task((3, 32, 32), 10))
            for kept in ((3,), tuple(range(9)))
        )
    one_path, all_paths = (sum(p.numel() for p in n.parameters()) for n in (small, large))
    assert one_path < 3_400_000 < all_paths == 4_149_642


def test_notation() -> None:
    cell = of_masks([(0, 2, 8), ()])
    assert SMALL.to_string(cell) == "105.000" and SMALL.from_string("105.000") == cell
    assert masks(cell) == [(0, 2, 8), ()]
    for text in ("105", "105.00", "105.200", "105.0x0", "1FF.000", "105.000."):
        with pytest.raises(UserError, match="expected 2 masks"):
            SMALL.from_string(text)
    with pytest.raises(UserError, match="a tuple of 18 bits"):
        SMALL.to_string((1, 0))
    with pytest.raises(UserError, match="at least one stage"):
        PyramidTreeSpace(0, 1)


def test_graphs() -> None:
    adjacency, operations = SMALL.graph(of_masks([(0, 2), ()]))
    assert operations == ("input", "tree_005", "sum", "output")
    assert adjacency.sum(axis=0).tolist() == [0, 1, 2, 1] and adjacency[0, 2]
    adjacency, operations = SMALL.graph(of_masks([(), ()]))
    assert operations == ("input", "output") and adjacency[0, 1]


def test_kept_operations_are_those_of_the_paths() -> None:
    network = build(SMALL, of_masks([(), (1, 2, 3)]), TASK, options=OPTIONS)
    empty, block = (b for b in network.modules() if isinstance(b, Bottleneck))
    assert not list(empty.parameters())
    # Paths 1 and 2 share the first branch, path 3 has the second.
    assert block.tree is not None
    assert list(block.tree.branches) == ["0", "1"] and list(block.tree.leaves) == ["1", "2", "3"]
    _, convolution, _ = block.tree.branches["0"].children()
    inner = inner_channels(2, 4, 2, 2)
    assert isinstance(convolution, nn.Conv2d) and convolution.groups == 2
    assert convolution.stride == (2, 2) and convolution.in_channels == inner == 6


def test_all_paths_make_the_mixture_with_weights_of_one() -> None:
    """A network of its own, with the supernet's parameters, computes the same."""
    net, images = made(), pixels()
    everything = of_masks([range(9), range(9)])
    alone = build(SMALL, everything, TASK, options=OPTIONS).double()
    alone.load_state_dict(net.network.state_dict())
    with torch.no_grad():
        expected = alone.train()(images)
        torch.testing.assert_close(net.train()(images, net.weights()), expected)
        torch.testing.assert_close(net.path(images, everything), expected)


def test_bottlenecks_fill_stages() -> None:
    with pytest.raises(UserError, match="2 bottlenecks do not fill 3 stages"):
        build(SMALL, of_masks([(0,), (0,)]), TASK)
