"""Networks as graphs of layers, free of torch; `harness.networks.macro` compiles them."""

from __future__ import annotations

from harness.macro.descriptor import INPUT, OUTPUT, Descriptor, FrozenDescriptor
from harness.macro.layers import KINDS, Layer

__all__ = ["INPUT", "KINDS", "OUTPUT", "Descriptor", "FrozenDescriptor", "Layer"]
