"""Traces: what a search did, one row an evaluation, with a digest over all of it.

The deterministic part (header and columns) has a digest; wall time, host and versions are
telemetry beside it. Traces of a batch of searches share one Parquet file, written under a
temporary name and renamed, whose metadata holds the headers, digests and telemetry.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.benchmarks.base import STATUS, Benchmark
from harness.benchmarks.packed import atomic_write
from harness.errors import HarnessError, unknown

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

COLUMNS: dict[str, str] = {
    "number": "int32",
    "row": "int32",
    "visit": "int32",
    "epochs": "int32",
    "continued": "int32",
    "value": "float64",
    "start": "int64",
    "end": "int64",
    "worker": "int32",
    "status": "int8",
    "selection": "float64",
    "true": "float64",
    "report": "float64",
}
"""Numeric columns of a trace, in order, with their types.

number: the proposal's number; row, visit: the table's row and the draw's number in it; epochs:
epochs that the network has been trained for; continued: at which of them an earlier evaluation had
paused its training (0: trained from the beginning); value: what the searcher was told; start, end:
virtual microseconds; worker: simulated worker; status: index into `STATUS`; selection: what the
winner is selected by; true: mean of the selection's measure over all seeds; report: the reported
result, which the searcher never sees. Values are as measured, NaN where there is none.
"""

METADATA_KEY = b"nas_harness"


@dataclass(frozen=True)
class Trace:
    """One finished search.

    Attributes:
        header: Searcher and its options, benchmark and checksum, protocol hash, budget, workers,
            seed, why it stopped.
        architectures: The evaluated architectures in the space's notation.
        columns: The columns of `COLUMNS`, each of length n.
        telemetry: Wall seconds, reasons of failed trials; not part of the digest.
    """

    header: dict[str, Any]
    architectures: list[str]
    columns: dict[str, np.ndarray]
    telemetry: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.architectures)

    @property
    def digest(self) -> str:
        """SHA-256 over the header and all columns."""
        summary = hashlib.sha256()
        summary.update(json.dumps(self.header, sort_keys=True, separators=(",", ":")).encode())
        summary.update("\n".join(self.architectures).encode())
        for name in COLUMNS:
            summary.update(self.columns[name].tobytes())
        return summary.hexdigest()

    @classmethod
    def from_rows(
        cls,
        header: dict[str, Any],
        rows: Sequence[tuple[Any, ...]],
        benchmark: Benchmark,
        telemetry: dict[str, Any],
    ) -> Trace:
        """A trace from the search loop's rows, with the values of selection and report added."""
        fields = list(zip(*rows, strict=True)) if rows else [()] * 11
        architectures = fields.pop(1)
        columns = {
            name: np.fromiter(values, kind, len(rows))
            for (name, kind), values in zip(COLUMNS.items(), fields, strict=False)
        }
        columns |= benchmark.results(
            architectures,
            columns["row"],
            columns["visit"],
            columns["value"],
            header["seed"],
            columns["epochs"],
        )
        to_string = benchmark.space.to_string
        texts = list(map(to_string, architectures))
        return cls(header, texts, columns, telemetry)


def write_batch(path: Path, traces: Sequence[Trace], telemetry: dict[str, Any]) -> None:
    """Write the traces of a batch of searches to one Parquet file, whole or not at all."""
    with atomic_write(path) as stream:
        stream.write(batch_bytes(traces, telemetry))


def batch_bytes(traces: Sequence[Trace], telemetry: dict[str, Any]) -> bytes:
    """The Parquet file of a batch as bytes, for a worker that does not share the driver's disk."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    lengths = [len(trace) for trace in traces]
    arrays: dict[str, pa.Array] = {
        "search": pa.array(np.repeat(np.arange(len(traces), dtype=np.int32), lengths)),
        "step": pa.array(
            np.concatenate([np.arange(0), *map(np.arange, lengths)]), type=pa.int32()
        ),
        "architecture": pa.array(
            [text for trace in traces for text in trace.architectures], type=pa.string()
        ).dictionary_encode(),
    }
    for name, kind in COLUMNS.items():
        joined = np.concatenate([np.array([], kind), *(t.columns[name] for t in traces)])
        arrays[name] = pa.array(joined)
    document = {
        "headers": [trace.header for trace in traces],
        "digests": [trace.digest for trace in traces],
        "searches": [trace.telemetry for trace in traces],
        "telemetry": telemetry,
    }
    table = pa.table(arrays).replace_schema_metadata(
        {METADATA_KEY: json.dumps(document, sort_keys=True).encode()}
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=1, write_page_checksum=True)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def telemetry() -> dict[str, Any]:
    """Where a batch ran: beside its traces, outside their digests."""
    return {"host": os.uname().nodename, "nas_harness": version("nas-harness")}


def read_metadata(path: Path) -> dict[str, Any]:
    """Headers, digests and telemetry of a batch file.

    Raises:
        HarnessError: If the file is no intact batch of traces.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = (pq.read_schema(path).metadata or {})[METADATA_KEY]
        document: dict[str, Any] = json.loads(found)
        for name in ("headers", "digests", "searches"):
            if not isinstance(document[name], list):
                raise ValueError(f"{name} is no list")
        for header in document["headers"]:
            lacking = {"searcher", "benchmark", "protocol", "seed", "stopped"} - set(header)
            if lacking:
                raise ValueError(f"a header lacks {sorted(lacking)}")
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException) as error:
        raise HarnessError(f"{path} is no trace file of nas-harness ({error})") from None
    return document


