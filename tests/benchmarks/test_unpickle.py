"""The reader of pickled plain data: what it reads, and what it refuses without running it."""

from __future__ import annotations

import bz2
import collections
import copyreg
import io
import os
import pickle
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.importers import unpickle
from harness.benchmarks.importers.unpickle import LIMIT, load_plain, loads_plain
from harness.errors import UserError

TRUE = b"\x88"


def refused(content: bytes) -> str:
    """The one line with which a pickle is refused."""
    with pytest.raises(UserError) as caught:
        loads_plain(content, "file.pickle")
    line = str(caught.value)
    assert "\n" not in line and line.startswith("file.pickle") and len(line) < 300
    return line


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def named(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


# --- what it reads ----------------------------------------------------------------------------

numbers = st.integers(-(2**31), 2**31 - 1)
keys = st.text(max_size=8) | numbers | st.tuples(st.text(max_size=4), numbers)
plain = st.recursive(
    st.none() | st.booleans() | numbers | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=4)
        | st.tuples(inner, inner)
        | st.tuples(inner, inner, inner, inner)
    ),
    max_leaves=30,
)


@given(plain | st.sets(keys), st.sampled_from([4, 5]))
def test_reads_what_pickle_writes(value: Any, protocol: int) -> None:
    assert loads_plain(pickle.dumps(value, protocol), "x") == value


def test_shared_and_cyclic_containers_stay_so() -> None:
    shared: list[Any] = [1]
    shared.append(shared)
    read = loads_plain(pickle.dumps([shared, shared], 4), "x")
    assert read[0] is read[1] and read[0][1] is read[0]


@pytest.mark.parametrize("kind", ["f8", "f4", "i8", "i4"])
def test_numpy_scalars_become_floats(kind: str) -> None:
    scalars = [np.dtype(kind).type(number) for number in (0, 3, -7)]
    read = loads_plain(pickle.dumps(scalars, 4), "x")
    assert read == [0.0, 3.0, -7.0]
    assert {type(number) for number in read} == {float}


def test_an_ordered_dict_becomes_a_dict_in_order() -> None:
    value = collections.OrderedDict([("b", 1), ("a", 2)])
    read = loads_plain(pickle.dumps(value, 4), "x")
    assert type(read) is dict and list(read.items()) == [("b", 1), ("a", 2)]


@pytest.mark.data
@pytest.mark.parametrize("name", ["NATS-tss-v1_0-3ffb9-simple", "NATS-sss-v1_0-50262-simple"])
def test_official_files_read_as_pickle_reads_them(data_dir: Path, name: str) -> None:
    for path in sorted((data_dir / "nats_official" / name).iterdir()):
        content = bz2.decompress(path.read_bytes())
        # These files were looked at; a file from elsewhere must not be given to pickle.
        assert load_plain(path) == pickle.loads(content)
        assert len(content) < LIMIT / 2


# --- what it refuses --------------------------------------------------------------------------


