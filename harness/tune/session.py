"""A Ray session that suits many small trials: local or joined, quiet, one thread a worker."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.errors import HarnessError
from harness.tune.joining import join

RETRIES = 3
"""How often work is started again when its worker dies."""

_ENVIRONMENT = {
    # Loggers and snapshots cost more than a table's evaluation, and our own traces are the truth.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "RAY_AIR_NEW_OUTPUT": "0",
    # Tune's own handler of Ctrl-C ends one round of trials; we would start the next.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # Trials stay in the driver's directory: relative paths keep their meaning.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # A job's runtime environment may name the same variables as ours: ours win in the workers.
    "RAY_OVERRIDE_JOB_RUNTIME_ENV": "1",
}
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_PLACES = ("NAS_HARNESS_DATA",)
"""Where things lie, if the driver says so, in workers too."""

for _name, _value in _ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)


@contextmanager
def ray_session(address: str | None) -> Iterator[None]:
    """Join the cluster at an address, or start a local one and end it afterwards.

    A session that the calling process already has is used and left alone.

    Raises:
        UserError: If the cluster cannot be joined.
        HarnessError: If Ray does not start, on a busy machine say.
    """
    import ray

    # Tune reports every failed trial with a traceback; ours are retried, and reported in one line.
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    if ray.is_initialized():
        yield
        return
    # Workers import what the driver imports, with one thread each for numerical libraries.
    places = {name: os.environ[name] for name in _PLACES if name in os.environ}
    settings: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "runtime_env": {"env_vars": {**_THREADS, **places, "RAY_CHDIR_TO_TRIAL_DIR": "0"}},
    }
    if address:
        join(address, **settings)
    else:
        try:
            ray.init("local", num_cpus=os.cpu_count(), include_dashboard=False, **settings)
        except Exception as error:  # Ray has no narrower one
            reason = str(error).strip().partition("\n")[0]
            raise HarnessError(f"Ray does not start: {reason}; try again, or --inline") from None
    try:
        with _terminable():
            yield
    finally:
        ray.shutdown()


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM, the way of schedulers, end the command as Ctrl-C does.

    Ray has installed a handler of its own, which aborts with stack traces.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
