"""How the diagonal of a Hessian passes an operation, from its result to its operands.

Let an operation yield y of x with the Jacobian J. Given the diagonal h of the Hessian at y and the
gradient g there, the diagonal at x is (J * J)^T h, plus f''(x) g where y = f(x) number by number
(M. Yang, 2019, eq. (4-10)); the full recursion has products of h's neighbours too. That leaves:

* `ROUTES`, operations whose Jacobian holds zeros and ones, equal to its own square: curvature goes
  the way of a gradient. Concatenations split it, fan-outs add it, a maximum sends it to where it
  came from, a ReLU stops it where it is off, padding crops it;
* products (a scalar times a feature map, convolutions, linear layers): bilinear, so curvature goes
  the way of a gradient through the same operation *of the squared operands*. That one sentence is
  w^2 h for what a scalar w multiplies, the sum of u^2 h for w itself, the transposed convolution
  with squared weights, and the sum of x^2 h over all places for those weights;
* averages of k numbers: 1 / k^2 in all, that is 1 / k more than a gradient;
* batch normalisation by running statistics: h times weight^2 / (var + eps);
* `SMOOTH`, number by number: f'(x)^2 h + f''(x) g.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.errors import UserError

MEND = "use the engine 'exact' or 'gauss-newton'"


@dataclass(frozen=True, eq=False)
class Call:
    """An operation that was carried out.

    Attributes:
        name: Its name, see `RULES`.
        function: What was called.
        args: With these arguments,
        kwargs: and these.
        operands: Those tensors among them whose curvature is wanted, each once.
        result: What it gave, or one tensor of that.
    """

    name: str
    function: Callable[..., Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    operands: Sequence[Tensor]
    result: Tensor

    def option(self, place: int, name: str, default: Any = None) -> Any:
        """An argument that may be given by place or by name."""
        return self.args[place] if place < len(self.args) else self.kwargs.get(name, default)

    def refused(self, why: str) -> UserError:
        """The error for a use of the operation that its rule does not cover."""
        return UserError(f"curvature: no rule for '{self.name}' {why}: {MEND}")


Rule = Callable[[Call, Tensor], Sequence[Tensor | None]]
"""From a call and the curvature at its result to that at each operand (None: no part in it)."""


def routed(call: Call, h: Tensor) -> Sequence[Tensor | None]:
    """The Jacobian equals its square: what a gradient does."""
    return torch.autograd.grad(
        call.result, tuple(call.operands), h, retain_graph=True, allow_unused=True
    )


def added(call: Call, h: Tensor) -> Sequence[Tensor | None]:
    """Sums and differences, whose signs a square does not see."""
    if call.kwargs.get("alpha", 1) != 1:
        raise call.refused("with alpha")
    terms = list(tensors((call.args, call.kwargs)))
    return [h.sum_to_size(x.shape) * sum(t is x for t in terms) for x in call.operands]


def evaluated(call: Call, h: Tensor) -> Sequence[Tensor | None]:
    """Dropout, which does nothing in evaluation mode."""
    if call.option(2, "training", True):
        raise call.refused("in training mode (call eval() first)")
    return routed(call, h)


def nearest(call: Call, h: Tensor) -> Sequence[Tensor | None]:
    """Interpolation that copies pixels."""
    if not call.option(3, "mode", "nearest").startswith("nearest"):
        raise call.refused("other than by nearest pixels")
    return routed(call, h)


def multilinear(call: Call, h: Tensor) -> Sequence[Tensor | None]:
    """Sums of products, one factor from each operand: a gradient's way at the squares."""
    with torch.enable_grad():
        squares = [x.detach().square().requires_grad_() for x in call.operands]
        others = [x for x in tensors((call.args, call.kwargs)) if not _among(x, call.operands)]
        old, new = [*call.operands, *others], [*squares, *(x.detach() ** 2 for x in others)]
        args, kwargs = replaced((call.args, call.kwargs), old, new)
        y = call.function(*args, **kwargs)
    return torch.autograd.grad(y, squares, h)


