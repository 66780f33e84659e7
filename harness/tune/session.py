"""A Ray session that suits many small trials: local or joined, quiet, one thread a worker."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

RETRIES = 3
"""How often work is started again when its worker dies."""

_ENVIRONMENT = {
    # Loggers and snapshots cost more than a table's evaluation, and our own traces are the truth.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "RAY_AIR_NEW_OUTPUT": "0",
    # Trials stay in the driver's directory: relative paths keep their meaning.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)


@contextmanager
def ray_session(address: str | None) -> Iterator[None]:
    """Join the cluster at an address, or start a local one and end it afterwards.

    A session that the calling process already has is used and left alone.
    """
    import ray

    # Tune reports every failed trial with a traceback; ours are retried, and reported in one line.
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    if ray.is_initialized():
        yield
        return
    # Workers import what the driver imports, with one thread each for numerical libraries.
    ray.init(
        address=address or "local",
        num_cpus=None if address else os.cpu_count(),
        include_dashboard=None if address else False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        runtime_env={"env_vars": {**_THREADS, "RAY_CHDIR_TO_TRIAL_DIR": "0"}},
    )
    try:
        yield
    finally:
        ray.shutdown()
