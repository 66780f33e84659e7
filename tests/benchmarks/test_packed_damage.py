"""Damaged and hostile files: a packed table gives the right answer, or one line that says why."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks import TableBenchmark
from harness.benchmarks.packed import (
    MAGIC,
    PackedTable,
    TableError,
)
from harness.errors import HarnessError
from tests.small_table import CELLS, COLUMNS, small_table

PREFIX = len(MAGIC) + 8 + 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packed")


@pytest.fixture(scope="module")
def content(folder: Path) -> bytes:
    """The bytes of an intact table."""
    return small_table(folder / "intact.table").table.path.read_bytes()


def header_of(content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[8:16], "little")
    document: dict[str, Any] = json.loads(content[PREFIX : PREFIX + length])
    return document


def with_header(content: bytes, text: bytes) -> bytes:
    """The table with another header, whose checksum is right."""
    length = int.from_bytes(content[8:16], "little")
    text += b" " * (-(PREFIX + len(text)) % 64)
    checksum = hashlib.sha256(text).digest()
    return MAGIC + len(text).to_bytes(8, "little") + checksum + text + content[PREFIX + length :]


def one_line(error: HarnessError) -> str:
    assert len(str(error).splitlines()) == 1
    return str(error)


def assert_sound_or_refused(path: Path, content: bytes, original: PackedTable) -> None:
    """A table with these bytes is refused in one line, or gives the right answer."""
    path.write_bytes(content)
    try:
        table = PackedTable(path)
        table.verify()
    except HarnessError as error:
        assert str(path) in one_line(error)
        return
    assert table.header == original.header
    assert table.keys.tobytes() == original.keys.tobytes()
    assert table.row_of.tobytes() == original.row_of.tobytes()
    for name in original.columns:
        assert np.array_equal(table.values(name), original.values(name), equal_nan=True)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_flipped_and_cut_bytes_are_noticed(
    folder: Path, content: bytes, data: st.DataObject
) -> None:
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(content) - 1) | st.integers(0, PREFIX + 200))
        damaged[place] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.just(len(content)) | st.integers(0, len(content)))
    tail = data.draw(st.just(b"") | st.binary(max_size=20))
    original = PackedTable(folder / "intact.table")
    assert_sound_or_refused(folder / "damaged.table", bytes(damaged[:cut]) + tail, original)


def places(tree: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values in a JSON document."""
    yield here
    items: Any = enumerate(tree) if isinstance(tree, list) else ()
    if isinstance(tree, dict):
        items = tree.items()
    for name, value in items:
        yield from places(value, (*here, name))


def change(document: Any, place: tuple[Any, ...], value: Any) -> None:
    """Replace or delete the value at a place."""
    *way, last = place
    for name in way:
        document = document[name]
    if value == "delete":
        del document[last]
    else:
        document[last] = copy.deepcopy(value)


def deep(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


WEIRD: list[Any] = [
    None, True, False, -1, 0, 1, 2, 7, 0.5, 1.0, -1e308, float("nan"), float("inf"), 10**30, 2**63,
    -(2**63) - 1, "", "x", "float64", "uint8", "cifar10", "#keys", [], {}, [[]], [0], [-1], ["a"],
    {"x": 1}, [10**18, 10**18], [1, 2, 3], deep(300), "\ud800", "a\nb", [True], [1.5],
    {"": {"": {}}},
]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_hostile_headers_are_refused_or_harmless(
    folder: Path, content: bytes, data: st.DataObject
) -> None:
    """Whatever a header with a right checksum says, all that follows is a one-line error."""
    document = header_of(content)
    known = list(places(document))[1:]
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from(known))
        value = data.draw(st.just("delete") | st.sampled_from(WEIRD))
        # A second change may aim at what the first has removed.
        with contextlib.suppress(LookupError, TypeError):
            change(document, place, value)
    path = folder / "hostile.table"
    path.write_bytes(with_header(content, json.dumps(document).encode()))
    try:
        table = PackedTable(path)
    except HarnessError as error:
        assert str(path) in one_line(error)
        return
    try:
        table.verify()
        for name in table.columns:
            assert np.isfinite(table.values(name)).any()
        evaluate = TableBenchmark(table).evaluator(0)
        for cell in CELLS:
            evaluate(cell)
    except HarnessError as error:
        one_line(error)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"null", b"[]", b"5", b'"text"', b"{}", b"{", b"\xff\xfe", b"[" * 100_000,
        b'{"format":1}', b'{"format":2}', b'{"format":1,"arrays":{},"columns":[]}', b"1" * 5000,
    ],
    ids=range(13),
)  # fmt: skip
def test_headers_that_are_no_header(folder: Path, content: bytes, text: bytes) -> None:
    path = folder / "no-header.table"
    path.write_bytes(with_header(content, text))
    with pytest.raises(TableError) as caught:
        PackedTable(path)
    assert str(path) in one_line(caught.value)


