"""CSV and Parquet files with a YAML description become packed tables that say the same."""

from __future__ import annotations

import csv
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_tables import DIGITS, GOOD, column, refused, values, write

from harness.benchmarks.importers.tabular import import_csv
from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import TableBenchmark, space_of
from harness.spaces import CategoricalSpace
from harness.streams import stream

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_table"


def test_small_table(tmp_path: Path) -> None:
    report = import_csv(*write(tmp_path))
    table = PackedTable(tmp_path / "out.table")
    table.verify()
    assert values(table, "d/ep3/valid_accuracy", 3) == {
        (0, 0): [10.5], (0, 2): [30.25], (1, 2): [20.0],
    }  # fmt: skip
    assert (report.architectures, report.missing, report.rows) == (3, 3, 3)
    assert report.checksum == table.checksum
    assert report.warnings == ("the table covers 3 of the 6 architectures of its space",)
    (optimum,) = report.optima
    assert (optimum.dataset, optimum.protocol) == ("d", "plain")
    assert (optimum.architecture, optimum.value, optimum.unit) == ("a,z", 31.0, "%")
    evaluate = TableBenchmark(table).evaluator(0)
    assert evaluate((0, 2)).value == 30.25
    assert math.isnan(evaluate((1, 0)).value)


def test_same_input_same_bytes(tmp_path: Path) -> None:
    files = write(tmp_path)
    import_csv(*files)
    first = files[2].read_bytes()
    import_csv(*files)
    assert files[2].read_bytes() == first


@pytest.mark.parametrize("form", ["csv.gz", "csv.bz2", "csv.xz", "parquet", "crlf", "bom", "tsv"])
def test_other_forms_give_the_same_table(tmp_path: Path, form: str) -> None:
    path, spec, out = write(tmp_path)
    import_csv(path, spec, out)
    other = tmp_path / f"other.{form if '.' in form or form in ('parquet', 'tsv') else 'csv'}"
    frame = pd.read_csv(path, dtype={"code": str})
    if form == "parquet":
        frame["code"] = frame["code"].astype("category")  # a dictionary column
        frame.to_parquet(other)
    elif form == "tsv":
        frame.to_csv(other, sep="\t", index=False)
        write(tmp_path, file={"delimiter": "\t"})
    elif form == "crlf":
        other.write_bytes(GOOD.replace("\n", "\r\n").encode())
    elif form == "bom":
        other.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    else:
        frame.to_csv(other, index=False)
    import_csv(other, spec, tmp_path / "second.table")
    a, b = PackedTable(out), PackedTable(tmp_path / "second.table")
    for name in a.columns:
        assert values(a, name, 3) == values(b, name, 3)


def test_digits_in_another_order(tmp_path: Path) -> None:
    # The text's second character is the space's first decision.
    order = {"digits": "code", "order": [1, 0]}
    path, spec, out = write(tmp_path, "code,acc,test\n20,1,2\n01,3,4\n", architecture=order)
    import_csv(path, spec, out)
    assert set(values(PackedTable(out), "d/ep3/test_accuracy", 3)) == {(0, 2), (1, 0)}


def test_runs_epochs_factor_and_missing(tmp_path: Path) -> None:
    columns = column(
        runs={7: {3: "a3", 9: "a9"}, 5: {3: "b3", 9: "b9"}},
        factor="1/4", allow_missing=True, schedule="separate",
    )  # fmt: skip
    text = "code,a3,a9,b3,b9,test\n00,4,8,12,16,1\n01,NA,1,, nan ,2\n"
    report = import_csv(*write(tmp_path, text, columns=columns))
    table = PackedTable(tmp_path / "out.table")
    described = table.columns["d/ep3/valid_accuracy"]
    assert (described.seeds, described.epochs) == ((7, 5), (3, 9))
    assert described.schedule == "separate"
    assert values(table, described.name, 3)[0, 0] == [1.0, 3.0]
    assert values(table, described.name, 9)[0, 0] == [2.0, 4.0]
    assert np.isnan(values(table, described.name, 3)[0, 1]).all()
    assert any("3 of 8 values are missing" in line for line in report.warnings)


