"""Live benchmarks: their names, what a training leaves, and who learns of it."""

from __future__ import annotations

import json
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.benchmarks import open_benchmark
from harness.benchmarks.live import LiveBenchmark
from harness.errors import OutOfMemory, UserError
from harness.experiment import Experiment
from harness.live import trainer
from harness.live.question import LiveQuestion
from harness.live.record import Record
from harness.live.store import DirectoryStore, MemoryStore, training_directory
from harness.networks import NotBuildable
from harness.streams import stream
from harness.testing import BenchmarkSuite
from harness.traces import Trace, load_traces
from tests.tune.helpers import digests

EVOLUTION = "regularized_evolution:population_size=3,tournament_size=2"


def opened(name: str) -> LiveBenchmark:
    benchmark = open_benchmark(name)
    assert isinstance(benchmark, LiveBenchmark)
    return benchmark


class TestLive(BenchmarkSuite):
    """The suite that every benchmark passes."""

    samples = 3
    evaluations = 4

    @pytest.fixture(autouse=True)
    def _name(self, name: str) -> None:
        self.benchmark = name


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("live:tss/cifar10", LiveQuestion("tss", "cifar10", "nats-12")),
        ("live:residual/mnist@cuda", LiveQuestion("residual", "mnist", "era-search", "cuda")),
        ("live:sss//data/my.npz:a/b.yaml", LiveQuestion("sss", "/data/my.npz", "a/b.yaml")),
        ("live:macro/usps:quick@cpu*2", LiveQuestion("macro", "usps", "quick", "cpu", 2)),
        (
            "live:tss/cifar10:nats-12@cuda*4-epoch",
            LiveQuestion("tss", "cifar10", "nats-12", "cuda", 4, "epoch"),
        ),
    ],
)
def test_names_say_what_is_trained(name: str, question: LiveQuestion) -> None:
    assert LiveQuestion.parse(name) == question
    assert LiveQuestion.parse(str(question)) == question


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("live:tss", "not of the form live:SPACE/DATASET"),
        ("live:tss/cifar10@tpu", "'tpu' is neither cpu nor cuda"),
        ("live:my-space/cifar10", "no recipe of their own: name one, as in"),
        ("live:tsss/digits:digits", "unknown space 'tsss'"),
        ("live:tss/digit:digits", "data set"),
        ("live:tss/digits:digit", "unknown recipe 'digit'"),
        ("live:residual/cifar10:era-final", "no validation images"),
    ],
)
def test_mistakes_in_names_are_one_line(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        opened(name).checksum  # noqa: B018
    assert len(str(caught.value).splitlines()) == 1


# --- what a training leaves ------------------------------------------------------------------


@pytest.fixture
def trace(name: str) -> Trace:
    return harness.search(name, "random_search", seed=3, evaluations=3)


def test_values_are_those_of_the_plain_loop(name: str, trace: Trace) -> None:
    """Recomputed by the training loop alone, from the seeds that the documentation names."""
    from harness.networks import Task, build
    from harness.streams import key
    from harness.training import Training, tensors

    benchmark = opened(name)
    space, recipe = benchmark.space, benchmark.trainings.recipe
    for place, text in enumerate(trace.architectures):
        architecture = space.from_string(text)
        network = space.key(architecture).hex()
        seeds = [key(3, what, network, 0) for what in ("live weights", "live order")]
        built = build(
            space, architecture, Task((1, 8, 8), 10), seed=seeds[0], options=recipe.network
        )
        training = Training(built, tensors("digits", recipe), recipe, seeds[1:])
        training.run(3)
        (curve,) = training.curves()
        assert trace.columns["value"][place] == 100.0 * curve.valid_correct[-1] / 64
        assert curve.test_correct[-1] is not None
        assert trace.columns["report"][place] == 100.0 * curve.test_correct[-1] / 80


def test_virtual_seconds_are_those_of_the_nominal_device(name: str, trace: Trace) -> None:
    benchmark = opened(name)
    costs = np.diff(trace.columns["end"], prepend=0)
    for text, cost in zip(trace.architectures, costs, strict=True):
        _, flops = benchmark.trainings.counts(benchmark.space.from_string(text))
        # Three epochs of 96 images, forward and backward, and 64 forward.
        assert cost == max(1, round(1e6 * 3 * (3 * 96 + 64) * flops / 1e12))


def test_strategies_share_a_training(name: str, tmp_path: Path) -> None:
    """Under one seed both begin with the same architectures: each is trained once."""
    grid = Experiment([name], ["random_search", EVOLUTION], 2, {"evaluations": 4})
    grid.run(tmp_path, inline=True)
    traces = load_traces(tmp_path)
    distinct = traces.groupby("seed")["architecture"].nunique().sum()
    (file,) = tmp_path.glob("trainings/*/trainings.jsonl")
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(records) == distinct < len(traces) == 16
    assert all(r["status"] == "ok" and len(r["valid"]) == 3 for r in records)
    assert all(r["telemetry"]["seconds"] > 0 and r["parameters"] > 0 for r in records)


def test_a_second_run_trains_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The traces are gone, the trainings are not: the same digests without training."""
    grid = Experiment([name], [EVOLUTION], 1, {"evaluations": 4})
    grid.run(tmp_path, inline=True)
    before = digests(tmp_path)
    for path in tmp_path.glob("traces/*/*.parquet"):
        path.unlink()
    monkeypatch.setattr(trainer, "train", lambda *a: pytest.fail("it trains"))
    grid.run(tmp_path, inline=True)
    assert digests(tmp_path) == before


def test_fidelities_are_prefixes_whoever_asked_first(name: str) -> None:
    """Shorter, longer and shorter again: one curve, and the test accuracy of each stop."""
    first, second = opened(name), opened(name)
    architecture = first.space.sample(stream(0, "test"))
    rising = {e: first.read(architecture, e, 5, 0) for e in (1, 2, 3)}
    falling = {e: second.read(architecture, e, 5, 0) for e in (3, 1, 2)}
    assert rising == falling
    found = [b.trainings.find(architecture, 5, 0) for b in (first, second)]
    assert found[0] is not None and found[1] is not None
    assert found[0].test == found[1].test and sorted(found[0].test) == [1, 2, 3]
    assert found[0].valid == found[1].valid and len(found[0].valid) == 3


def test_an_interrupted_training_goes_on_exactly(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = opened(name), opened(name)
    architecture = whole.space.sample(stream(1, "test"))
    expected = whole.trainings.train(architecture, 3, 7, 0)
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    cut.trainings.store = DirectoryStore(tmp_path)
    loop, epochs = trainer.Training.run, []

    def killed(self: Any, until: int) -> None:
        if until == 3:
            raise KeyboardInterrupt
        loop(self, until)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(trainer.Training, "run", killed)
        cut.trainings.train(architecture, 3, 7, 0)
    (checkpoint,) = (tmp_path / "checkpoints").iterdir()

    def counted(self: Any, until: int) -> None:
        epochs.append(until)
        loop(self, until)

    monkeypatch.setattr(trainer.Training, "run", counted)
    cut.trainings.store = DirectoryStore(tmp_path)
    found = cut.trainings.train(architecture, 3, 7, 0)
    assert epochs == [3] and not checkpoint.exists()
    assert expected is not None and found is not None
    assert replace(found, telemetry=None) == replace(expected, telemetry=None)


def test_other_labels_or_pixels_are_another_question(name: str) -> None:
    """All that decides a training is in the checksum: classes and normalisation, too."""
    from harness.datasets import Part

    found = set()
    for change in (
        {},
        {"classes": 11},
        {"mean": (0.5,)},
        {"deviation": (2.0,)},
        {"valid": Part(np.zeros((0, 1, 8, 8), np.float32), np.zeros(0, np.int64))},
        {"train": Part(np.zeros((96, 1, 4, 16), np.float32), np.zeros(96, np.int64))},
        {"train": Part(np.zeros((96, 1, 16, 4), np.float32), np.zeros(96, np.int64))},
    ):
        trainings = opened(name).trainings
        trainings.data = replace(trainings.data, **change)  # type: ignore[arg-type]
        found.add(trainings.checksum)
    assert len(found) == 7


def test_final_recipes_train_without_validation_images(tmp_path: Path) -> None:
    """Every built-in space has one; here with few images and one epoch."""
    from harness import recipes
    from harness.live.question import final_recipe
    from harness.live.trainings import Trainings
    from harness.yaml_file import read_yaml

    path = tmp_path / "final.yaml"
    folder = Path(recipes.__file__).parent
    for space in ("residual", "macro"):
        fields, _ = read_yaml(folder / f"{final_recipe(space)}.yaml", "recipe")
        assert isinstance(fields, dict) and fields["valid_images"] == 0
        few = {"train_images": 64, "test_images": 50, "epochs": 2, "batch_size": 32}
        path.write_text(json.dumps({**fields, **few, "milestones": [1]}))
        if "schedule" not in fields or fields["schedule"] != "steps":
            path.write_text(json.dumps({**fields, **few}))
        trainings = Trainings(LiveQuestion(space, "digits", str(path)))
        text = {"residual": "basic:1,1,1,1:2x1:g1"}.get(space)
        rng = stream(4, "final")
        architecture = trainings.space.from_string(text) if text else trainings.space.sample(rng)
        record = trainings.train(architecture, 2, 0, 0)
        assert record is not None and record.status == "ok" and sorted(record.test) == [2]
        assert len(record.valid) == 2 and all(isnan(accuracy) for accuracy in record.valid)
        assert Record.from_dict(json.loads(json.dumps(record.to_dict()))).test == record.test


# --- failures --------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [NotBuildable("no path"), OutOfMemory("cpu", 2**20)])
def test_what_cannot_be_trained_is_a_row_with_its_reason(
    name: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*args: Any, **options: Any) -> Any:
        raise error

    benchmark = opened(name)
    benchmark.trainings.counts(benchmark.space.from_string("|none~0|+|none~0|none~1|" + _REST))
    monkeypatch.setattr(trainer, "_trained", fails)
    trace = harness.search(benchmark, EVOLUTION, evaluations=4)
    assert len(trace) == 4 and np.isnan(trace.columns["value"]).all()
    assert np.isnan(trace.columns["report"]).all()
    assert set(trace.telemetry["reasons"].values()) == {str(error)}


_REST = "+|none~0|none~1|none~2|"


def test_a_diverged_training_is_a_row(tmp_path: Path) -> None:
    from tests.live.conftest import TINY

    recipe = tmp_path / "hot.yaml"
    recipe.write_text(TINY.replace("learning_rate: 0.1", "learning_rate: 1.0e+30"))
    trace = harness.search(f"live:tss/digits:{recipe}", "random_search", evaluations=4)
    failed = np.isnan(trace.columns["value"])
    assert failed.any() and len(trace) == 4
    assert all("not finite numbers" in reason for reason in trace.telemetry["reasons"].values())
    assert len(trace.telemetry["reasons"]) == failed.sum()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_one_line(name: str) -> None:
    with pytest.raises(UserError, match="no GPU is here that PyTorch can use"):
        harness.search(f"{name}@cuda", "random_search", evaluations=1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_search_on_a_gpu(name: str) -> None:
    """What the other tests do on a CPU; values are those of the CPU within the seed spread."""
    trace = harness.search(f"{name}@cuda", EVOLUTION, evaluations=4)
    assert np.isfinite(trace.columns["value"]).all() and np.isfinite(trace.columns["report"]).all()


# --- who learns of it ------------------------------------------------------------------------


def test_searchers_never_see_test_accuracies(name: str) -> None:
    """All that a strategy can reach of its benchmark is asked for every number in it."""
    from harness.api import as_searcher
    from harness.loop import Budget, Search, run_search

    benchmark = opened(name)
    spec = as_searcher(EVOLUTION)
    searcher = spec.build(benchmark.search_space(), 0, benchmark.fidelities)
    told: list[float] = []
    hear = searcher.tell
    searcher.tell = lambda o: (told.append(o.value), hear(o))[1]  # type: ignore[method-assign]
    trace = run_search(Search(searcher, benchmark, Budget(6), 0, spec.identity))
    assert told == trace.columns["value"].tolist()
    assert told != trace.columns["report"].tolist()


# --- stores ----------------------------------------------------------------------------------

RECORDS = st.builds(
    Record,
    key=st.sampled_from(["a-1-0", "b-2-1"]),
    architecture=st.text(max_size=5),
    epochs=st.integers(0, 4),
    status=st.sampled_from(["ok", "diverged", "failed"]),
    reason=st.text(max_size=5),
    valid=st.lists(st.floats(0, 100), max_size=4).map(tuple),
    test=st.dictionaries(st.integers(1, 4), st.floats(0, 100), max_size=3),
    train_loss=st.lists(st.floats(0, 9), max_size=4).map(tuple),
)


@given(st.lists(RECORDS, max_size=6))
def test_a_directory_keeps_what_memory_does(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record]
) -> None:
    directory = tmp_path_factory.mktemp("store")
    stores = MemoryStore(), DirectoryStore(directory)
    for record in records:
        for store in stores:
            store.keep(record, last=4)
    stores += (DirectoryStore(directory),)
    for key in ("a-1-0", "b-2-1", "c-3-2"):
        found = {repr(store.find(key)) for store in stores}
        assert len(found) == 1


def test_a_torn_last_line_is_trained_again(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    one = Record("a-1-0", "x", 1, "ok", "", valid=(50.0,), test={1: 40.0})
    store.keep(one, last=1)
    store.keep(replace(one, key="b-1-0"), last=1)
    path = tmp_path / "trainings.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    again = DirectoryStore(tmp_path)
    assert again.find("a-1-0") == one and again.find("b-1-0") is None


def test_a_record_answers_for_the_epochs_that_it_has() -> None:
    record = Record("k", "x", 3, "ok", "", valid=(1.0, 2.0, 3.0), test={3: 9.0})
    assert record.answers(3) and not record.answers(2) and not record.answers(4)
    assert record.value(2) == 2.0 and isnan(record.value(4))
    diverged = Record("k", "x", 3, "diverged", "why", valid=(1.0,))
    assert diverged.answers(3) and not diverged.answers(1)
    assert isnan(diverged.value(3)) and diverged.value(1) == 1.0
    joined = Record("k", "x", 1, "ok", "", valid=(1.0,), test={1: 7.0}).joined(record)
    assert joined.valid == record.valid and joined.test == {1: 7.0, 3: 9.0}
    # Trained again at the same time: the first one counts, whatever the second found.
    again = Record("k", "x", 3, "ok", "", valid=(9.0, 9.0, 9.0), test={2: 5.0, 3: 8.0})
    assert again.joined(record).valid == record.valid
    assert again.joined(record).test == {2: 5.0, 3: 9.0}
    # A failure at a later epoch leaves the epochs before.
    failed = Record("k", "x", 6, "failed", "no memory").joined(record)
    assert failed.valid == record.valid and failed.test == record.test
    assert failed.answers(3) and failed.value(3) == 3.0
    assert failed.answers(5) and isnan(failed.value(5)) and failed.reason == "no memory"
    assert joined.epochs == 3
    assert training_directory(Path("o"), "c") == Path("o/trainings/c")
