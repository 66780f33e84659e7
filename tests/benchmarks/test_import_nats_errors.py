"""Altered NATS-Bench directories: what is refused, and what is imported with a note."""

from __future__ import annotations

import bz2
import math
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.benchmarks.importers.nats import META, import_nats
from harness.benchmarks.packed import PackedTable
from harness.errors import UserError

pytestmark = pytest.mark.data

SOURCE = "NATS-tss-v1_0-3ffb9-simple"
RECORD = "000284.pickle.pbz2"
Change = Callable[[Any], Any]


@pytest.fixture
def directory(data_dir: Path, tmp_path: Path) -> Path:
    """A copy of a genuine directory that a test may alter."""
    copy = tmp_path / SOURCE
    copy.mkdir()
    for path in (data_dir / "nats_official" / SOURCE).iterdir():
        shutil.copyfile(path, copy / path.name)
    return copy


def rewrite(path: Path, change: Change) -> None:
    """Read a genuine file, change what it holds in place (or by returning another), write it."""
    held = pickle.loads(bz2.decompress(path.read_bytes()))
    changed = change(held)
    path.write_bytes(bz2.compress(pickle.dumps(held if changed is None else changed, 4)))


def refused(directory: Path, named: str = "") -> str:
    """The one line with which the import fails, leaving nothing behind."""
    out = directory.parent / "out" / "nats.table"
    with pytest.raises(UserError) as caught:
        import_nats(directory, out)
    line = str(caught.value)
    assert "\n" not in line and len(line) < 500 and named in line
    assert not out.parent.exists() or not list(out.parent.iterdir())
    return line


def imported(directory: Path) -> tuple[PackedTable, tuple[str, ...]]:
    """The table, and the warnings beside the one that the directory is incomplete."""
    report = import_nats(directory, directory.parent / "nats.table")
    return PackedTable(report.path), report.warnings[1:]


def run_of(record: Any, hp: str = "200", training_set: str = "cifar10", seed: int = 777) -> Any:
    return record[hp]["all_results"][training_set, seed]


# --- refused ----------------------------------------------------------------------------------


def test_what_is_no_directory(directory: Path) -> None:
    assert "does not exist" in refused(directory.parent / "absent")
    assert "is a file" in refused(directory / META)


def test_a_directory_without_an_index(directory: Path) -> None:
    (directory / META).unlink()
    assert META in refused(directory)


def test_a_directory_without_records(directory: Path) -> None:
    for path in directory.glob("0*"):
        path.unlink()
    assert "000000.pickle.pbz2" in refused(directory)


def test_a_record_outside_the_index(directory: Path) -> None:
    (directory / RECORD).rename(directory / "015625.pickle.pbz2")
    assert "015624" in refused(directory, "015625.pickle.pbz2")


def test_an_index_of_the_other_space(directory: Path, data_dir: Path) -> None:
    other = data_dir / "nats_official" / "NATS-sss-v1_0-50262-simple" / META
    shutil.copyfile(other, directory / META)
    assert "'sss', not 'tss'" in refused(directory, META)


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: [],
        lambda meta: {"total_archs": 15625},
        lambda meta: meta.update(meta_archs=[]),
        lambda meta: meta.update(meta_archs=[1] * 15625),
        lambda meta: meta.update(meta_archs=["neither"] * 15625),
        lambda meta: meta["meta_archs"].pop(),
        lambda meta: meta["meta_archs"].__setitem__(5, meta["meta_archs"][4]),
        lambda meta: meta["meta_archs"].__setitem__(284, "|nor_conv_9x9~0|"),
    ],
)
def test_an_altered_index(directory: Path, change: Change) -> None:
    rewrite(directory / META, change)
    assert "no official index" in refused(directory, META)


