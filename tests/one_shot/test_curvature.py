"""The three engines: exact ones against finite differences, the recursion against its formulas."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from torch import Tensor, nn  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

from harness.errors import UserError  # noqa: E402
from harness.networks.initialise import initialise  # noqa: E402
from harness.networks.operations import ResidualReduction, edge_layer  # noqa: E402
from searchers.one_shot.curvature import (  # noqa: E402
    ENGINES,
    Engine,
    curvature,
    passes,
    weight_curvature,
)
from searchers.one_shot.curvature.report import compare  # noqa: E402

EDGES = ((0, 1), (0, 2), (1, 2))


class Mixture(nn.Module):
    """Two mixed cells of the official operations with a reduction between, on 7x7 images."""

    def __init__(self, activation: Callable[[Tensor], Tensor] = lambda x: x) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 2, 3, padding=1)
        self.cells = nn.ModuleList(
            nn.ModuleList(nn.ModuleList(edge_layer(o, c, c) for o in range(1, 5)) for _ in EDGES)
            for c in (2, 3)
        )
        self.reduction = ResidualReduction(2, 3)
        self.head = nn.Linear(3, 4)
        self.activation = activation
        initialise(self, [3]).double().eval()
        generator = torch.Generator().manual_seed(4)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-0.3, 0.3, generator=generator)
                module.running_var.uniform_(0.1, 0.5, generator=generator)

    def forward(self, images: Tensor, weights: Sequence[Tensor]) -> Tensor:
        x = self.stem(images)
        for cell, w in zip(self.cells, weights[0].expand(2, -1, -1), strict=True):
            x = x if cell is self.cells[0] else self.reduction(x)
            nodes = [x, 0, 0]
            for (source, target), operations, row in zip(EDGES, cell, w, strict=True):
                for operation, scalar in zip(operations, row, strict=True):
                    nodes[target] = nodes[target] + scalar * operation(nodes[source])
            x = self.activation(nodes[-1])
        logits: Tensor = self.head(x.relu().mean((2, 3)))
        return logits


def batch(images: int = 5, side: int = 7, classes: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(images, 1, side, side, generator=generator, dtype=torch.float64)
    return x, torch.randint(classes, (images,), generator=generator)


def scalars(cells: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(cells, len(EDGES), 4, generator=generator, dtype=torch.float64)]


def second_differences(network: nn.Module, weights: Sequence[Tensor], step: float) -> Tensor:
    """The diagonal by three losses for every scalar."""
    images, labels = batch()
    (w,) = weights

    def loss(point: Tensor) -> Tensor:
        return cross_entropy(network(images, [point]), labels)

    found = torch.empty_like(w).flatten()
    with torch.no_grad():
        for i in range(w.numel()):
            move = torch.zeros_like(w).flatten()
            move[i] = step
            there, back = (loss(w + sign * move.view_as(w)) for sign in (1, -1))
            found[i] = (there - 2 * loss(w) + back) / step**2
    return found.view_as(w)


@pytest.mark.parametrize("cells", [1, 2])
def test_exact_is_what_finite_differences_give(cells: int) -> None:
    network, weights = Mixture(torch.tanh), scalars(cells)
    (found,) = curvature(network, *batch(), weights, "exact")
    torch.testing.assert_close(
        found, second_differences(network, weights, 1e-4), rtol=1e-4, atol=2e-7
    )


def test_gauss_newton_is_the_mean_over_images_of_the_jacobians_quadratic_form() -> None:
    network, weights = Mixture(torch.tanh), scalars(1)
    images, labels = batch()
    jacobian = torch.autograd.functional.jacobian(lambda w: network(images, [w]), weights[0])
    j = jacobian.flatten(2)  # [images, classes, scalars]
    p = network(images, weights).softmax(1).detach()
    hessians = torch.diag_embed(p) - p[:, :, None] * p[:, None]
    expected = torch.einsum("nci,ncd,ndi->i", j, hessians, j) / len(images)
    (found,) = curvature(network, images, labels, weights, "gauss-newton")
    torch.testing.assert_close(found.flatten(), expected)
    assert (found >= 0).all()


def test_gauss_newton_is_exact_where_logits_are_linear_in_each_scalar() -> None:
    # One cell has each scalar once: with ReLUs alone, logits are piecewise linear in it.
    network, weights = Mixture(), scalars(2)
    exact, approximate = (
        curvature(network, *batch(), weights, e)[0] for e in ("exact", "gauss-newton")
    )
    torch.testing.assert_close(approximate, exact)


def test_a_scalar_shared_by_cells_has_curvature_that_gauss_newton_lacks() -> None:
    exact, approximate = (
        curvature(Mixture(), *batch(), scalars(1), e)[0] for e in ("exact", "gauss-newton")
    )
    assert (approximate >= 0).all() and (exact < 0).any()
    assert relative(approximate, exact) > 0.1


def test_architecture_scalars_of_the_recursion() -> None:
    """H_w is the sum of u^2 h_z, and w^2 h_z goes on; the exact number is u' H_z u."""
    generator = torch.Generator().manual_seed(2)
    u = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    labels = torch.tensor([0, 3, 1])
    w = [torch.tensor(value, dtype=torch.float64) for value in (0.7, 1.3)]

    def network(images: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return weights[1] * (weights[0] * images)

    p = network(u, w).softmax(1)
    h = p * (1 - p) / 3
    inner, outer = curvature(network, u, labels, w, "diagonal")
    torch.testing.assert_close(outer, ((0.7 * u) ** 2 * h).sum())
    torch.testing.assert_close(inner, (u**2 * 1.3**2 * h).sum())
    full = (torch.diag_embed(p) - p[:, :, None] * p[:, None]) / 3
    exact = curvature(network, u, labels, w, "exact")[0]
    torch.testing.assert_close(exact, torch.einsum("ni,nij,nj->", 1.3 * u, full, 1.3 * u))


# --- M. Yang (2019), section 4.2: a fully connected network -------------------------------------


def mlp() -> tuple[nn.Sequential, Tensor, Tensor]:
    """4-5-6-3 with tanh."""
    layers = (nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 3))
    network = initialise(nn.Sequential(*layers).double().eval(), [5])
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():  # scale up, so that tanh is no straight line
        for parameter in network.parameters():
            parameter.mul_(2)
    return network, torch.randn(1, 4, generator=generator, dtype=torch.float64), torch.tensor([2])


