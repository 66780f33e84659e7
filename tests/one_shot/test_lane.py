"""Searches by a supernet: what a budget means, what is recorded, what survives a kill."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

import harness
from harness.benchmarks import open_benchmark
from harness.benchmarks.base import FAILED, STATUS
from harness.benchmarks.table import find_protocol
from harness.errors import HarnessError, UserError
from harness.experiment import Batch, Experiment
from harness.loop import Budget
from harness.one_shot import recorded
from harness.one_shot.plan import average_cost, plan
from harness.one_shot.problem import Problem, problem_of
from harness.one_shot.recorded import LocalFiles, RecordedSearch, read_log
from harness.spec import SearcherSpec
from harness.traces import Trace, read_batch
from searchers.one_shot import registry

FULL = 8 * 256
"""Image passes of a full training on `tss-digits`."""


@pytest.fixture(autouse=True)
def _counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.builtin, "counting", "tests.one_shot.counting:Counting")


def run(budget: dict[str, Any], out: Path, *methods: str, seeds: int = 1) -> dict[str, Trace]:
    grid = Experiment(["tss-digits"], methods, seeds, budget)
    grid.run(out, inline=True)
    files = sorted(out.glob("traces/*/*.parquet"))
    traces = [trace for file in files for trace in read_batch(file)]
    return {f"{t.header['searcher']} {t.header['seed']}": t for t in traces}


# --- budgets --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "budget",
    [
        {"image_passes": 10 * FULL},
        {"evaluations": 10},
        {"epochs": 80},
        {"image_passes": 10 * FULL, "evaluations": 11, "epochs": 1_000},
    ],
)
def test_budgets_of_one_size_are_one_budget(budget: dict[str, Any]) -> None:
    table = open_benchmark("tss-digits")
    found = plan(problem_of(table), table, Budget(**budget))
    assert (found.passes, found.evaluation) == (9 * FULL, FULL)
    assert found.seconds == average_cost(table) / FULL


def test_virtual_seconds_are_those_of_average_networks() -> None:
    table = open_benchmark("tss-digits")
    mean = average_cost(table)
    answer = table.evaluator(0)
    cells = itertools.product(range(5), repeat=6)
    costs = [answer(cell, None, None).cost for cell in cells]
    assert mean == pytest.approx(np.mean(costs) / 1e6, rel=0.15)
    assert plan(problem_of(table), table, Budget(seconds=10 * mean)).passes in (
        9 * FULL - 1,
        9 * FULL,
    )


def test_sampled_and_one_shot_strategies_get_the_same_passes(tmp_path: Path) -> None:
    budget = {"image_passes": 10 * FULL + 100}
    found = run(budget, tmp_path, "counting:epochs=7", "random_search")
    one_shot = found["counting:epochs=7 0"].header["one_shot"]
    assert len(one_shot["passes"]) == 7 and one_shot["evaluation_passes"] == FULL
    # Whole batches of 64 alone, and what one epoch leaves goes to the next.
    assert 10 * FULL + 100 - 64 < one_shot["passes"][-1] <= 10 * FULL + 100
    wanted = FULL + (9 * FULL + 100) * np.arange(1, 8) / 7
    assert all((wanted - 64 < one_shot["passes"]) & (one_shot["passes"] <= wanted))
    assert len(found["random_search 0"]) == 10
    limit = budget["image_passes"]
    trained = harness.search("tss-digits", "asha", image_passes=limit, protocol="curve8").columns
    assert limit - FULL < (trained["epochs"] - trained["continued"]).sum() * 256 <= limit


def test_without_a_number_an_epoch_is_one_pass_over_the_images(tmp_path: Path) -> None:
    found = run({"evaluations": 2}, tmp_path, "counting")
    passes = found["counting 0"].header["one_shot"]["passes"]
    assert passes == [FULL + 256 * epoch for epoch in range(1, 9)]


@pytest.mark.parametrize(
    ("name", "budget", "message"),
    [
        ("tss-digits", {"evaluations": 1}, "at least 2,112 image passes here, and 2,048 of them"),
        ("rastrigin-2d", {"evaluations": 9}, "is a formula: a one-shot method needs networks"),
    ],
)
def test_what_cannot_be_run_is_refused(
    name: str, budget: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        Experiment([name], ["counting"], 1, budget).run(tmp_path / "out", inline=True)
    assert not (tmp_path / "out").exists()


def test_a_table_of_unknown_origin_is_refused(tmp_path: Path) -> None:
    from harness.testing.tables import synthetic_table

    path = tmp_path / "unknown.table"
    synthetic_table(path)
    table = open_benchmark(path)
    with pytest.raises(UserError, match=r"does not say on which images .*training_source"):
        problem_of(table)
    with pytest.raises(UserError, match="does not say how many images an epoch passes"):
        harness.search(table, "random_search", image_passes=10_000)


# --- what is recorded -----------------------------------------------------------------------


def test_rows_say_what_the_benchmark_says_of_each_derivation(tmp_path: Path) -> None:
    found = run({"evaluations": 3}, tmp_path, "counting:epochs=4", seeds=2)
    table = open_benchmark("tss-digits")
    pass_seconds = average_cost(table) / FULL
    for seed in range(2):
        trace = found[f"counting:epochs=4 {seed}"]
        assert len(trace) == 4 and trace.header["stopped"] == "budget"
        sampled = harness.search("tss-digits", "random_search", seed=seed, evaluations=1)
        answer = table.evaluator(seed)
        for place, text in enumerate(trace.architectures):
            cell = table.space.from_string(text)
            assert trace.columns["value"][place] == answer(cell, None, None).value
            cost = answer(cell, None, None).cost
            supernet = trace.header["one_shot"]["passes"][place] - FULL
            least = round(supernet * 2.0 * pass_seconds * 1e6) + cost
            assert trace.columns["end"][place] >= least
        assert set(trace.columns) == set(sampled.columns)
        log = read_log(tmp_path, next((tmp_path / "one-shot").iterdir()).name, seed)
        assert [list(entry) for entry in log] == [["sum"]] * 4
    assert found["counting:epochs=4 0"].digest != found["counting:epochs=4 1"].digest


def test_searches_by_one_call_are_those_of_an_experiment(tmp_path: Path) -> None:
    recorded_one = run({"evaluations": 3}, tmp_path, "counting")["counting 0"]
    assert harness.search("tss-digits", "counting", evaluations=3).digest == recorded_one.digest


def test_a_supernet_that_diverges_is_a_failed_row(tmp_path: Path) -> None:
    found = run({"evaluations": 4}, tmp_path, "counting:epochs=5,diverges=3")
    trace = found["counting:epochs=5,diverges=3 0"]
    assert [STATUS[s] for s in trace.columns["status"]] == ["ok", "ok", "failed"]
    assert trace.header["stopped"] == "diverged"
    assert trace.telemetry["reasons"] == {"2": "its loss is nan"}
    first = harness.search("tss-digits", "counting:epochs=5,diverges=1", evaluations=4)
    assert first.columns["status"].tolist() == [FAILED] and np.isnan(first.columns["report"]).all()


def test_of_a_live_search_the_last_derivation_is_trained(tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(
        "{train_images: 64, valid_images: 32, test_images: 32, epochs: 2, batch_size: 32,"
        " learning_rate: 0.1, network: {width: 2, depth: 1}}"
    )
    trace = harness.search(f"live:tss/digits:{recipe}", "counting:epochs=3", evaluations=3)
    assert len(trace) == 1 and trace.header["one_shot"]["passes"] == [3 * 128]
    assert not np.isnan([trace.columns["value"][0], trace.columns["report"][0]]).any()
    assert trace.columns["epochs"].tolist() == [2]


# --- test images ----------------------------------------------------------------------------


def test_no_test_image_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness import datasets

    asked: list[bool] = []
    load = datasets.load

    def watched(*args: Any, tested: bool = True, **options: Any) -> Any:
        asked.append(tested)
        return load(*args, tested=tested, **options)

    monkeypatch.setattr(datasets, "load", watched)
    harness.search("tss-digits", "counting:epochs=2", evaluations=2)
    assert asked and not any(asked)


def test_the_parts_are_those_that_the_table_was_measured_on() -> None:
    from harness.datasets import Split, load

    problem = problem_of(open_benchmark("tss-digits"))
    whole = load("digits", Split(256, 400, 400), pixel_noise=0.7)
    for part in ("train", "valid"):
        assert np.array_equal(getattr(problem.data, part).images, getattr(whole, part).images)
    assert len(problem.data.test) == 0 and len(whole.test) == 400


# --- interruptions --------------------------------------------------------------------------


def test_images_go_on_where_they_were() -> None:
    problem = problem_of(open_benchmark("tss-digits"))
    images = problem.images("train", 3)
    for _ in range(6):
        images.batch()
    state = images.state()
    further = [images.batch() for _ in range(9)]
    again = problem.images("train", 3)
    again.restore(state)
    for pixels, labels in further:
        restored = again.batch()
        assert restored[0].equal(pixels) and restored[1].equal(labels)


def test_every_pass_shows_every_image_once() -> None:
    problem = problem_of(open_benchmark("tss-digits"))
    images = problem.images("valid", 0)
    batches = len(images) // images.batch_size
    for _ in range(2):
        pixels = np.concatenate([images.batch()[0].numpy() for _ in range(batches)])
        assert len(np.unique(pixels.reshape(len(pixels), -1), axis=0)) == len(pixels)
    (whole,) = [labels for _, labels in images.plain(1_000)]
    assert whole.tolist() == problem.data.valid.labels.tolist()


def test_an_interrupted_search_leaves_the_same_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorded, "CHECKPOINT_SECONDS", 0.0)
    grid = Experiment(["tss-digits"], ["counting:epochs=6"], 1, {"evaluations": 4})
    expected = run({"evaluations": 4}, tmp_path / "whole", "counting:epochs=6")
    files = LocalFiles(tmp_path / "out")
    batch = Batch(grid.cells[0], (0,))
    (checkpoint,) = [recorded.checkpoint_path(grid.cells[0].directory, 0)]
    trace, starts = None, 0
    while trace is None:
        search = RecordedSearch(batch, grid.opened[0], files)
        assert search.search.epoch == 2 * starts
        starts += 1
        for _ in range(2):
            trace = search.advance()
    assert starts == 3 and files.read(checkpoint) is None
    assert trace.digest == expected["counting:epochs=6 0"].digest
    logs = [(tmp_path / d).glob("one-shot/*/*.jsonl") for d in ("out", "whole")]
    assert next(logs[0]).read_text() == next(logs[1]).read_text()
    files.write(checkpoint, b"no state")
    with pytest.raises(HarnessError, match="the checkpoint is of another search: delete"):
        RecordedSearch(batch, grid.opened[0], files)


def test_options_are_checked_like_a_searchers() -> None:
    with pytest.raises(UserError, match="epochs=0; at least one"):
        SearcherSpec("counting", {"epochs": 0}).build_one_shot(_problem(), 0)
    with pytest.raises(UserError, match=r"option of counting 'epoch'.*epochs"):
        SearcherSpec.parse("counting:epoch=3")
    with pytest.raises(UserError, match=r"counting: epochs=2\.5"):
        SearcherSpec.parse("counting:epochs=2.5")
    with pytest.raises(UserError, match=r"searcher 'countin'.*counting"):
        SearcherSpec.parse("countin")


def _problem() -> Problem:
    return problem_of(open_benchmark("tss-digits"))


def test_a_budget_of_seconds_holds_for_supernets_that_cost_more() -> None:
    """`Counting` says that a pass costs that of two average networks."""
    table = open_benchmark("tss-digits")
    limit = 10 * average_cost(table)
    trace = harness.search(table, "counting:epochs=5", seconds=limit)
    assert trace.header["one_shot"]["passes"][-1] == pytest.approx(FULL + 4.5 * FULL, abs=64)
    costs = [table.evaluator(0)(_cell(text), None, None).cost for text in trace.architectures]
    assert trace.columns["end"][-1] <= limit * 1e6 + max(costs)


def _cell(text: str) -> Any:
    return open_benchmark("tss-digits").space.from_string(text)


def test_an_evaluation_is_what_the_protocol_says() -> None:
    """Under a protocol of two epochs a supernet gets as much as random search does."""
    own = find_protocol(open_benchmark("tss-digits").table, "digits", "curve8")  # type: ignore[attr-defined]
    short = own.with_options(
        search={"column": own.search.column, "epoch": 2, "seeds": "random"}, fidelities=()
    )
    table = open_benchmark("tss-digits", short)
    found = plan(problem_of(table), table, Budget(evaluations=10))
    assert (found.passes, found.evaluation) == (9 * 512, 512)
    sampled = harness.search(table, "random_search", image_passes=5_120)
    supernet = harness.search(table, "counting:epochs=3", image_passes=5_120)
    assert len(sampled) == 10
    assert supernet.header["one_shot"]["passes"][-1] == pytest.approx(5_120, abs=64)


def test_a_diverged_search_stays_one_after_a_resume() -> None:
    table, spec = open_benchmark("tss-digits"), SearcherSpec.parse("counting:epochs=4,diverges=2")
    search = recorded.start(spec, table, Budget(evaluations=3), 0)
    while not search.over:
        search.advance()
    again = recorded.start(spec, table, Budget(evaluations=3), 0, search.state())
    assert again.over and again.trace().digest == search.trace().digest
    # Nobody knows how far the epoch came: it is charged as a whole.
    assert search.trace().header["one_shot"]["passes"] == [FULL + FULL // 2, 2 * FULL]
    other = SearcherSpec.parse("counting:epochs=5,diverges=2")
    with pytest.raises(HarnessError, match="the checkpoint is of another search"):
        recorded.start(other, table, Budget(evaluations=3), 0, search.state())
    with pytest.raises(HarnessError, match="the checkpoint is of another search"):
        recorded.start(spec, table, Budget(evaluations=3), 0, b"")


def test_exponents_need_no_point() -> None:
    assert SearcherSpec.parse("reinforce:learning_rate=3e-1").options == {"learning_rate": 0.3}
