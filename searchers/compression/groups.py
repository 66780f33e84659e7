"""Which weights of a layer are pruned together.

Source: M. Yang (2019), figure A-1, whose picture is missing; the kinds are those of Wen et al.,
"Learning Structured Sparsity in Deep Neural Networks" (NeurIPS 2016), which it extends. *Stacked*
kinds share one pattern among all filters and channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.errors import UserError, unknown

if TYPE_CHECKING:
    from torch import Tensor

LINEAR: dict[str, tuple[int, ...]] = {
    "row": (0,),
    "column": (1,),
    "shape": (1,),
    "element": (0, 1),
}
"""Kind -> axes of a weight [outputs, inputs] that number its groups. A row is an output neuron, a
column an input one. By its definition (one place of every filter) a shape of such a weight is a
column: given beside it, the column's penalty counts twice."""

CONVOLUTION: dict[str, tuple[int, ...]] = {
    "filter": (0,),
    "channel": (1,),
    "shape": (1, 2, 3),
    "row": (0, 1, 2),
    "column": (0, 1, 3),
    "stack-shape": (2, 3),
    "stack-row": (2,),
    "stack-column": (3,),
    "element": (0, 1, 2, 3),
}
"""The same for a weight [filters, channels, kernel rows, kernel columns]. Rows and columns are
lines of one kernel; "row and column" of the source is both, whose penalties add up."""


def axes(kind: str, dimensions: int) -> tuple[int, ...]:
    """The axes of a weight that number the groups of a kind; its other axes are in each group.

    Args:
        kind: A key of `LINEAR` or `CONVOLUTION`.
        dimensions: 2 or 4: of which of them.

    Raises:
        UserError: If such a weight has no groups of that kind.
    """
    known = LINEAR if dimensions == 2 else CONVOLUTION
    if kind not in known:
        layer = "fully connected layer" if dimensions == 2 else "convolution"
        raise UserError(f"groups of a {layer}: {unknown('kind', kind, known)}")
    return known[kind]


def members(kind: str, shape: Sequence[int]) -> tuple[int, ...]:
    """The axes along which a group's members lie."""
    kept = axes(kind, len(shape))
    return tuple(axis for axis in range(len(shape)) if axis not in kept)


def norms(weight: Tensor, kind: str) -> Tensor:
    """The Euclidean norm of each group; its shape is the weight's with 1 along the members."""
    return total(weight * weight, kind).sqrt()


def total(values: Tensor, kind: str) -> Tensor:
    """The sum over each group of a weight's shape, likewise."""
    along = members(kind, values.shape)
    return values.sum(along, keepdim=True) if along else values
