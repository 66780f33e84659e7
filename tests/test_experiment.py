"""Experiments: files and arguments, resuming, and digests that depend on nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import harness.experiment as module
from harness import Experiment, load_traces
from harness.errors import HarnessError
from harness.experiment import BenchmarkSpec
from harness.loop import Budget
from harness.testing import synthetic_table
from harness.traces import read_metadata, trace_files
from tests.experiments import EVERYONE, EVOLUTION, digests, experiment, refused
from tests.small_table import TEST, VALID, small_table


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_table(tmp_path_factory.mktemp("experiment") / "small.table").table.path


# --- running and resuming -------------------------------------------------------------------


def test_every_search_is_run_and_recorded(table: Path, tmp_path: Path) -> None:
    assert experiment(table).run(tmp_path, inline=True) == tmp_path
    frame = load_traces(tmp_path)
    assert set(frame.groupby(["searcher", "seed"]).size()) == {10}
    assert set(frame["searcher"]) == {"random_search", EVOLUTION}
    assert set(frame["seed"]) == {0, 1, 2}
    document = json.loads((tmp_path / "experiment.json").read_text())
    assert document["seeds"] == [0, 1, 2]
    assert document["budget"] == {"evaluations": 10, "seconds": None, "epochs": None}
    assert [s["searcher"] for s in document["searchers"]] == ["random_search", EVOLUTION]
    assert document["searchers"][1]["options"]["population_size"] == 4
    assert document["searchers"][1]["options"]["new_value"] is True, "defaults are recorded"
    (benchmark,) = document["benchmarks"]
    assert benchmark["split"] == {"search": "valid", "selection": "valid", "report": "test"}
    assert benchmark["leaks"] == []
    assert benchmark["protocol"]["search"]["column"] == VALID


def test_a_finished_search_is_never_run_again(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment(table).run(tmp_path, inline=True)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in trace_files(tmp_path)}
    monkeypatch.setattr(module, "run_search", None)
    assert experiment(table).pending(tmp_path) == []
    experiment(table).run(tmp_path, inline=True)
    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in trace_files(tmp_path)}
    assert after == before


def test_more_seeds_run_only_what_is_missing(table: Path, tmp_path: Path) -> None:
    experiment(table, seeds=[1, 4]).run(tmp_path, inline=True)
    before = digests(tmp_path)
    done: list[tuple[int, int]] = []
    experiment(table, seeds=6).run(
        tmp_path, inline=True, progress=lambda *counts: done.append(counts)
    )
    after = digests(tmp_path)
    assert sum(searches for searches, _ in done) == 2 * 4
    assert sum(evaluations for _, evaluations in done) == 2 * 4 * 10
    assert {key: after[key] for key in before} == before
    assert {seed for _, seed in after} == set(range(6))
    assert json.loads((tmp_path / "experiment.json").read_text())["seeds"] == list(range(6))


def test_fewer_seeds_forget_nothing(table: Path, tmp_path: Path) -> None:
    experiment(table, seeds=4).run(tmp_path, inline=True)
    experiment(table, seeds=2).run(tmp_path, inline=True)
    assert len(digests(tmp_path)) == 8
    assert json.loads((tmp_path / "experiment.json").read_text())["seeds"] == [0, 1, 2, 3]


def test_searchers_and_benchmarks_may_be_added(table: Path, tmp_path: Path) -> None:
    experiment(table, searchers=["random_search"]).run(tmp_path, inline=True)
    before = digests(tmp_path)
    experiment(table, searchers=["local_search"]).run(tmp_path, inline=True)
    after = digests(tmp_path)
    assert {key: after[key] for key in before} == before
    assert {name for name, _ in after} == {"random_search", "local_search"}
    document = json.loads((tmp_path / "experiment.json").read_text())
    assert {s["searcher"] for s in document["searchers"]} == {"random_search", "local_search"}
    assert len(document["cells"]) == 2 and len(document["benchmarks"]) == 1


def test_a_kill_between_batches_leaves_only_the_rest_to_do(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_EVALUATIONS", 20)
    experiment(table, seeds=5).run(tmp_path / "whole", inline=True)

    class Killed(Exception):
        pass

    batches = 0

    def kill(*counts: int) -> None:
        nonlocal batches
        batches += 1
        if batches == 3:
            raise Killed

    with pytest.raises(Killed):
        experiment(table, seeds=5).run(tmp_path / "killed", inline=True, progress=kill)
    finished = set(digests(tmp_path / "killed"))
    assert len(finished) == 5
    done: list[int] = []
    experiment(table, seeds=5).run(
        tmp_path / "killed", inline=True, progress=lambda searches, _: done.append(searches)
    )
    assert sum(done) == 10 - len(finished)
    assert digests(tmp_path / "killed") == digests(tmp_path / "whole")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": {"evaluations": 11}}, "another --out"),
        ({"budget": {"evaluations": 10, "seconds": 5.0}}, "another --out"),
        ({"workers": 2}, "holds an experiment with workers 1, not 2"),
        ({"searchers": [{"random_search": {"label": EVOLUTION}}]}, "with other options"),
    ],
)
def test_another_experiment_in_the_same_place_is_refused(
    table: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    experiment(table).run(tmp_path, inline=True)
    before = (tmp_path / "experiment.json").read_bytes()
    line = refused(lambda: experiment(table, **changes).run(tmp_path, inline=True))
    assert message in line and str(tmp_path) in line
    assert (tmp_path / "experiment.json").read_bytes() == before
    assert len(digests(tmp_path)) == 6


def test_another_table_or_protocol_of_the_same_name_is_refused(
    table: Path, tmp_path: Path
) -> None:
    experiment(table).run(tmp_path / "out", inline=True)
    other = small_table(tmp_path / "small.table", seed=1).table.path
    line = refused(lambda: experiment(other).run(tmp_path / "out", inline=True))
    assert "holds small with another checksum" in line
    fresh = [BenchmarkSpec(str(table), options={"repeat": "fresh"})]
    line = refused(lambda: experiment(table, benchmarks=fresh).run(tmp_path / "out", inline=True))
    assert "holds small with another protocol hash" in line


def test_one_table_under_two_protocols_can_be_resumed(table: Path, tmp_path: Path) -> None:
    two = [BenchmarkSpec(str(table)), BenchmarkSpec(str(table), options={"repeat": "fresh"})]
    for seeds in (1, 2, 2):
        experiment(table, benchmarks=two, seeds=seeds).run(tmp_path, inline=True)
    document = json.loads((tmp_path / "experiment.json").read_text())
    assert len(document["benchmarks"]) == 2 and len(document["cells"]) == 4
    assert len(load_traces(tmp_path)) == 2 * 2 * 2 * 10


def test_another_path_of_the_same_table_is_the_same_benchmark(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment(table).run(tmp_path, inline=True)
    monkeypatch.chdir(table.parent)
    again = experiment(Path(table.name))
    assert again.pending(tmp_path) == []
    again.run(tmp_path, inline=True)
    assert len(json.loads((tmp_path / "experiment.json").read_text())["benchmarks"]) == 1


@pytest.mark.parametrize("content", ["", "{", "[]", "5", "{}", '{"budget": {}}', "\x00"])
def test_a_damaged_record_is_told(table: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "experiment.json").write_text(content)
    with pytest.raises(HarnessError, match=r"experiment\.json is damaged|another --out"):
        experiment(table).run(tmp_path, inline=True)


def test_a_place_that_cannot_be_written_to(table: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        line = refused(lambda out=out: experiment(table).run(out, inline=True))  # type: ignore[misc]
        assert "cannot write to" in line and "choose another --out" in line


def test_a_damaged_trace_file_is_told(table: Path, tmp_path: Path) -> None:
    experiment(table).run(tmp_path, inline=True)
    trace_files(tmp_path)[0].write_bytes(b"PAR1")
    with pytest.raises(HarnessError, match="no trace file"):
        experiment(table).run(tmp_path, inline=True)


# --- digests --------------------------------------------------------------------------------


def test_batch_size_and_order_change_no_digest(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment(table, searchers=EVERYONE, seeds=5).run(tmp_path / "a", inline=True)
    expected = digests(tmp_path / "a")
    assert len(trace_files(tmp_path / "a")) == len(EVERYONE)
    monkeypatch.setattr(module, "BATCH_EVALUATIONS", 20)
    backwards = experiment(table, searchers=EVERYONE[::-1], seeds=[4, 2, 0, 3, 1])
    backwards.run(tmp_path / "b", inline=True)
    assert len(trace_files(tmp_path / "b")) == 3 * len(EVERYONE)
    assert digests(tmp_path / "b") == expected
    assert len(set(expected.values())) == len(expected)


def test_digests_are_the_same_in_another_process(table: Path, tmp_path: Path) -> None:
    """With another seed for Python's hashes, another batch size and another order."""
    experiment(table, searchers=EVERYONE, workers=3).run(tmp_path / "a", inline=True)
    program = (
        "import sys, pathlib, random, harness.experiment as module\n"
        "from harness import Experiment\n"
        "random.seed(7)\n"
        "module.BATCH_EVALUATIONS = 10\n"
        "table, out, *searchers = sys.argv[1:]\n"
        "Experiment([table], searchers, [2, 1, 0], {'evaluations': 10}, 3).run(out, inline=True)"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(table), str(tmp_path / "b"), *EVERYONE[::-1]],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "12345"},
    )
    assert digests(tmp_path / "b") == digests(tmp_path / "a")


