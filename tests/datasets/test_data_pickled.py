"""The reader of pickled arrays: what it reads, and what it refuses without running it."""

from __future__ import annotations

import copyreg
import os
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness.datasets import pickled
from harness.datasets.pickled import load_arrays
from harness.errors import UserError

KINDS = st.sampled_from(["u1", "i4", "i8", "f4", "f8"])
FOUND = KINDS.flatmap(
    lambda kind: arrays.arrays(
        np.dtype(kind),
        arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4),
        elements={"allow_nan": False} if kind[0] == "f" else None,
    )
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pickled") / "file"


def refused(file: Path, content: bytes, line: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UserError, match=line) as caught:
        load_arrays(file)
    assert "\n" not in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=5), FOUND, max_size=3), st.sampled_from([2, 3, 4]))
def test_arrays_of_plain_numbers(file: Path, stored: dict[str, np.ndarray], protocol: int) -> None:
    stored |= {f"{name}, reversed axes": a.T for name, a in stored.items()}
    file.write_bytes(pickle.dumps({**stored, "labels": [1, 300]}, protocol))
    read = load_arrays(file)
    assert read.pop("labels") == [1, 300]
    assert read.keys() == stored.keys()
    for name, array in stored.items():
        assert read[name].dtype == array.dtype
        assert np.array_equal(read[name], array)


def test_what_python_2_has_written(file: Path) -> None:
    """Its bytes are strings."""
    content = pickle.dumps({"data": np.arange(6, dtype=np.uint8).reshape(2, 3)}, 3)
    file.write_bytes(content.replace(b"C\x06", b"U\x06"))  # SHORT_BINBYTES, SHORT_BINSTRING
    assert load_arrays(file)["data"].tolist() == [[0, 1, 2], [3, 4, 5]]


class Runs:
    """Unpickled by `pickle`, it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_nothing_in_a_file_is_run(file: Path, tmp_path: Path, protocol: int) -> None:
    trap = tmp_path / "sprung"
    refused(file, pickle.dumps({"data": Runs(trap)}, protocol), "is refused")
    assert not trap.exists()


@pytest.mark.parametrize(
    "value",
    [
        np.array([{}, []], dtype=object),
        np.zeros(2, "U5"),
        np.zeros(2, [("a", "i4")]),
        np.zeros(2, ">i4"),
        np.zeros(2, "M8[s]"),
        np.zeros(2, bool),
        np.float64(3),
        copyreg,
        1 << 70,
    ],
    ids=str,
)
def test_what_is_no_array_of_plain_numbers_is_refused(file: Path, value: object) -> None:
    if value is copyreg:
        refused(file, b"\x80\x03}X\x01\0\0\0accopyreg\n_reconstructor\ns.", "only arrays are read")
    else:
        refused(file, pickle.dumps({"a": value}, 3), "is refused")


def test_shapes_and_bytes_must_fit(file: Path) -> None:
    content = pickle.dumps({"a": np.zeros((2, 3), np.uint8)}, 3)
    place = content.index(b"K\x02K\x03\x86")
    for changed in (b"K\x02K\x04\x86", b"K\xffK\xff\x86", b"K\x02X\x01\0\0\0a\x86"):
        refused(file, content[:place] + changed + content[place + 5 :], "do not fit its shape")
    refused(file, content[:-9], "ends too early|is refused|no readable pickle")


def test_size_and_instructions_are_capped(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(pickle.dumps({"a": np.zeros(100, np.uint8)}, 3))
    with pytest.raises(UserError, match="larger than the cap of 99 bytes"):
        load_arrays(file, limit=99)
    monkeypatch.setattr(pickled, "_STEPS", 20)
    refused(file, pickle.dumps({"labels": list(range(30))}, 3), "more than 20 instructions")


def test_damaged_files_end_in_one_line(file: Path) -> None:
    good = pickle.dumps({"data": np.arange(60, dtype=np.uint8), "labels": [1, 2]}, 3)
    chance = random.Random(0)
    for _ in range(150):
        content = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        file.write_bytes(content[: chance.choice([len(good), chance.randrange(len(good))])])
        try:
            load_arrays(file)
        except UserError as error:
            assert "\n" not in str(error)
