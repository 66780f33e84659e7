"""Experiments: the grid searchers x benchmarks x seeds, from a YAML file or from arguments.

A *cell* is one searcher on one benchmark; its seeds are run in *batches*, each of which becomes
one trace file. A search whose trace is there is never run again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from harness.benchmarks import Benchmark, open_benchmark
from harness.benchmarks.live import LiveBenchmark
from harness.declared import checked
from harness.errors import UserError
from harness.experiment_record import check_directory, described, versions, write_record
from harness.journal import remove_finished
from harness.live.question import is_live
from harness.live.store import DirectoryStore, training_directory
from harness.locks import sole_writer
from harness.loop import Budget, Search, run_search
from harness.one_shot.plan import plan
from harness.one_shot.problem import problem_of
from harness.one_shot.recorded import LocalFiles, run_recorded, run_whole
from harness.protocol import Protocol, digest
from harness.resources import Resources, for_questions
from harness.searcher import Searcher
from harness.spec import SearcherSpec, strategy_class
from harness.traces import Trace, finished_seeds, telemetry, write_batch
from harness.typed import brief

MAX_SEEDS = MAX_WORKERS = 1_000_000
"""Larger numbers are mistakes that would use up the memory."""

BATCH_EVALUATIONS = 20_000
"""About how many evaluations a batch holds, divided by the searcher's slowness."""

Progress = Callable[[int, int], None]
"""Called with (finished searches, evaluations in them) whenever a batch is done."""


@dataclass(frozen=True)
class BenchmarkSpec:
    """A benchmark by name or path, with its protocol.

    Attributes:
        source: Registered name or path of a table, with ``#dataset`` if need be.
        protocol: Name of one of its protocols; None: its default.
        options: Fields of the protocol to replace (``missing``, ``repeat``, ``time_noise``, ...).
    """

    source: str
    protocol: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def open(self) -> Benchmark:
        """The benchmark.

        Raises:
            UserError: If something is unknown or the protocol leaks test data.
        """
        return open_benchmark(self.source, self.protocol, self.options)


@dataclass(frozen=True)
class Cell:
    """One searcher on one benchmark under one budget: what its traces share.

    Attributes:
        searcher: The strategy and its options.
        benchmark: Where to open the benchmark.
        protocol: The full protocol, so that a worker needs no second look-up.
        checksum: The table's.
        budget: When each search ends.
        workers: Simulated workers.
        directory: Name of the directory of its traces; holds a hash of all the above.
    """

    searcher: SearcherSpec
    benchmark: BenchmarkSpec
    protocol: Protocol
    checksum: str
    budget: Budget
    workers: int
    directory: str

    @property
    def question(self) -> str:
        """Identifies the table's content, the data set and the protocol."""
        return f"{self.checksum}:{self.benchmark.source}:{self.protocol.hash}"

    @property
    def live(self) -> bool:
        """Whether its evaluations are trainings."""
        return is_live(self.benchmark.source)

    @property
    def one_shot(self) -> bool:
        """Whether its searches train supernets."""
        return self.searcher.one_shot

    def run(self, benchmark: Benchmark, seeds: Iterable[int]) -> list[Trace]:
        """Run some of the cell's searches in this process."""
        if self.one_shot:
            return [run_whole(self.searcher, benchmark, self.budget, seed) for seed in seeds]
        return [run_search(self.start(benchmark, seed)) for seed in seeds]

    def start(self, benchmark: Benchmark, seed: int) -> Search:
        """One of the cell's searches, not begun."""
        searcher, identity = self.build(benchmark, seed), self.searcher.identity
        return Search(searcher, benchmark, self.budget, seed, identity, self.workers)

    def check(self, benchmark: Benchmark, seed: int) -> None:
        """Refuse what its searches would: a space, options, fidelities or a budget."""
        if self.one_shot:
            problem = problem_of(benchmark)
            method = self.searcher.build_one_shot(problem, seed)
            method.check(plan(problem, benchmark, self.budget).passes)
        else:
            self.start(benchmark, seed)

    def build(self, benchmark: Benchmark, seed: int) -> Searcher:
        """A fresh searcher, which may refuse the space, its options or the fidelities."""
        return self.searcher.build(benchmark.search_space(), seed, benchmark.fidelities)


