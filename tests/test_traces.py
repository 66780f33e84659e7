"""Traces: what is written comes back, and any change of it is noticed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import load_traces, search
from harness.benchmarks.base import STATUS
from harness.errors import HarnessError, UserError
from harness.traces import (
    COLUMNS,
    METADATA_KEY,
    Trace,
    batch_bytes,
    read_batch,
    read_metadata,
    trace_files,
    write_batch,
)
from tests.small_table import SmallTable, small_table

SEARCHERS = ("random_search", "regularized_evolution:population_size=4,tournament_size=2")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallTable:
    return small_table(tmp_path_factory.mktemp("traces") / "small.table")


@pytest.fixture(scope="module")
def traces(small: SmallTable) -> list[Trace]:
    """Traces of several lengths, one of them empty."""
    benchmark = small.benchmark(charge_repeats=False)
    made = [
        search(benchmark, SEARCHERS[i % 2], seed=i, evaluations=length, workers=2)
        for i, length in enumerate((12, 1, 20, 7))
    ]
    return [*made, search(benchmark, "random_search", seed=9, seconds=1e-6)]


@pytest.fixture
def written(tmp_path: Path, traces: list[Trace]) -> Path:
    """An experiment's directory with two trace files."""
    write_batch(tmp_path / "traces" / "a" / "one.parquet", traces[:2], {"host": "here"})
    write_batch(tmp_path / "traces" / "b" / "two.parquet", traces[2:], {"host": "there"})
    return tmp_path


def equal(one: Trace, other: Trace) -> bool:
    same = all(
        one.columns[name].dtype == other.columns[name].dtype == np.dtype(kind)
        and np.array_equal(one.columns[name], other.columns[name], equal_nan=kind[0] == "f")
        for name, kind in COLUMNS.items()
    )
    return same and one.architectures == other.architectures and one.header == other.header


# --- round trip -----------------------------------------------------------------------------


def test_a_batch_comes_back(written: Path, traces: list[Trace]) -> None:
    one, two = trace_files(written)
    found = read_batch(one) + read_batch(two)
    assert len(found) == len(traces)
    for ours, theirs in zip(traces, found, strict=True):
        assert equal(ours, theirs)
        assert ours.digest == theirs.digest
        assert theirs.telemetry["wall_seconds"] == ours.telemetry["wall_seconds"]


def test_an_empty_search_and_an_empty_batch(tmp_path: Path, traces: list[Trace]) -> None:
    assert len(traces[-1]) == 0
    for batch in ([traces[-1]], [traces[-1], traces[0], traces[-1]], []):
        write_batch(tmp_path / "t.parquet", batch, {})
        found = read_batch(tmp_path / "t.parquet")
        assert [trace.digest for trace in found] == [trace.digest for trace in batch]


def test_metadata(written: Path, traces: list[Trace]) -> None:
    found = read_metadata(trace_files(written)[0])
    assert found["headers"] == [trace.header for trace in traces[:2]]
    assert found["digests"] == [trace.digest for trace in traces[:2]]
    assert found["telemetry"] == {"host": "here"}
    raw = pq.read_schema(trace_files(written)[0]).metadata[METADATA_KEY]
    assert json.loads(raw) == found


def test_the_file_is_plain_parquet_for_others(written: Path, traces: list[Trace]) -> None:
    table = pq.read_table(trace_files(written)[1])
    assert table.column_names == ["search", "step", "architecture", *COLUMNS]
    lengths = [len(trace) for trace in traces[2:]]
    assert table.num_rows == sum(lengths)
    assert table["search"].to_pylist() == np.repeat(range(3), lengths).tolist()
    assert table["step"].to_pylist() == [step for n in lengths for step in range(n)]


# --- digests --------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_digest_changes_with_any_cell(traces: list[Trace], data: st.DataObject) -> None:
    trace = traces[data.draw(st.sampled_from([0, 2, 3]))]
    name = data.draw(st.sampled_from([*COLUMNS, "architecture", "header", "rows"]))
    place = data.draw(st.integers(0, len(trace) - 1))
    columns, texts, header = trace.columns, list(trace.architectures), dict(trace.header)
    if name == "header":
        field = data.draw(st.sampled_from(sorted(header)))
        header[field] = [header[field], "other"]
    elif name == "architecture":
        texts[place] += data.draw(st.text(min_size=1, max_size=2))
    elif name == "rows":
        columns = {n: np.delete(column, place) for n, column in columns.items()}
        del texts[place]
    else:
        changed = columns[name].copy()
        bits = changed.view(np.uint8)
        bits[place * changed.itemsize + data.draw(st.integers(0, changed.itemsize - 1))] ^= (
            data.draw(st.integers(1, 255))
        )
        columns = columns | {name: changed}
    other = replace(trace, header=header, architectures=texts, columns=columns)
    assert other.digest != trace.digest
    assert replace(trace, telemetry={"wall_seconds": 1e9}).digest == trace.digest


def test_a_digest_does_not_depend_on_the_batch(tmp_path: Path, traces: list[Trace]) -> None:
    for batch in (traces, traces[::-1], traces[:1]):
        write_batch(tmp_path / "t.parquet", batch, {})
        assert [t.digest for t in read_batch(tmp_path / "t.parquet")] == [t.digest for t in batch]


# --- damage ---------------------------------------------------------------------------------


