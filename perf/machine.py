"""Where and when the measurements were made."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from reports.studies.overhead.machine import processor

PACKAGES = (
    "nas-harness", "ray", "numpy", "pyarrow", "pandas", "scipy", "nats_bench", "syne-tune",
    "torch", "nasbench-pytorch",
)  # fmt: skip


def describe() -> list[tuple[str, str]]:
    """Names and values: date, processor, cores, memory, load, Python, packages."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return [
        ("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("processor", f"{processor()}, {usable} cores usable"),
        ("memory", f"{memory / 2**30:.1f} GiB"),
        ("load average at the start", "{:.2f}, {:.2f}, {:.2f}".format(*os.getloadavg())),
        ("system", platform.platform()),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("packages", ", ".join(f"{name} {_version(name)}" for name in PACKAGES)),
        ("threads", "numerical libraries on one thread each"),
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