def product(call: Call, h: Tensor) -> Sequence[Tensor | None]:
    """Two factors, and perhaps a summand before them (addcmul): each gets h times the other^2."""
    *summand, a, b = [*call.args, *call.kwargs.values()]
    if call.name == "addcmul" and len(call.args) != 3:
        raise call.refused("with a factor of its own")
    terms = [*((x, 1) for x in summand), (a, b), (b, a)]
    return [
        sum((h * other * other).sum_to_size(x.shape) for term, other in terms if term is x)
        for x in call.operands
    ]


def quotient(call: Call, h: Tensor) -> Sequence[Tensor | None]:
    """A division by a constant."""
    if len(call.args) != 2 or call.args[0] is not call.operands[0] or len(call.operands) > 1:
        raise call.refused("by what depends on the weights, or with rounding")
    return [(h / call.args[1] ** 2).sum_to_size(call.args[0].shape)]


def convolution(call: Call, h: Tensor) -> Sequence[Tensor | None]:
    """What `multilinear` gives, without the convolution's forward pass."""
    x, weight = call.option(0, "input"), call.option(1, "weight")
    bias, padding = call.option(2, "bias"), call.option(4, "padding", 0)
    if isinstance(padding, str) or x.dim() < weight.dim():
        return multilinear(call, h)
    places = weight.dim() - 2

    def each(option: Any) -> list[int]:
        return [option] * places if isinstance(option, int) else list(option)

    wanted = [_among(x, call.operands) for x in (x, weight, bias)]
    found = torch.ops.aten.convolution_backward(
        h,
        x.detach().square() if wanted[1] else x.detach(),
        weight.detach().square() if wanted[0] else weight.detach(),
        [len(weight)],
        each(call.option(3, "stride", 1)),
        each(padding),
        each(call.option(5, "dilation", 1)),
        False,
        [0] * places,
        call.option(6, "groups", 1),
        wanted,
    )
    pairs = list(zip((x, weight, bias), found, strict=True))
    return [next(part for x, part in pairs if x is operand) for operand in call.operands]


def mean(call: Call, h: Tensor) -> Sequence[Tensor | None]:
    """The mean of some dimensions."""
    return routed(call, h * (call.result.numel() / call.operands[0].numel()))


def average_pool(call: Call, h: Tensor) -> Sequence[Tensor | None]:
    """The mean of a window: h over the square of its divisor for each pixel in it.

    At the edges a divisor may count pixels that are not there (count_include_pad).
    """
    places = int(call.name[-2])
    ones = call.operands[0].new_ones(1, 1, *call.operands[0].shape[-places:])
    options = dict(call.kwargs)
    names = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
    options |= dict(zip((*names, "divisor_override"), call.args[1:], strict=False))
    pixels = call.function(ones, **options | {"divisor_override": 1})
    return routed(call, h * (call.function(ones, **options) / pixels)[0])


