"""What a layer of a descriptor can be: its kinds, and what each kind needs to know.

The kinds are plain data; `harness.networks.macro` alone makes modules of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.errors import UserError, unknown

Value = int | float | bool | str
KERNEL = "kernel"


class Parameter(NamedTuple):
    """One parameter of a kind of layer.

    Attributes:
        type: What its values are.
        low: The smallest number allowed.
        high: The largest one.
        default: Its value if none is given; None: it must be given.
        choices: All allowed values of a text.
        like: The parameter whose value it takes if none is given.
    """

    type: type
    low: float = 0
    high: float = math.inf
    default: Value | None = None
    choices: tuple[str, ...] = ()
    like: str = ""


ACTIVATIONS = ("relu6", "relu", "none")

KINDS: dict[str, dict[str, Parameter]] = {
    # Convolution, activation, batch normalisation, dropout of whole channels, in this order.
    "conv": {
        "filters": Parameter(int, 1),
        KERNEL: Parameter(int, 1),
        "stride": Parameter(int, 1, default=1),
        "padding": Parameter(int, default=0),
        "activation": Parameter(str, default="relu6", choices=ACTIVATIONS),
        "batch_norm": Parameter(bool, default=False),
        "dropout": Parameter(float, 0, 1, default=0.0),
    },
    "pool": {
        "mode": Parameter(str, default="max", choices=("max", "average")),
        KERNEL: Parameter(int, 1),
        "stride": Parameter(int, 1, like=KERNEL),
    },
    # Convolution, times `scale`, dropout of whole channels, pooling, ReLU6: DeepNEAT's block.
    "block": {
        "filters": Parameter(int, 1),
        KERNEL: Parameter(int, 1),
        "dropout": Parameter(float, 0, 1, default=0.0),
        "scale": Parameter(float, default=1.0),
        "pool": Parameter(bool, default=False),
    },
}
"""Kind -> its parameters. Kernels are square; sizes and strides in pixels, dropout a probability.

A "conv" is unpadded unless told otherwise. A "block" whose `pool` is on ends with a maximum over
squares as large as its kernel.
"""


@dataclass(frozen=True)
class Layer:
    """One layer: an immutable value with all parameters of its kind.

    Attributes:
        name: Its name in the descriptor.
        kind: A key of `KINDS`.
        params: (parameter, value) pairs in the order of `KINDS`; omitted ones are filled in.

    Raises:
        UserError: If the kind is unknown, or a parameter is missing, unknown or out of range.
    """

    name: str
    kind: str
    params: tuple[tuple[str, Value], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", _complete(self.name, self.kind, dict(self.params)))

    def __getitem__(self, parameter: str) -> Any:
        return dict(self.params)[parameter]

    @property
    def least(self) -> int:
        """The smallest image side that the layer can work on, in pixels."""
        kernel: int = self[KERNEL]
        if self.kind == "conv":
            padding: int = self["padding"]
            return max(1, kernel - 2 * padding)
        if self.kind == "block" and self["pool"]:
            return 2 * kernel - 1  # the pooling's kernel fits into what the convolution leaves
        return kernel

    def side(self, side: int) -> int:
        """The image side that it makes of one of at least `least` pixels."""
        kernel: int = self[KERNEL]
        if self.kind == "block":
            left = side - kernel + 1
            return left // kernel if self["pool"] else left
        padding = self["padding"] if self.kind == "conv" else 0
        return int((side + 2 * padding - kernel) // self["stride"]) + 1

    def channels(self, channels: int) -> int:
        """The number of channels that it makes of so many."""
        return channels if self.kind == "pool" else int(self["filters"])


def _complete(
    name: str, kind: object, given: Mapping[str, object]
) -> tuple[tuple[str, Value], ...]:
    if not isinstance(kind, str) or kind not in KINDS:
        raise unknown(f"kind of layer '{name}'", str(kind), KINDS)
    known = KINDS[kind]
    for parameter in given:
        if parameter not in known:
            raise unknown(f"parameter of the {kind} layer '{name}'", str(parameter), known)
    values: dict[str, Value] = {}
    for parameter, rule in known.items():
        value = given.get(parameter, values.get(rule.like, rule.default))
        if value is None:
            raise UserError(f"{kind} layer '{name}' needs '{parameter}'")
        values[parameter] = _checked(f"{kind} layer '{name}': {parameter}", value, rule)
    return tuple(values.items())


def _checked(what: str, value: object, rule: Parameter) -> Value:
    if rule.type is float and type(value) is int:
        value = float(value)
    if type(value) is not rule.type:
        raise UserError(f"{what}={value!r}; must be of type {rule.type.__name__}")
    if rule.choices and value not in rule.choices:
        raise unknown(what, str(value), rule.choices)
    if isinstance(value, int | float) and not rule.low <= value <= rule.high:
        bounds = f"from {rule.low:g}" + (f" to {rule.high:g}" if rule.high < math.inf else " on")
        raise UserError(f"{what}={value!r}; must be {bounds}")
    if value == math.inf:
        raise UserError(f"{what}={value!r}; must be finite")
    assert isinstance(value, int | float | str)
    return value
