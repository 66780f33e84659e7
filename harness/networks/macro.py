"""Descriptors compiled to PyTorch: the networks of the growing spaces.

Source: Kyriakides (2022), sections 3.2 and 6.2. Convolutions are unpadded, so images shrink; an
image that has become too small for a kernel is enlarged to it (see `harness.macro.shapes`).
"""

from __future__ import annotations

from math import prod
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from harness.errors import unknown
from harness.macro.descriptor import FrozenDescriptor
from harness.macro.genome import Genome
from harness.macro.layers import Layer
from harness.macro.shapes import Policy, Shape, Step, plan
from harness.networks import NotBuildable, Task
from harness.networks.initialise import initialise
from harness.spaces import get_space
from harness.spaces.macro import GrowingSpace

Head = Literal["remnet", "dense", "pool"]
HEADS: tuple[Head, ...] = ("remnet", "dense", "pool")

MOST_PARAMETERS = 100_000_000
"""Where networks are refused by default: 0.4 GB of weights, four times that while Adam trains."""

_ACTIVATIONS = {"relu6": nn.ReLU6, "relu": nn.ReLU, "none": nn.Identity}


def compile_descriptor(
    descriptor: FrozenDescriptor,
    task: Task,
    *,
    seed: int = 0,
    policy: Policy = "minimum",
    channels: int = 64,
    head: Head = "remnet",
    hidden: int = 64,
    max_parameters: int = MOST_PARAMETERS,
) -> MacroNetwork:
    """The network of a descriptor, with initial weights that depend on the arguments only.

    Args:
        descriptor: The layers and how they are connected.
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights.
        policy: How inputs of different shapes are joined; see `harness.macro.shapes.fit`.
        channels: The number of channels of the policy "fixed".
        head: What classifies the F numbers of the last feature map: "remnet", layers of F/4, F/8
            and `classes` units, none with fewer; "dense", layers of `hidden` and `classes` units;
            "pool", one layer of `classes` units over each channel's mean.
        hidden: Units of the head "dense".
        max_parameters: More are refused: without poolings, the head "remnet" may have 10**9.

    Raises:
        NotBuildable: If no path leads from input to output, or the network is too large.
        UserError: If there is no such policy or head.
    """
    if not descriptor.live:
        raise NotBuildable("no path leads from the input to the output")
    steps = plan(descriptor, Shape(*task.shape), policy, channels)
    # Nothing is allocated, and nobody's random numbers are drawn, before the size is known.
    with torch.device("meta"):
        network = MacroNetwork(
            steps, _head(head, steps[-1].made, task.classes, hidden), joins=policy == "maximum"
        )
    parameters = sum(p.numel() for p in network.parameters())
    if parameters > max_parameters:
        raise NotBuildable(f"{parameters:,} parameters; at most {max_parameters:,} are allowed")
    network.to_empty(device="cpu")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
    return initialise(network, [seed])


def rem_network(
    architecture: Genome,
    task: Task,
    *,
    seed: int = 0,
    channels: int = 64,
    dropout: float = 0.1,
    policy: Policy = "minimum",
    head: Head = "remnet",
    hidden: int = 64,
    max_parameters: int = MOST_PARAMETERS,
) -> MacroNetwork:
    """The network of a genome of `macro`; see `compile_descriptor`.

    Args:
        architecture: The genome.
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights.
        channels: Filters of an undivided convolution: 64 in the thesis's searches, 128 and 256 in
            its final trainings.
        dropout: Probability of a channel to be dropped after a convolution.
        policy: As in `compile_descriptor`.
        head: As in `compile_descriptor`.
        hidden: As in `compile_descriptor`.
        max_parameters: As in `compile_descriptor`.
    """
    descriptor = _space("macro").descriptor(architecture, channels=channels, dropout=dropout)
    return compile_descriptor(
        descriptor,
        task,
        seed=seed,
        policy=policy,
        channels=channels,
        head=head,
        hidden=hidden,
        max_parameters=max_parameters,
    )


def block_network(
    architecture: Genome,
    task: Task,
    *,
    seed: int = 0,
    policy: Policy = "minimum",
    channels: int = 64,
    head: Head = "dense",
    hidden: int = 64,
    max_parameters: int = MOST_PARAMETERS,
) -> MacroNetwork:
    """The network of a genome of `macro-blocks`; see `compile_descriptor` for the arguments."""
    return compile_descriptor(
        _space("macro-blocks").descriptor(architecture),
        task,
        seed=seed,
        policy=policy,
        channels=channels,
        head=head,
        hidden=hidden,
        max_parameters=max_parameters,
    )


