"""Whatever a description or a CSV file says: a line that tells the mistake, or the right table."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.benchmarks.importers.description_file import SHIPPED, load_description, shipped
from harness.benchmarks.importers.tabular import import_csv
from harness.benchmarks.packed import PackedTable
from harness.errors import UserError
from harness.spaces import get_space
from harness.streams import stream
from tests.fuzz.oracle import expected, tolerance
from tests.fuzz.strategies import (
    damaged,
    documents,
    fuzz,
    fuzzed,
    one_line,
    strict_warnings,
    tree,
    written,
)


class Case(NamedTuple):
    """A description, rows of a CSV file, and arrays beside it."""

    document: dict[str, Any]
    rows: list[list[str]]
    arrays: dict[str, np.ndarray]


def own(architecture: dict[str, Any], named: list[list[str]], **changes: Any) -> Case:
    """A description with nearly everything that one may hold."""
    head = named[0]
    document = {
        "name": "tiny",
        "space": {"name": "s", "options": [["a", "b"], [1, 2.5, "z"]], "ordinal": [False, True]},
        "architecture": architecture,
        "columns": {
            "d/ep9/valid": {
                "runs": {7: {3: "a3", 9: "a9"}, 5: {3: "b3", 9: "b9"}},
                "split": "valid", "unit": "%", "factor": "1/4", "allow_missing": True,
                "dtype": "uint16", "scale": 0.25,
            },
            "d/ep9/test": {"column": "test", "epoch": 9, "seed": 3, "split": "test", "unit": "%"},
            "d/curve": {"epochs": {1: "a3", 2: "a9"}, "split": "train", "schedule": "separate",
                        "aggregate": "mean", "allow_missing": True, "dtype": "float32"},
            "d/seconds": {"column": "sec", "split": "none", "unit": "s", "factor": 0.5},
        },
        "datasets": {
            "d": {
                "default": "p",
                "protocols": {
                    "p": {
                        "search": {"column": "d/ep9/valid", "epoch": 3, "seeds": "random"},
                        "report": {"column": "d/ep9/test", "epoch": 9},
                        "cost": [{"column": "d/seconds", "per": "evaluation", "factor": 2}],
                        "fidelities": [3, 9],
                        "missing": "fail",
                    }
                },
            }
        },
        "only": {"column": "kind", "equals": 1, "reason": "they are of another kind"},
        "space_size": 6,
        "notes": ["a note"],
    }  # fmt: skip
    numbers = [
        ["a3", "a9", "b3", "b9", "test", "sec", "kind"],
        ["4", "8", "12.0", "1e2", "11", "1.5", "1"],
        ["4", "NA", "", " nan ", "22", "2", "1"],
        ["-0", "0", "+7", ".5", "33.25", "2", "0"],
        ["1", "2", "3", "4", "5", "6", "1.0"],
    ]
    rows = [names + row for names, row in zip(named, numbers, strict=True)]
    assert len(head) == len(named[1])
    return Case(document | changes, rows, {})


OWN = [
    own(
        {"digits": "code", "order": [1, 0]},
        [["code"], ["00"], ["21"], ["10"], ["20"]],
        file={"rows": 4},
    ),
    own(
        {"decisions": ["x", "y"]},
        [["x", "y"], ["a", "1"], ["b", "z"], ["b", "2.5"], ["a", "z"]],
        file={"delimiter": ";"},
    ),
    own({"notation": "arch"}, [["arch"], ["a,1"], ["b,z"], ["b,2.5"], ["a,z"]]),
]


def shipped_case(name: str) -> Case:
    """A shipped description with a few rows that suit it."""
    document = yaml.safe_load((SHIPPED / f"{name}.yaml").read_text())
    document.pop("file")
    description, _ = load_description(name)
    columns = list(
        dict.fromkeys(c.column for s in description.columns.values() for c in s.cells())
    )
    rng = np.random.default_rng(0)
    rows = [columns]
    for _ in range(4):
        rows.append([f"{x:.2f}" for x in rng.uniform(1, 99, len(columns))])
    if name == "nasbench201":
        cells = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"]
        named = [["arch_str"], *([f"|{c}~0|+|{c}~0|{c}~1|+|{c}~0|{c}~1|{c}~2|"] for c in cells)]
    elif name == "nasbench101":
        named = [["n_vertices", "adj_upper", "ops", "hash"]]
        space = get_space("nasbench101")
        letters = {"conv3x3-bn-relu": "C", "conv1x1-bn-relu": "c", "maxpool3x3": "M"}
        for place in range(4):
            cell = space.sample(stream(0, "cell", place))
            bits, _, names = space.to_string(cell).partition(":")
            operations = "".join(letters[n] for n in names.split(","))
            named.append(["7", bits, operations, space.key(cell).hex()])
    else:
        named = [["ops", "id", "n_epochs"]]
        named += [[f"{i}00004", str(i), "100" if i else "200"] for i in range(4)]
    arrays: dict[str, np.ndarray] = {}
    if name == "spikenas":
        document["sidecars"]["curves"] = {"file": "c.npz", "match": {"id": "id"}}
        arrays = {"id": np.arange(4)}
        for about in document["columns"].values():
            if "array" in about:
                curve = rng.integers(1, 20_000, (4, 101)).astype(np.uint16)
                arrays[about["array"]["name"]] = curve
    return Case(document, [n + r for n, r in zip(named, rows, strict=True)], arrays)


DOMAIN: list[Any] = [
    "code", "a3", "a9", "test", "sec", "kind", "id", "arch_str", "d", "p", "d/ep9/valid", "tss",
    "sss", "nasbench101", "valid", "train", "none", "valid+test", "curve", "separate", "run",
    "mean", "uint8", "int32", "float32", "int64", "1/3", "1e999999999", "-1/2", "1-3", "9-1",
    "1-999999", "random", ";", "\t", "\n", '"', "é", " ", "fail", {"column": "acc"}, {"seed": 2},
    {"missing": 3}, {"sha256": "0" * 64}, {"3": "a3"}, {3: "a9"}, {True: "a3"},
    {"maximize": False}, {"digits": "code"},
]  # fmt: skip

NUMBERS = [
    "0", "1", "-1", "3.25", " 7 ", "7 ", "\t7", "1e-400", "+5", ".5", "5.", "1.5e+3", "1E2",
    "00012.50", "12345678901234567890", "-0", "-0.0", "NaN", "None", "NULL", "n/a", "", " ",
    "0.1000000000000000055511151231257827",
]  # fmt: skip

CELLS = [
    "", " ", "0", "00", "1", "-1", "3.25", " 7 ", "7 ", "1e400", "-1e400", "1e-400", "inf",
    "-inf", "Infinity", "nan", "-nan", "NaN(5)", "None", "NULL", "#N/A", "1,5", "1_000", "0x10",
    "0x1p3", "1d5", "٣", "５", "+5", "++5", ".5", "5.", ".", "1e", "1.5e+3", "true", "TRUE",
    "2001-01-01", "a", "b", "2.5", "z", "Z", '"', '""', "'", 'x"y', '"a"b', "\n", "\r", "\r\n",
    "a\nb", "\0", "\u00a0" + "7", "\u2028", "7\u200b", "é", "\ufeff", "\ufeff1", "=1+1", "a,1",
    "|none~0|",
]  # fmt: skip


@st.composite
def tables(draw: st.DrawFn, rows: list[list[str]], delimiter: str) -> bytes:
    """A CSV file with a few cells, fields or rows that are wrong."""
    rows = [list(row) for row in rows]
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 3]))):
        row = draw(st.integers(0, len(rows) - 1)) if rows else 0
        if not rows or not rows[row]:
            continue
        at = draw(st.integers(0, len(rows[row]) - 1))
        kind = draw(
            st.sampled_from(["cell"] * 9 + ["drop", "add", "again", "less", "swap", "same"])
        )
        if kind == "cell":
            rows[row][at] = draw(
                st.sampled_from(NUMBERS) | st.sampled_from(CELLS) | st.text(max_size=5)
            )
        elif kind == "drop":
            del rows[row][at]
        elif kind == "add":
            rows[row].insert(at, draw(st.sampled_from(CELLS)))
        elif kind == "again":
            rows.insert(draw(st.integers(0, len(rows))), list(rows[row]))
        elif kind == "less":
            del rows[row]
        elif kind == "swap":
            other = draw(st.integers(0, len(rows) - 1))
            rows[row], rows[other] = rows[other], rows[row]
        else:
            other = draw(st.integers(0, len(rows) - 1))
            rows[row][at] = (rows[other] or [""])[min(at, len(rows[other]) - 1)]
    quoting = draw(st.sampled_from(["some", "some", "all", "none"]))

    def cell(text: str) -> str:
        odd = any(c in text for c in '"\r\n' + delimiter)
        quoted = quoting == "all" or (quoting == "some" and odd)
        return '"' + text.replace('"', '""') + '"' if quoted else text

    newline = draw(st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "\n\n"]))
    text = newline.join(delimiter.join(map(cell, row)) for row in rows)
    text = draw(st.sampled_from(["", "", "", "", "", "\ufeff", "\n"])) + text
    text += draw(st.sampled_from(["", newline]))
    data = text.encode(errors="surrogatepass")
    return draw(damaged(data)) if draw(st.integers(0, 9)) == 0 else data


def imported(folder: Path) -> bool:
    """The import is refused in one line and leaves nothing, or gives the table that it must."""
    source, spec, out = folder / "t.csv", folder / "t.yaml", folder / "out.table"
    out.unlink(missing_ok=True)
    before = {path.name for path in folder.iterdir()}
    try:
        with strict_warnings():
            report = import_csv(source, spec, out)
    except UserError as error:
        one_line(error)
        assert {path.name for path in folder.iterdir()} == before
        return False
    table = PackedTable(out)
    table.verify()
    assert report.checksum == table.checksum
    assert all(len(line.splitlines()) == 1 for line in report.warnings)
    document = yaml.safe_load(spec.read_bytes())
    wanted = expected(spec, source)
    assert set(wanted) == set(table.columns)
    for name, rows in wanted.items():
        got = table.values(name)[table.row_of]
        assert {bytes(k) for k in table.keys} == set(rows), name
        for k, found in zip(table.keys, got, strict=True):
            want = rows[bytes(k)]
            assert found.shape == want.shape
            assert np.array_equal(np.isnan(found), np.isnan(want)), (name, found, want)
            close = np.abs(found - want) <= tolerance(document["columns"][name], want)
            assert (close | np.isnan(want)).all(), (name, bytes(k), found, want)
    return True


def prepare(case: Case, folder: Path) -> str:
    """Write a case as it is; returns the delimiter."""
    if case.arrays:
        np.savez(folder / "c.npz", **case.arrays)  # type: ignore[arg-type]
    delimiter: str = case.document.get("file", {}).get("delimiter", ",")
    (folder / "t.yaml").write_text(written(tree(case.document)))
    lines = ['"' + f'"{delimiter}"'.join(row) + '"' for row in case.rows]
    (folder / "t.csv").write_text("\n".join(lines))
    return delimiter


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [*OWN, *map(shipped_case, shipped())]


def test_the_sound_cases_are_imported(cases: list[Case], tmp_path: Path) -> None:
    for case in cases:
        prepare(case, tmp_path)
        assert imported(tmp_path)


@fuzzed(60, 400)
def test_descriptions(examples: int, cases: list[Case], tmp_path: Path) -> None:
    @fuzz(examples)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(OWN) | st.sampled_from(cases))
        prepare(case, tmp_path)
        (tmp_path / "t.yaml").write_bytes(data.draw(documents([case.document], DOMAIN)))
        imported(tmp_path)

    check()


@fuzzed(100, 600)
def test_csv_files(examples: int, cases: list[Case], tmp_path: Path) -> None:
    @fuzz(examples)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        case = data.draw(st.sampled_from(OWN) | st.sampled_from(cases))
        delimiter = prepare(case, tmp_path)
        (tmp_path / "t.csv").write_bytes(data.draw(tables(case.rows, delimiter)))
        imported(tmp_path)

    check()
