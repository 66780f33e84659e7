"""Packed tables with flipped, moved and forged bytes: a clear error, or the right answers."""

from __future__ import annotations

import hashlib
import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benchmarks.packed import MAGIC, PackedTable
from harness.benchmarks.table import TableBenchmark
from harness.errors import HarnessError
from harness.loop import Budget, Search, run_search
from harness.spec import SearcherSpec
from harness.testing import synthetic_table
from tests.fuzz.strategies import (
    command,
    damaged,
    fuzz,
    fuzzed,
    one_line,
    refused,
    strict_warnings,
)
from tests.small_table import small_table

PREFIX = len(MAGIC) + 8 + 32
SPACE = {"name": "tiny", "options": [["a", "b"], ["x", "y", "z"]]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with three tables; two of them differ in nothing but their numbers."""
    place = tmp_path_factory.mktemp("packed")
    small_table(place / "first.table")
    small_table(place / "second.table", seed=1)
    synthetic_table(place / "third.table", coverage=0.001, datasets=("one", "two"), failing=0.3)
    return place


NAMES = ("first", "second", "third")


def parts(content: bytes) -> list[bytes]:
    """A table's prefix, header and arrays, each with its padding."""
    length = int.from_bytes(content[8:16], "little")
    base = PREFIX + length
    document = json.loads(content[PREFIX:base])
    starts = sorted({base + entry["offset"] for entry in document["arrays"].values()})
    cuts = [0, PREFIX, *starts, len(content)]
    return [content[a:b] for a, b in pairwise(cuts)]


def with_header(content: bytes, document: Any) -> bytes:
    """The table with another header, whose length and checksum are right."""
    length = int.from_bytes(content[8:16], "little")
    text = json.dumps(document).encode()
    text += b" " * (-(PREFIX + len(text)) % 64)
    prefix = MAGIC + len(text).to_bytes(8, "little") + hashlib.sha256(text).digest()
    return prefix + text + content[PREFIX + length :]


@st.composite
def files(draw: st.DrawFn, sound: list[bytes]) -> bytes:
    """A table with some bytes, sections or the end in the wrong place, or of another table."""
    content = draw(st.sampled_from(sound))
    kind = draw(
        st.sampled_from(["bytes", "bytes", "swap", "splice", "section", "extend", "header"])
    )
    if kind == "bytes":
        return draw(damaged(content))
    if kind == "extend":
        return content + draw(st.binary(max_size=200))
    if kind == "splice":
        other = draw(st.sampled_from(sound))
        at = draw(st.integers(0, len(content)) | st.sampled_from([8, 16, PREFIX, 4096]))
        return content[:at] + other[at:]
    if kind == "header":
        # Bytes flipped in the header alone.
        length = int.from_bytes(content[8:16], "little")
        return draw(damaged(content[: PREFIX + length])) + content[PREFIX + length :]
    sections = parts(content)
    i, j = draw(st.tuples(*[st.integers(0, len(sections) - 1)] * 2))
    if kind == "swap":
        sections[i], sections[j] = sections[j], sections[i]
    else:
        others = parts(draw(st.sampled_from(sound)))
        sections[i] = others[min(i, len(others) - 1)]
    return b"".join(sections)


def used(table: PackedTable) -> dict[str, list[Any]]:
    """Everything that a table can be asked, through its benchmarks and a search."""
    said: dict[str, list[Any]] = {}
    for dataset, protocols in table.header.protocols.items():
        for name in protocols:
            try:
                benchmark = TableBenchmark(table, dataset, name)
            except HarnessError as error:
                said[f"{dataset}:{name}"] = [one_line(error)]
                continue
            searcher = SearcherSpec("random_search").build(benchmark.search_space(), 0)
            try:
                trace = run_search(Search(searcher, benchmark, Budget(5), 0, {"searcher": "r"}))
            except HarnessError as error:
                said[f"{dataset}:{name}"] = [one_line(error)]
                continue
            assert (trace.columns["row"] < table.n_rows).all()
            assert (trace.columns["end"] >= trace.columns["start"]).all()
            said[f"{dataset}:{name}"] = [trace.architectures, *map(list, trace.columns.values())]
    return said


def same(table: PackedTable, original: PackedTable) -> bool:
    """Whether two tables answer everything alike."""
    return (
        table.header == original.header
        and table.keys.tobytes() == original.keys.tobytes()
        and table.row_of.tobytes() == original.row_of.tobytes()
        and all(
            np.array_equal(table.values(name), original.values(name), equal_nan=True)
            for name in original.columns
        )
    )


@fuzzed(120, 2_000)
def test_damaged_tables(examples: int, folder: Path) -> None:
    """Full verification finds every difference; without it, nothing but errors of ours follows."""
    sound = [(folder / f"{name}.table").read_bytes() for name in NAMES]
    originals = {t.checksum: t for t in (PackedTable(folder / f"{n}.table") for n in NAMES)}
    path = folder / "damaged.table"

    @fuzz(examples)
    @given(content=files(sound))
    def check(content: bytes) -> None:
        path.write_bytes(content)
        try:
            table = PackedTable(path)
        except HarnessError as error:
            one_line(error)
            return
        with strict_warnings():
            used(table)
            for name in table.columns:
                table.values(name)
        try:
            table.verify()
        except HarnessError as error:
            one_line(error)
            return
        assert same(table, originals[table.checksum])

    check()


FORGED: list[Any] = [
    None, True, -1, 0, 1, 2, 3, 7, 24, 0.5, 1e300, -1e-300, 5e-324, float("nan"), float("inf"),
    2**31, 2**63, 10**30, 10**4000, "", "x", "uint8", "uint16", "int32", "int64", "float32",
    "float64", "#keys", "d/valid_accuracy", "tss", "sss", "nasbench101", "\ud800", "\x1b[2J",
    "a\nb",
    "[red]", "x" * 9999, "test", "fail", "resample", "continue", "fidelity", [], {}, [0], [[]],
    [["a", "b"], ["x"]], ["a", "a"], {"x": 1}, [24, 3, 3], [3, 24, 3], [216], [1, 2, 4], [7],
    {"column": "d/valid_accuracy"}, SPACE,
    {"name": "s", "options": [["a"]] * 300}, {"name": "s", "options": [["a\ud800"], ["b"]]},
]  # fmt: skip


def places(tree: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values in a JSON document."""
    found = [here] if here else []
    items: Any = enumerate(tree) if isinstance(tree, list) else ()
    for name, value in tree.items() if isinstance(tree, dict) else items:
        found += places(value, (*here, name))
    return found


@fuzzed(50, 400)
def test_forged_headers(examples: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a header says that was made to fit: errors of ours, or answers as it says."""
    sound = [(folder / f"{name}.table").read_bytes() for name in NAMES]
    path, out = folder / "forged.table", folder / "out"
    monkeypatch.setenv("COLUMNS", "200")

    @fuzz(examples)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        content = data.draw(st.sampled_from(sound))
        document = header_of(content)
        for _ in range(data.draw(st.integers(1, 3))):
            *way, last = data.draw(st.sampled_from(places(document)))
            inner = document
            for name in way:
                inner = inner[name]
            kind = data.draw(st.sampled_from(["put", "put", "put", "drop", "copy", "rename"]))
            if kind == "drop":
                del inner[last]
            elif kind == "rename" and isinstance(inner, dict):
                inner[data.draw(st.sampled_from(["x", "", "d", "\ud800"]))] = inner.pop(last)
            elif kind == "copy":
                source = data.draw(st.sampled_from(places(document)))
                value = document
                for name in source:
                    value = value[name]
                inner[last] = json.loads(json.dumps(value))
            else:
                inner[last] = json.loads(json.dumps(data.draw(st.sampled_from(FORGED))))
            if not places(document):
                break
        path.write_bytes(with_header(content, document))
        shown = command("info", path, "--verify")
        if shown.status:
            refused(shown)
        try:
            table = PackedTable(path)
            table.verify()
        except HarnessError as error:
            one_line(error)
            assert shown.err == f"nas-harness: {error}\n"
            return
        with strict_warnings():
            used(table)
        as_the_header_says(table, path.read_bytes())
        shutil.rmtree(out, ignore_errors=True)
        words = ["--benchmark", path, "--searcher", "random_search", "--seeds", 1]
        ran = command("run", *words, "--evaluations", 3, "--out", out, "--inline")
        if ran.status:
            refused(ran)

    check()


def header_of(content: bytes) -> Any:
    length = int.from_bytes(content[8:16], "little")
    return json.loads(content[PREFIX : PREFIX + length])


def as_the_header_says(table: PackedTable, content: bytes) -> None:
    """The values are the stored numbers times the scale, read again from the file's bytes."""
    document = header_of(content)
    base = PREFIX + int.from_bytes(content[8:16], "little")
    for column in document["columns"]:
        entry = document["arrays"][column["name"]]
        count = int(np.prod(entry["shape"]))
        stored = np.frombuffer(content, entry["dtype"], count, base + entry["offset"])
        values = stored.astype(float)
        if entry["dtype"].startswith("u"):
            values[stored == np.iinfo(entry["dtype"]).max] = np.nan
        wanted = values.reshape(entry["shape"]) * column.get("scale", 1.0)
        assert np.array_equal(table.values(column["name"]), wanted, equal_nan=True)
