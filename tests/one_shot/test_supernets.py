"""What the suite of supernets does not cover: their sizes, costs and refusals."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness import recipes  # noqa: E402
from harness.errors import HarnessError, UserError  # noqa: E402
from harness.networks.counting import count  # noqa: E402
from harness.networks.nats import build_tss  # noqa: E402
from harness.one_shot import Problem  # noqa: E402
from harness.spaces import get_space  # noqa: E402
from searchers.one_shot.supernets import has_supernet, mixture_cost, supernet  # noqa: E402
from searchers.one_shot.supernets.base import batch_normalised  # noqa: E402


def problem(space: str, **network: int | str) -> Problem:
    recipe = replace(recipes.load("digits"), network=network)
    return Problem(get_space(space), "digits", recipe)


def test_topology_supernet_has_the_operations_of_all_cells() -> None:
    net = supernet(problem("tss", width=4, depth=2), 1)
    (cell,) = net.cells
    assert (cell.repeats, cell.dag.shape) == (6, (6, 4))
    parts = [build_tss((o,) * 6, width=4, depth=2, in_channels=1) for o in (2, 3)]
    bare = build_tss((1,) * 6, width=4, depth=2, in_channels=1)
    sizes = [sum(p.numel() for p in part.parameters()) for part in (*parts, bare)]
    # Scale and shift of every convolution's normalisation are what the supernet does without.
    channels = 2 * (4 + 8 + 16)
    affine = 2 * 6 * 2 * channels
    expected = sizes[0] + sizes[1] - sizes[2] - affine
    assert sum(p.numel() for p in net.parameters()) == expected


def test_cost_is_that_of_all_convolutions_over_an_average_network() -> None:
    question = problem("tss", width=2, depth=1)
    all_layers = build_tss((3,) * 6, width=2, depth=1, in_channels=1)
    thin = build_tss((2,) * 6, width=2, depth=1, in_channels=1)
    bare = build_tss((1,) * 6, width=2, depth=1, in_channels=1)
    flops = [count(network, (1, 8, 8)).flops for network in (all_layers, thin, bare)]
    mixture = flops[0] + flops[1] - flops[2]
    # An edge of an average cell holds each convolution in a fifth of all cells.
    average = flops[2] + (flops[0] + flops[1] - 2 * flops[2]) / 5
    assert mixture_cost(question) == pytest.approx(mixture / average, rel=0.1)


@pytest.mark.slow
def test_a_mixture_of_darts_costs_several_networks() -> None:
    question = problem("darts", channels=4, cells=4)
    full, few = mixture_cost(question), mixture_cost(question, topology="bayesnas")
    # 14 and 8 edges of seven operations each, where a sampled cell has eight operations.
    assert 1 < few < full < 14 * 7 / 8


def test_cells_of_the_topology_space_keep_one_operation_an_edge() -> None:
    net = supernet(problem("tss", width=2, depth=1), 1)
    assert net.architecture([((0,), (1,), (2,), (3,), (), (2,))]) == (1, 2, 3, 4, 0, 3)
    with pytest.raises(UserError, match="edge 0->2 keeps 2 operations"):
        net.architecture([((0,), (1, 2), (2,), (3,), (), (2,))])
    with pytest.raises(UserError, match="2 choices for a supernet of these cells: cell"):
        net.architecture([((),) * 6] * 2)
    with pytest.raises(HarnessError, match=r"weights of the cell cells: a shape among"):
        net(torch.zeros(2, 1, 8, 8), [torch.zeros(2, 6, 4)])


def test_darts_cells_have_98_operation_scalars() -> None:
    question = problem("darts", channels=2, cells=3)
    full = supernet(question, 1)
    assert [(c.name, c.repeats) for c in full.cells] == [("normal", 1), ("reduction", 2)]
    assert [w.numel() for w in full.weights()] == [98, 98]
    few = supernet(question, 1, topology="bayesnas")
    assert [w.numel() for w in few.weights()] == [56, 56]
    # Each inner node of these has two sources.
    for cell in few.cells:
        assert [len(cell.dag.into(node)) for node in cell.dag.output] == [2, 2, 2, 2]


@pytest.mark.parametrize("style", ["darts", "bayesnas"])
def test_darts_cells_keep_any_number_of_operations(style: str) -> None:
    net = supernet(problem("darts", channels=2, cells=3, style=style), 1).double()
    several = ((0, 2, 3), (), (), (4,), (1, 5), *[()] * 9)
    architecture = net.architecture([several, several])
    assert architecture in get_space("darts") and net.choices(architecture) == [several] * 2
    images = torch.randn(3, 1, 8, 8, dtype=torch.float64)
    with batch_normalised(net), torch.no_grad():
        expected = net(images, [w.double() for w in net.one_hot([several, several])])
        torch.testing.assert_close(net.path(images, architecture), expected)
    with pytest.raises(UserError, match="reduction cell has no path"):
        net.architecture([several, ((),) * 14])


def test_what_a_supernet_lacks_is_refused() -> None:
    question = problem("darts", channels=2, cells=3)
    few = supernet(question, 1, topology="bayesnas")
    inner = supernet(question, 1).architecture([((0,), *[()] * 12, (1,))] * 2)
    with pytest.raises(UserError, match="normal cells have no edge 4->5"):
        few.choices(inner)
    with pytest.raises(UserError, match="unknown topology of the darts supernet 'half'"):
        supernet(question, 1, topology="half")
    assert not has_supernet("sss")
    with pytest.raises(UserError, match="the space 'sss' has no supernet; those of darts, "):
        supernet(problem("sss"), 1)
