"""Residual networks whose shortcuts have no parameters: ResNet-18 for small images.

All blocks of a section write into one *stream* of channels and read from it, and a shortcut hands
it on to the next section, whose further channels begin as zeros. So a channel of the stream can be
cut out after a block if no block before has written into it, or nothing reads it later; until then
it stays, whatever single convolutions have lost. Channels inside of a block are free, as in a
chain. A block whose branch has lost all weights is its shortcut: what comes in is not negative,
and the last rectifier leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.errors import HarnessError, UserError
from harness.networks.residual import Block, ResidualNetwork, Subsample
from searchers.compression.structure import (
    Masks,
    Structure,
    cut_layer,
    cut_normalisation,
    into,
    out_of,
    restrict,
)

_STEM, _CLASSIFIER = "stem.0", "classifier"


class Residual(Structure):
    """The structure of a `ResidualNetwork` of basic blocks without projections.

    Args:
        network: Compressed in place.

    Raises:
        UserError: If it has bottlenecks, groups or projections.
    """

    network: ResidualNetwork

    def __init__(self, network: ResidualNetwork) -> None:
        super().__init__(network)
        blocks: list[Any] = list(network.blocks)
        for block in blocks:
            if len(block.branch) != 2 or not isinstance(block.shortcut, nn.Identity | Subsample):
                raise UserError(
                    "cannot compress a residual network with bottlenecks or projections"
                )
        self._blocks = [
            (f"blocks.{i}.branch.0.0", f"blocks.{i}.branch.1.0") for i in range(len(blocks))
        ]
        modules = dict(network.named_modules())
        for name in (_STEM, *[layer for block in self._blocks for layer in block]):
            normalisation = modules[f"{name.rpartition('.')[0]}.1"]
            assert isinstance(normalisation, nn.BatchNorm2d)
            self.normalisations[name] = normalisation

    def settle(self, weights: Mapping[str, Tensor]) -> Masks:
        found = {name: mask.clone() for name, mask in weights.items()}
        changed = True
        while changed:
            left = sum(int(mask.sum()) for mask in found.values())
            streams = self._streams(found)
            stem = found[_STEM]
            found[_STEM] = restrict(stem, streams[0], torch.ones_like(out_of(stem)))
            for (first, last), before, after in zip(self._blocks, streams, streams[1:]):
                inner = into(found[first]) & out_of(found[last])
                found[first] = restrict(found[first], inner, before)
                found[last] = restrict(found[last], after, inner)
            classes = torch.ones_like(into(found[_CLASSIFIER]))
            found[_CLASSIFIER] = restrict(found[_CLASSIFIER], classes, streams[-1])
            changed = left != sum(int(mask.sum()) for mask in found.values())
        if not found[_CLASSIFIER].any():
            raise HarnessError("nothing of the network is left: lower the penalties")
        units = {name: into(mask) for name, mask in found.items()}
        units[_CLASSIFIER] = torch.ones_like(units[_CLASSIFIER])
        return Masks(found, units)

    def _streams(self, weights: Mapping[str, Tensor]) -> list[Tensor]:
        """Channels that are written before and read after, behind the stem and each block."""
        written = [into(weights[_STEM])]
        for _, last in self._blocks:
            on = into(weights[last])
            written.append(on | _widened(written[-1], len(on)))
        read = [out_of(weights[_CLASSIFIER])]
        for (first, _), on in zip(reversed(self._blocks), reversed(written[:-1])):
            read.append(read[-1][: len(on)] | out_of(weights[first]))
        return [on & wanted for on, wanted in zip(written, reversed(read), strict=True)]

    def sliced(self, masks: Masks) -> nn.Module:
        streams = self._streams(masks.weights)
        blocks = []
        modules: list[Any] = list(self.network.blocks)
        for names, module, before, after in zip(
            self._blocks, modules, streams, streams[1:], strict=False
        ):
            blocks.append(self._block(masks, names, module, before, after))
        image = torch.ones_like(out_of(masks.weights[_STEM]))
        stem = [self._cut(masks, _STEM, image, streams[0]), nn.ReLU()]
        classifier = self.layers[_CLASSIFIER]
        classes = masks.units[_CLASSIFIER]
        made = cut_layer(classifier, classes, streams[-1])
        return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), made)

    def _block(
        self,
        masks: Masks,
        names: tuple[str, str],
        module: Block,
        before: Tensor,
        after: Tensor,
    ) -> SlicedBlock:
        first, last = names
        inner, outputs = masks.units[first], masks.units[last]
        branch = None
        if inner.any():
            branch = nn.Sequential(
                self._cut(masks, first, before, inner),
                nn.ReLU(),
                self._cut(masks, last, inner, outputs),
            )
        stride = module.shortcut.stride if isinstance(module.shortcut, Subsample) else 1
        kept = _widened(before, len(after))
        # Channels that are read no more are left behind.
        handed = (kept & after)[kept].nonzero().flatten()
        place = torch.cumsum(after, 0) - 1
        return SlicedBlock(
            branch, stride, int(after.sum()), handed, place[kept & after], place[outputs]
        )

    def _cut(self, masks: Masks, name: str, inputs: Tensor, outputs: Tensor) -> nn.Sequential:
        normalisation = cut_normalisation(self.normalisations[name], outputs)
        return nn.Sequential(cut_layer(self.layers[name], outputs, inputs), normalisation)

    def architecture(self, masks: Masks) -> str:
        """The stem's filters, then those of each block's convolutions, ``64 | 60,33 | ...``.

        They are filters with a weight left; a block without any is ``-``.
        """
        widths = [str(int(masks.units[_STEM].sum()))]
        for first, last in self._blocks:
            inner, outer = (int(masks.units[name].sum()) for name in (first, last))
            widths.append(f"{inner},{outer}" if inner else "-")
        return " | ".join(widths)


class SlicedBlock(nn.Module):
    """A residual block of which channels are cut out.

    Args:
        branch: Its convolutions; None if there are none left.
        stride: Step of the shortcut in the image.
        channels: Channels that go out.
        handed: Which incoming channels go on, int64.
        places: As which of the outgoing channels, int64, likewise.
        outputs: Outgoing channel of each of the branch's, int64.
    """

    handed: Tensor
    places: Tensor
    outputs: Tensor

    def __init__(
        self,
        branch: nn.Module | None,
        stride: int,
        channels: int,
        handed: Tensor,
        places: Tensor,
        outputs: Tensor,
    ) -> None:
        super().__init__()
        self.branch = branch
        self.stride, self.channels = stride, channels
        for name, value in (("handed", handed), ("places", places), ("outputs", outputs)):
            self.register_buffer(name, value)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, kept before, ...) to (batch, kept behind, ...)."""
        straight = x[:, :, :: self.stride, :: self.stride].index_select(1, self.handed)
        shape = (len(x), self.channels, *straight.shape[2:])
        total = straight.new_zeros(shape).index_copy(1, self.places, straight)
        if self.branch is not None:
            total = total.index_add(1, self.outputs, self.branch(x))
        return functional.relu(total)


def _widened(channels: Tensor, width: int) -> Tensor:
    """Channels of a stream as they come into a wider section."""
    return functional.pad(channels, (0, width - len(channels)))
