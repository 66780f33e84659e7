"""How much memory a training took, and what happens when there is no more."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from typing import TypeVar

import torch

from harness.errors import OutOfMemory

T = TypeVar("T")

_CPU_MESSAGES = ("can't allocate memory", "not enough memory", "DefaultCPUAllocator")


def peak_memory(device: torch.device) -> int:
    """Bytes: on a GPU the most that PyTorch has held there since `reset_peak`.

    On a CPU the most that the process has ever had in memory, whatever it was for.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def reset_peak(device: torch.device) -> None:
    """Let `peak_memory` count from now on, on a GPU."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def within_memory(device: torch.device, work: Callable[[], T]) -> T:
    """What some work gives.

    Raises:
        OutOfMemory: If the memory ran out meanwhile; what the work held is free again then.
    """
    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        if not _is_full(error):
            raise
        full = OutOfMemory(str(device), peak_memory(device))
    # Not before the clause has ended: the error's traceback holds the work's tensors.
    release(device)
    raise full


def release(device: torch.device) -> None:
    """Give cached memory back to a GPU, for whoever comes next."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _is_full(error: MemoryError | RuntimeError) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        message in str(error) for message in _CPU_MESSAGES
    )
