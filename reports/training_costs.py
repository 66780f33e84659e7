"""What the trainings of a live benchmark cost: telemetry, beside a report's results."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.journal import read_entries
from harness.live.record import Record
from harness.live.store import training_directory


@dataclass(frozen=True)
class TrainingCosts:
    """All trainings that an experiment's directory keeps of one live benchmark.

    Searches under one seed share trainings, so that these are fewer than evaluations.

    Attributes:
        statuses: "ok", "diverged", "failed" -> how many.
        hours: Real hours of all together, one after the other.
        median_seconds: Of one training.
        slowest_seconds: Of the longest.
        peak_memory: Largest memory of any, in bytes; None if none says.
        devices: What they ran on.
        parameters: Least, median and largest number of parameters.
    """

    statuses: dict[str, int]
    hours: float
    median_seconds: float | None
    slowest_seconds: float | None
    peak_memory: int | None
    devices: tuple[str, ...]
    parameters: tuple[int, int, int] | None


def training_costs(directory: Path, checksum: str) -> TrainingCosts | None:
    """Read them; None if there are none.

    Args:
        directory: The experiment's.
        checksum: The benchmark's.
    """
    path = training_directory(directory, checksum) / "trainings.jsonl"
    if not path.exists():
        return None
    records = {entry["key"]: Record.from_dict(entry) for entry in read_entries(path)}
    told: list[Any] = [dict(record.telemetry or {}) for record in records.values()]
    seconds = np.array([t["seconds"] for t in told if "seconds" in t], float)
    memory = [t["peak_memory"] for t in told if t.get("peak_memory")]
    sizes = np.array([r.parameters for r in records.values() if r.parameters])
    return TrainingCosts(
        dict(sorted(Counter(record.status for record in records.values()).items())),
        float(seconds.sum() / 3600.0),
        float(np.median(seconds)) if seconds.size else None,
        float(seconds.max()) if seconds.size else None,
        max(memory, default=None),
        tuple(sorted({str(t["device"]) for t in told if "device" in t})),
        (int(sizes.min()), int(np.median(sizes)), int(sizes.max())) if sizes.size else None,
    )
