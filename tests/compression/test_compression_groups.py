"""Groups, penalties and prior variances, by hand and against an independent computation."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="compression needs torch")

from harness.errors import UserError  # noqa: E402
from searchers.compression import groups  # noqa: E402
from searchers.compression.recipes import from_values  # noqa: E402
from searchers.compression.sparsity import Prior, priors  # noqa: E402

TRAINING = {
    "train_images": 64, "valid_images": 32, "test_images": 32,
    "epochs": 2, "batch_size": 32, "learning_rate": 0.1,
}  # fmt: skip
RECIPE = {
    "training": TRAINING,
    "tuning": None,
    "penalty": {"a": 0.5, "b": 2.0},
    "linear": {"row": 1.0, "column": 3.0},
    "convolution": {"filter": 1.0},
    "refresh": 1,
    "loops": 2,
}


def test_groups_of_a_fully_connected_layer() -> None:
    weight = torch.tensor([[3.0, 0.0], [4.0, 5.0]])
    assert groups.norms(weight, "row").flatten().tolist() == pytest.approx([3, math.sqrt(41)])
    assert groups.norms(weight, "column").flatten().tolist() == pytest.approx([5, 5])
    assert groups.norms(weight, "shape").tolist() == groups.norms(weight, "column").tolist()
    assert groups.norms(weight, "element").tolist() == weight.tolist()


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("filter", 2), ("channel", 3), ("shape", 3 * 4 * 5), ("row", 2 * 3 * 4),
        ("column", 2 * 3 * 5), ("stack-shape", 4 * 5), ("stack-row", 4), ("stack-column", 5),
        ("element", 120),
    ],
)  # fmt: skip
def test_groups_of_a_convolution_partition_its_weights(kind: str, count: int) -> None:
    weight = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)).double()
    norms = groups.norms(weight, kind)
    assert norms.numel() == count
    assert norms.square().sum().item() == pytest.approx(weight.square().sum().item())


def test_places_of_a_kernel_are_where_their_kind_says() -> None:
    weight = torch.zeros(2, 3, 4, 5)
    weight[1, 2, 3, 0] = 7
    for kind, place in {"filter": 1, "channel": 2, "stack-row": 3, "stack-column": 0}.items():
        assert groups.norms(weight, kind).flatten().nonzero().item() == place
    assert groups.norms(weight, "shape")[0, 2, 3, 0] == 7
    assert groups.norms(weight, "row")[1, 2, 3, 0] == 7


def test_an_unknown_kind_names_the_near_ones() -> None:
    with pytest.raises(UserError, match=r"fully connected layer: unknown kind 'rows'.*row"):
        groups.axes("rows", 2)
    with pytest.raises(UserError, match="did you mean filter"):
        groups.axes("filters", 4)


def test_penalties_of_several_kinds_add_up() -> None:
    weights = {"a": torch.tensor([[3.0, 0.0], [4.0, 5.0]]), "b": torch.ones(2, 2)}
    found = priors(weights, from_values(RECIPE, "here"))
    # gamma = omega = 1; the rows of the last layer are classes and no groups.
    assert [(p.layer, p.kind, p.strength) for p in found] == [
        ("a", "row", 0.5), ("a", "column", 1.5), ("b", "column", 6.0)
    ]  # fmt: skip
    total = sum(p.value(weights[p.layer]) for p in found)
    by_hand = 0.5 * (3 + math.sqrt(41)) + 1.5 * (5 + 5) + 6 * 2 * math.sqrt(2)
    assert total == pytest.approx(by_hand)


def test_the_gradient_is_that_of_the_penalty() -> None:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(3, 4, generator=generator).double().requires_grad_()
    prior = Prior("a", "column", 0.3, torch.ones(1, 4), torch.rand(1, 4, generator=generator))
    (0.3 * (prior.omega.double() * weight.square().sum(0).sqrt()).sum()).backward()
    assert weight.grad is not None
    assert torch.allclose(prior.gradient(weight.detach()), weight.grad)
    assert torch.equal(prior.gradient(torch.zeros(3, 4)), torch.zeros(3, 4))


def test_an_update_is_what_algorithm_2_prints() -> None:
    """C, alpha and omega one by one (A-2 to A-5), weight by weight."""
    generator = torch.Generator().manual_seed(2)
    weight = torch.randn(3, 4, generator=generator)
    curvature = torch.rand(3, 4, generator=generator) + 0.1
    gamma = torch.rand(3, 1, generator=generator) + 0.1
    prior = Prior("a", "row", 1.0, gamma, torch.ones(3, 1))
    prior.update(weight, curvature, 1e-12)
    for i in range(3):
        g, total, squares = gamma[i].item(), 0.0, 0.0
        for j in range(4):
            c = 1 / (1 / g + curvature[i, j].item())
            total += abs(-c / g**2 + 1 / g)
            squares += weight[i, j].item() ** 2
        assert prior.omega[i].item() == pytest.approx(math.sqrt(total), rel=1e-5)
        assert prior.gamma[i].item() == pytest.approx(math.sqrt(squares / total), rel=1e-5)


def test_single_weights_get_the_closed_forms_values() -> None:
    one = Prior("a", "element", 1.0, torch.ones(1, 1), torch.ones(1, 1))
    one.update(torch.tensor([[0.5]]), torch.tensor([[4.0]]), 1e-12)
    assert one.omega.item() == pytest.approx(0.894427, rel=1e-5)
    assert one.gamma.item() == pytest.approx(0.559017, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"penalties": 1.0}, "unknown field 'penalties': did you mean penalty"),
        ({"loops": 3}, "training takes 2 epochs, warmup and loops 3"),
        ({"linear": {"rows": 1.0}}, "unknown kind 'rows'"),
        ({"penalty": -1.0}, "'penalty' is out of range"),
        ({"curvature_scale": "mine"}, "curvature_scale='mine'"),
        ({"tuning": {**TRAINING, "valid_images": 16}}, "training and tuning use other images"),
        ({"training": {**TRAINING, "epoch": 3}}, "unknown field 'epoch'"),
    ],
)
def test_mistakes_in_a_recipe_are_one_line(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        from_values({**RECIPE, **change}, "here")