def read_columns(path: Path) -> pa.Table:
    """The evaluations of a batch file, checked against the checksums of its pages.

    Raises:
        HarnessError: If the file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table: pa.Table = pq.read_table(path, page_checksum_verification=True)
        # The checksums cover pages, not what the file says of them.
        table.validate(full=True)
    except (OSError, pa.ArrowException) as error:
        raise HarnessError(f"{path} is damaged ({error}): delete it and run again") from None
    lacking = {"search", "step", "architecture", *COLUMNS} - set(table.column_names)
    if lacking:
        raise HarnessError(f"{path} lacks the columns {sorted(lacking)}: delete it and run again")
    return table


def read_batch(path: Path) -> list[Trace]:
    """The traces of a batch file.

    Raises:
        HarnessError: If the file is no intact batch of traces, or a digest does not match.
    """
    document = read_metadata(path)
    table = read_columns(path)
    search = table.column("search").to_numpy()
    bounds = np.searchsorted(search, np.arange(len(document["headers"]) + 1))
    texts = table.column("architecture").to_pylist()
    columns = {name: table.column(name).to_numpy() for name in COLUMNS}
    traces = []
    for i, header in enumerate(document["headers"]):
        part = slice(int(bounds[i]), int(bounds[i + 1]))
        trace = Trace(
            header,
            texts[part],
            {name: column[part] for name, column in columns.items()},
            document["searches"][i],
        )
        if trace.digest != document["digests"][i]:
            raise HarnessError(f"{path}: search {i} differs from its digest: the file is altered")
        traces.append(trace)
    return traces


def finished_seeds(directory: Path) -> set[int]:
    """The seeds whose traces a cell's directory holds."""
    paths = sorted(directory.glob("*.parquet"))
    return {h["seed"] for path in paths for h in read_metadata(path)["headers"]}


def trace_files(directory: str | Path) -> list[Path]:
    """All trace files of an experiment's directory, in a fixed order."""
    return sorted(Path(directory).glob("traces/*/*.parquet"))


def iterate_tables(directory: str | Path) -> Iterator[tuple[dict[str, Any], pa.Table]]:
    """(metadata, Arrow table) of every trace file; column `search` counts within the file."""
    for path in trace_files(directory):
        yield read_metadata(path), read_columns(path)


def load_traces(directory: str | Path, columns: Iterable[str] | None = None) -> pd.DataFrame:
    """All evaluations of an experiment as one pandas frame.

    Args:
        directory: The experiment's ``--out`` directory.
        columns: Only these of the columns (architecture and those of `COLUMNS`).

    Returns:
        One row an evaluation in the order of completion, with `searcher`, `benchmark`, `seed`
        and `step` first; `status` as its name.

    Raises:
        UserError: If a column is unknown.
        HarnessError: If there are no traces, or a file is damaged.
    """
    import pandas as pd

    known = ["architecture", *COLUMNS]
    wanted = list(columns) if columns is not None else known
    for name in wanted:
        if name not in known:
            raise unknown("column of traces", name, known)
    frames = []
    for metadata, table in iterate_tables(directory):
        frame = table.select(["search", "step", *wanted]).to_pandas()
        headers = metadata["headers"]
        search = frame.pop("search").to_numpy()
        for place, name in enumerate(("searcher", "benchmark", "seed")):
            values = np.array([header[name] for header in headers])
            frame.insert(place, name, values[search])
        if "status" in frame:
            frame["status"] = np.array(STATUS)[frame["status"].to_numpy()]
        frames.append(frame)
    if not frames:
        raise HarnessError(
            f"no traces in {directory}: run `nas-harness run ... --out {directory}`"
        )
    joined: pd.DataFrame = pd.concat(frames, ignore_index=True)
    return joined
