"""The structure of a given network."""

from __future__ import annotations

from torch import nn

from harness.errors import UserError
from harness.networks.residual import ResidualNetwork
from searchers.compression.chain import Chain
from searchers.compression.residual import Residual
from searchers.compression.structure import Structure


def structure_of(network: nn.Module) -> Structure:
    """How a network's layers are connected.

    Raises:
        UserError: If it is neither a chain nor one of our residual networks.
    """
    if isinstance(network, nn.Sequential):
        return Chain(network)
    if isinstance(network, ResidualNetwork):
        return Residual(network)
    raise UserError(
        f"cannot compress a {type(network).__name__}: it must be an nn.Sequential or a"
        " ResidualNetwork"
    )