@dataclass(frozen=True)
class Batch:
    """Some searches of one cell, run together and written to one file."""

    cell: Cell
    seeds: tuple[int, ...]

    @property
    def path(self) -> str:
        """Trace file, relative to the experiment's directory.

        The first seed is in no other file, because finished seeds are never in a batch.
        """
        first, last = self.seeds[0], self.seeds[-1]
        return f"traces/{self.cell.directory}/seeds-{first:06d}-{last:06d}.parquet"


class Experiment:
    """A grid of searches.

    Args:
        benchmarks: Names, table paths or `BenchmarkSpec`s.
        searchers: Command-line words (``"local_search"``), mappings ``{name: {option: value}}``
            or `SearcherSpec`s.
        seeds: A number of seeds (0, 1, ...) or the seeds themselves.
        budget: When each search ends; a mapping or a `Budget`.
        workers: Simulated asynchronous workers of each search.
        declared: What only people know of it (`harness.declared`); changes no search.

    Raises:
        UserError: If something is unknown, out of range or given twice.
    """

    def __init__(
        self,
        benchmarks: Sequence[str | BenchmarkSpec],
        searchers: Sequence[str | Mapping[str, Any] | SearcherSpec],
        seeds: int | Sequence[int],
        budget: Budget | Mapping[str, Any],
        workers: int = 1,
        declared: Mapping[str, str] | None = None,
    ) -> None:
        self.declared = checked(declared or {})
        self.benchmarks = tuple(
            b if isinstance(b, BenchmarkSpec) else BenchmarkSpec(b) for b in benchmarks
        )
        self.searchers = tuple(as_searcher(s) for s in searchers)
        if isinstance(seeds, int) and seeds > MAX_SEEDS:
            raise UserError(f"seeds={seeds}; at most {MAX_SEEDS:,}")
        given = range(seeds) if isinstance(seeds, int) else map(int, seeds)
        self.seeds = tuple(sorted(given))
        self.budget = budget if isinstance(budget, Budget) else Budget(**budget)
        self.workers = workers
        for name in ("benchmarks", "searchers", "seeds"):
            if not getattr(self, name):
                raise UserError(f"an experiment needs at least one of its {name}")
        if len(set(self.seeds)) != len(self.seeds) or self.seeds[0] < 0:
            raise UserError("seeds must be distinct and not negative")
        if self.seeds[-1] >= 1 << 63:
            raise UserError(f"seed {self.seeds[-1]} has more than 63 bits")
        labels = [searcher.label for searcher in self.searchers]
        for label in labels:
            if labels.count(label) > 1:
                raise UserError(f"searcher '{label}' is given twice")
        if not 1 <= workers <= MAX_WORKERS:
            raise UserError(f"workers={workers}; 1 to {MAX_WORKERS:,}")

    @classmethod
    def from_yaml(cls, path: str | Path) -> Experiment:
        """The experiment that a YAML file describes.

        Raises:
            UserError: If the file cannot be read or its content is wrong; one line says where.
        """
        from harness.experiment_file import read_experiment

        return read_experiment(Path(path))

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, benchmark by benchmark. Opens the tables and audits the protocols."""
        return tuple(
            self._cell(searcher, spec, benchmark)
            for spec, benchmark in zip(self.benchmarks, self.opened, strict=True)
            for searcher in self.searchers
        )

    @cached_property
    def opened(self) -> tuple[Benchmark, ...]:
        """The benchmarks, opened."""
        opened = tuple(spec.open() for spec in self.benchmarks)
        identities = [(b.name, b.protocol.hash, b.checksum) for b in opened]
        for identity in identities:
            if identities.count(identity) > 1:
                raise UserError(f"benchmark '{identity[0]}' is given twice with one protocol")
        return opened

    @cached_property
    def tables(self) -> dict[str, Benchmark]:
        """`Cell.question` -> opened benchmark."""
        firsts = self.cells[:: len(self.searchers)]
        return {c.question: table for c, table in zip(firsts, self.opened, strict=True)}

    def _cell(self, searcher: SearcherSpec, spec: BenchmarkSpec, table: Benchmark) -> Cell:
        question = [table.name, table.checksum, table.protocol.hash]
        identity = [searcher.identity, question, self.budget.limits, self.workers]
        words = re.sub(r"[^A-Za-z0-9]+", "-", f"{table.name}-{searcher.label}")[:60].strip("-")
        directory = f"{words}-{digest(identity)[:10]}"
        return Cell(
            searcher, spec, table.protocol, table.checksum, self.budget, self.workers, directory
        )

    def pending(self, out: Path | None = None) -> list[Batch]:
        """The batches whose searches have no trace in `out` yet; all without a directory."""
        batches = []
        for cell in self.cells:
            size = self._batch_size(cell)
            done = finished_seeds(out / "traces" / cell.directory) if out else set()
            todo = [seed for seed in self.seeds if seed not in done]
            chunks = (todo[i : i + size] for i in range(0, len(todo), size))
            batches += [Batch(cell, tuple(chunk)) for chunk in chunks]
        return batches

    def _batch_size(self, cell: Cell) -> int:
        """Searches in a batch."""
        kind = strategy_class(cell.searcher.name)
        # What takes long is recorded as soon as it has ended.
        if cell.live or not issubclass(kind, Searcher):
            return 1
        work = (self.budget.evaluations or 1_000) * kind.slowness
        return max(1, min(BATCH_EVALUATIONS // work, len(self.seeds)))

    def run(
        self,
        out: str | Path,
        *,
        inline: bool = False,
        address: str | None = None,
        trials: Literal["search", "evaluation"] = "search",
        resources: Resources | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Run every search that has no trace yet, and write the traces to a directory.

        Args:
            out: The experiment's directory; made if need be.
            inline: Run in this process, without Ray.
            address: Address of a Ray cluster to join; None starts a local one.
            trials: What one Ray Tune trial is: a batch of whole searches, or one evaluation. On
                live benchmarks it is always one evaluation.
            resources: What one evaluation takes of the cluster; default: one processor, and on
                live benchmarks that name ``@cuda`` one GPU.
            progress: Called after every finished batch.

        Returns:
            The directory.

        Raises:
            UserError: If `out` holds another experiment, another run writes there, or a request
                cannot be carried out.
            HarnessError: If running fails.
        """
        out = Path(out)
        check_directory(out)
        # Mistakes in benchmarks and what searchers refuse leave no directory or record behind.
        for cell in self.cells:
            cell.check(self.tables[cell.question], self.seeds[0])
        with sole_writer(out):
            self.record(out)
            remove_finished(out)
            batches = self.pending(out)
            if inline:
                self._run_inline(out, batches, progress)
            else:
                from harness.tune.lanes import run_batches

                share = resources or for_questions(b.source for b in self.benchmarks)
                run_batches(batches, out, trials, share, address=address, progress=progress)
        return out

    def _run_inline(self, out: Path, batches: list[Batch], progress: Progress | None) -> None:
        for batch in batches:
            benchmark = self.tables[batch.cell.question]
            if isinstance(benchmark, LiveBenchmark):
                directory = training_directory(out, benchmark.checksum)
                benchmark.trainings.store = DirectoryStore(directory)
            if batch.cell.one_shot:
                traces = [run_recorded(batch, benchmark, LocalFiles(out))]
            else:
                traces = batch.cell.run(benchmark, batch.seeds)
                write_batch(out / batch.path, traces, telemetry())
            if progress is not None:
                progress(len(traces), sum(map(len, traces)))

    def describe(self) -> dict[str, Any]:
        """Everything about the experiment as plain values: what `experiment.json` holds."""
        document = {
            "benchmarks": [
                described(table, spec.source, spec.options)
                for spec, table in zip(self.benchmarks, self.opened, strict=True)
            ],
            "searchers": [s.identity for s in self.searchers],
            "cells": [cell.directory for cell in self.cells],
            "seeds": list(self.seeds),
            "budget": self.budget.limits,
            "workers": self.workers,
            "versions": versions(s.name for s in self.searchers),
        }
        return document | ({"declared": self.declared} if self.declared else {})

    def record(self, out: Path) -> None:
        """Write `experiment.json`, joined with what is there.

        Raises:
            UserError: If the directory holds an experiment with another budget or protocol, or
                cannot be written to.
            HarnessError: If the record that it holds is damaged.
        """
        write_record(out, self.describe())


def as_searcher(given: str | Mapping[str, Any] | SearcherSpec) -> SearcherSpec:
    """A searcher from any of the forms in which experiments name one."""
    if isinstance(given, SearcherSpec):
        return given
    if isinstance(given, str):
        return SearcherSpec.parse(given)
    if len(given) != 1:
        raise UserError(f"searcher {brief(dict(given))}: write one name with its options")
    ((name, options),) = given.items()
    if options is not None and not isinstance(options, Mapping):
        raise UserError(f"searcher '{name}': write its options as names and values")
    options = dict(options or {})
    return SearcherSpec(name, options, options.pop("label", ""))
