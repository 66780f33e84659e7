"""Seven optimizers: the trainings, the table of them, and the rankings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.benchmarks import open_benchmark
from harness.benchmarks.packed import Column, PackedTable, TableHeader, write_table
from harness.errors import UserError
from harness.optimizers import OPTIMIZERS
from harness.recipes import Recipe
from harness.tabulation import work
from harness.tabulation.optimizers import column_of, tabulate_optimizers
from harness.tabulation.work import Batch, Row, in_this_process
from reports.rendering import write_document
from reports.rounding import to_json
from reports.studies.optimizers import optimizer_document, optimizer_ranks

RECIPE = Recipe(
    train_images=64,
    valid_images=50,
    test_images=60,
    pixel_noise=0.5,
    epochs=3,
    batch_size=16,
    learning_rate=0.1,
    momentum=0.9,
    nesterov=True,
    weight_decay=5e-4,
    network={"width": 2, "depth": 1},
)
TWO = (OPTIMIZERS[1], OPTIMIZERS[6])
EPOCHS = (1, 2, 4)


def made(path: Path, seeds: tuple[int, ...] = (0, 1)) -> tuple[PackedTable, np.ndarray]:
    """A table of 40 cells with made-up accuracies [2, 40, seeds, epochs], none on test images."""
    rng = np.random.default_rng(2)
    quality = rng.normal(60, 4, (1, 40, 1, 1))
    noise = np.array([8.0, 4.0, 1.0]) * rng.normal(size=(2, 40, len(seeds), 3))
    accuracy = np.round(quality + noise, 1)
    columns, values = [], {}
    for optimizer, found in zip(TWO, accuracy, strict=True):
        valid = Column(column_of(optimizer, "valid_accuracy"), "%", "valid", seeds, EPOCHS)
        seconds = Column(column_of(optimizer, "train_seconds"), "s", "", aggregate="mean")
        columns += [valid, seconds]
        values |= {valid.name: found, seconds.name: np.full((40, 1, 1), 0.5)}
    cells = np.array(list(product(range(5), repeat=6))[7::380][:40], dtype=np.uint8)
    write_table(path, TableHeader("made", "tss", tuple(columns)), cells, np.arange(40), values)
    return PackedTable(path), accuracy


def test_rankings_of_first_against_second_trainings(tmp_path: Path) -> None:
    table, accuracy = made(tmp_path / "t")
    study = optimizer_ranks(table, optimizers=TWO, resamples=50)
    assert (study.networks, study.epochs, study.retrained) == (40, EPOCHS, True)
    for i, one in enumerate(TWO):
        for j, other in enumerate(TWO):
            for k, epoch in enumerate(EPOCHS):
                x = accuracy[i, :, 0, k].astype(np.float32)
                y = accuracy[j, :, 1, 2].astype(np.float32)
                found = study.agreement(one.name, epoch, other.name)
                assert found.tau.value == stats.kendalltau(x, y).statistic
                rounded = stats.kendalltau(np.rint(x), np.rint(y)).statistic
                assert found.rounded is not None and found.rounded.value == rounded
    adam = study.levels[0]
    assert (adam.label, adam.seconds) == ("adam 1", 0.5) and study.levels[2].seconds == 2.0
    assert adam.accuracy.mean == pytest.approx(accuracy[0, :, 0, 0].mean(), abs=1e-4)
    half = study.agreement("adam", 4, "adam", "larger half")
    assert 10 < half.n <= 20
    with pytest.raises(KeyError):
        study.agreement("adam", 3, "adam")


def test_the_page_of_optimizers(tmp_path: Path) -> None:
    table, _ = made(tmp_path / "t")
    study = optimizer_ranks(table, optimizers=TWO, resamples=50)
    document = optimizer_document(study)
    shorter = [
        r.agreement.tau.value for r in study.retention if r.subset == "all" and r.epochs < 4
    ]
    assert f"between {min(shorter):.3f} and {max(shorter):.3f}".replace("-", "−") in " ".join(  # type: ignore[type-var]
        document.lead
    )
    own = [study.agreement(o.name, 4, o.name).tau.value for o in TWO]
    others = [study.agreement(a.name, 1, b.name).tau.value for a, b in (TWO, TWO[::-1])]
    assert study.typical[2].own == pytest.approx(np.median(own))  # type: ignore[arg-type]
    assert study.typical[0].others == pytest.approx(np.median(others))  # type: ignore[arg-type]
    assert f"{np.median(own):.3f} after 4 epochs" in document.lead[0]  # type: ignore[arg-type]
    assert "noise ceiling" in document.lead[0]
    write_document(document, tmp_path / "out", summary=to_json(study), formats=("html", "csv"))
    rows = (tmp_path / "out" / "tables" / "ranks-all-data.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * len(EPOCHS) * 2 * 2


def test_trained_once_there_is_no_ceiling(tmp_path: Path) -> None:
    table, _ = made(tmp_path / "t", seeds=(0,))
    study = optimizer_ranks(table, optimizers=TWO, resamples=0)
    assert not study.retrained and study.agreement("adam", 4, "adam").tau.value == 1.0
    assert not any("ceiling" in line for line in optimizer_document(study).lead)


def test_another_table_is_refused(tmp_path: Path) -> None:
    table, _ = made(tmp_path / "t")
    with pytest.raises(UserError, match="does not hold trainings by adadelta, adam"):
        optimizer_ranks(table)


def test_without_torch_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(work, "version", absent)
    with pytest.raises(UserError, match="training needs torch: pip install 'nas-harness"):
        tabulate_optimizers(tmp_path / "t", networks=3, seeds=1, executor=in_this_process)
    with pytest.raises(UserError, match="1 networks, 1 seeds"):
        tabulate_optimizers(tmp_path / "t", networks=1, seeds=1, executor=in_this_process)


# --- with torch ------------------------------------------------------------------------------


def test_every_optimizer_is_what_it_says() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")
    from harness.training.optimizer import make_optimizer

    network = torch.nn.Linear(3, 2)
    names = ("Adadelta", "Adam", "Adamax", "RMSprop", "SGD", "SGD", "SGD")
    assert len({o.described for o in OPTIMIZERS}) == 7
    for optimizer, name in zip(OPTIMIZERS, names, strict=True):
        stepper = make_optimizer(network, optimizer.instead_of(RECIPE), fused=False)
        (group,) = stepper.param_groups
        assert type(stepper) is getattr(torch.optim, name)
        assert group["lr"] == optimizer.rate and group["weight_decay"] == RECIPE.weight_decay
        if name == "SGD":
            momentum = 0.0 if optimizer.name == "sgd" else 0.9
            assert group["momentum"] == momentum
            assert group["nesterov"] == (optimizer.name == "sgd-nm")


def test_trainings_and_their_table(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed (extra 'live')")
    from harness.training import train_cell

    batches: list[Batch] = []

    def counted(wanted: Sequence[Batch]) -> Iterator[list[Row]]:
        batches.extend(wanted)
        return in_this_process(wanted)

    calls: list[tuple[int, int]] = []

    def tabulate(**changes: object) -> str:
        options = {"networks": 5, "seeds": 2, "recipe": RECIPE, "optimizers": TWO} | changes
        return tabulate_optimizers(
            tmp_path / "o.table",
            executor=counted,
            progress=lambda *call: calls.append(call),
            **options,  # type: ignore[arg-type]
        )

    checksum = tabulate()
    assert sum(len(batch.cells) for batch in batches) == 10 and calls[-1] == (10, 10)
    table = PackedTable(tmp_path / "o.table")
    for optimizer in TWO:
        valid = table.values(column_of(optimizer, "valid_accuracy"))
        for row, key in enumerate(table.keys[:2]):
            cell = tuple(key.tolist())
            curves = train_cell(cell, "digits", RECIPE, (0, 1), optimizer=optimizer)
            expected = [[100 * c / 50 for c in curve.valid_correct] for curve in curves]
            np.testing.assert_allclose(valid[row], expected)
    # The rate is constant: a shorter training is the beginning of a longer one.
    cell = tuple(table.keys[0].tolist())
    short = train_cell(cell, "digits", replace(RECIPE, epochs=2), (0,), optimizer=TWO[0])
    long = train_cell(cell, "digits", RECIPE, (0,), optimizer=TWO[0])
    assert short[0].valid_correct == long[0].valid_correct[:2]
    # The same command trains nothing again; another rate does.
    batches.clear()
    assert tabulate() == checksum and not batches
    tabulate(optimizers=(TWO[0], replace(TWO[1], rate=0.2)))
    assert {batch.optimizer.rate for batch in batches if batch.optimizer} == {0.2}
    # Any other command can use the table.
    benchmark = open_benchmark(tmp_path / "o.table", "adam")
    assert benchmark.fidelities == (1, 2, 3) and not benchmark.leaks
    study = optimizer_ranks(PackedTable(tmp_path / "o.table"), optimizers=TWO, resamples=20)
    assert study.networks == 5 and "learning_rate" not in study.recipe


@pytest.mark.slow
def test_the_command_on_all_seven(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed (extra 'live')")
    import yaml
    from typer.testing import CliRunner

    from harness.cli import app

    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(yaml.safe_dump(RECIPE.values()))
    words = ["study", "optimizers", "--networks", "8", "--epochs", "3", "--recipe", str(recipe)]
    words += ["--resamples", "50", "--inline", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "noise ceiling" in " ".join(done.output.split())
    assert (tmp_path / "out" / "index.html").exists()
