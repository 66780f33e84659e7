"""Residual networks: those of the spaces `residual` and `resnet`.

What the thesis leaves open is settled by its printed numbers of parameters, all six of which
these networks have (`harness.spaces.residual` says where it is from). Shortcuts that change
their shape are 1x1 convolutions, and grouped bottlenecks keep their width.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import Conv2dNormActivation

from harness.networks import Task
from harness.spaces import Architecture, get_space
from harness.spaces.residual import ResidualSpace
from harness.spaces.residual_layers import Convolution, ResidualBlock, ResidualConfiguration
from harness.spaces.resnet import ResNetSpace


class ResidualNetwork(nn.Module):
    """Stem, blocks, average over the image, classifier.

    Images may be of any size: halving rounds up, so that one pixel stays one.

    Args:
        configuration: What to build.
        task: Shape of the images and number of classes.
    """

    def __init__(self, configuration: ResidualConfiguration, task: Task) -> None:
        super().__init__()
        self.stem = layer(Convolution(task.shape[0], configuration.filters, 3))
        blocks = list(configuration.blocks())
        self.blocks = nn.Sequential(*map(Block, blocks))
        self.classifier = nn.Linear(blocks[-1].outputs, task.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to (batch, classes)."""
        features: Tensor = self.blocks(self.stem(images))
        logits: Tensor = self.classifier(features.mean((2, 3)))
        return logits


class Block(nn.Module):
    """A residual block; the input joins before the last activation."""

    def __init__(self, block: ResidualBlock) -> None:
        super().__init__()
        *inner, last = block.convolutions
        self.branch = nn.Sequential(*map(layer, inner), layer(last, activation=None))
        self.shortcut: nn.Module = nn.Identity()
        if block.shortcut is not None:
            self.shortcut = layer(block.shortcut, activation=None)
        elif block.stride > 1 or block.inputs != block.outputs:
            self.shortcut = Subsample(block.stride, block.outputs - block.inputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, height, width) to (batch, outputs, height / stride, ...)."""
        total: Tensor = self.branch(x) + self.shortcut(x)
        return functional.relu(total)


class Subsample(nn.Module):
    """A shortcut without parameters: every other pixel, and channels of zeros behind the others.

    Args:
        stride: Step in the image.
        added: Channels to add.
    """

    def __init__(self, stride: int, added: int) -> None:
        super().__init__()
        self.stride = stride
        self.added = added

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, c, height, width) to (batch, c + added, height / stride, ...)."""
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))


def layer(
    convolution: Convolution, activation: type[nn.Module] | None = nn.ReLU
) -> Conv2dNormActivation:
    """A convolution, batch normalisation and activation."""
    return Conv2dNormActivation(
        convolution.inputs,
        convolution.outputs,
        convolution.kernel,
        convolution.stride,
        groups=convolution.groups,
        activation_layer=activation,
    )


def build(configuration: ResidualConfiguration, task: Task, seed: int) -> ResidualNetwork:
    """A network with weights that depend on the arguments only.

    The distributions are those of torchvision's ResNets: convolutions are normal with variance
    2 / (outputs * kernel area) (He et al., "Delving Deep into Rectifiers", ICCV 2015), the
    classifier is uniform in +-1/sqrt(inputs).

    Args:
        configuration: What to build.
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights.
    """
    with torch.device("meta"):  # without the draws from the process-wide generator
        network = ResidualNetwork(configuration, task)
    network.to_empty(device=torch.get_default_device())
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(
                module.weight, mode="fan_out", nonlinearity="relu", generator=generator
            )
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, nn.Linear):
            bound = 1.0 / math.sqrt(module.in_features)
            for parameter in module.parameters():
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return network


def _network(
    space: str, architecture: Architecture, task: Task, *, seed: int, skip_empty: bool = False
) -> ResidualNetwork:
    """The network of an architecture; see `harness.networks.build`.

    Args:
        space: Whose option numbers the architecture has.
        architecture: Eight option numbers.
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights.
        skip_empty: Whether the second section takes the place of an empty first one, with its
            width and without halving the image. The thesis does not say; the only such network
            that it reports has the same parameters either way.
    """
    found = get_space(space)
    assert isinstance(found, ResidualSpace)
    return build(found.configuration(architecture, skip_empty=skip_empty), task, seed)


network = partial(_network, "residual")
text_network = partial(_network, "residual-text")
union_network = partial(_network, "residual-union")


def resnet_network(architecture: Architecture, task: Task, *, seed: int) -> ResidualNetwork:
    """The network of an architecture of the space ``resnet``; see `harness.networks.build`."""
    space = get_space("resnet")
    assert isinstance(space, ResNetSpace)
    return build(space.configuration(architecture), task, seed)