class Evil:
    """Makes a folder when pickle reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_foreign_call_is_refused_and_not_made(tmp_path: Path, protocol: int) -> None:
    target = tmp_path / "made"
    content = pickle.dumps({"meta_archs": [Evil(target)]}, protocol)
    refused(content)
    assert not target.exists()
    pickle.loads(content)  # the attack is a real one
    assert target.exists()


HOSTILE = {
    "foreign class": named("os", "system") + text("true") + b"\x85R",
    "foreign class of an allowed module": named("collections", "Counter") + b")R",
    "dotted name": named("collections", "OrderedDict.fromkeys") + b")R",
    "name with a line break": named("os\nx", "system") + b")R",
    "GLOBAL": b"cos\nsystem\n" + text("true") + b"\x85R",
    "INST": b"(" + text("true") + b"ios\nsystem\n",
    "OBJ": b"(" + named("collections", "OrderedDict") + b"o",
    "NEWOBJ": named("collections", "OrderedDict") + b")\x81",
    "NEWOBJ_EX": named("collections", "OrderedDict") + b")}\x92",
    "PERSID": b"Pevil\n",
    "BINPERSID": text("evil") + b"Q",
    "EXT1": b"\x82\x01",
    "EXT4": b"\x84\x01\x00\x00\x00",
    "NEXT_BUFFER": b"\x97",
    "LONG1": b"\x8a\x09" + b"\xff" * 8 + b"\x01",
    "LONG4 of a huge length": b"\x8b\xff\xff\xff\x7f",
    "BINUNICODE8": b"\x8d" + struct.pack("<Q", 1 << 62),
    "BINBYTES8": b"\x8e" + struct.pack("<Q", 1 << 62),
    "BYTEARRAY8": b"\x96" + struct.pack("<Q", 1 << 62),
    "BINUNICODE of a huge length": b"X\xff\xff\xff\xff" + b"a",
    "BINBYTES of a huge length": b"B\xff\xff\xff\xff" + b"a",
    "call of data": text("true") + b")R",
    "call of a dict": b"})R",
    "OrderedDict with items": named("collections", "OrderedDict") + b"]\x85R",
    "dtype of objects": named("numpy", "dtype") + text("O8") + b"\x89\x88\x87R",
    "dtype of a record": named("numpy", "dtype") + text("V1000000") + b"\x89\x88\x87R",
    "dtype without arguments": named("numpy", "dtype") + b")R",
    "scalar without a dtype": named("numpy.core.multiarray", "scalar")
    + text("f8") + b"C\x08abcdefgh\x86R",
    "reconstructed array": named("numpy.core.multiarray", "_reconstruct") + b")R",
    "state of a dict": b"}}" + text("items") + b"K\x01sb",
    "state of an OrderedDict": named("collections", "OrderedDict") + b")R}" + TRUE + b"b",
    "state of a name": named("numpy", "dtype") + b"N}" + text("__doc__") + b"K\x01s\x86b",
    "items of a list": b"]K\x00K\x01s",
    "items of a name": named("numpy", "dtype") + text("a") + b"K\x01s",
    "elements of a list": b"](K\x01\x90",
    "appending to a dict": b"}K\x01a",
    "appending to a name": named("numpy", "dtype") + b"(K\x01e",
    "unknown memo entry": b"h\x07",
    "unknown instruction": b"\xff",
    "empty stack": b"",
    "stack underflow": b"\x87",
    "items without a mark": b"}u",
    "odd number of items": b"}(K\x01u",
    "float key": b"}G" + struct.pack(">d", 1.0) + b"K\x01s",
    "boolean key": b"}\x88K\x01s",
    "key of three": b"}(K\x01K\x01K\x01tK\x01s",
    "list as a key": b"}]K\x01s",
    "invalid text": b"\x8c\x02\xff\xfe",
    "text where a name belongs": b"K\x01K\x02\x93",
    "protocol of the future": b"\x80\xff",
}  # fmt: skip


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_instructions_are_refused(content: bytes) -> None:
    refused(b"\x80\x04" + content + b".")


def with_dtype(state: bytes, data: bytes = b"abcdefgh") -> bytes:
    """A numpy scalar whose dtype has the pickled state given."""
    dtype = named("numpy", "dtype") + text("f8") + b"\x89\x88\x87R"
    scalar = b"C" + bytes([len(data)]) + data
    return named("numpy.core.multiarray", "scalar") + dtype + state + b"b" + scalar + b"\x86R."


def dumped(value: Any) -> bytes:
    """The instructions for a value alone: no header, no memo, no stop."""
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, 3)
    pickler.fast = True
    pickler.dump(value)
    return stream.getvalue()[2:-1]


GOOD_STATE = (3, "<", None, None, None, -1, -1, 0)


def test_the_state_of_a_plain_dtype_is_taken() -> None:
    assert loads_plain(with_dtype(dumped(GOOD_STATE)), "x") == struct.unpack("<d", b"abcdefgh")[0]


@pytest.mark.parametrize(
    "state",
    [
        (4, "<", None, None, None, -1, -1, 0),
        (3, ">", None, None, None, -1, -1, 0),
        (3, "|", None, ("a",), {"a": 1}, 1 << 20, 1, 27),
        (3, "<", ("f8", (1 << 20,)), None, None, -1, -1, 0),
        (3, "<", None, None, None, 1 << 30, 1, 0),
        (3, "<", None, None, None, -1, -1, 63),
        (3, "<"),
        None,
        {"__doc__": 1},
    ],
)
def test_a_crafted_dtype_state_is_refused(state: Any) -> None:
    assert "state" in refused(with_dtype(dumped(state)))


@pytest.mark.parametrize("size", [0, 4, 7, 9, 200])
def test_a_scalar_of_a_wrong_size_is_refused(size: int) -> None:
    assert "plain number" in refused(with_dtype(dumped(GOOD_STATE), b"a" * size))


def test_a_registered_extension_is_not_looked_up() -> None:
    copyreg.add_extension("os", "mkdir", 0x7A)
    try:
        assert "0x82" in refused(b"\x80\x04\x82\x7a" + text("x") + b"\x85R.")
    finally:
        copyreg.remove_extension("os", "mkdir", 0x7A)


def test_keys_that_take_long_to_hash_are_refused() -> None:
    """Tuples of tuples as a key overflow the C stack or take 2**60 steps in pickle itself."""
    began = time.monotonic()
    deep = b")" + b"\x85" * 300_000 + b"\x94"
    # Each a pair of the one before it: 60 tuples, 2**60 steps.
    doubled = b")\x94" + b"".join(
        b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86\x94" for i in range(60)
    )
    # One tuple with many parts, as a key of many entries.
    many = b"(" + b"K\x01" * 200_000 + b"t\x94"
    for make, place in ((deep, 0), (doubled, 60), (many, 0)):
        key = b"h" + bytes([place])
        assert "key" in refused(b"\x80\x04" + make + b"}" + key + b"K\x01s.")
        assert "key" in refused(b"\x80\x04" + make + b"}(" + (key + b"K\x01") * 1000 + b"u.")
        assert "key" in refused(b"\x80\x04" + make + b"\x8f(" + key * 1000 + b"\x90.")
    assert time.monotonic() - began < 20


def test_deep_nesting_is_read_without_recursion() -> None:
    assert len(loads_plain(b"\x80\x04)" + b"\x85" * 500_000 + b".", "x")) == 1
    assert len(loads_plain(b"\x80\x04" + b"]" * 300_000 + b"a" * 299_999 + b".", "x")) == 1


def test_every_truncation_is_refused() -> None:
    value = {"a": [1.5, np.float64(2), collections.OrderedDict(b=(1, "x"))], ("k", 7): {3}}
    content = pickle.dumps(value, 4)
    loads_plain(content, "x")
    for length in range(len(content)):
        refused(content[:length])


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_arbitrary_bytes_give_data_or_one_line(content: bytes) -> None:
    try:
        loads_plain(content + b".", "x")
    except UserError as error:
        assert "\n" not in str(error)


@settings(max_examples=300)
@given(st.data())
def test_altered_bytes_give_data_or_one_line(data: st.DataObject) -> None:
    content = bytearray(
        pickle.dumps({"a": [np.float64(2), collections.OrderedDict(b=(1, "x"))], ("k", 7): 1}, 4)
    )
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    try:
        loads_plain(bytes(content), "x")
    except UserError as error:
        assert "\n" not in str(error)


# --- files ------------------------------------------------------------------------------------


def failure(path: Path, **options: int) -> str:
    """The one line, naming the file, with which a file is refused."""
    with pytest.raises(UserError) as caught:
        load_plain(path, **options)
    line = str(caught.value)
    assert "\n" not in line and str(path) in line
    return line


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.pickle.pbz2"
    path.write_bytes(bz2.compress(pickle.dumps([1, 2], 4)))
    assert load_plain(path) == [1, 2]


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pickle.pbz2"
    compressor = bz2.BZ2Compressor()
    path.write_bytes(
        b"".join(compressor.compress(bytes(1 << 20)) for _ in range(64)) + compressor.flush()
    )
    assert path.stat().st_size < 1000
    assert f"{LIMIT:,}" in failure(path)


def test_the_limit_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "x.pickle.pbz2"
    content = pickle.dumps(b"a" * 100, 4)
    path.write_bytes(bz2.compress(content))
    assert load_plain(path, limit=len(content)) == b"a" * 100
    assert "cap" in failure(path, limit=len(content) - 1)


def test_unreadable_files_give_one_line(tmp_path: Path) -> None:
    assert "No such file" in failure(tmp_path / "absent")
    assert "directory" in failure(tmp_path)
    path = tmp_path / "x.pickle.pbz2"
    whole = bz2.compress(pickle.dumps(list(range(1000)), 4))
    for content, what in ((b"", "early|truncated"), (b"no bzip2", "stream"), (whole[:-9], "trun")):
        path.write_bytes(content)
        assert any(word in failure(path) for word in what.split("|"))
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 0xFF
    path.write_bytes(damaged)
    failure(path)


def test_the_worst_case_stays_in_bounds() -> None:
    """As many empty sets as the limit allows: bounded memory, seconds (scaled down here)."""
    count = LIMIT // 30
    began = time.monotonic()
    assert len(loads_plain(b"(" + b"\x8f" * count + b"t.", "x")) == count
    assert time.monotonic() - began < 10
    assert unpickle.LIMIT <= 4 << 20
