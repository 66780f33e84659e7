"""Prior variances of groups of weights, the penalty that follows from them, and the masks.

For a group G of weights with curvatures H_i and prior variance gamma:

    alpha_i = 1 / gamma - C_i / gamma^2,   C_i = 1 / (1 / gamma + H_i)       (A-3), (A-4)
    omega   = sqrt(sum_i |alpha_i|)                                          (A-5)
    gamma'  = ||W_G|| / omega                                                (A-2)

and the penalty on it is strength * omega ||W_G||. Source: M. Yang (2019), Algorithm 2, which
leaves its functions R and Update open: these are the ones of a group lasso that majorises the
evidence, see `searchers.one_shot.relevance`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from searchers.compression import groups
from searchers.compression.recipes import CompressionRecipe
from searchers.one_shot import relevance


@dataclass
class Prior:
    """The groups of one kind in one layer; gamma and omega are as `groups.norms` shapes them.

    Attributes:
        layer: Name of the layer.
        kind: Of its groups.
        strength: Of their penalty (lambda).
        gamma: Prior variances.
        omega: Weights of the norms in the penalty.
    """

    layer: str
    kind: str
    strength: float
    gamma: Tensor
    omega: Tensor

    def update(self, weight: Tensor, curvature: Tensor, floor: float) -> None:
        """Variances and penalty from the weights and their curvature.

        Args:
            weight: Of the layer.
            curvature: Of the loss in each weight, over the strength where that is wanted.
            floor: Least curvature.
        """
        along = groups.members(self.kind, weight.shape) or None
        gamma = self.gamma if along is None else self.gamma.squeeze(along)
        arrays = [t.cpu().numpy() for t in (weight, curvature, gamma)]
        found = relevance.update(*arrays, axis=along, floor=floor)
        shape = self.gamma.shape
        self.gamma = torch.from_numpy(found.s).to(weight).view(shape)
        self.omega = torch.from_numpy(found.omega).to(weight).view(shape)

    def gradient(self, weight: Tensor) -> Tensor:
        """Of the penalty; 0 where a whole group is."""
        norm = groups.norms(weight, self.kind)
        return weight * (self.strength * self.omega / norm.clamp_min(1e-30))

    def shrink(self, weight: Tensor, step: float) -> None:
        """Take a proximal step on the penalty: each norm falls by its part, down to exactly 0.

        Args:
            weight: Changed in place.
            step: Length of the step.
        """
        norm = groups.norms(weight, self.kind)
        part = step * self.strength * self.omega
        weight.mul_((1 - part / norm.clamp_min(1e-30)).clamp_min(0.0))

    def value(self, weight: Tensor) -> float:
        """The penalty."""
        found: float = (self.omega * groups.norms(weight, self.kind)).sum().item()
        return self.strength * found


def priors(weights: Mapping[str, Tensor], recipe: CompressionRecipe) -> list[Prior]:
    """All groups of a network, with gamma = omega = 1.

    The last layer's outputs are the classes: its rows or filters are no groups.

    Args:
        weights: Layer -> its weight, in the network's order.
        recipe: Says which kinds of groups there are, and how strong the penalties.
    """
    found = []
    last = list(weights)[-1]
    for layer, weight in weights.items():
        kinds = recipe.linear if weight.dim() == 2 else recipe.convolution
        for kind, factor in kinds.items():
            if layer == last and groups.axes(kind, weight.dim()) == (0,):
                continue
            ones = torch.ones_like(groups.norms(weight, kind))
            strength = recipe.strength(layer, kind) * factor
            found.append(Prior(layer, kind, strength, ones, ones.clone()))
    return found


def layers(network: nn.Module) -> dict[str, nn.Linear | nn.Conv2d]:
    """The layers that can be compressed, by name, in the network's order."""
    return {
        name: module
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }
