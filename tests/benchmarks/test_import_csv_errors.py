"""What is wrong with a file or a description is said in one line, and nothing is written."""

from __future__ import annotations

import gzip
import hashlib
import math
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tables import DIGITS, GOOD, column, refused, write

from harness.benchmarks.importers.description_file import load_description, shipped
from harness.benchmarks.importers.tabular import import_csv
from harness.benchmarks.packed import PackedTable
from harness.errors import UserError
from harness.protocol import LeakError, audit


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "t.csv is empty"),
        ("code,acc,test\n", "no rows"),
        ("code,acc,tst\n00,1,2\n", "unknown column of t.csv 'test': did you mean tst?"),
        ("code,acc,test,acc\n00,1,2,3\n", "2 columns named 'acc'"),
        ("code,acc,test\n00,1,2\n01,1\n", "truncated or malformed"),
        ('code,acc,test\n00,1,2\n01,"1,3\n', "truncated or malformed"),
        ("code,acc,test\n00,1,2\n\xff,1,2\n", "not an architecture"),
        ("code,acc,test\n00,1,2\n01,1,2\n00,1,2\n", "the architecture of row 1 occurs again"),
        ("code,acc,test\n00,1,2\n20,1,2\n", "row 2, column 'code': '20' is not an architecture"),
        ("code,acc,test\n0,1,2\n", "row 1, column 'code'"),
        ("code,acc,test\n-1,1,2\n", "row 1, column 'code'"),
        ("code,acc,test\n00,1,2\n01,nan,2\n", "row 2, column 'acc': no value"),
        ("code,acc,test\n00,,2\n", "row 1, column 'acc': no value"),
        ("code,acc,test\n00,1,2\n01,1,2x\n", "row 2, column 'test': '2x' is not a number"),
        ("code,acc,test\n00,inf,2\n", "row 1, column 'acc': not a finite number"),
        ("code,acc,test\n00,1e999,2\n", "row 1, column 'acc'"),
    ],
)  # fmt: skip
def test_bad_csv(tmp_path: Path, text: str, line: str) -> None:
    assert line in refused(tmp_path, *write(tmp_path, text))


def test_bad_files(tmp_path: Path) -> None:
    path, spec, out = write(tmp_path)
    assert "cannot read" in refused(tmp_path, tmp_path / "none.csv", spec, out)
    assert "cannot read" in refused(tmp_path, tmp_path, spec, out)
    odd = tmp_path / "t.xlsx"
    odd.write_text(GOOD)
    assert "cannot tell its format" in refused(tmp_path, odd, spec, out)
    packed = gzip.compress(GOOD.encode())
    for i, data in enumerate([packed[:-9], packed[:12], b"", b"no gzip", packed[:-5] + b"\0" * 5]):
        (tmp_path / f"{i}.csv.gz").write_bytes(data)
        line = refused(tmp_path, tmp_path / f"{i}.csv.gz", spec, out)
        assert "truncated or malformed" in line or "is empty" in line
    (tmp_path / "latin.csv").write_bytes(GOOD.encode() + b"\xff1,1,1\n")
    assert "truncated or malformed" in refused(tmp_path, tmp_path / "latin.csv", spec, out)
    assert "would overwrite" in refused(tmp_path, path, spec, path)
    assert "cannot write" in refused(tmp_path, path, spec, path / "below" / "out.table")
    assert path.read_text() == GOOD


def test_bad_parquet(tmp_path: Path) -> None:
    _, spec, out = write(tmp_path)
    path = tmp_path / "t.parquet"
    good = {"code": ["00", "01"], "acc": [1.0, 2.0], "test": [3, 4]}

    def line(**changes: Any) -> str:
        pq.write_table(pa.table(good | changes), path)
        return refused(tmp_path, path, spec, out)

    assert "lose leading zeros" in line(code=[0, 1])
    assert "row 2, column 'code': no value" in line(code=["00", None])
    assert "row 2, column 'acc': no value" in line(acc=[1.0, None])
    assert "row 1, column 'acc': no value" in line(acc=[math.nan, 1.0])
    assert "row 2, column 'acc': not a finite" in line(acc=[1.0, math.inf])
    assert "column 'acc'" in line(acc=[[1], [2]])
    assert "column 'acc'" in line(acc=[2**63 - 1, 1])
    data = path.read_bytes()
    for cut in (0, 3, len(data) // 2, len(data) - 5):
        path.write_bytes(data[:cut])
        assert "truncated or malformed" in refused(tmp_path, path, spec, out)


def test_checksum_and_rows(tmp_path: Path) -> None:
    right = hashlib.sha256(GOOD.encode()).hexdigest()
    import_csv(*write(tmp_path, file={"sha256": right, "rows": 3}))
    files = write(tmp_path, file={"sha256": "0" * 64})
    before = files[2].read_bytes()
    assert "wrong checksum" in refused(tmp_path, *files)
    # The table of an earlier import stays as it was.
    assert files[2].read_bytes() == before
    assert "has 3 rows, expected 4" in refused(tmp_path, *write(tmp_path, file={"rows": 4}))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"nmae": "x"}, "unknown field 'nmae': did you mean name?"),
        ({"space": "tsss"}, "unknown space 'tsss': did you mean tss"),
        ({"space": "tss"}, "not an architecture of the space 'tss'"),
        ({"space": {"name": "s", "options": [["a"], [True, "b"]]}}, "put the name in quotes"),
        ({"space": {"name": "s", "options": [["a", "a"]]}}, "needs 1 to 256 distinct options"),
        ({"space": {"name": "s", "options": []}}, "has no decisions"),
        ({"architecture": {}}, "architecture: give exactly one of"),
        ({"architecture": {"digits": "code", "notation": "code"}}, "give exactly one of"),
        ({"architecture": {"digits": "code", "order": [0, 2]}}, "architecture.order"),
        ({"architecture": {"notation": "code"}}, "row 1, column 'code': '00' is not"),
        ({"architecture": {"decisions": ["code"]}}, "1 columns for the 2 decisions"),
        ({"architecture": {"decisions": ["code", "acc"]}}, "'00' is no option"),
        ({"columns": {}}, "columns:"),
        ({"columns": column(split="tset")}, "unknown split 'tset'"),
        ({"columns": column(splt="valid")}, "unknown field 'splt': did you mean split?"),
        ({"columns": column(column="ac")}, "unknown column of t.csv 'ac': did you mean acc"),
        ({"columns": column(column="acc", runs={1: "acc"})}, "exactly one of"),
        ({"columns": column(runs={1: {3: "acc"}, 2: {4: "acc"}})}, "needs the same epochs"),
        ({"columns": column(factor="1/0")}, "neither a number nor a fraction"),
        ({"columns": column(factor=0)}, "finite and not zero"),
        ({"columns": column(dtype="int7")}, "unknown dtype 'int7'"),
        ({"columns": column(dtype="uint8", scale=0.1)}, "does not fit uint8"),
        ({"columns": column(factor=1e308)}, "does not fit float64"),
        ({"columns": column(array={"sidecar": "c", "name": "x", "epochs": "1-3"})}, "sidecar"),
        ({"columns": column(array={"sidecar": "c", "name": "x", "epochs": "1 to 3"})}, "a range"),
        ({"columns": column(epoch=4)}, "has no epoch 3"),
        ({"default_dataset": "e"}, "unknown data set 'e'"),
        ({"only": {"column": "acc", "equals": 7, "reason": "r"}}, "no row has 7"),
    ],
)  # fmt: skip
def test_bad_description(tmp_path: Path, changes: dict[str, Any], line: str) -> None:
    assert line in refused(tmp_path, *write(tmp_path, **changes))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"search": {"column": "d/ep3/valid_acc", "epoch": 3}}, "unknown column in protocol"),
        ({"search": {"column": "d/ep3/test_accuracy", "epoch": 3}}, "test images"),
        ({"serach": {}}, "unknown field 'serach': did you mean search"),
        ({"report": {"colum": "x"}}, "unknown field 'colum': did you mean column?"),
        ({"cost": [{"colum": "x"}]}, "unknown field 'colum': did you mean column?"),
        ({"missing": "ignore"}, "'refuse', 'resample' or 'fail'"),
        ({"fidelities": [4]}, "has no epoch 4"),
        ({"time_noise": 9}, "time_noise"),
        (
            {"cost": [{"column": "d/ep3/valid_accuracy", "per": "hour"}]},
            "'epoch', 'evaluation' or 'fidelity'",
        ),
    ],
)
def test_bad_protocol(tmp_path: Path, changes: dict[str, Any], line: str) -> None:
    plain = DIGITS["datasets"]["d"]["protocols"]["plain"]
    datasets = {"d": {"default": "plain", "protocols": {"plain": plain | changes}}}
    files = write(tmp_path, datasets=datasets)
    assert line in refused(tmp_path, *files)
    datasets["d"]["default"] = "plan"
    files = write(tmp_path, datasets={"d": {"default": "plan", "protocols": {"plain": plain}}})
    assert "did you mean plain?" in refused(tmp_path, *files)


def test_a_leaking_protocol_needs_an_opt_in(tmp_path: Path) -> None:
    test = {"column": "d/ep3/test_accuracy", "epoch": 3}
    leaky: dict[str, Any] = {"search": test, "report": test}
    datasets = {"d": {"default": "p", "protocols": {"p": leaky}}}
    with pytest.raises(LeakError, match="allow_leak"):
        import_csv(*write(tmp_path, datasets=datasets))
    leaky["allow_leak"] = True
    report = import_csv(*write(tmp_path, datasets=datasets))
    assert any("test images" in line for line in report.warnings)
    assert any("refuses architectures that the table lacks" in line for line in report.warnings)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: [", "is no YAML"),
        ("- a\n- b\n", "a description is a mapping"),
        ("", "a description is a mapping"),
        ("name: a\nname: b\n", "line 2: 'name' is given twice"),
        ("? [a, b]\n: c\n", "bad.yaml"),
        ("? {a: b}\n: c\n", "bad.yaml"),
        ("name: !!python/object/apply:os.system [ls]\n", "is no YAML"),
        ("name: \x00\n", "is no YAML"),
        ("name: 2020-13-45\n", "is no YAML"),
        ("name: x\n", "bad.yaml: "),
        ("[" * 500, "is no YAML"),
    ],
)
def test_bad_yaml(tmp_path: Path, text: str, line: str) -> None:
    path, _, out = write(tmp_path)
    spec = tmp_path / "bad.yaml"
    spec.write_text(text)
    assert line in refused(tmp_path, path, spec, out)


def test_unknown_descriptions(tmp_path: Path) -> None:
    path, _, out = write(tmp_path)
    assert shipped() == ["nasbench101", "nasbench201", "spikenas"]
    assert "did you mean nasbench201" in refused(tmp_path, path, Path("nasbench-201"), out)
    assert "no description" in refused(tmp_path, path, Path("absent/x.yaml"), out)


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201", "spikenas"])
def test_shipped_descriptions_are_sound(name: str) -> None:
    from harness.benchmarks.importers.tabular import _column

    description, _ = load_description(name)
    columns = {key: _column(key, source) for key, source in description.columns.items()}
    for dataset in description.datasets.values():
        for protocol in dataset.protocols.values():
            assert audit(protocol, columns) == [] and protocol.note


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_as_it_stands(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    path, spec, out = write(folder)
    kind = data.draw(st.sampled_from(["csv", "parquet", "yaml"]))
    if kind == "parquet":
        path = folder / "t.parquet"
        pq.write_table(pa.table({"code": ["00", "12"], "acc": [1.0, 2.0], "test": [3, 4]}), path)
    victim = spec if kind == "yaml" else path
    raw = bytearray(victim.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw)))
        junk = data.draw(
            st.sampled_from([b"", b",", b"\n", b'"', b"\0", b"0", b"9", b"\xff", b": "])
        )
        raw[place : place + data.draw(st.integers(0, 4))] = junk
    victim.write_bytes(raw)
    try:
        import_csv(path, spec, out)
    except UserError as error:
        assert "\n" not in str(error)
        assert not out.exists()
    else:
        PackedTable(out).verify()
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]
    shutil.rmtree(folder)
