"""What is refused of NAS-Bench-101 files: one line, and nothing is written."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.importers import nasbench101
from harness.benchmarks.importers.nasbench101 import import_nasbench101
from harness.benchmarks.packed import PackedTable
from harness.errors import UserError
from tests.official_nasbench101 import FIRST_RECORD, Evaluation, Run, message, payload, runs, write

RUNS = runs(2)
RUN = RUNS[0]


def refused(folder: Path, path: Path) -> str:
    """The line with which a file is refused; nothing may be left behind."""
    before = sorted(folder.iterdir())
    with pytest.raises(UserError) as caught:
        import_nasbench101(path, folder / "out.table")
    line = str(caught.value)
    assert line and "\n" not in line and len(line) < 500 and path.name in line
    assert sorted(folder.iterdir()) == before
    return line


def third(folder: Path, content: bytes) -> str:
    """How a file is refused whose third record has some content."""
    contents = [*map(payload, RUNS[:2]), content]
    line = refused(folder, write(folder / "nb.tfrecord", contents))
    assert line.startswith("nb.tfrecord, record 3: ")
    return line


# --- the message ----------------------------------------------------------------------------


def changed(place: int, **fields: float) -> bytes:
    """The run's message with one of its evaluations changed."""
    evaluations = list(RUN.evaluations)
    evaluations[place] = evaluations[place]._replace(**fields)
    return message(RUN._replace(evaluations=evaluations))


def evaluation(*numbers: tuple[int, float]) -> bytes:
    """An `EvaluationData` by hand, in a field of `ModelMetrics`."""
    body = b"".join(bytes([n << 3 | 1]) + struct.pack("<d", value) for n, value in numbers)
    return bytes([1 << 3 | 2, len(body)]) + body


WHOLE = evaluation((1, 54), (2, 9.5), (3, 0.5), (4, 0.25), (5, 0.125))
PARAMETERS = b"\x10\x07"