def test_curves_from_a_sidecar_and_left_out_rows(tmp_path: Path) -> None:
    curves = np.array([[1, 2, 9], [3, 65535, 9], [5, 6, 9]], np.uint16)
    np.savez(tmp_path / "c.npz", id=np.arange(3), curve=curves)
    array = {"sidecar": "c", "name": "curve", "epochs": "1-2", "missing": 65535}
    changes: dict[str, Any] = {
        "columns": column(array=array, factor=0.5, dtype="uint16", scale=0.5, allow_missing=True)
        | {"d/ep3/test_accuracy": {"column": "test", "epoch": 3, "split": "test"}},
        "sidecars": {"c": {"file": "c.npz", "match": {"id": "id"}}},
        "only": {"column": "kind", "equals": 1, "reason": "they are of another kind"},
    }
    changes["columns"]["d/ep3/valid_accuracy"].pop("epoch")
    search = {"column": "d/ep3/valid_accuracy", "epoch": 2}
    report_ = {"column": "d/ep3/test_accuracy", "epoch": 3}
    protocol = {"search": search, "report": report_, "missing": "fail", "fidelities": "1-2"}
    changes["datasets"] = {"d": {"default": "p", "protocols": {"p": protocol}}}
    text = "id,code,kind,test\n0,00,1,1\n1,01,1,2\n2,02,0,3\n"
    files = write(tmp_path, text, **changes)
    report = import_csv(*files)
    table = PackedTable(files[2])
    assert values(table, "d/ep3/valid_accuracy", 1) == {(0, 0): [0.5], (0, 1): [1.5]}
    assert values(table, "d/ep3/valid_accuracy", 2)[0, 0] == [1.0]
    assert math.isnan(values(table, "d/ep3/valid_accuracy", 2)[0, 1][0])
    assert any("they are of another kind" in line for line in report.warnings)
    assert TableBenchmark(table).evaluator(0)((0, 0), 1).value == 0.5

    np.savez(tmp_path / "c.npz", id=np.arange(3)[::-1], curve=curves)
    assert "row 1, column 'id'" in refused(tmp_path, *files)
    np.savez(tmp_path / "c.npz", id=np.arange(2), curve=curves[:2])
    assert "'id': needs 1 axes" in refused(tmp_path, *files)
    np.savez(tmp_path / "c.npz", id=np.arange(3), curve=curves[:, :1])
    assert "1 entries a row, needs 2" in refused(tmp_path, *files)
    np.savez(tmp_path / "c.npz", id=np.arange(3), curv=curves)
    assert "unknown array of c.npz 'curve': did you mean curv?" in refused(tmp_path, *files)
    np.savez(tmp_path / "c.npz", id=np.arange(3), curve=np.array([{}] * 3))
    assert "c.npz" in refused(tmp_path, *files)
    whole = (tmp_path / "c.npz").read_bytes()
    (tmp_path / "c.npz").write_bytes(whole[: len(whole) // 2])
    assert "truncated or malformed" in refused(tmp_path, *files)
    (tmp_path / "c.npz").unlink()
    assert "cannot read" in refused(tmp_path, *files)


def test_suspicious_percentages_are_named(tmp_path: Path) -> None:
    text = "code,acc,test\n00,0.5,11\n01,0.75,110\n"
    report = import_csv(*write(tmp_path, text))
    assert any("valid_accuracy': no value above 1 %" in line for line in report.warnings)
    assert any("test_accuracy': 11 to 110 %" in line for line in report.warnings)


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, width=64),
    st.floats(0, 100).map(lambda x: round(x, 3)),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[int], dict[tuple[int, ...], tuple[float, ...]]]:
    """Sizes of a space's decisions and (valid 1, valid 2, test) of some of its architectures."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    architecture = st.tuples(*(st.integers(0, size - 1) for size in sizes))
    row = st.tuples(NUMBERS, NUMBERS, NUMBERS)
    return sizes, draw(st.dictionaries(architecture, row, min_size=1, max_size=12))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    content=tables(),
    way=st.sampled_from(["digits", "decisions", "notation"]),
    seed=st.integers(0, 999),
)
def test_any_table_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory,
    content: tuple[list[int], dict[tuple[int, ...], tuple[float, ...]]],
    way: str,
    seed: int,
) -> None:
    sizes, rows = content
    folder = tmp_path_factory.mktemp("table")
    options = [[f"o{v}" for v in range(size)] for size in sizes]
    space = CategoricalSpace("s", options)
    named = {
        "digits": lambda a: ["".join(map(str, a))],
        "decisions": lambda a: [options[i][v] for i, v in enumerate(a)],
        "notation": lambda a: [space.to_string(a)],
    }[way]
    names = [f"k{i}" for i in range(len(sizes) if way == "decisions" else 1)]
    with (folder / "t.csv").open("w", newline="") as stream_:
        out = csv.writer(stream_)
        out.writerow([*names, "v1", "v2", "t"])
        for architecture, numbers in rows.items():
            out.writerow([*named(architecture), *map(repr, numbers)])
    description = DIGITS | {
        "space": {"name": "s", "options": options},
        "architecture": {way: names if way == "decisions" else names[0]},
        "columns": {
            "d/ep3/valid_accuracy": {"runs": {1: "v1", 2: "v2"}, "epoch": 3, "split": "valid"},
            "d/ep3/test_accuracy": {"column": "t", "epoch": 3, "split": "test"},
        },
    }
    (folder / "t.yaml").write_text(yaml.safe_dump(description))
    report = import_csv(folder / "t.csv", folder / "t.yaml", folder / "out")
    table = PackedTable(folder / "out")
    assert report.architectures == len(rows) and report.missing == len(space) - len(rows)
    assert values(table, "d/ep3/valid_accuracy", 3) == {a: list(n[:2]) for a, n in rows.items()}
    assert values(table, "d/ep3/test_accuracy", 3) == {a: [n[2]] for a, n in rows.items()}
    assert report.optima[0].value == max(n[2] for n in rows.values())
    assert space_of(table).sample(stream(seed, "x")) in space
    shutil.rmtree(folder)


def test_custom_table_example(tmp_path: Path) -> None:
    source, out = EXAMPLE / "mlp_digits.csv", tmp_path / "mlp.table"
    report = import_csv(source, EXAMPLE / "mlp_digits.yaml", out)
    assert (report.architectures, report.missing) == (48, 0)
    frame = pd.read_csv(source)
    assert report.optima[0].value == pytest.approx(
        100 * frame[["test_0", "test_1"]].mean(axis=1).max()
    )
    benchmark = TableBenchmark(PackedTable(out))
    architecture = benchmark.space.from_string("2,16,tanh")
    row = frame[(frame.layers == 2) & (frame.width == 16) & (frame.activation == "tanh")].iloc[0]
    seen = {round(benchmark.evaluator(seed)(architecture).value, 6) for seed in range(20)}
    assert seen == {round(100 * row.valid_0, 6), round(100 * row.valid_1, 6)}
    assert benchmark.evaluator(0)(architecture).cost == round(row.seconds * 1e6)
