"""What the study of DARTS on several workers found, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reports.intervals import Estimate
from reports.studies.diversity import Diversity


@dataclass(frozen=True)
class OneSearch:
    """One search.

    Attributes:
        workers: How many trained together.
        seed: Its seed.
        architecture: What it derived, in the space's notation.
        seconds: Wall seconds of its training.
        waited: Share of them that a worker spent in all-reduces, mean over workers.
        passes: Image passes of all workers together.
        communications: All-reduces of a worker in the whole search.
        sent: Bytes that a worker gave to them.
        accuracy: Validation accuracy of the architecture when trained alone, in percent; None if
            it is not known.
    """

    workers: int
    seed: int
    architecture: str
    seconds: float
    waited: float
    passes: int
    communications: int
    sent: int
    accuracy: float | None


@dataclass(frozen=True)
class Team:
    """The searches on one number of workers.

    Attributes:
        workers: The number.
        searches: How many.
        seconds: Mean wall seconds of a search.
        speedup: Mean over seeds of one worker's seconds divided by theirs; None without searches
            on one worker.
        efficiency: The speed-up divided by the workers' number, in percent.
        waited: Mean percentage of the seconds spent in all-reduces.
        passes: Mean image passes of all workers together.
        communications: All-reduces an epoch of a worker, as counted.
        expected: The same in closed form.
        sent: Bytes an epoch that a worker gave to them.
        accuracy: Mean validation accuracy of the derived architectures, in percent.
    """

    workers: int
    searches: int
    seconds: Estimate
    speedup: Estimate
    efficiency: Estimate
    waited: Estimate
    passes: float
    communications: float
    expected: float
    sent: float
    accuracy: Estimate


@dataclass(frozen=True)
class ParallelDarts:
    """DARTS on several workers, seed by seed.

    Seconds, and what follows from them, were measured on one machine and differ from run to run.

    Attributes:
        benchmark: The benchmark's name.
        checksum: Its checksum.
        trained: Whether accuracies are of trainings that the study made, not of a table.
        mode: "epoch" (Algorithm 1) or "batch" (Algorithm 2).
        data: "sharded" or "identical".
        launcher: Who started the workers.
        epochs: Of a search.
        batch_size: Of a worker.
        train_images: Of all workers together.
        valid_images: Likewise.
        seeds: Searches on each number of workers.
        options: Of the method.
        steps: Workers -> steps that each takes in an epoch.
        machine: What it was measured on: name of a property -> value.
        processors: Processors that this process may use.
        searches: All of them.
        teams: One a number of workers.
        diversity: Graph edit distances and tests between the numbers of workers.
    """

    benchmark: str
    checksum: str
    trained: bool
    mode: str
    data: str
    launcher: str
    epochs: int
    batch_size: int
    train_images: int
    valid_images: int
    seeds: int
    options: dict[str, Any]
    steps: dict[str, int]
    machine: dict[str, str]
    processors: int
    searches: tuple[OneSearch, ...]
    teams: tuple[Team, ...]
    diversity: Diversity
