"""What makes a training repeatable: one thread, and seeds for layers that draw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Run PyTorch's CPU kernels on one thread: repeatable, and faster for small networks."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def seeded_layers(seed: int, device: torch.device) -> Iterator[None]:
    """Let layers that draw (dropout, stochastic depth) draw from a seed.

    They know no generator but the process-wide one of their device. It goes back to where it was.

    Args:
        seed: Unsigned 64-bit seed.
        device: Where the layers compute.
    """
    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reach all GPUs
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield
