"""Reading an experiment's directory, and following incumbents."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.base import FAILED, MISSING, OK, REPEAT
from harness.errors import HarnessError, UserError
from harness.protocol import Measure, Protocol
from harness.traces import load_traces
from reports.incumbents import incumbents
from reports.records import Cell, Question, read_records
from tests.reports.conftest import edited


def test_cells_hold_what_the_traces_hold(results: Path) -> None:
    records = read_records(results)
    assert len(records.cells) == 4
    frame = load_traces(results)
    for (searcher, (name, _)), cell in records.cells.items():
        part = frame[(frame["searcher"] == searcher) & (frame["benchmark"] == name)]
        assert cell.seeds.tolist() == list(range(12))
        for seed, length in zip(cell.seeds, cell.lengths, strict=True):
            rows = part[part["seed"] == seed]
            assert len(rows) == length == 30
            place = int(np.flatnonzero(cell.seeds == seed)[0])
            for column in ("selection", "report", "true", "end"):
                np.testing.assert_array_equal(cell.columns[column][place], rows[column])
        assert cell.statuses["failed"] == (part["status"] == "failed").sum() > 0


def test_random_search_comes_first(results: Path) -> None:
    assert read_records(results).searchers[0]["strategy"] == "random_search"


def test_a_directory_without_an_experiment(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no experiment"):
        read_records(tmp_path)


def test_an_experiment_without_traces(results: Path, tmp_path: Path) -> None:
    shutil.copy(results / "experiment.json", tmp_path)
    with pytest.raises(UserError, match="no finished search"):
        read_records(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"benchmarks": [{}]}', '{"searchers": []}'])
def test_a_damaged_experiment(tmp_path: Path, text: str) -> None:
    (tmp_path / "experiment.json").write_text(text)
    with pytest.raises(UserError, match="damaged"):
        read_records(tmp_path)


def test_traces_of_another_experiment_are_left_out(results: Path, tmp_path: Path) -> None:
    def without_random(searchers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [s for s in searchers if s["strategy"] != "random_search"]

    copy = edited(results, tmp_path / "copy", searchers=without_random)
    assert {searcher for searcher, _ in read_records(copy).cells} == {
        s["searcher"] for s in json.loads((copy / "experiment.json").read_text())["searchers"]
    }


def test_a_seed_that_occurs_twice(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "copy")
    path = next((tmp_path / "copy" / "traces").glob("*/*.parquet"))
    shutil.copy(path, path.with_name("again.parquet"))
    with pytest.raises(HarnessError, match="seed 0 occurs twice"):
        read_records(tmp_path / "copy")


def test_a_damaged_trace_file(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "copy")
    path = next((tmp_path / "copy" / "traces").glob("*/*.parquet"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(HarnessError, match=path.name):
        read_records(tmp_path / "copy")


def cell_of(rows: list[list[dict[str, Any]]], **changes: Any) -> Cell:
    """A cell of searches given row by row."""
    fields: dict[str, Any] = {
        "name": "p",
        "search": Measure("valid"),
        "report": Measure("test"),
    }
    protocol = Protocol(**(fields | changes))
    question = Question("b", "b", "b", "", "d", protocol, (), {}, {})
    longest = max(map(len, rows))
    empty = {"end": 0, "epochs": 0, "status": REPEAT}
    columns = {}
    for name in ("end", "epochs", "status", "selection", "true", "report"):
        columns[name] = np.array(
            [
                [r[name] for r in search] + [empty.get(name, np.nan)] * (longest - len(search))
                for search in rows
            ]
        )
    lengths = np.array([len(search) for search in rows])
    return Cell("s", question, np.arange(len(rows)), lengths, columns, {}, "")


@st.composite
def searches(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """A few searches of different lengths with ties, failures and uncharged repeats."""
    result = []
    for search in range(draw(st.integers(1, 3))):
        rows = []
        for step in range(draw(st.integers(1, 6))):
            status = draw(st.sampled_from([OK, OK, OK, FAILED, MISSING, REPEAT]))
            value = float(draw(st.integers(0, 3)))
            rows.append(
                {
                    "end": 1_000_000 * (step + 1),
                    "epochs": draw(st.integers(1, 2)),
                    "status": status,
                    "selection": np.nan if status in (FAILED, MISSING) else value,
                    "true": 100.0 * search + step,
                    "report": -100.0 * search - step,
                }
            )
        result.append(rows)
    return result


def followed_by_hand(
    rows: list[dict[str, Any]], better: Any, charged: Any
) -> list[tuple[float, float, float]]:
    """(selection, true, report) of the incumbent after every charged evaluation."""
    best: dict[str, Any] | None = None
    states, state = [], (np.nan, np.nan, np.nan)
    for row in rows:
        if not np.isnan(row["selection"]) and (best is None or better(row, best)):
            best = row
            state = (row["selection"], row["true"], row["report"])
        if charged(row):
            states.append(state)
    # What happens after the last charged evaluation belongs to it.
    return [*states[:-1], state] if states else [state]


@settings(deadline=None)
@given(searches(), st.booleans(), st.booleans(), st.booleans())
def test_incumbents_equal_a_plain_loop(
    rows: list[list[dict[str, Any]]], maximize: bool, levels: bool, missing_charged: bool
) -> None:
    sign = 1.0 if maximize else -1.0

    def better(row: dict[str, Any], best: dict[str, Any]) -> bool:
        keys = [(r["epochs"] if levels else 0, sign * r["selection"]) for r in (row, best)]
        return bool(keys[0] > keys[1])

    def charged(row: dict[str, Any]) -> bool:
        free = (REPEAT,) if missing_charged else (REPEAT, MISSING)
        return row["status"] not in free

    cell = cell_of(rows, maximize=maximize, fidelities=(0, 1) if levels else ())
    found = incumbents(cell, missing_charged=missing_charged)
    for place, search in enumerate(rows):
        expected = followed_by_hand(search, better, charged)
        got = np.stack([found.values[r][place] for r in ("selection", "true", "report")], axis=1)
        np.testing.assert_array_equal(got[: len(expected)], expected)
        # After the search's end its last incumbent stays.
        final = np.broadcast_to(expected[-1], got[len(expected) :].shape)
        np.testing.assert_array_equal(got[len(expected) :], final)
        np.testing.assert_array_equal(found.final("report")[place], expected[-1][2])
        number = sum(map(charged, search))
        assert found.lengths[place] == number
        ends = [r["end"] / 1e6 for r in search if charged(r)]
        assert found.seconds[place, :number].tolist() == ends
        assert np.isinf(found.seconds[place, number:]).all()
