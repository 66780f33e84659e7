"""Chains of layers: LeNets, and any ``nn.Sequential`` of the usual layers."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from harness.errors import HarnessError, UserError
from searchers.compression.structure import (
    Masks,
    Select,
    Structure,
    cut_layer,
    cut_normalisation,
    into,
    out_of,
    restrict,
)

_NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d)
_ZERO_TO_ZERO = (
    nn.ReLU,
    nn.LeakyReLU,
    nn.Tanh,
    nn.GELU,
    nn.SiLU,
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Flatten,
)
"""Layers that treat channels alike and give 0 for a channel of zeros."""


class Chain(Structure):
    """The structure of an ``nn.Sequential`` without sub-chains.

    Args:
        network: Fully connected layers, convolutions, batch normalisation right behind them, and
            layers that give 0 for a channel of zeros.

    Raises:
        UserError: If there is another layer.
    """

    def __init__(self, network: nn.Sequential) -> None:
        super().__init__(network)
        self._names = list(self.layers)
        before = None
        for name, module in network.named_children():
            if isinstance(module, _NORMALISATIONS) and before is not None and module.affine:
                self.normalisations[before] = module
            elif name not in self.layers and not isinstance(module, _ZERO_TO_ZERO):
                raise UserError(f"cannot compress layer '{name}': {type(module).__name__}")
            before = name if name in self.layers else None
        if not self._names or before != self._names[-1]:
            raise UserError("cannot compress a chain that does not end with a weighted layer")

    def settle(self, weights: Mapping[str, Tensor]) -> Masks:
        found = {name: mask.clone() for name, mask in weights.items()}
        units: dict[str, Tensor] = {}
        changed = True
        while changed:
            left = sum(int(mask.sum()) for mask in found.values())
            inputs = out_of(found[self._names[0]])
            for name, after in zip(self._names, [*self._names[1:], None]):
                on = into(found[name])
                if after is None:
                    on, read = torch.ones_like(on), inputs
                else:
                    # A channel of an image that is flattened becomes several inputs.
                    read = out_of(found[after]).view(len(on), -1)
                    on = on & read.any(1)
                    read = (read & on[:, None]).flatten()
                units[name] = on
                found[name] = restrict(found[name], on, inputs)
                inputs = read
            changed = left != sum(int(mask.sum()) for mask in found.values())
        for name, mask in found.items():
            if not mask.any():
                raise HarnessError(
                    f"layer '{name}' has no weight left: lower its penalty or the threshold"
                )
        return Masks(found, units)

    def sliced(self, masks: Masks) -> nn.Sequential:
        made: OrderedDict[str, nn.Module] = OrderedDict()
        before = ""
        for name, module in self.network.named_children():
            if name in self.layers:
                inputs = out_of(masks.weights[name])
                # What is left of the layer before, channel by channel, or all of the image.
                there = torch.ones_like(inputs)
                if before:
                    on = masks.units[before]
                    there = on.repeat_interleave(len(inputs) // len(on))
                if not torch.equal(there, inputs):
                    made[f"{name}_inputs"] = Select(inputs[there].nonzero().flatten())
                made[name] = cut_layer(self.layers[name], masks.units[name], inputs)
                before = name
            elif before in self.normalisations and module is self.normalisations[before]:
                made[name] = cut_normalisation(self.normalisations[before], masks.units[before])
            else:
                made[name] = copy.deepcopy(module)
        return nn.Sequential(made)

    def architecture(self, masks: Masks) -> str:
        """Filters and units of all layers but the last, ``465-37-90``.

        The inputs of a fully connected layer behind an image are told too, as the source does.
        """
        widths: list[int] = []
        flattened = False
        for name, module in self.network.named_children():
            flattened |= isinstance(module, nn.Flatten)
            if name not in self.layers:
                continue
            if flattened:
                widths.append(int(out_of(masks.weights[name]).sum()))
                flattened = False
            if name != self._names[-1]:
                widths.append(int(masks.units[name].sum()))
        return "-".join(map(str, widths))
