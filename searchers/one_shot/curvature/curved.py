"""Tensors that carry curvature as a second channel of automatic differentiation.

A `Curved` holds a tensor and its *shadow*: zeros of the same shape that take one number of memory.
Every operation yields both, the tensor by torch's own operation and the shadow by a function whose
backward pass is a rule of `searchers.one_shot.curvature.rules`. What arrives at a shadow in a
backward pass is the diagonal of the Hessian at its tensor. The order of the work and the sum over
a tensor's consumers are then autograd's own, a network's forward runs as it stands, and no feature
map is kept beyond those that autograd keeps for a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from harness.errors import UserError
from searchers.one_shot.curvature.rules import (
    MEND,
    RULES,
    SMOOTH,
    Call,
    Rule,
    derivatives,
    mapped,
    replaced,
    tensors,
)

_NAMES = {
    "radd": "add",
    "iadd": "add",
    "subtract": "sub",
    "rsub": "sub",
    "isub": "sub",
    "negative": "neg",
    "multiply": "mul",
    "rmul": "mul",
    "imul": "mul",
    "truediv": "div",
    "true_divide": "div",
    "divide": "div",
    "itruediv": "div",
    "rtruediv": "rdiv",
    "rmatmul": "matmul",
}
"""Other names of operations."""

_SMOOTH = frozenset(SMOOTH.split())


class Curved(Tensor):
    """A tensor with a shadow; see the module.

    It has no memory of its own, and knows nothing but its shape.

    Attributes:
        value: The tensor, with a graph that leads to the weights.
        shadow: Zeros of its shape.
        shared: Whether another one is a view of it, or it is of another.
    """

    value: Tensor
    shadow: Tensor
    shared: bool

    @staticmethod
    def __new__(cls, value: Tensor, shadow: Tensor) -> Curved:
        made: Curved = Tensor._make_wrapper_subclass(
            cls, value.shape, dtype=value.dtype, device=value.device
        )
        made.value, made.shadow, made.shared = value, shadow, False
        return made

    @classmethod
    def at(cls, point: Tensor) -> Curved:
        """A point where derivatives are taken: its curvature arrives at its shadow."""
        return cls(point.detach().requires_grad_(), _zeros(point).requires_grad_())

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        options = dict(kwargs or {})
        name, in_place = _named(function)
        if name == "iter":
            return iter(args[0].unbind(0))
        if not options.pop("inplace", in_place):
            return _applied(name, function, args, options)
        if in_place:
            function = getattr(Tensor, name, function)
        target = args[0]
        known = name in RULES or name in _SMOOTH
        if not known or not isinstance(target, Curved) or target.shared:
            raise UserError(f"curvature: no rule for '{name}' in place here: {MEND}")
        made = _applied(name, function, args, options)
        target.value, target.shadow = made.value, made.shadow
        return target

    @classmethod
    def __torch_dispatch__(cls, function: Any, *rest: Any, **options: Any) -> Any:  # type: ignore[override]
        raise UserError(f"curvature: no rule for a function of its own ({function}): {MEND}")


def _named(function: Callable[..., Any]) -> tuple[str, bool]:
    """The name of an operation as in `RULES`, and whether it works in place."""
    name = function.__name__
    if name == "__get__":  # a property; its name is that of the descriptor
        name = function.__self__.__name__  # type: ignore[attr-defined]
    bare = name.strip("_")
    in_place = bare in ("iadd", "isub", "imul", "itruediv", "setitem", "set", "delete", "delitem")
    in_place |= name.endswith("_") and not name.endswith("__")
    return _NAMES.get(bare, bare), in_place


def _applied(
    name: str, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """What an operation gives, with shadows wherever a gradient can flow."""
    given = tensors((args, kwargs))
    sources = list({id(x): x for x in given if isinstance(x, Curved)}.values())
    operands, shadows = [x.value for x in sources], [x.shadow for x in sources]
    if name in _SMOOTH:
        if len(sources) != 1:
            raise UserError(f"curvature: no rule for '{name}' of two that vary: {MEND}")

        def one_by_one(x: Tensor) -> Any:
            now, options = replaced((args, kwargs), sources, [x])
            return function(*now, **options)

        return Curved(*_Smooth.apply(one_by_one, operands[0], shadows[0]))
    args, kwargs = replaced((args, kwargs), sources, operands)
    result = function(*args, **kwargs)
    made = list(tensors(result))
    if made and not torch.is_grad_enabled():
        raise UserError(f"curvature: no rule for '{name}' without gradients: {MEND}")
    if not any(y.requires_grad for y in made):  # a shape, a comparison, a constant
        return result
    if name not in RULES or kwargs.get("out") is not None:
        raise UserError(f"curvature: no rule for '{name}': {MEND}")

    def curved(y: Tensor) -> Tensor:
        if not y.requires_grad:
            return y
        for source in sources:
            if y is source.value:
                return source
        call = Call(name, function, args, kwargs, operands, y)
        new = Curved(y, _Shadow.apply(RULES[name], call, *shadows))
        memory = y.untyped_storage().data_ptr()
        for source in sources:
            if source.value.untyped_storage().data_ptr() == memory:
                source.shared = new.shared = True
        return new

    return mapped(curved, result)


class _Shadow(torch.autograd.Function):
    """Zeros, at which curvature arrives and goes on by a rule."""

    @staticmethod
    def forward(ctx: Any, rule: Rule, call: Call, *shadows: Tensor) -> Tensor:
        ctx.rule, ctx.call = rule, call
        return _zeros(call.result)

    @staticmethod
    def backward(ctx: Any, *curvatures: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *ctx.rule(ctx.call, curvatures[0])


class _Smooth(torch.autograd.Function):
    """A function of every number: the only place where a gradient turns into curvature."""

    @staticmethod
    def forward(
        ctx: Any, function: Callable[[Tensor], Tensor], x: Tensor, shadow: Tensor
    ) -> tuple[Tensor, Tensor]:
        ctx.function = function
        ctx.save_for_backward(x)
        y = function(x)
        if y.shape != x.shape:
            raise UserError(f"curvature: no rule for a function of many numbers: {MEND}")
        return y, _zeros(y)

    @staticmethod
    def backward(ctx: Any, *arriving: Tensor) -> tuple[None, Tensor, Tensor]:
        (g, h), (x,) = arriving, ctx.saved_tensors
        first, second = derivatives(ctx.function, x)
        return None, first * g, first.square() * h + second * g


def _zeros(like: Tensor) -> Tensor:
    return like.new_zeros(()).expand(like.shape)
