"""What masks mean for a network: which channels are then off, and what can be cut out.

A unit (a neuron or a channel) is off when all weights into it or all weights out of it are
masked. Its bias and normalisation are then masked with it, so that it is 0 for every image, and
leaving it out changes nothing. That may leave other units without any weight: `settle` goes on
until nothing changes.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.errors import UserError
from searchers.compression.sparsity import layers


@dataclass(frozen=True)
class Masks:
    """What of a network is left.

    Attributes:
        weights: Layer -> bool of its weight's shape.
        units: Layer -> which of its outputs are on, bool [outputs].
    """

    weights: Mapping[str, Tensor]
    units: Mapping[str, Tensor]


class Structure(ABC):
    """How the layers of a network are connected.

    Args:
        network: Compressed in place.

    Attributes:
        layers: Its fully connected layers and convolutions by name.
        normalisations: Layer -> the batch normalisation of its outputs, where there is one.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.layers = layers(network)
        self.normalisations: dict[str, nn.modules.batchnorm._BatchNorm] = {}
        for name, layer in self.layers.items():
            if isinstance(layer, nn.Conv2d) and layer.groups > 1:
                raise UserError(f"cannot compress layer '{name}': it is grouped")

    @property
    def weights(self) -> dict[str, nn.Parameter]:
        """Layer -> its weight."""
        return {name: self.network.get_parameter(f"{name}.weight") for name in self.layers}

    def full(self) -> Masks:
        """Masks that leave everything."""
        weights = {n: torch.ones_like(w, dtype=torch.bool) for n, w in self.weights.items()}
        return self.settle(weights)

    @abstractmethod
    def settle(self, weights: Mapping[str, Tensor]) -> Masks:
        """Masks with all that follows from those of the weights, as new tensors."""

    @abstractmethod
    def sliced(self, masks: Masks) -> nn.Module:
        """A smaller network with the same outputs as the masked one has in eval mode."""

    @abstractmethod
    def architecture(self, masks: Masks) -> str:
        """The widths that are left, in one line."""

    @torch.no_grad()
    def apply(self, masks: Masks) -> None:
        """Set to 0 what is masked."""
        for name, layer in self.layers.items():
            on = masks.units[name]
            layer.weight.mul_(masks.weights[name])
            if layer.bias is not None:
                layer.bias.mul_(on)
            if name in self.normalisations:
                self.normalisations[name].weight.mul_(on)
                self.normalisations[name].bias.mul_(on)


def restrict(mask: Tensor, outputs: Tensor, inputs: Tensor) -> Tensor:
    """A weight's mask without the weights of units that are off.

    Args:
        mask: Bool [outputs, inputs, ...].
        outputs: Which outputs are on, bool [outputs].
        inputs: Which inputs are on, bool [inputs].
    """
    shape = [len(outputs), len(inputs), *[1] * (mask.dim() - 2)]
    return mask & (outputs[:, None] & inputs[None, :]).view(shape)


def into(mask: Tensor) -> Tensor:
    """Which outputs have a weight, bool [outputs]."""
    return mask.flatten(1).any(1)


def out_of(mask: Tensor) -> Tensor:
    """Which inputs have a weight, bool [inputs]."""
    return into(mask.transpose(0, 1))


@torch.no_grad()
def cut_layer(
    layer: nn.Linear | nn.Conv2d, outputs: Tensor, inputs: Tensor
) -> nn.Linear | nn.Conv2d:
    """A layer with some of its outputs and inputs, bool [outputs] and [inputs]."""
    # A copy first: the smaller layer keeps stride, padding and all else, and draws no weights.
    made = copy.copy(layer)
    made._parameters = dict(layer._parameters)
    made.weight = nn.Parameter(layer.weight[outputs][:, inputs].clone())
    if layer.bias is not None:
        made.bias = nn.Parameter(layer.bias[outputs].clone())
    sizes = made.weight.shape[1], made.weight.shape[0]
    if isinstance(made, nn.Linear):
        made.in_features, made.out_features = sizes
    else:
        made.in_channels, made.out_channels = sizes
    return made


@torch.no_grad()
def cut_normalisation(
    layer: nn.modules.batchnorm._BatchNorm, outputs: Tensor
) -> nn.modules.batchnorm._BatchNorm:
    """A batch normalisation of some of its channels, bool [channels]."""
    made = type(layer)(int(outputs.sum()), layer.eps, layer.momentum)
    made = made.to(layer.weight.device, layer.weight.dtype)
    made.load_state_dict({n: v[outputs] if v.dim() else v for n, v in layer.state_dict().items()})
    return made


class Select(nn.Module):
    """Some of the channels.

    Args:
        kept: Their numbers, int64.
    """

    kept: Tensor

    def __init__(self, kept: Tensor) -> None:
        super().__init__()
        self.register_buffer("kept", kept)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, ...) to (batch, kept, ...)."""
        return x.index_select(1, self.kept)
