"""One experiment that is killed: what it is, what stands after a kill, and the final verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from harness.experiment import Experiment
from harness.traces import Trace, read_metadata, trace_files
from tests.tune.kills.audit import Audit, seed_of
from tests.tune.kills.observed import NAME, write

SEARCHERS = (
    "random_search",
    "local_search:initial_samples=5",
    "regularized_evolution:population_size=6,tournament_size=2",
)
PROMOTING = ("asha", "hyperband")
"""Strategies whose trials Ray Tune pauses and resumes."""


@dataclass(frozen=True)
class Setup:
    """What is searched.

    Attributes:
        searcher: As on the command line.
        workers: Simulated workers, and so trials at the same time.
        evaluations: Of each search.
        seeds: Number of searches.
    """

    searcher: str
    workers: int
    evaluations: int
    seeds: int = 2

    @classmethod
    def draw(cls, random: Random, searchers: Sequence[str], evaluations: int) -> Setup:
        """Any of the searchers, with one to three workers."""
        return cls(random.choice(searchers), random.randint(1, 3), evaluations)

    def experiment(self) -> Experiment:
        """The same experiment as the command's."""
        budget = {"evaluations": self.evaluations}
        return Experiment([NAME], [self.searcher], self.seeds, budget, self.workers)

    def words(self, out: Path) -> list[str]:
        """The command's words after ``nas-harness``."""
        return [
            "run", "--benchmark", NAME, "--searcher", self.searcher, "--out", str(out),
            "--seeds", str(self.seeds), "--evaluations", str(self.evaluations),
            "--workers", str(self.workers), "--trials", "evaluation",
        ]  # fmt: skip


class Stage:
    """An experiment's directory and its audit.

    Args:
        setup: What is searched.
        out: The experiment's directory.
        log: Where the processes note what they do; emptied here.

    Attributes:
        audit: What has been found out so far.
    """

    def __init__(self, setup: Setup, out: Path, log: Path) -> None:
        self.setup = setup
        self.out = out
        self._log = log
        log.unlink(missing_ok=True)
        self._offset = 0
        experiment = setup.experiment()
        (cell,) = experiment.cells
        traces = cell.run(experiment.opened[0], experiment.seeds)
        self.expected: dict[int, Trace] = dict(zip(experiment.seeds, traces, strict=True))
        self.audit = Audit(self.expected)

    def journalled(self) -> dict[int, list[int]]:
        """Seed -> numbers of the whole lines of its journal."""
        return {
            seed_of(str(path)): [json.loads(line)["number"] for line in _whole_lines(path)]
            for path in self._journals()
        }

    def catch_up(self) -> int:
        """Read what the processes have noted; the number of measurements so far."""
        self.audit.read(self._events())
        return self.audit.measured

    def worker_killed(self) -> None:
        """Note it among what the processes do."""
        write(self._log, {"what": "killed"})

    def after_a_kill(self, random: Random, *, power_cut: bool) -> None:
        """Take stock once a driver and its workers are gone.

        Args:
            random: What a power cut takes.
            power_cut: Whether all that was not synced may be lost, too.
        """
        self.catch_up()
        if power_cut:
            self._cut(random)
        finished = {
            header["seed"]
            for path in trace_files(self.out)
            for header in read_metadata(path)["headers"]
        }
        self.audit.killed()
        self.audit.stands(self.journalled(), finished, power_cut=power_cut)

    def verdict(self) -> list[str]:
        """Everything that is wrong, once the experiment has finished."""
        self.catch_up()
        problems = list(self.audit.problems)
        found: dict[int, str] = {}
        for path in trace_files(self.out):
            metadata = read_metadata(path)
            for header, digest in zip(metadata["headers"], metadata["digests"], strict=True):
                if header["seed"] in found:
                    problems.append(f"seed {header['seed']} has two traces")
                found[header["seed"]] = digest
        for seed, trace in self.expected.items():
            if found.get(seed) != trace.digest:
                problems.append(f"seed {seed}: digest {found.get(seed)}, inline {trace.digest}")
        problems += [f"{path} is left behind" for path in self._journals()]
        return [f"{self.setup}: {problem}" for problem in problems]

    def _journals(self) -> list[Path]:
        return sorted(self.out.glob("journal/*/seed-*.jsonl"))

    def _events(self) -> list[Mapping[str, Any]]:
        lines = _whole_lines(self._log, self._offset)
        self._offset += sum(len(line) + 1 for line in lines)
        return [json.loads(line) for line in lines]

    def _cut(self, random: Random) -> None:
        """What the power takes along: unsynced ends of journals, and names of new files."""
        for name in sorted(self.audit.nameless):
            if random.random() < 0.5 and self.out.resolve() in Path(name).parents:
                Path(name).unlink(missing_ok=True)
        for path in self._journals():
            size = path.stat().st_size
            kept = random.randint(min(size, self.audit.synced.get(str(path.resolve()), 0)), size)
            with path.open("rb+") as file:
                file.truncate(kept)


def _whole_lines(path: Path, offset: int = 0) -> list[bytes]:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
