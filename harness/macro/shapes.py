"""How the inputs of a layer come to one shape: every image size and channel count of a network.

Source: Kyriakides (2022), section 3.2: Minimum Viable Size, Maximum Viable Size, and a fixed
number of channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from harness.errors import unknown
from harness.macro.descriptor import INPUT, OUTPUT, FrozenDescriptor
from harness.macro.layers import Layer

Policy = Literal["minimum", "maximum", "fixed"]
POLICIES: tuple[Policy, ...] = ("minimum", "maximum", "fixed")


class Shape(NamedTuple):
    """Channels, height and width of one image's tensor."""

    channels: int
    height: int
    width: int


@dataclass(frozen=True)
class Step:
    """One layer of a network, or its output, and what it works on.

    Attributes:
        name: The layer's name, or "output".
        layer: The layer; None for the output.
        sources: Names of what feeds it.
        given: The sources' shapes.
        fitted: What each of them is brought to, by interpolation and, where the channels differ,
            a 1x1 convolution.
        joined: The shape of their sum or concatenation.
        made: The shape that the layer makes of it.
    """

    name: str
    layer: Layer | None
    sources: tuple[str, ...]
    given: tuple[Shape, ...]
    fitted: tuple[Shape, ...]
    joined: Shape
    made: Shape


def plan(
    descriptor: FrozenDescriptor, shape: Shape, policy: Policy = "minimum", channels: int = 0
) -> list[Step]:
    """The steps of a network in the order of their computation, the output last.

    Layers that lie on no path from the input to the output are left out.

    Args:
        descriptor: The network; it must have a path.
        shape: The images'.
        policy: See `fit`.
        channels: The number of the policy "fixed".

    Raises:
        UserError: If there is no such policy.
    """
    shapes = {INPUT: shape}
    steps = []
    outputs: list[tuple[Layer | None, tuple[str, ...]]] = [(None, descriptor.sources(OUTPUT))]
    for layer, sources in [*descriptor.order(), *outputs]:
        name = layer.name if layer else OUTPUT
        least = layer.least if layer else 1
        given = tuple(shapes[source] for source in sources)
        fitted = fit(given, Shape(1, least, least), policy, channels)
        joined = fitted[0]
        if policy == "maximum":
            joined = joined._replace(channels=sum(one.channels for one in fitted))
        shapes[name] = joined
        if layer:
            sides = layer.side(joined.height), layer.side(joined.width)
            shapes[name] = Shape(layer.channels(joined.channels), *sides)
        steps.append(Step(name, layer, sources, given, fitted, joined, shapes[name]))
    return steps


def fit(
    shapes: Sequence[Shape], least: Shape, policy: Policy = "minimum", channels: int = 0
) -> tuple[Shape, ...]:
    """What each input of a layer is brought to, so that they can be joined.

    * "minimum" (Minimum Viable Size): the smallest height, width and number of channels among
      the inputs, each raised to what the layer needs. The inputs are then summed.
    * "maximum": the largest height and width, raised likewise; channels stay as they are, since
      the inputs are concatenated.
    * "fixed": sizes as with "minimum"; inputs that differ in channels get the given number.

    So an image that is too small for a kernel is enlarged to the kernel's size.

    Args:
        shapes: The inputs', at least one.
        least: What the layer needs.
        policy: One of `POLICIES`.
        channels: The number of channels of "fixed".

    Raises:
        UserError: If there is no such policy.
    """
    if policy not in POLICIES:
        raise unknown("shape policy", policy, POLICIES)
    chosen = max if policy == "maximum" else min
    counts, heights, widths = zip(*shapes, strict=True)
    height, width = max(chosen(heights), least.height), max(chosen(widths), least.width)
    if policy == "maximum":
        return tuple(Shape(count, height, width) for count in counts)
    one = max(min(counts), least.channels)
    if policy == "fixed" and len(set(counts)) > 1:
        one = channels
    return (Shape(one, height, width),) * len(shapes)
