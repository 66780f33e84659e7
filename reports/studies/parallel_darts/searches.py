"""The searches of the study: carried out one after another, and kept when they are finished."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.benchmarks import Benchmark
from harness.benchmarks.packed import atomic_write
from harness.errors import UserError
from harness.one_shot import Problem
from harness.one_shot.problem import problem_of
from harness.spec import SearcherSpec

if TYPE_CHECKING:
    from searchers.one_shot.parallel import ParallelFound, ParallelSearch

Launch = Callable[["ParallelSearch", Callable[..., Any]], "ParallelFound"]
"""Who starts workers: `harness.training.processes.run_in_processes`, or
`harness.tune.parallel.run_on_ray` within a Ray session."""


@dataclass(frozen=True)
class Settings:
    """What is searched, and how.

    Attributes:
        method: A one-shot method that several workers can train, with its options if need be:
            "darts:order=2".
        workers: Numbers of workers; with 1 among them, speed-ups are known.
        seeds: Searches on each number of workers.
        epochs: How often a worker sees its training images.
        mode: "epoch" (Algorithm 1) or "batch" (Algorithm 2).
        data: "sharded", or "identical" to check the machinery.
        batch_size: Of a worker; None: the recipe's.

    Raises:
        UserError: If a number is out of range, or the method is none or has no such option.
    """

    method: str = "darts"
    workers: tuple[int, ...] = (1, 2)
    seeds: int = 4
    epochs: int = 50
    mode: str = "epoch"
    data: str = "sharded"
    batch_size: int | None = None

    def __post_init__(self) -> None:
        least = min((*self.workers, self.seeds, self.epochs, self.batch_size or 1), default=0)
        if not self.workers or least < 1:
            raise UserError(
                f"workers={self.workers}, seeds={self.seeds}, epochs={self.epochs},"
                f" batch_size={self.batch_size}; each at least 1"
            )
        if not self.spec.one_shot:
            raise UserError(f"'{self.method}' trains no supernet: take darts")

    @cached_property
    def spec(self) -> SearcherSpec:
        """The method and its options."""
        return SearcherSpec.parse(self.method)

    def problem(self, benchmark: Benchmark) -> Problem:
        """What is searched on.

        Raises:
            UserError: If the benchmark does not say what it trains.
        """
        problem = problem_of(benchmark)
        if self.batch_size is None:
            return problem
        return replace(problem, recipe=replace(problem.recipe, batch_size=self.batch_size))

    def search(self, problem: Problem, workers: int, seed: int) -> ParallelSearch:
        """One of the searches.

        Raises:
            UserError: If an option is out of range, or the method takes no reducer.
        """
        from searchers.one_shot.parallel import ParallelSearch

        method: Any = type(self.spec.build_one_shot(problem, seed))
        how: Any = self.mode, self.data, self.spec.options
        return ParallelSearch(method, problem, seed, self.epochs, workers, *how)


class Finished:
    """Searches that are finished, a file each; a search's name holds all that it depends on.

    Args:
        folder: Where the files are.
        checksum: Of the benchmark.
        settings: Of the study.
        launcher: Who starts the workers: times depend on it.
    """

    def __init__(self, folder: Path, checksum: str, settings: Settings, launcher: str) -> None:
        self._folder = folder
        common = {**asdict(settings), "method": settings.spec.identity}
        del common["workers"], common["seeds"]
        versions = {name: version(name) for name in ("nas-harness", "torch")}
        self._common = {**common, "benchmark": checksum, "launcher": launcher, **versions}

    def get(self, workers: int, seed: int) -> dict[str, Any] | None:
        """What a search found; None if it is not finished."""
        try:
            found: dict[str, Any] = json.loads(self._path(workers, seed).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return found

    def keep(self, workers: int, seed: int, found: dict[str, Any]) -> None:
        """Keep what a search found."""
        with atomic_write(self._path(workers, seed)) as stream:
            stream.write(json.dumps(found, indent=1).encode())

    def _path(self, workers: int, seed: int) -> Path:
        identity = {**self._common, "workers": workers, "seed": seed}
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        return self._folder / f"{workers}-workers-seed-{seed}-{digest[:12]}.json"


def carried_out(
    problem: Problem,
    settings: Settings,
    finished: Finished,
    launch: Launch,
    progress: Callable[[int, int], None],
) -> dict[tuple[int, int], dict[str, Any]]:
    """What every search found, by (workers, seed); those that are not finished are run.

    All numbers of workers take turns, seed by seed, so that whatever else the machine does at
    a time slows all of them down.
    """
    from searchers.one_shot.parallel import work

    grid = [(workers, seed) for seed in range(settings.seeds) for workers in settings.workers]
    jobs = {place: settings.search(problem, *place) for place in grid}
    found = {place: kept for place in grid if (kept := finished.get(*place)) is not None}
    progress(len(found), len(grid))
    for place in grid:
        if place not in found:
            outcome = launch(jobs[place], work)
            found[place] = {
                **asdict(outcome),
                "architecture": problem.space.to_string(outcome.architecture),
            }
            finished.keep(*place, found[place])
            progress(len(found), len(grid))
    return found
