"""Workers as threads of one process, each with its end of a real gloo group: quick to start."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch.distributed as dist


def together(workers: int, work: Callable[[int, dist.ProcessGroup], Any]) -> list[Any]:
    """What the work gives on each of several threads; the first thread's error is raised."""
    store = dist.HashStore()
    results: list[Any] = [None] * workers

    def run(rank: int) -> None:
        try:
            results[rank] = work(rank, dist.ProcessGroupGloo(store, rank, workers))
        except Exception as error:
            results[rank] = error

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive(), "a worker waits for ever"
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results