def test_a_message_by_hand(tmp_path: Path) -> None:
    """The wire format, written without any library, is understood."""
    path = write(tmp_path / "nb", [payload(RUN._replace(epochs=108), 3 * WHOLE + PARAMETERS)])
    table = PackedTable(import_nasbench101(path, tmp_path / "t").path)
    assert table.values("cifar10/budgets/train_seconds").tolist() == [[[9.5]]]
    assert table.values("cifar10/budgets/test_accuracy").tolist() == [[[12.5]]]
    assert table.values("cifar10/ep108/params").tolist() == [[[7e-6]]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 evaluations instead of 3"),
        (2 * WHOLE + PARAMETERS, "2 evaluations instead of 3"),
        (4 * WHOLE + PARAMETERS, "4 evaluations instead of 3"),
        (3 * WHOLE, "0 trainable parameters"),
        (3 * WHOLE + b"\x10\x00", "0 trainable parameters"),
        (3 * WHOLE + b"\x10" + b"\xff" * 9 + b"\x01", "-1 trainable parameters"),
        # Truncated: a length, a number, a varint without end.
        (message(RUN)[:-1], "(DecodeError)"),
        (3 * WHOLE + b"\x10", "(DecodeError)"),
        (3 * WHOLE + b"\x10" + b"\xff" * 11, "(DecodeError)"),
        (3 * WHOLE + b"\x0a\xff\xff\xff\xff\x07", "(DecodeError)"),
        (3 * WHOLE + b"\x00", "(DecodeError)"),
        # Other wire types than the schema's are other fields: the number is missing.
        (3 * WHOLE + b"\x11" + bytes(8), "0 trainable parameters"),
        (2 * WHOLE + evaluation((1, 1), (2, 1), (3, 1), (4, 1)) + PARAMETERS, "test_accuracy is"),
        (2 * WHOLE + evaluation((1, 1), (3, 1), (4, 1), (5, 1)) + PARAMETERS, "train_seconds is"),
        (changed(2, valid=float("nan")), "valid_accuracy is nan"),
        (changed(1, test=float("inf")), "test_accuracy is inf"),
        (changed(1, seconds=float("inf")), "train_seconds is inf"),
        (changed(2, seconds=-1.0), "train_seconds is -1.0"),
        (changed(2, seconds=1e300), "train_seconds is 1e+300"),
        (changed(2, train=1.0000001), "train_accuracy is 1.0000001"),
        (changed(1, train=-1e-9), "train_accuracy is -1e-09"),
        (changed(2, test=93.5), "test_accuracy is 93.5"),
    ],
)
def test_messages(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in third(tmp_path, payload(RUN, content))


# --- the record -----------------------------------------------------------------------------


def parts(**changes: object) -> bytes:
    """The run's record with some of its five parts changed."""
    names = ("hash", "epochs", "adjacency", "operations", "metrics")
    record = dict(zip(names, json.loads(payload(RUN)), strict=True)) | changes
    return json.dumps(list(record.values())).encode()


def test_the_unchanged_record_is_fine(tmp_path: Path) -> None:
    contents = [*map(payload, RUNS[2:]), parts(), payload(RUNS[1])]
    report = import_nasbench101(write(tmp_path / "nb", contents), tmp_path / "out")
    assert report.architectures == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "JSONDecodeError"),
        (b"\xff\xfe", "UnicodeDecodeError"),
        (b"[" * 60_000, "RecursionError"),
        (b"[" + b"9" * 60_000 + b"]", "ValueError"),
        (b"{}", "no list of"),
        (b'"abcde"', "no list of"),
        (b"[]", "no list of"),
        (parts()[:-1] + b", 1]", "no list of"),
        (parts(hash=None), "no list of"),
        (parts(epochs="108"), "no list of"),
        (parts(epochs=108.0), "no list of"),
        (parts(epochs=True), "no list of"),
        (parts(epochs=107), "trained for 107 epochs, not 4, 12, 36, 108"),
        (parts(epochs=-4), "trained for -4 epochs"),
        (parts(metrics=""), "0 evaluations"),
        (parts(metrics="!" * 8), "(Error)"),
        (parts(metrics="QUJ"), "(Error)"),
        (parts(metrics="é"), "ValueError"),
        (parts(hash="0" * 32), "its cell's hash is"),
        (parts(hash=RUN.hash.upper()), "its cell's hash is"),
        (parts(hash=RUN.hash + "\n"), "its cell's hash is"),
        (parts(adjacency=""), "zeros and ones"),
        (parts(adjacency="0" * 48), "zeros and ones"),
        (parts(adjacency="2" * RUN.matrix.size), "zeros and ones"),
        (parts(adjacency="1" * RUN.matrix.size), "the ones above its diagonal"),
        (parts(adjacency="0" * RUN.matrix.size), "it needs a path from input to output"),
        (parts(operations=""), "zeros and ones"),
        (parts(adjacency="0", operations="input"), "a cell needs a square matrix"),
        (parts(adjacency="0" * 10**4, operations="," * 99), "a cell needs a square matrix"),
        (payload(RUN).replace(b"maxpool3x3", b"avgpool3x3"), "operations must be"),
        (payload(RUN).replace(b"input", b"maxpool3x3"), "operations must be"),
        # Another cell than the hash says.
        (payload(RUN._replace(hash=RUNS[1].hash)), "its cell's hash is"),
        (payload(RUN._replace(parameters=RUN.parameters + 1)), "where an earlier record"),
    ],
)
def test_records(tmp_path: Path, content: bytes, reason: str) -> None:
    assert reason in third(tmp_path, content)


def test_a_cell_of_too_many_edges(tmp_path: Path) -> None:
    matrix = np.triu(np.ones((6, 6), int), 1)
    operations = ["input", *["maxpool3x3"] * 4, "output"]
    content = payload(RUN._replace(matrix=matrix, operations=operations))
    assert "at most 9 edges" in third(tmp_path, content)


def test_a_fourth_training(tmp_path: Path) -> None:
    contents = [payload(run) for run in (*RUNS, RUN)]
    line = refused(tmp_path, write(tmp_path / "nb", contents))
    assert f"nb, record 25: a fourth training of cell {RUN.hash} for 4 epochs" in line


def test_missing_budgets(tmp_path: Path) -> None:
    def kept(wanted: Callable[[Run], bool]) -> Path:
        return write(tmp_path / "nb", [payload(run) for run in RUNS if wanted(run)])

    lacking = kept(lambda run: (run.hash, run.epochs) != (RUN.hash, 36))
    assert f"no training of cell {RUN.hash} for 36 epochs" in refused(tmp_path, lacking)
    short = kept(lambda run: run.epochs < 108)
    assert "no training for 108 epochs" in refused(tmp_path, short)
    empty = kept(lambda run: False)
    assert "no training for 108 epochs" in refused(tmp_path, empty)


# --- the file -------------------------------------------------------------------------------