def test_an_altered_value_is_noticed(written: Path) -> None:
    path = trace_files(written)[0]
    table = pq.read_table(path)
    place = table.column_names.index("report")
    values = table["report"].to_pylist()
    values[0] = 99.9
    pq.write_table(table.set_column(place, "report", [values]), path)
    with pytest.raises(HarnessError, match="search 0 differs from its digest"):
        read_batch(path)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_flipped_and_cut_bytes_are_noticed(
    tmp_path_factory: pytest.TempPathFactory, traces: list[Trace], data: st.DataObject
) -> None:
    """A damaged file is refused in one line, or every trace in it is the right one."""
    content = batch_bytes(traces[:2], {})
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(0, 2))):
        damaged[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = damaged[: data.draw(st.just(len(content)) | st.integers(0, len(content)))]
    folder = tmp_path_factory.getbasetemp() / "damaged" / "traces" / "a"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "t.parquet"
    path.write_bytes(damaged)
    try:
        found = read_batch(path)
    except HarnessError as error:
        assert len(str(error).splitlines()) == 1 and str(path) in str(error)
    else:
        assert all(equal(ours, theirs) for ours, theirs in zip(traces[:2], found, strict=True))
    try:
        frame = load_traces(folder.parents[1], ["report"])
    except HarnessError as error:
        assert len(str(error).splitlines()) == 1
    else:
        expected = np.concatenate([trace.columns["report"] for trace in traces[:2]])
        assert np.array_equal(frame["report"], expected, equal_nan=True)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"{}", None])
def test_what_is_no_trace_file(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "traces" / "a" / "t.parquet"
    path.parent.mkdir(parents=True)
    if content is None:
        pq.write_table(pq.read_table(_foreign(tmp_path)), path)
    else:
        path.write_bytes(content)
    for read in (read_metadata, read_batch, lambda _: load_traces(tmp_path)):
        with pytest.raises(HarnessError, match="no trace file of nas-harness"):
            read(path)


def _foreign(folder: Path) -> Path:
    """Somebody else's Parquet file."""
    import pyarrow as pa

    pq.write_table(pa.table({"a": [1]}), folder / "foreign.parquet")
    return folder / "foreign.parquet"


@pytest.mark.parametrize("document", [5, {}, {"headers": 5}, {"headers": [], "digests": []}])
def test_metadata_of_a_wrong_kind(tmp_path: Path, document: Any) -> None:
    path = tmp_path / "t.parquet"
    table = pq.read_table(_foreign(tmp_path))
    pq.write_table(
        table.replace_schema_metadata({METADATA_KEY: json.dumps(document).encode()}), path
    )
    with pytest.raises(HarnessError, match="no trace file of nas-harness"):
        read_metadata(path)


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    document: dict[str, Any] = {"headers": [], "digests": [], "searches": []}
    table = pq.read_table(_foreign(tmp_path))
    pq.write_table(
        table.replace_schema_metadata({METADATA_KEY: json.dumps(document).encode()}), path
    )
    with pytest.raises(HarnessError, match="lacks the columns"):
        read_batch(path)


# --- nothing half-written -------------------------------------------------------------------


def test_a_kill_before_the_rename_leaves_no_trace_file(tmp_path: Path, small: SmallTable) -> None:
    program = (
        "import os, signal, pathlib\n"
        "from harness import Experiment\n"
        f"experiment = Experiment([{str(small.table.path)!r}], ['random_search'], 2,"
        " {'evaluations': 5})\n"
        f"out = pathlib.Path({str(tmp_path)!r})\n"
        "experiment.record(out)\n"
        "pathlib.Path.replace = lambda *args: os.kill(os.getpid(), signal.SIGKILL)\n"
        "experiment.record = lambda out: None\n"
        "experiment.run(out, inline=True)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(left) == 3, "experiment.json, a lock without a holder, and a temporary file"
    assert trace_files(tmp_path) == []
    with pytest.raises(HarnessError, match="no traces in"):
        load_traces(tmp_path)


def test_a_failed_write_leaves_nothing(
    tmp_path: Path, traces: list[Trace], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_batch(tmp_path / "traces" / "a" / "t.parquet", traces, {})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# --- as a frame -----------------------------------------------------------------------------


def test_the_frame_holds_every_evaluation(written: Path, traces: list[Trace]) -> None:
    frame = load_traces(written)
    assert list(frame.columns) == [
        "searcher", "benchmark", "seed", "step", "architecture", *COLUMNS,
    ]  # fmt: skip
    assert len(frame) == sum(map(len, traces))
    start = 0
    for trace in traces:
        part = frame.iloc[start : start + len(trace)]
        start += len(trace)
        if not len(trace):
            continue
        for name in ("searcher", "benchmark", "seed"):
            assert set(part[name]) == {trace.header[name]}
        assert part["step"].tolist() == list(range(len(trace)))
        assert part["architecture"].tolist() == trace.architectures
        assert part["status"].tolist() == [STATUS[i] for i in trace.columns["status"]]
        for name in ("number", "value", "start", "end", "selection", "true", "report"):
            np.testing.assert_array_equal(part[name].to_numpy(), trace.columns[name])


def test_some_columns_of_the_frame(written: Path) -> None:
    frame = load_traces(str(written), columns=["value", "status"])
    assert list(frame.columns) == ["searcher", "benchmark", "seed", "step", "value", "status"]
    with pytest.raises(UserError, match="unknown column of traces 'vale': did you mean value"):
        load_traces(written, columns=["vale"])


def test_no_traces_at_all(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"no traces in .*: run `nas-harness run"):
        load_traces(tmp_path / "nowhere")
