"""Trainings of a tabulation as Ray tasks, one CPU each, on this machine or a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.errors import HarnessError
from harness.tabulation.work import Batch, Executor, Row, train_batch
from harness.tune.session import ray_session
from harness.tune.sources import check_workers

_AHEAD = 2
"""Tasks that are submitted for every CPU: enough that none waits for the driver."""


def on_ray(address: str | None = None) -> Executor:
    """An executor of Ray tasks.

    Args:
        address: Join the cluster at this address; None starts one on this machine.
    """

    def run(batches: Sequence[Batch]) -> Iterator[list[Row]]:
        import ray

        with ray_session(address):
            check_workers()
            task = ray.remote(num_cpus=1, max_retries=3)(train_batch)
            waiting = list(reversed(batches))
            running: list[ray.ObjectRef[list[Row]]] = []
            while waiting or running:
                # Asked anew each time: a cluster may grow.
                resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
                slots = _AHEAD * max(1, int(resources.get("CPU", 1)))
                while waiting and len(running) < slots:
                    running.append(task.remote(waiting.pop()))
                ready, running = ray.wait(running, num_returns=1)
                for done in ready:
                    try:
                        rows = ray.get(done)
                    except ray.exceptions.RayError as error:
                        last = str(error).strip().splitlines()[-1]
                        raise HarnessError(f"training failed on a worker: {last}") from None
                    yield rows

    return run
