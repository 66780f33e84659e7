"""Damaged records of searches: a clear error, or what was recorded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.experiment import BenchmarkSpec, Experiment
from harness.journal import Journal
from harness.recipes import load as load_recipe
from harness.tabulation.journal import Journal as Trainings
from harness.tabulation.journal import Question
from harness.tabulation.table import pack
from harness.traces import load_traces, read_batch, trace_files
from reports.build import summarise
from tests.fuzz.strategies import (
    command,
    damaged,
    documents,
    fuzz,
    fuzzed,
    one_line,
    refused,
    strict_warnings,
)
from tests.small_table import small_table


def answer(ask: Callable[[], Any]) -> Any:
    """What a call gives; None where it is refused in one line."""
    try:
        with strict_warnings():
            return ask()
    except HarnessError as error:
        one_line(error)
        return None


def identity(path: Path) -> list[tuple[str, dict[str, Any]]]:
    return [(trace.digest, trace.telemetry) for trace in read_batch(path)]


# --- an experiment's directory ----------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished experiment of two searchers on two questions, `out`, beside its file."""
    folder = tmp_path_factory.mktemp("records")
    table = str(small_table(folder / "small.table").table.path)
    questions: list[Any] = [table, BenchmarkSpec(table, "plain", {"repeat": "fresh"})]
    searchers: list[Any] = [
        "random_search",
        {"local_search": {"initial_samples": 2, "label": "l"}},
    ]
    document = {
        "benchmarks": [
            table,
            {"source": table, "protocol": "plain", "options": {"repeat": "fresh"}},
        ],
        "searchers": searchers,
        "seeds": 3,
        "budget": {"evaluations": 5},
    }
    (folder / "e.yaml").write_text(json.dumps(document))
    grid = Experiment(questions, searchers, 3, {"evaluations": 5})
    grid.run(folder / "out", inline=True)
    return folder


def copy(results: Path) -> Path:
    out = results / "copy"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(results / "out", out)
    return out


def digests(out: Path) -> set[tuple[str, int, str]]:
    return {
        (path.parent.name, trace.header["seed"], trace.digest)
        for path in trace_files(out)
        for trace in read_batch(path)
    }


@fuzzed(15, 200)
def test_trace_files(examples: int, results: Path) -> None:
    whole = digests(results / "out")
    frame = load_traces(results / "out")
    summary = summarise(results / "out").to_json()
    files = [path.relative_to(results / "out") for path in trace_files(results / "out")]
    sound = {path: identity(results / "out" / path) for path in files}

    @fuzz(examples)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        out = copy(results)
        place = data.draw(st.sampled_from(files))
        content = (out / place).read_bytes()
        footer = len(content) - int.from_bytes(content[-8:-4], "little") - 8
        if data.draw(st.booleans()):
            # The footer holds the headers, and no checksum of Parquet's covers it.
            content = content[:footer] + data.draw(damaged(content[footer:]))
        else:
            other = (out / data.draw(st.sampled_from(files))).read_bytes()
            at = data.draw(st.integers(1, len(content) - 1))
            content = data.draw(damaged(content) | st.just(content[:at] + other[at:]))
        (out / place).write_bytes(content)
        found = answer(lambda: identity(out / place))
        assert found is None or found in sound.values()
        if found not in (None, sound[place]):
            return  # spliced so that it is another of the files
        loaded = answer(lambda: load_traces(out))
        if loaded is not None:
            pd.testing.assert_frame_equal(loaded, frame)
        read = answer(lambda: summarise(out).to_json())
        assert read is None or read == summary
        ran = command("run", results / "e.yaml", "--out", out, "--inline")
        if ran.status:
            refused(ran)
        elif answer(lambda: summarise(out)) is not None:
            assert digests(out) == whole

    check()


@fuzzed(25, 400)
def test_the_record_of_an_experiment(examples: int, results: Path) -> None:
    """`experiment.json`: whatever it says, all that follows is a report or errors of ours."""
    document = json.loads((results / "out" / "experiment.json").read_text())
    domain = [*document["searchers"], *document["benchmarks"], *document["cells"], "random_search"]

    @fuzz(examples)
    @given(text=documents([document], domain))
    def check(text: bytes) -> None:
        out = copy(results)
        (out / "experiment.json").write_bytes(text)
        answer(lambda: summarise(out).to_json())
        ran = command("run", results / "e.yaml", "--out", out, "--inline")
        if ran.status:
            refused(ran)
        else:
            assert digests(out) >= digests(results / "out")

    check()


# --- journals -----------------------------------------------------------------------------------


@fuzzed(100, 2_000)
def test_journals(examples: int, tmp_path: Path) -> None:
    """What is read is what was written, up to a torn end."""
    entries = [
        {"number": i, "architecture": f"ä,{i}", "fidelity": i % 2 or None, "value": 90.25 + i,
         "reason": "out of memory: 5" * (i % 2)}
        for i in range(5)
    ]  # fmt: skip
    path = tmp_path / "seed.jsonl"
    journal = Journal(path)
    for entry in entries:
        journal.append(entry)
    journal.close()
    sound = path.read_bytes()

    @fuzz(examples)
    @given(content=damaged(sound))
    def check(content: bytes) -> None:
        path.write_bytes(content)
        journal = answer(lambda: Journal(path))
        if journal is None:
            return
        journal.close()
        count = len(journal.entries)
        assert journal.entries == entries[:count]
        # Only an end can be missing without a word.
        assert count >= content.count(b"\n") - 1

    check()


@fuzzed(15, 300)
def test_trainings(examples: int, tmp_path: Path) -> None:
    """The journal of a tabulation."""
    recipe = load_recipe("digits")
    question = Question("tss", "digits", recipe, (0, 1), "2.0")
    folder = tmp_path / "t.trainings"
    trainings = Trainings(folder, question)
    epochs = list(range(1, recipe.epochs + 1))
    row = {"status": "ok", "reason": ""} | dict.fromkeys(
        ("valid_correct", "test_correct", "train_seconds", "evaluate_seconds"), epochs
    )
    cells = [(0, 0, 0, 0, 0, 0), (3, 3, 3, 3, 3, 3), (1, 2, 3, 4, 1, 2)]
    for cell in cells:
        trainings.append([{"cell": cell, "seed": seed, **row} for seed in (0, 1)])
    names = ("question.json", "trainings.jsonl")
    sound = {name: (folder / name).read_bytes() for name in names}

    @fuzz(examples)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        for name in names:
            (folder / name).write_bytes(sound[name])
        name = data.draw(st.sampled_from(names))
        content = data.draw(damaged(sound[name]))
        (folder / name).write_bytes(content)
        found = answer(lambda: Trainings(folder, question).finished())
        assert found is None or found <= set(cells)
        answer(lambda: pack(Trainings(folder), tmp_path / "t.table", name="t"))

    check()