def framed(content: bytes, length: int | None = None) -> bytes:
    """A record with right checksums, whatever it claims."""

    def masked(data: bytes) -> bytes:
        crc = google_crc32c.value(data)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    claimed = struct.pack("<Q", len(content) if length is None else length)
    return claimed + masked(claimed) + content + masked(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no records at all", "nb.tfrecord is no TFRecord file, or damaged: record 1: wrong"),
        (b"short", "no TFRecord file, or damaged: record 1: the file ends within it"),
        (framed(FIRST_RECORD, 1 << 41), "it claims 2,199,023,255,552 bytes"),
        (framed(FIRST_RECORD, (1 << 64) - 1), "it claims 18,446,744,073,709,551,615 bytes"),
        (framed(bytes(1 << 17)), "it claims 131,072 bytes, more than 65,536"),
        (framed(FIRST_RECORD, 500), "record 1: the file ends within it"),
        (framed(FIRST_RECORD)[:-1], "record 1: the file ends within it"),
        (framed(FIRST_RECORD) + framed(b"x")[:-1] + b"x", "is damaged: record 2: wrong checksum"),
        (framed(FIRST_RECORD) + b"\0" * 12, "record 2: wrong checksum of its length"),
    ],
)
def test_framing(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "nb.tfrecord"
    path.write_bytes(content)
    assert reason in refused(tmp_path, path)


def test_places(tmp_path: Path) -> None:
    assert "cannot read" in refused(tmp_path, tmp_path / "none")
    assert "cannot read" in refused(tmp_path, tmp_path)
    path = write(tmp_path / "nb", map(payload, RUNS))
    for out, reason in (
        (path, "would overwrite"),
        (tmp_path, "is a directory"),
        (path / "t", "no directory that can be written to"),
    ):
        with pytest.raises(UserError, match=reason):
            import_nasbench101(path, out)
    assert path.stat().st_size > 0


@pytest.mark.parametrize("when", ["reading", "writing"])
def test_an_interrupted_import_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    path = write(tmp_path / "nb", map(payload, RUNS))
    out = tmp_path / "out.table"
    out.write_bytes(b"an older table")
    monkeypatch.setattr(nasbench101, "_STEP", 7)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if when == "writing":
        monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        import_nasbench101(path, out, progress=interrupt if when == "reading" else None)
    assert out.read_bytes() == b"an older table"
    assert sorted(tmp_path.iterdir()) == [path, out]


# --- damage ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, PackedTable]:
    """A small file and the table made from it."""
    folder = tmp_path_factory.mktemp("intact")
    path = write(folder / "nb", map(payload, RUNS))
    return path.read_bytes(), PackedTable(import_nasbench101(path, folder / "t").path)


@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
@settings(deadline=None, max_examples=150)
def test_a_flipped_byte_is_refused(
    intact: tuple[bytes, PackedTable],
    tmp_path_factory: pytest.TempPathFactory,
    place: float,
    change: int,
) -> None:
    content = bytearray(intact[0])
    content[int(place * len(content))] ^= change
    folder = tmp_path_factory.mktemp("flipped")
    (folder / "nb").write_bytes(content)
    refused(folder, folder / "nb")


@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_a_truncated_file_is_refused_or_gives_right_numbers(
    intact: tuple[bytes, PackedTable],
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    content, whole = intact
    ends = np.cumsum([len(framed(payload(run))) for run in RUNS]).tolist()
    assert ends[-1] == len(content)
    # Between two records nothing shows that more should follow.
    end = data.draw(st.integers(0, len(content) - 1) | st.sampled_from(ends[:-1]))
    folder = tmp_path_factory.mktemp("truncated")
    (folder / "nb").write_bytes(content[:end])
    last = RUNS[-6:]  # the trainings for 108 epochs, two cells in turn
    enough = end in ends and ends.index(end) + 1 > len(RUNS) - len(last) + 1
    if not enough:
        refused(folder, folder / "nb")
        return
    table = PackedTable(import_nasbench101(folder / "nb", folder / "t").path)
    assert np.array_equal(table.keys, whole.keys)
    for name in table.columns:
        found = table.values(name)
        present = ~np.isnan(found)
        assert np.array_equal(found[present], whole.values(name)[present])


def test_zeros_are_numbers(tmp_path: Path) -> None:
    """A failed training's zeros are results, not missing values."""
    zeros = [Evaluation(part * RUN.epochs / 2, 0.0, 0.0, 0.0, 0.0) for part in range(3)]
    contents = [payload(RUN._replace(evaluations=zeros)), *map(payload, RUNS[1:])]
    path = write(tmp_path / "nb", contents)
    table = PackedTable(import_nasbench101(path, tmp_path / "t").path)
    assert table.values("cifar10/budgets/valid_accuracy", epoch=4)[0, 0] == 0.0
