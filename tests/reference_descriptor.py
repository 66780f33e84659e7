"""The reference graph of Kyriakides (2022), for tests of descriptors and their networks."""

from __future__ import annotations

from harness.macro import Descriptor


def listing() -> Descriptor:
    """The reference graph of listing 3.1: one pooling beside two convolutions."""
    descriptor = Descriptor()
    descriptor.add_layer("conv", {"filters": 32, "kernel": 3}, "conv")
    descriptor.add_layer_sequential("conv", {"filters": 64, "kernel": 5}, "conv2")
    descriptor.add_layer_sequential("conv", {"filters": 128, "kernel": 3}, "conv3")
    descriptor.add_layer("pool", {"kernel": 2, "stride": 2}, "pool1")
    descriptor.add_layer("pool", {"kernel": 2, "stride": 5}, "pool2")
    for ends in [("input", "conv"), ("conv2", "pool1"), ("conv3", "pool2"), ("pool1", "pool2")]:
        descriptor.connect(*ends)
    return descriptor
