"""What every search found in the end, read file by file: memory does not grow with the budget."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import UserError
from reports.incumbents import incumbents
from reports.records import Key, Records, describe_records, iterate_cells


@dataclass(frozen=True, eq=False)
class Endings:
    """The final incumbents of one searcher on one benchmark.

    Attributes:
        values: Role (selection, report) -> float64 [searches], in the order of the seeds.
        seeds: int64 [searches], ascending.
        failed: Evaluations that failed, or that the benchmark lacks.
    """

    values: dict[str, np.ndarray]
    seeds: np.ndarray
    failed: int


def read_endings(directory: str | Path) -> tuple[Records, dict[Key, Endings]]:
    """The final incumbents of an experiment's searches.

    Returns:
        What the directory says of itself, without cells; (searcher, question's key) -> endings.

    Raises:
        UserError: If the directory holds no experiment or no finished search.
        HarnessError: If a trace file is damaged.
    """
    records = describe_records(directory)
    seeds = defaultdict(list)
    values = defaultdict(list)
    failed: dict[Key, int] = defaultdict(int)
    for key, cell in iterate_cells(records, directory):
        followed = incumbents(cell)
        seeds[key].append(cell.seeds)
        values[key].append([followed.final(role) for role in ("selection", "report")])
        failed[key] += cell.statuses["failed"] + cell.statuses["missing"]
    if not seeds:
        raise UserError(f"{directory} holds no finished search: run `nas-harness run` first")
    endings = {}
    for key in seeds:
        theirs = np.concatenate(seeds[key])
        order = np.argsort(theirs)
        selection, report = (np.concatenate(v)[order] for v in zip(*values[key], strict=True))
        values_of = {"selection": selection, "report": report}
        endings[key] = Endings(values_of, theirs[order], failed[key])
    return records, endings