@pytest.mark.parametrize("name", [META, RECORD])
def test_truncated_files(directory: Path, name: str) -> None:
    content = (directory / name).read_bytes()
    for length in (0, 3, len(content) // 2, len(content) - 1):
        (directory / name).write_bytes(content[:length])
        refused(directory, name)
    plain = bz2.decompress(content)
    (directory / name).write_bytes(bz2.compress(plain[: len(plain) // 2]))
    refused(directory, name)


def test_a_decompression_bomb(directory: Path) -> None:
    (directory / RECORD).write_bytes(bz2.compress(bytes(64 << 20)))
    assert "cap" in refused(directory, RECORD)


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", [META, RECORD])
def test_a_program_is_not_run(directory: Path, tmp_path: Path, name: str) -> None:
    rewrite(directory / name, lambda held: held.update(evil=Evil(tmp_path / "made")))
    assert "only plain data is read" in refused(directory, name)
    assert not (tmp_path / "made").exists()


def test_weights_of_a_full_directory(directory: Path) -> None:
    full = directory.rename(directory.with_name("NATS-tss-v1_0-3ffb9-full"))
    assert imported(full)[0].n_rows == 3  # none inside: as good as the simple one
    rewrite(full / RECORD, lambda r: run_of(r).update(net_state_dict={"w": np.zeros(3)}))
    assert "-simple" in refused(full, RECORD)


def nested(levels: int) -> Any:
    value: Any = ()
    for _ in range(levels):
        value = (value, value)
    return value


ALTERED: dict[str, Change] = {
    "a list": lambda r: [r],
    "another's index": lambda r: r["12"].update(arch_index=283),
    "another's string": lambda r: r["12"].update(arch_str="|none~0|+|none~0|none~1|"),
    "an unknown schedule": lambda r: r.update({"90": r["12"]}),
    "a number as schedule": lambda r: r.update({12: r["12"]}),
    "no results": lambda r: r["200"].pop("all_results"),
    "no seeds": lambda r: r["200"].pop("dataset_seed"),
    "an unknown training set": lambda r: r["200"]["dataset_seed"].update(mnist=[777]),
    "a seed without its training": lambda r: r["200"]["dataset_seed"]["cifar10"].append(5),
    "a seed that is no number": lambda r: r["200"]["dataset_seed"].update(cifar10=[nested(60)]),
    "seeds that are no list": lambda r: r["200"]["dataset_seed"].update(cifar10=7),
    "a number as training": lambda r: r["200"]["all_results"].update({("cifar10", 777): 5}),
    "another number of epochs": lambda r: run_of(r).update(epochs=100),
    "epochs in tuples": lambda r: run_of(r).update(epochs=nested(60)),
    "no epochs": lambda r: run_of(r).pop("epochs"),
    "no accuracies": lambda r: run_of(r).pop("train_acc1es"),
    "accuracies as text": lambda r: run_of(r)["train_acc1es"].update({3: "91.5"}),
    "accuracies in tuples": lambda r: run_of(r)["train_acc1es"].update({3: nested(60)}),
    "accuracies as a list": lambda r: run_of(r).update(train_acc1es=[1.0] * 300),
    "NaN as accuracy": lambda r: run_of(r)["train_acc1es"].update({3: math.nan}),
    "infinite accuracy": lambda r: run_of(r)["eval_acc1es"].update({"ori-test@3": math.inf}),
    "negative accuracy": lambda r: run_of(r)["eval_acc1es"].update({"ori-test@3": -1.0}),
    "accuracy of 250 %": lambda r: run_of(r)["eval_acc1es"].update({"ori-test@3": 250.0}),
    "negative loss": lambda r: run_of(r)["train_losses"].update({3: -1.0}),
    "NaN as time": lambda r: run_of(r)["train_times"].update({3: math.nan}),
    "parameters as text": lambda r: run_of(r).update(params="many"),
    "NaN as parameters": lambda r: run_of(r).update(params=math.nan),
    "no operations": lambda r: run_of(r).update(flop=None),
    "latency as a number": lambda r: run_of(r).update(latency=0.01),
}


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED.keys())
def test_altered_records(directory: Path, change: Change) -> None:
    rewrite(directory / RECORD, change)
    assert "no official record: " in refused(directory, RECORD)


def test_too_many_seeds(directory: Path) -> None:
    def change(record: Any) -> None:
        run = run_of(record)
        record["200"]["dataset_seed"]["cifar10"] = list(range(1000))
        record["200"]["all_results"].update({("cifar10", seed): run for seed in range(1000)})

    rewrite(directory / RECORD, change)
    assert "seeds" in refused(directory, RECORD)


def test_nothing_to_search_on(directory: Path) -> None:
    for path in directory.glob("0*"):
        rewrite(path, lambda record: record.clear())
    assert "no validation and test accuracies" in refused(directory)


def test_a_place_that_cannot_be_written_is_found_out_first(directory: Path) -> None:
    (directory / META).unlink()  # would be the next complaint
    with pytest.raises(UserError, match="is a directory"):
        import_nats(directory, directory.parent)
    (directory.parent / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        import_nats(directory, directory.parent / "file" / "nats.table")


# --- imported -----------------------------------------------------------------------------------


def test_records_written_by_a_newer_numpy_are_the_same(directory: Path) -> None:
    before = imported(directory)[0].checksum
    for path in directory.glob("0*"):
        rewrite(path, lambda record: None)
    assert imported(directory)[0].checksum == before


def test_other_files_and_unpadded_names(directory: Path) -> None:
    before = imported(directory)[0].checksum
    (directory / "000011.pickle.pbz2").rename(directory / "11.pickle.pbz2")
    (directory / "README.txt").write_text("unrelated")
    (directory / "000012.pickle.pbz2").mkdir()
    assert imported(directory)[0].checksum == before
    # Both names of one architecture: the padded one counts, as in the official API.
    (directory / "284.pickle.pbz2").write_bytes(b"not looked at")
    assert imported(directory)[0].checksum == before


def test_ragged_seeds(directory: Path) -> None:
    """A seed that a record lacks is missing; one that only it has is a column's of its own."""

    def change(record: Any) -> None:
        record["200"]["dataset_seed"]["cifar10"] = [777, 999]
        runs = record["200"]["all_results"]
        runs["cifar100", 555] = runs.pop(("cifar100", 888))
        record["200"]["dataset_seed"]["cifar100"] = [555, 777, 999]

    rewrite(directory / RECORD, change)
    table, warnings = imported(directory)
    assert warnings == ()
    for metric in ("test_accuracy", "train_loss", "test_seconds"):
        values = table.values(f"cifar10/ep200/{metric}")
        assert table.columns[f"cifar10/ep200/{metric}"].seeds == (777, 888, 999)
        missing = np.isnan(values).all(axis=2)
        assert missing.tolist() == [[False] * 3, [False] * 3, [False, True, False]]
    column = table.columns["cifar100/ep200/valtest_accuracy"]
    assert column.seeds == (555, 777, 888, 999)
    present = ~np.isnan(table.values(column.name)).any(axis=2)
    assert present.tolist() == [[False, True, True, True]] * 2 + [[True, True, False, True]]


def test_a_curve_that_only_one_record_has(directory: Path) -> None:
    """Columns widen to the epochs of all records, in whichever order these come."""
    for name, row in (("000000.pickle.pbz2", 0), (RECORD, 2)):
        original = (directory / name).read_bytes()
        rewrite(
            directory / name,
            lambda r: run_of(r, training_set="cifar100")["eval_acc1es"].update({"x-valid@4": 5.5}),
        )
        table, _ = imported(directory)
        column = table.columns["cifar100/ep200/valid_accuracy"]
        assert column.epochs == (5, 200)
        values = table.values(column.name)
        assert not np.isnan(values[:, :, 1]).any()
        early = values[:, :, 0]
        assert early[row, 0] == 5.5 and np.isnan(early).sum() == 8
        (directory / name).write_bytes(original)


def test_a_diverged_loss_is_missing_and_counted(directory: Path) -> None:
    def change(record: Any) -> None:
        run_of(record)["train_losses"].update({3: math.nan, 4: math.inf})

    rewrite(directory / RECORD, change)
    table, warnings = imported(directory)
    losses = table.values("cifar10/ep200/train_loss", seeds=[777])[2, 0]
    assert np.isnan(losses).nonzero()[0].tolist() == [3, 4]
    assert not np.isnan(table.values("cifar10/ep200/train_accuracy")).any()
    assert any("losses that are not finite" in warning for warning in warnings)


def test_times_that_are_not_imputed_are_averaged_and_counted(directory: Path) -> None:
    rewrite(directory / RECORD, lambda r: run_of(r)["train_times"].update({0: 0.0}))
    table, warnings = imported(directory)
    seconds = table.values("cifar10/ep200/train_seconds")[2, :, 0]
    assert seconds[0] == pytest.approx(seconds[1] * 199 / 200)
    assert warnings == ("1 trainings whose seconds differ between epochs (their mean is stored)",)


def test_counts_that_disagree_are_seed_888s(directory: Path) -> None:
    """The official API's rule for a known fault of the records."""
    nats_bench = pytest.importorskip("nats_bench")

    def change(record: Any) -> None:
        run_of(record, seed=777).update(params=9.0, flop=9.0)
        run_of(record, seed=888).update(params=2.5)
        run_of(record, training_set="cifar100").update(latency=[-1.0])
        for seed in (777, 888, 999):
            run_of(record, training_set="ImageNet16-120", seed=seed).update(latency=None)

    rewrite(directory / RECORD, change)
    table, warnings = imported(directory)
    assert warnings == ()
    api = nats_bench.create(str(directory), "tss", fast_mode=True, verbose=False)
    for training_set in ("cifar10", "cifar100", "ImageNet16-120"):
        info = api.get_cost_info(284, training_set, hp="200")
        for name in ("params", "flops", "latency"):
            value = table.values(f"{training_set}/ep200/{name}")[2, 0, 0]
            if info[name] is None:
                assert math.isnan(value)
            else:
                assert value == pytest.approx(info[name], abs=1e-12, rel=0)
    assert table.values("cifar10/ep200/params")[2, 0, 0] == 2.5


def test_counts_that_disagree_without_seed_888_are_left_out(directory: Path) -> None:
    rewrite(directory / RECORD, lambda r: run_of(r, "12", "cifar10-valid", 111).update(params=9.0))
    table, warnings = imported(directory)
    assert np.isnan(table.values("cifar10-valid/ep12/params")[2]).all()
    assert warnings == ("1 parameter or operation counts that differ between seeds (left out)",)


def test_unknown_evaluations_are_left_out_and_counted(directory: Path) -> None:
    rewrite(directory / RECORD, lambda r: run_of(r)["eval_names"].append(nested(60)))
    _, warnings = imported(directory)
    assert warnings == ("1 evaluations on unknown images (left out)",)


def test_a_training_without_times(directory: Path) -> None:
    rewrite(directory / RECORD, lambda r: run_of(r).update(train_times=None, eval_times={}))
    table, _ = imported(directory)
    assert np.isnan(table.values("cifar10/ep200/train_seconds")[2, 0])
    assert not np.isnan(table.values("cifar10/ep200/test_accuracy")[2, 0]).any()
