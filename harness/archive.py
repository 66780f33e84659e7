"""Archives: an experiment in one small file, from which its traces are made again exactly.

All that a search leaves follows from its proposals, its seed and the benchmark. An archive keeps
the proposals, and each trace's digest. Restoring runs the ordinary search loop over the recorded
proposals, which takes as long as random search, needs none of the strategies, and is checked
against the digests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.benchmarks import Benchmark
from harness.benchmarks.packed import atomic_write
from harness.errors import HarnessError, UserError, unknown
from harness.experiment import BATCH_EVALUATIONS, BenchmarkSpec
from harness.experiment_document import check_document, read_document
from harness.experiment_record import check_directory, write_record
from harness.locks import sole_writer
from harness.loop import Budget, Search, run_search
from harness.searcher import Observation, Proposal, Searcher
from harness.traces import Trace, finished_seeds, read_batch, trace_files, write_batch

if TYPE_CHECKING:
    import pyarrow as pa

METADATA_KEY = b"nas_harness_archive"
_LISTS = ("architecture", "epochs", "continued")


class _Recorded(Searcher):
    """Proposes what a search proposed, whatever it hears."""

    def __init__(self, proposals: Sequence[Proposal], benchmark: Benchmark, seed: int) -> None:
        super().__init__(benchmark.space, seed)
        self._proposals = iter(proposals)

    def ask(self) -> Proposal | None:
        return next(self._proposals, None)

    def tell(self, observation: Observation) -> None:
        pass


@dataclass(frozen=True, eq=False)
class Archive:
    """An archive, read.

    Attributes:
        path: Its file.
        document: The `experiment.json` of what it holds.
        searches: An Arrow table, one row a search: the cell's directory, the searcher's label,
            the benchmark's place in the document, the seed, why the search stopped, its
            statistics as JSON, its digest; and its proposals as lists.
    """

    path: Path
    document: dict[str, Any]
    searches: pa.Table

    @property
    def labels(self) -> list[str]:
        """The searchers' labels."""
        return [searcher["searcher"] for searcher in self.document["searchers"]]

    @cached_property
    def benchmarks(self) -> tuple[Benchmark, ...]:
        """The benchmarks as they are installed here.

        Raises:
            UserError: If one is not there, or is not what the archive was made from.
        """
        return tuple(map(self._opened, self.specs, self.document["benchmarks"]))

    @property
    def specs(self) -> tuple[BenchmarkSpec, ...]:
        """The benchmarks as an experiment names them."""
        return tuple(
            BenchmarkSpec(entry["source"], entry["protocol"]["name"], entry.get("options", {}))
            for entry in self.document["benchmarks"]
        )

    def _opened(self, spec: BenchmarkSpec, entry: dict[str, Any]) -> Benchmark:
        found: Benchmark = spec.open()
        for what, ours, theirs in (
            ("checksum", found.checksum, entry["checksum"]),
            ("protocol hash", found.protocol.hash, entry["protocol_hash"]),
        ):
            if ours != theirs:
                raise UserError(
                    f"{self.path} was made on {entry['name']} with the {what} {theirs[:16]}, the"
                    f" one here has {ours[:16]}: make the archive anew (`nas-harness archive`)"
                )
        return found

    def restore(
        self, out: Path, *, seeds: int | None = None, searchers: Sequence[str] | None = None
    ) -> int:
        """Make an experiment's directory of it, or add to one that is there.

        Args:
            out: The directory; made if need be.
            seeds: Only so many of its seeds, the first ones.
            searchers: Only those of these labels.

        Returns:
            Number of searches that were not there.

        Raises:
            UserError: If a label is unknown, the benchmarks are not those of the archive, or the
                directory holds an experiment with another budget or other options.
            HarnessError: If a trace does not have its recorded digest.
        """
        wanted = self.labels if searchers is None else list(searchers)
        for label in wanted:
            if label not in self.labels:
                raise unknown(f"searcher of {self.path.name}", label, self.labels)
        self.benchmarks  # noqa: B018  # mistakes leave no directory behind
        kept = sorted(self.document["seeds"])[:seeds]
        rows = [row for row in self._rows() if row["searcher"] in wanted and row["seed"] in kept]
        cells = {row["cell"] for row in rows}
        part = {
            "searchers": [s for s in self.document["searchers"] if s["searcher"] in wanted],
            "cells": [cell for cell in self.document["cells"] if cell in cells],
            "seeds": kept,
        }
        # What its authors declared is not said of what is added to it.
        shared = {name: v for name, v in self.document.items() if name != "declared"}
        check_directory(out)
        with sole_writer(out):
            write_record(out, shared | part)
            restored = 0
            for cell in sorted(cells):
                done = finished_seeds(out / "traces" / cell)
                todo = [row for row in rows if row["cell"] == cell and row["seed"] not in done]
                restored += self._restore_cell(out / "traces" / cell, todo)
        return restored

    def _restore_cell(self, folder: Path, rows: Sequence[dict[str, Any]]) -> int:
        longest = max((len(row["architecture"]) for row in rows), default=0)
        size = max(1, BATCH_EVALUATIONS // max(1, longest))
        for i in range(0, len(rows), size):
            batch = rows[i : i + size]
            traces = [self.trace(row) for row in batch]
            name = f"seeds-{batch[0]['seed']:06d}-{batch[-1]['seed']:06d}.parquet"
            write_batch(folder / name, traces, {"archive": self.path.name})
        return len(rows)

    def _rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.searches.to_pylist()
        return sorted(rows, key=lambda row: (row["cell"], row["seed"]))

    def traces(self, searcher: str) -> Iterator[Trace]:
        """The traces of one searcher, by the seed within each benchmark."""
        return (self.trace(row) for row in self._rows() if row["searcher"] == searcher)

    def trace(self, row: dict[str, Any]) -> Trace:
        """The trace of one search.

        Args:
            row: A row of `searches`.

        Raises:
            HarnessError: If it does not have its recorded digest.
        """
        trace = replayed(self.document, self.benchmarks[row["benchmark"]], row)
        if trace.digest != row["digest"].hex():
            raise HarnessError(
                f"{self.path}: the search of {row['searcher']} under seed {row['seed']} differs"
                " from its digest: make the archive anew (`nas-harness archive`)"
            )
        return trace


def replayed(document: dict[str, Any], benchmark: Benchmark, row: dict[str, Any]) -> Trace:
    """A search run over its recorded proposals.

    Args:
        document: The experiment's record.
        benchmark: What answered.
        row: A row of `Archive.searches`.
    """
    identity = next(s for s in document["searchers"] if s["searcher"] == row["searcher"])
    read, several = benchmark.space.from_string, len(benchmark.fidelities) > 1
    # Searches visit the same architectures again and again.
    known = {text: read(text) for text in set(row["architecture"])}
    proposals = [
        Proposal(known[text], epochs if several else None, continued or None)
        for text, epochs, continued in zip(*(row[name] for name in _LISTS), strict=True)
    ]
    searcher = _Recorded(proposals, benchmark, row["seed"])
    budget = Budget(**document["budget"])
    search = Search(searcher, benchmark, budget, row["seed"], identity, document["workers"])
    trace = run_search(search)
    trace.header["stopped"] = row["stopped"]
    if row["statistics"] is not None:
        trace.header["statistics"] = json.loads(row["statistics"])
    return trace


def write_archive(directory: Path, path: Path) -> Archive:
    """Archive an experiment's directory in one file.

    Args:
        directory: The experiment's ``--out`` directory.
        path: The file to write.

    Raises:
        UserError: If the directory holds no experiment or no finished search, or a search's
            proposals do not determine it.
        HarnessError: If a trace file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        document = read_document(directory / "experiment.json")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(
            f"{directory} holds no intact experiment ({reason}): run `nas-harness run ... --out"
            f" {directory}` first"
        ) from None
    rows = list(_recorded_rows(directory, document))
    if not rows:
        raise UserError(f"{directory} holds no finished search: run `nas-harness run` first")
    cells = sorted({row["cell"] for row in rows}, key=document["cells"].index)
    document = {**document, "cells": cells}
    rows.sort(key=lambda row: (cells.index(row["cell"]), row["seed"]))
    schema = pa.schema(
        [
            ("cell", pa.string()), ("searcher", pa.string()), ("benchmark", pa.int32()),
            ("seed", pa.int64()), ("stopped", pa.string()), ("statistics", pa.string()),
            ("digest", pa.binary(32)), ("architecture", pa.list_(pa.string())),
            ("epochs", pa.list_(pa.int32())), ("continued", pa.list_(pa.int32())),
        ],
        metadata={METADATA_KEY: json.dumps(document, sort_keys=True).encode()},
    )  # fmt: skip
    archive = Archive(path, document, pa.Table.from_pylist(rows, schema=schema))
    for row in rows:
        _check_determined(archive, row)
    sink = pa.BufferOutputStream()
    # The architectures' names are the bulk, and many searches visit the same ones.
    pq.write_table(
        archive.searches,
        sink,
        compression="zstd",
        compression_level=19,
        dictionary_pagesize_limit=1 << 26,
        write_page_checksum=True,
    )
    with atomic_write(path) as stream:
        stream.write(sink.getvalue().to_pybytes())
    return archive


def _recorded_rows(directory: Path, document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What an archive keeps of every search that the experiment's record lists."""
    labels = {searcher["searcher"] for searcher in document["searchers"]}
    keys = [(entry["name"], entry["protocol_hash"]) for entry in document["benchmarks"]]
    for path in trace_files(directory):
        cell = path.parent.name
        if cell not in document["cells"]:
            continue
        for trace in read_batch(path):
            header = trace.header
            key = (header["benchmark"], header["protocol"])
            if header["searcher"] not in labels or key not in keys:
                continue
            order = np.argsort(trace.columns["number"])
            statistics = header.get("statistics")
            yield {
                "cell": cell,
                "searcher": header["searcher"],
                "benchmark": keys.index(key),
                "seed": header["seed"],
                "stopped": header["stopped"],
                "statistics": None if statistics is None else json.dumps(statistics),
                "digest": bytes.fromhex(trace.digest),
                "architecture": [trace.architectures[i] for i in order],
                "epochs": trace.columns["epochs"][order].tolist(),
                "continued": trace.columns["continued"][order].tolist(),
            }


def _check_determined(archive: Archive, row: dict[str, Any]) -> None:
    try:
        archive.trace(row)
    except HarnessError:
        raise UserError(
            f"the search of {row['searcher']} under seed {row['seed']} does not follow from its"
            " proposals alone (workers waited for one another, a live training measured it, or a"
            " supernet derived it): it cannot be archived"
        ) from None


def read_archive(path: Path) -> Archive:
    """An archive's content.

    Raises:
        UserError: If the file cannot be read or is no archive.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, page_checksum_verification=True)
        table.validate(full=True)
        document = json.loads((table.schema.metadata or {})[METADATA_KEY])
        check_document(document)
        lacking = {"cell", "searcher", "benchmark", "seed", "digest", *_LISTS}
        if lacking - set(table.column_names):
            raise ValueError(f"it lacks {sorted(lacking - set(table.column_names))}")
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException) as error:
        raise UserError(f"{path} is no archive of `nas-harness archive` ({error!r})") from None
    return Archive(path, document, table)