class MacroNetwork(nn.Module):
    """Layers in the order of a plan, and a head.

    Args:
        steps: The plan; its last step is the output.
        head: What makes logits of the last feature map.
        joins: Whether inputs are concatenated; else they are summed.
    """

    def __init__(self, steps: list[Step], head: nn.Module, *, joins: bool = False) -> None:
        super().__init__()
        self.names = [step.name for step in steps]
        self.sources = [step.sources for step in steps]
        self.nodes = nn.ModuleList(Node(step, joins=joins) for step in steps)
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to (batch, classes)."""
        made = {"input": images}
        for name, sources, node in zip(self.names, self.sources, self.nodes, strict=True):
            made[name] = node([made[source] for source in sources])
        logits: Tensor = self.head(made["output"])
        return logits


class Node(nn.Module):
    """Brings its inputs to one shape, joins them, and applies its layer."""

    def __init__(self, step: Step, *, joins: bool) -> None:
        super().__init__()
        pairs = list(zip(step.given, step.fitted, strict=True))
        self.fits = nn.ModuleList(Fit(given, wanted) for given, wanted in pairs)
        self.joins = joins
        self.layer = _layer(step.layer, step.joined) if step.layer else nn.Identity()

    def forward(self, inputs: list[Tensor]) -> Tensor:
        """Map the inputs' feature maps to one."""
        fitted = [fit(x) for fit, x in zip(self.fits, inputs, strict=True)]
        made: Tensor = self.layer(torch.cat(fitted, 1) if self.joins else sum(fitted))
        return made


class Fit(nn.Module):
    """Nearest interpolation to a size, and a 1x1 convolution where channels differ."""

    def __init__(self, given: Shape, wanted: Shape) -> None:
        super().__init__()
        self.size = (wanted.height, wanted.width)
        self.resize = self.size != (given.height, given.width)
        different = given.channels != wanted.channels
        self.widen = nn.Conv2d(given.channels, wanted.channels, 1) if different else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map a feature map of the given shape to one of the wanted shape."""
        if self.resize:
            x = interpolate(x, size=self.size, mode="nearest")
        fitted: Tensor = self.widen(x)
        return fitted


class Scale(nn.Module):
    """Multiplication by a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Every element times the factor."""
        return x * self.factor


def _layer(layer: Layer, shape: Shape) -> nn.Module:
    """The module of a layer that works on a shape."""
    kernel = layer["kernel"]
    if layer.kind == "pool":
        pool = nn.AvgPool2d if layer["mode"] == "average" else nn.MaxPool2d
        return pool(kernel, layer["stride"])
    if layer.kind == "block":
        return nn.Sequential(
            nn.Conv2d(shape.channels, layer["filters"], kernel),
            Scale(layer["scale"]),
            nn.Dropout2d(layer["dropout"]),
            nn.MaxPool2d(kernel) if layer["pool"] else nn.Identity(),
            nn.ReLU6(),
        )
    filters, stride, padding = layer["filters"], layer["stride"], layer["padding"]
    return nn.Sequential(
        nn.Conv2d(shape.channels, filters, kernel, stride, padding),
        _ACTIVATIONS[layer["activation"]](),
        nn.BatchNorm2d(filters) if layer["batch_norm"] else nn.Identity(),
        nn.Dropout2d(layer["dropout"]),
    )


def _head(head: Head, shape: Shape, classes: int, hidden: int) -> nn.Module:
    """What makes logits of a feature map."""
    features = prod(shape)
    if head == "pool":
        return nn.Sequential(
            nn.AvgPool2d(shape[1:]), nn.Flatten(), nn.Linear(shape.channels, classes)
        )
    if head not in HEADS:
        raise unknown("head", head, HEADS)
    parts = (features // 4, features // 8)
    widths = [hidden] if head == "dense" else [max(classes, part) for part in parts]
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in zip([features, *widths], widths, strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], classes))


def _space(name: str) -> GrowingSpace:
    space = get_space(name)
    assert isinstance(space, GrowingSpace)
    return space