def test_a_lying_header_length_reads_nothing_beyond(folder: Path, content: bytes) -> None:
    for length in (2**64 - 1, 2**40, len(content), len(content) - PREFIX + 1, 0):
        path = folder / "length.table"
        path.write_bytes(content[:8] + length.to_bytes(8, "little") + content[16:])
        with pytest.raises(TableError):
            PackedTable(path)


def test_overlapping_arrays_give_what_their_hashes_promise(folder: Path, content: bytes) -> None:
    document = header_of(content)
    first, second = (document["arrays"][column.name] for column in COLUMNS[:2])
    path = folder / "overlap.table"
    second["offset"] = first["offset"]
    path.write_bytes(with_header(content, json.dumps(document).encode()))
    with pytest.raises(HarnessError, match="is altered"):
        PackedTable(path).verify()
    second["sha256"] = first["sha256"]
    path.write_bytes(with_header(content, json.dumps(document).encode()))
    table = PackedTable(path)
    table.verify()
    one, other = (table.values(column.name) for column in COLUMNS[:2])
    assert np.array_equal(one, other, equal_nan=True)


def test_rows_that_do_not_exist_are_refused(folder: Path, content: bytes) -> None:
    document = header_of(content)
    entry = document["arrays"]["#row_of"]
    path = folder / "rows.table"
    start = PREFIX + int.from_bytes(content[8:16], "little") + entry["offset"]
    for row in (24, -1, 2**31 - 1):
        rows = row.to_bytes(4, "little", signed=True) * len(CELLS)
        entry["sha256"] = hashlib.sha256(rows).hexdigest()
        wrong = content[:start] + rows + content[start + len(rows) :]
        path.write_bytes(with_header(wrong, json.dumps(document).encode()))
        for use in (lambda: PackedTable(path).verify(), lambda: TableBenchmark(PackedTable(path))):
            with pytest.raises(HarnessError, match="points outside the rows"):
                use()


@pytest.mark.parametrize("kind", ["absent", "folder", "empty", "text", "pickle"])
def test_what_is_no_table(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "t.table"
    if kind == "folder":
        path.mkdir()
    elif kind != "absent":
        path.write_bytes(
            {"empty": b"", "text": b"architecture,valid\n" * 9, "pickle": b"\x80"}[kind]
        )
    with pytest.raises(TableError) as caught:
        PackedTable(path)
    assert str(path) in one_line(caught.value)


# --- memory ---------------------------------------------------------------------------------


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_opening_reads_no_array(folder: Path, content: bytes) -> None:
    """A table of 64 GB (a hole in the file) opens like a small one."""
    document = header_of(content)
    rows, start = 10**9 // 9, 1 << 20
    for column in COLUMNS:
        entry = document["arrays"][column.name]
        entry["shape"][0] = rows
        entry["offset"] = start
        start += 8 * rows * len(column.seeds) * len(column.epochs)
    path = folder / "large.table"
    path.write_bytes(with_header(content, json.dumps(document).encode()))
    os.truncate(path, start + (1 << 20))
    before = resident()
    table = PackedTable(path)
    assert table.n_rows == rows
    assert resident() - before < 4 << 20
