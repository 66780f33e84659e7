"""Every rule against the squares of an explicit Jacobian, and what no rule covers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from harness.errors import UserError  # noqa: E402
from harness.networks.narrow import NormRelu  # noqa: E402
from harness.networks.operations import ReluConvBN, WidenedSkip  # noqa: E402
from searchers.one_shot.curvature import curvature, weight_curvature  # noqa: E402
from searchers.one_shot.curvature.curved import Curved  # noqa: E402

Function = Callable[..., Tensor]
MAPS = (2, 3, 5, 6)


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def arriving(function: Function, operands: Sequence[Tensor], h: Tensor, g: Tensor) -> list[Tensor]:
    """What arrives at the operands when h, and the gradient g, are put in at the result."""
    points = [Curved.at(x) for x in operands]
    y = function(*points)
    assert isinstance(y, Curved)
    assert y.shadow.untyped_storage().nbytes() == y.shadow.element_size()  # no feature map
    shadows = [point.shadow for point in points]
    found = torch.autograd.grad([y.value, y.shadow], shadows, [g, h], retain_graph=True)
    return list(found)


def by_squares(function: Function, operands: Sequence[Tensor], h: Tensor) -> list[Tensor]:
    """(J * J)^T h with the whole Jacobian, operand by operand."""
    jacobians = torch.autograd.functional.jacobian(function, tuple(operands))
    return [torch.tensordot(h, j.square(), dims=h.dim()) for j in jacobians]


def check(function: Function, *operands: Tensor) -> None:
    y = function(*operands)
    h = draw(*y.shape, seed=7)
    found = arriving(function, operands, h, torch.zeros_like(h))
    for each, expected in zip(found, by_squares(function, operands, h), strict=True):
        torch.testing.assert_close(each, expected)


def with_statistics(module: nn.Module) -> nn.Module:
    module = module.double().eval()
    for i, part in enumerate(module.modules()):
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.running_mean.copy_(draw(part.num_features, seed=i))
            part.running_var.copy_(draw(part.num_features, seed=i + 1).square() + 0.1)
            if part.affine:
                part.weight.data.copy_(draw(part.num_features, seed=i + 2))
    return module


ONE_OPERAND: dict[str, Function] = {
    "relu": F.relu,
    "relu module": nn.ReLU(),
    "relu6": F.relu6,
    "scalar": lambda x: -1.7 * x,
    "division": lambda x: x / 3,
    "difference": lambda x: 2 - x,
    "negation": lambda x: -x,
    "sum of channels": lambda x: x.sum(1, keepdim=True),
    "addition": lambda x: x + draw(3, 1, 1),
    "concatenation": lambda x: torch.cat([x[:, 1:], x[:, :1].relu()], 1),
    "stack": lambda x: torch.stack(list(x.unbind(1))),
    "iteration": lambda x: torch.stack(list(x)),
    "chunk": lambda x: x.chunk(2, 3)[1],
    "split": lambda x: x.split([2, 1], 1)[0],
    "identity": lambda x: nn.Identity()(x.contiguous()).clone(),
    "pad": lambda x: F.pad(x, (1, 2, 0, 1)),
    "reflection": lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"),
    "crop": lambda x: x[:, :, 1:-1, ::2],
    "flatten": lambda x: x.flatten(1),
    "reshape": lambda x: x.reshape(2, -1, 6),
    "view": lambda x: x.view(6, 5, 6),
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "transpose": lambda x: x.transpose(1, 3).mT,
    "expand": lambda x: x[:, :1].expand(-1, 4, -1, -1),
    "repeat": lambda x: x.repeat_interleave(2, 1),
    "squeeze": lambda x: x[:, :1].squeeze(1).unsqueeze(0),
    "sum": lambda x: x.sum((2, 3)),
    "mean": lambda x: x.mean((2, 3), keepdim=True),
    "max-pool": nn.MaxPool2d(3, stride=2, padding=1),
    "dilated max-pool": nn.MaxPool2d(2, stride=1, dilation=2),
    "average pool": nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False),
    "average pool with padding": nn.AvgPool2d(3, stride=2, padding=1),
    "average pool, ceiling": nn.AvgPool2d(2, stride=2, ceil_mode=True, count_include_pad=False),
    "average pool, padded ceiling": nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True),
    "average pool, divisor": nn.AvgPool2d(2, divisor_override=3),
    "adaptive average pool": nn.AdaptiveAvgPool2d((2, 4)),
    "global average pool": nn.AdaptiveAvgPool2d(1),
    "nearest": nn.Upsample(scale_factor=2),
    "dropout": nn.Dropout2d(0.5).eval(),
    "batch norm": with_statistics(nn.BatchNorm2d(3)),
    "batch norm without weights": with_statistics(nn.BatchNorm2d(3, affine=False)),
    "linear": nn.Linear(6, 4).double(),
    "convolution": nn.Conv2d(3, 2, 3, padding=1).double(),
    "strided": nn.Conv2d(3, 2, (3, 2), stride=(2, 1), padding=(0, 1)).double(),
    "dilated": nn.Conv2d(3, 2, 2, dilation=(2, 3), bias=False).double(),
    "depthwise": nn.Conv2d(3, 6, 3, groups=3).double(),
    "same padding": nn.Conv2d(3, 2, 4, padding="same").double(),
    "one image": lambda x: F.conv2d(x[0], draw(2, 3, 3, 3)),
    "transposed convolution": nn.ConvTranspose2d(3, 2, 3, stride=2).double(),
    "product with a map": lambda x: x * draw(*MAPS, seed=3)[:, :1],
    "fused product": lambda x: draw(1, 3, 1, 1).addcmul(x, draw(*MAPS, seed=3)),
}


@pytest.mark.parametrize("name", ONE_OPERAND)
def test_one_operand(name: str) -> None:
    check(ONE_OPERAND[name], draw(*MAPS))


TWO_OPERANDS: dict[str, tuple[Function, Sequence[tuple[int, ...]]]] = {
    "sum": (lambda a, b: a + b, [(2, 3), (3,)]),
    "difference": (lambda a, b: a - b, [(2, 3), (2, 1)]),
    "scalar times map": (lambda a, b: a * b, [(), (2, 3, 4)]),
    "maps": (lambda a, b: a.mul(b), [(2, 3), (2, 1)]),
    "fused": (lambda a, b, c: c.addcmul(a, b), [(2, 3), (), (3,)]),
    "concatenation": (lambda a, b: torch.cat([a, b], 1), [(2, 3), (2, 1)]),
    "maximum": (torch.maximum, [(2, 3), (2, 3)]),
    "linear": (F.linear, [(2, 3), (4, 3), (4,)]),
    "matrix product": (lambda a, b: a @ b, [(2, 3), (3, 4)]),
    "einsum": (lambda a, b: torch.einsum("eo,onc->enc", a, b), [(3, 2), (2, 4, 5)]),
    "convolution": (
        lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1, dilation=2),
        [(2, 3, 6, 5), (2, 3, 2, 3), (2,)],
    ),
    "groups": (lambda x, w: F.conv2d(x, w, groups=2), [(2, 4, 4, 4), (4, 2, 3, 3)]),
    "one dimension": (lambda x, w: F.conv1d(x, w, padding="same"), [(2, 3, 5), (4, 3, 3)]),
    "batch norm": (
        lambda x, w, b: F.batch_norm(x, draw(3), draw(3).square() + 0.2, w, b),
        [(2, 3, 4, 2), (3,), (3,)],
    ),
}


@pytest.mark.parametrize("name", TWO_OPERANDS)
def test_operands_and_weights(name: str) -> None:
    function, shapes = TWO_OPERANDS[name]
    check(function, *(draw(*shape, seed=i) for i, shape in enumerate(shapes)))


@pytest.mark.parametrize(
    "function",
    [
        torch.tanh,
        torch.sigmoid,
        F.silu,
        F.gelu,
        F.softplus,
        nn.ELU(),
        nn.LeakyReLU(0.2),
        nn.Hardswish(),
        torch.exp,
        lambda x: x**3,
        lambda x: 1 / (x + 9),
    ],
)
def test_smooth_functions_turn_gradients_into_curvature(function: Function) -> None:
    x, h, g = draw(40), draw(40, seed=1), draw(40, seed=2)
    (found,) = arriving(function, [x], h, g)
    # Three values of the function, so that nothing is shared with the rule.
    there, here, back = function(x + 1e-5), function(x), function(x - 1e-5)
    first, second = (there - back) / 2e-5, (there - 2 * here + back) / 1e-10
    torch.testing.assert_close(found, first**2 * h + second * g, rtol=1e-4, atol=2e-5)


def test_known_closed_forms() -> None:
    h = draw(1, 1, 2, 2).abs()
    (pooled,) = arriving(nn.AvgPool2d(3), [draw(1, 1, 6, 6)], h, torch.zeros_like(h))
    torch.testing.assert_close(pooled, h.repeat_interleave(3, 2).repeat_interleave(3, 3) / 3**4)
    # col2im: where windows overlap, what they send is added.
    ones = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    (folded,) = arriving(
        lambda x: F.conv2d(x, 2 * ones), [draw(1, 1, 4, 4)], h, torch.zeros_like(h)
    )
    assert folded[0, 0, 1, 1] == pytest.approx(float(4 * h.sum()))
    assert folded[0, 0, 0, 0] == pytest.approx(float(4 * h[0, 0, 0, 0]))


def test_a_convolutions_weight_gets_the_sum_over_places() -> None:
    """im2col rows (M_i)^n: the sum over n of their squares times h, not the mean (4-13)."""
    x, h = draw(2, 3, 5, 5), draw(2, 4, 3, 3).abs()
    rows = F.unfold(x, 3).transpose(1, 2)  # [images, places, inputs of one place]
    expected = torch.einsum("bnk,bcn->ck", rows.square(), h.flatten(2)).view(4, 3, 3, 3)
    (found,) = arriving(lambda w: F.conv2d(x, w), [draw(4, 3, 3, 3)], h, torch.zeros_like(h))
    torch.testing.assert_close(found, expected)


def test_consumers_add_and_the_logits_give_p_times_one_minus_p() -> None:
    images, labels = draw(3, 4), torch.tensor([0, 1, 3])
    w = draw(4).abs()
    a, b = draw(4, 4, seed=1), draw(4, 4, seed=2)

    def network(x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        z = x * weights[0]
        return z @ a + z.relu() @ b

    p = network(images, [w]).softmax(1)
    h = p * (1 - p) / 3
    h_z = h @ a.T**2 + (h @ b.T**2) * (images * w > 0)
    (found,) = curvature(network, images, labels, [w], "diagonal")
    torch.testing.assert_close(found, (images**2 * h_z).sum(0))


# --- layers in place, official layers, and the limits -------------------------------------------


class InPlace(nn.Module):
    """The same network, with operations in place or without."""

    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.inplace, self.relu = inplace, nn.ReLU(inplace=inplace)

    def forward(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        z = self.relu(x * weights[0])
        if self.inplace:
            z += x
            z.mul_(weights[0]).tanh_()
        else:
            z = ((z + x) * weights[0]).tanh()
        return z @ draw(4, 4)


def test_operations_in_place_are_those_that_make_new_tensors() -> None:
    x, labels, w = draw(3, 4), torch.tensor([0, 1, 3]), [draw(4, seed=5)]
    one, other = (curvature(InPlace(flag), x, labels, w, "diagonal")[0] for flag in (True, False))
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    "layer",
    [ReluConvBN(3, 4, 3, stride=2), WidenedSkip(3, 4), nn.Sequential(nn.ReLU(), NormRelu(3))],
    ids=lambda layer: type(layer).__name__,
)
def test_official_layers_pass_and_weights_have_curvature(layer: nn.Module) -> None:
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(4))
    network = with_statistics(nn.Sequential(layer, head))
    images, labels = draw(*MAPS), torch.tensor([1, 2])
    network(images)
    parameters = dict(network.named_parameters())
    found = weight_curvature(network, images, labels, parameters)
    assert {n: f.shape for n, f in found.items()} == {n: p.shape for n, p in parameters.items()}
    exact = weight_curvature(network, images, labels, parameters, "exact")
    for name in ("1.2.weight", "1.2.bias"):  # exact where a layer's outputs are the logits
        torch.testing.assert_close(found[name], exact[name])
    assert all(f.any() for f in found.values())


class OwnFunction(torch.autograd.Function):
    """Something that no rule can know."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, *g: Tensor) -> Tensor:
        return g[0] * 2


