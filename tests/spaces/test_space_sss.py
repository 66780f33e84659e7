"""The size space: notation and official order."""

from __future__ import annotations

import bz2
import pickletools
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.spaces.sss import CELL, CHANNELS, SizeSpace
from harness.spaces.tss import TopologySpace


@pytest.fixture(scope="module")
def space() -> SizeSpace:
    return SizeSpace()


def test_notation(space: SizeSpace) -> None:
    assert space.to_string((0, 1, 7, 3, 2)) == "8:16:64:32:24"
    assert space.from_string("8:16:64:32:24") == (0, 1, 7, 3, 2)
    for text in ("8:16:64:32", "8:16:64:32:24:8", "8:16:64:32:25", "08:16:64:32:24", "8:16::8:8"):
        with pytest.raises(UserError, match="5 numbers of channels"):
            space.from_string(text)


def test_official_order(space: SizeSpace) -> None:
    assert len(space) == 32_768
    assert [space.index(space.at(i)) for i in range(len(space))] == list(range(len(space)))
    # The genuine records of these indices.
    assert space.to_string(space.at(0)) == "8:8:8:8:8"
    assert space.to_string(space.at(11)) == "8:8:8:16:32"
    assert space.to_string(space.at(284)) == "8:8:40:32:40"
    for index in (-1, 32_768):
        with pytest.raises(UserError, match="0 to 32767"):
            space.at(index)


def test_all_texts_differ_and_round_trip(space: SizeSpace) -> None:
    texts = [space.to_string(space.at(i)) for i in range(len(space))]
    assert len(set(texts)) == 32_768
    assert all(space.index(space.from_string(text)) == i for i, text in enumerate(texts))


def test_decisions_are_ordered(space: SizeSpace) -> None:
    assert space.ordinal == (True,) * 5
    assert space.features((0, 7, 0, 3, 7)).tolist() == [0.125, 1.0, 0.125, 0.5, 1.0]
    assert list(space.options[0]) == [str(channels) for channels in CHANNELS]


def test_the_fixed_topology_is_a_cell_of_the_topology_space() -> None:
    assert TopologySpace().from_string(CELL) == (3, 3, 3, 1, 3, 3)


@pytest.mark.data
def test_order_of_the_official_meta_file(space: SizeSpace, data_dir: Path) -> None:
    folder = data_dir / "nats_official" / "NATS-sss-v1_0-50262-simple"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")

    def texts(name: str) -> list[str]:
        # Reads the strings of a pickle without running it.
        with bz2.open(folder / name) as file:
            return [arg for _, arg, _ in pickletools.genops(file) if isinstance(arg, str)]

    listed = [text for text in texts("meta.pickle.pbz2") if text.count(":") == 4]
    assert listed == [space.to_string(space.at(i)) for i in range(len(space))]
    for index in (0, 11, 284):
        strings = texts(f"{index:06d}.pickle.pbz2")
        assert space.to_string(space.at(index)) in strings
        assert CELL in strings