def full_recursion(network: nn.Sequential, image: Tensor, label: Tensor) -> dict[str, Tensor]:
    """Equations (4-7) and (4-8) with full matrices; the diagonal of each weight's Hessian."""
    activations = [image[0]]
    for layer in network:
        activations.append(layer(activations[-1]))
    p = activations[-1].softmax(0)
    gradient = p - nn.functional.one_hot(label[0], 3)
    hessian = torch.diag(p) - torch.outer(p, p)
    found = {}
    for i in (4, 2, 0):
        weight = network[i].weight
        found[f"{i}.weight"] = torch.outer(hessian.diagonal(), activations[i] ** 2)
        found[f"{i}.bias"] = hessian.diagonal()
        if i:
            gradient, hessian = weight.T @ gradient, weight.T @ hessian @ weight
            slope = 1 - activations[i] ** 2
            bend = -2 * activations[i] * slope
            hessian = slope[:, None] * hessian * slope + torch.diag(bend * gradient)
            gradient = slope * gradient
    return found


def relative(found: Tensor, truth: Tensor) -> float:
    return float(((found - truth).norm() / truth.norm()).detach())


def test_the_full_recursion_is_exact_and_its_diagonal_is_so_at_the_last_layer_only() -> None:
    network, image, label = mlp()
    parameters = dict(network.named_parameters())
    full = full_recursion(network, image, label)
    exact = weight_curvature(network, image, label, parameters, "exact")
    assert max(relative(full[name], exact[name]) for name in full) < 1e-9
    diagonal = weight_curvature(network, image, label, parameters)
    errors = [relative(diagonal[f"{i}.weight"], exact[f"{i}.weight"]) for i in (4, 2, 0)]
    assert errors[0] < 1e-12
    # One and two layers down it drops what couples units; how much depends on the weights.
    assert errors[1:] == pytest.approx([0.112, 0.250], abs=1e-3)


def test_the_diagonal_recursion_is_equation_4_10() -> None:
    network, image, label = mlp()
    activations = [image[0]]
    for layer in network:
        activations.append(layer(activations[-1]))
    p = activations[-1].softmax(0)
    g, h = p - nn.functional.one_hot(label[0], 3), p * (1 - p)
    found = weight_curvature(network, image, label, dict(network.named_parameters()))
    for i in (4, 2, 0):
        torch.testing.assert_close(found[f"{i}.weight"], torch.outer(h, activations[i] ** 2))
        torch.testing.assert_close(found[f"{i}.bias"], h)
        g, h = network[i].weight.T @ g, network[i].weight.T ** 2 @ h
        slope = 1 - activations[i] ** 2
        g, h = slope * g, slope**2 * h - 2 * activations[i] * slope * g


# --- scale, costs, mistakes ---------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_the_loss_is_a_mean_so_repeated_images_change_nothing(engine: Engine) -> None:
    (images, labels), weights = batch(2), scalars(1)
    once = curvature(Mixture(), images, labels, weights, engine)[0]
    twice = curvature(Mixture(), images.repeat(2, 1, 1, 1), labels.repeat(2), weights, engine)[0]
    torch.testing.assert_close(once, twice)


@pytest.mark.parametrize("engine", ENGINES)
def test_weights_without_influence_have_none_and_nothing_else_changes(engine: Engine) -> None:
    network, w = Mixture(), scalars(1)[0].requires_grad_()
    idle = torch.ones(3, dtype=torch.float64)
    found = curvature(network, *batch(2), [w, idle], engine)
    assert [f.shape for f in found] == [w.shape, idle.shape] and not found[1].any()
    assert found[0].any() and w.grad is None
    assert all(p.grad is None for p in network.parameters())
    constant = curvature(lambda x, _: x.new_ones(2, 4), *batch(2), [w], engine)
    assert not constant[0].any()


def test_passes() -> None:
    assert [passes(engine, 64, 24) for engine in ENGINES] == [64 * 25, 64 * 3, 64 * 9]
    with pytest.raises(UserError, match="unknown curvature engine 'exat': did you mean exact"):
        passes("exat", 64, 24)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="unknown curvature engine"):
        curvature(Mixture(), *batch(), scalars(1), "kfac")  # type: ignore[arg-type]


def test_comparison_counts_signs_for_each_cell() -> None:
    w = scalars(2)
    found = compare(Mixture(torch.tanh), *batch(), w)
    for comparison in found:
        approximate = curvature(Mixture(torch.tanh), *batch(), w, comparison.engine)[0]
        exact = curvature(Mixture(torch.tanh), *batch(), w, "exact")[0]
        wrong = (approximate.sign() != exact.sign()).flatten(1).sum(1)
        assert comparison.wrong_signs == (tuple(wrong.tolist()),)
        assert comparison.error == pytest.approx(relative(approximate, exact))
        assert -1 <= comparison.tau <= 1 and math.isfinite(comparison.ratio)