def into_zeros(x: Tensor) -> Tensor:
    y = torch.zeros(3, 4, dtype=torch.float64)
    y[:, :4] = x
    return y


def through_a_view(x: Tensor) -> Tensor:
    x = x * 1
    x.view(-1).relu_()
    return x


@torch.no_grad()
def without_gradients(x: Tensor) -> Tensor:
    return x * 2


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: x.softmax(1), "'softmax'"),
        (nn.LayerNorm(4).double(), "'layer_norm'"),
        (lambda x: draw(3, 4) ** x.cumprod(1), "'cumprod'"),
        (lambda x: draw(3, 4) / x[:1] + x / x, "'div' by what depends on the weights"),
        (lambda x: x.add(x, alpha=2), "'add' with alpha"),
        (nn.BatchNorm1d(4).double(), r"'batch_norm' in training mode \(call eval\(\) first\)"),
        (nn.Dropout(0.5), r"'dropout' in training mode"),
        (lambda x: F.interpolate(x[None, None], scale_factor=2, mode="bilinear"), "by nearest"),
        (into_zeros, "'setitem' in place"),
        (through_a_view, "'relu' in place"),
        (without_gradients, "'mul' without gradients"),
        (OwnFunction.apply, ""),
    ],
)
def test_what_no_rule_covers_is_named(function: Function, name: str) -> None:
    def network(x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        return function(x * weights[0]).reshape(3, -1)

    images, labels = draw(3, 4), torch.tensor([0, 1, 3])
    message = f"^curvature: no rule .*{name}.*: use the engine 'exact' or 'gauss-newton'$"
    with pytest.raises(UserError, match=message):
        curvature(network, images, labels, [draw(4).abs()], "diagonal")