def test_common_random_numbers(tmp_path: Path) -> None:
    """Under one seed all searchers start from the same architectures with the same values."""
    path = synthetic_table(tmp_path / "t.table", coverage=1.0).path
    grid = Experiment([str(path)], ["random_search", "regularized_evolution"], 3, Budget(20))
    traces = [cell.run(grid.opened[0], grid.seeds) for cell in grid.cells]
    for ours, theirs in zip(*traces, strict=True):
        assert ours.architectures == theirs.architectures
        assert ours.columns["value"].tolist() == theirs.columns["value"].tolist()
        assert ours.digest != theirs.digest


def test_searchers_share_the_luck_of_every_architecture(table: Path) -> None:
    """Whatever led there, one architecture has one value under one seed."""
    grid = experiment(table, searchers=EVERYONE, seeds=2, budget={"evaluations": 60}, workers=2)
    for seed in range(2):
        values: dict[tuple[int, int], set[str]] = {}
        for cell in grid.cells:
            (trace,) = cell.run(grid.opened[0], [seed])
            columns = (trace.columns[name].tolist() for name in ("row", "visit", "value"))
            for row, visit, value in zip(*columns, strict=True):
                values.setdefault((row, visit), set()).add(str(value))
        assert len(values) > 15
        assert all(len(found) == 1 for found in values.values())


def test_cells_have_directories_of_their_own(table: Path) -> None:
    """Whatever changes a trace changes the place where it is kept."""
    names = [
        cell.directory
        for changes in (
            {}, {"workers": 2}, {"budget": {"evaluations": 9}}, {"budget": {"epochs": 9}},
            {"benchmarks": [BenchmarkSpec(str(table), options={"repeat": "fresh"})]},
            {"searchers": [{"random_search": {"replacement": False}}]},
            {"searchers": [{"random_search": {"label": "other"}}]},
        )
        for cell in experiment(table, **{"searchers": ["random_search"], **changes}).cells
    ]  # fmt: skip
    assert len(set(names)) == len(names) == 7
    assert all(re.fullmatch("[A-Za-z0-9-]+", name) for name in names)


def test_headers_name_the_report_split(table: Path, tmp_path: Path) -> None:
    experiment(table).run(tmp_path, inline=True)
    for path in trace_files(tmp_path):
        for header in read_metadata(path)["headers"]:
            assert header["protocol"] == experiment(table).opened[0].protocol.hash
    recorded = json.loads((tmp_path / "experiment.json").read_text())["benchmarks"][0]
    assert recorded["protocol"]["report"]["column"] == TEST