def adaptive_average_pool(call: Call, h: Tensor) -> Sequence[Tensor | None]:
    """Means of windows that divide the image; sizes differ where they do not divide its sides."""
    places = int(call.name[-2])
    for place in range(-places, 0):
        side, windows = call.operands[0].shape[place], call.result.shape[place]
        sizes = [-(-(i + 1) * side // windows) - i * side // windows for i in range(windows)]
        h = h / h.new_tensor(sizes).view(-1, *[1] * (-place - 1))
    return routed(call, h)


def batch_norm(call: Call, h: Tensor) -> Sequence[Tensor | None]:
    """Normalisation by running statistics, an affine map of each channel."""
    if call.function is not torch.nn.functional.batch_norm or call.option(5, "training"):
        raise call.refused("in training mode (call eval() first)")
    names = ("input", "running_mean", "running_var", "weight")
    x, mean, variance, weight = [call.option(i, name) for i, name in enumerate(names)]
    channels = [1, -1, *[1] * (x.dim() - 2)]
    others = [0, *range(2, x.dim())]
    scale = 1 / (variance + call.option(7, "eps", 1e-5))
    found: list[Tensor | None] = []
    for operand in call.operands:
        if operand is x:
            by = scale if weight is None else scale * weight.detach().square()
            found.append(h * by.view(channels))
        elif operand is weight:
            squares = (x.detach() - mean.view(channels)).square() * scale.view(channels)
            found.append((h * squares).sum(others))
        else:
            found.append(h.sum(others))
    return found


def derivatives(function: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """f'(x) and f''(x) of a function that works element by element."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (first,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
        second = torch.zeros_like(x)
        if first.requires_grad:
            (second,) = torch.autograd.grad(first.sum(), x)
    return first.detach(), second


def _among(tensor: object, operands: Sequence[Tensor]) -> bool:
    return any(tensor is operand for operand in operands)


def mapped(change: Callable[[Tensor], Any], given: Any) -> Any:
    """Arguments or results with every tensor changed, at any depth of lists."""
    if isinstance(given, Tensor):
        return change(given)
    if isinstance(given, dict):
        return {key: mapped(change, item) for key, item in given.items()}
    if isinstance(given, list | tuple):
        return type(given)([mapped(change, item) for item in given])
    return given


def replaced(given: Any, old: Sequence[Tensor], new: Sequence[Tensor]) -> Any:
    """Arguments with some tensors in the place of others."""
    by = {id(before): after for before, after in zip(old, new, strict=True)}
    return mapped(lambda tensor: by.get(id(tensor), tensor), given)


def tensors(given: Any) -> Iterator[Tensor]:
    """All tensors among arguments or results, at any depth of lists."""
    if isinstance(given, Tensor):
        yield given
    elif isinstance(given, dict):
        yield from tensors(list(given.values()))
    elif isinstance(given, list | tuple):
        for item in given:
            yield from tensors(item)


ROUTES = """
    relu relu6 hardtanh clamp clamp_min clamp_max clip threshold
    max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
    max min maximum minimum topk sort
    cat concat stack hstack vstack pad sum cumsum where masked_fill
    reshape reshape_as view view_as flatten unflatten permute transpose swapaxes movedim T mT
    squeeze unsqueeze expand expand_as broadcast_to repeat tile repeat_interleave
    getitem select narrow split chunk tensor_split unbind index_select gather take_along_dim
    diagonal flip roll unfold fold pixel_shuffle pixel_unshuffle channel_shuffle
    clone contiguous to type type_as float double half bfloat16 cpu cuda
"""
"""Operations whose results are sums of some of their operands' numbers, each taken once."""

SMOOTH = """
    tanh sigmoid silu gelu elu selu celu softplus mish softsign logsigmoid log_sigmoid tanhshrink
    leaky_relu hardsigmoid hardswish exp expm1 log log1p sqrt rsqrt square pow reciprocal rdiv
    sin cos erf abs
"""
"""Operations on every number by itself."""

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(ROUTES.split(), routed),
    **dict.fromkeys(("add", "sub", "neg"), added),
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d"), evaluated),
    **dict.fromkeys(
        ("linear", "matmul", "mm", "bmm", "mv", "dot", "outer", "einsum"), multilinear
    ),
    **dict.fromkeys([f"conv_transpose{n}d" for n in (1, 2, 3)], multilinear),
    **dict.fromkeys([f"conv{n}d" for n in (1, 2, 3)], convolution),
    **dict.fromkeys([f"avg_pool{n}d" for n in (2, 3)], average_pool),
    **dict.fromkeys([f"adaptive_avg_pool{n}d" for n in (1, 2, 3)], adaptive_average_pool),
    "mul": product,
    "addcmul": product,
    "div": quotient,
    "mean": mean,
    "batch_norm": batch_norm,
    "interpolate": nearest,
}
"""By name; functions, methods and operators of one name do the same."""
