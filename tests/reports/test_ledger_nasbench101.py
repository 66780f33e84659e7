"""The reproduction ledger: the entries that read NAS-Bench-101, on files made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from harness.benchmarks import open_table
from harness.benchmarks.importers.nasbench101 import import_nasbench101
from harness.errors import UserError
from reports.ledger import find
from reports.ledger.entry import Missing, Verdict
from reports.ledger.kyriakides_nasbench101 import (
    DRAWS,
    SLICE,
    TABLE,
    TEST_ACCURACY,
    ageing_study,
    chains,
    retention,
    slice_retention,
)
from reports.ledger.run import reproduce
from tests.official_nasbench101 import payload, runs, write

EPOCHS = (4, 12, 36, 108)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """A slice in which longer trainings are more alike, with four of the chains."""
    rng = np.random.default_rng(1)
    worth = rng.uniform(0.1, 0.95, 60)
    names = [*sorted(chains())[:4], *(f"{n:032x}" for n in range(56))]
    frame = pd.DataFrame({"hash": names})
    for epochs in EPOCHS:
        noisy = worth + rng.normal(0, 0.8 / epochs, len(worth))
        frame[f"val_ep{epochs}"] = noisy.clip(0, 1)
    path = tmp_path / SLICE
    frame.to_csv(path, index=False)
    return path


def test_there_are_243_chains() -> None:
    assert len(chains()) == 3**5


def test_retention_in_a_slice_is_what_scipy_finds(part: Path) -> None:
    frame = pd.read_csv(part)
    found = slice_retention(part)
    final = 100 * frame["val_ep108"]
    for place, epochs in enumerate((36, 12, 4)):
        early = 100 * frame[f"val_ep{epochs}"]
        raw, rounded = found[2 * place : 2 * place + 2]
        assert raw.value == pytest.approx(kendalltau(early, final).statistic)
        whole = kendalltau(early.round(), final.round()).statistic
        assert rounded.value == pytest.approx(whole)
        assert 0.0 < raw.error < 0.5


def test_the_ageing_study_says_what_is_covered(part: Path) -> None:
    with pytest.raises(Missing, match=r"of all 243 networks; .* holds 4 of them"):
        ageing_study(part)
    (found,) = reproduce(find(["kyriakides-ageing-study"]), part.parent).outcomes
    assert found.verdict is Verdict.NOT_RUN and "holds 4 of them" in found.needs


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("official")
    file = write(folder / "nb.tfrecord", map(payload, runs(40)))
    import_nasbench101(file, folder / TABLE)
    return folder / TABLE


def test_the_official_table_is_drawn_as_the_thesis_does(table: Path) -> None:
    found = retention(table)
    assert len(found) == len(find(["kyriakides-figure-5.9"])[0].published) == 8
    again, _, proxy, *_ = [m.value for m in found]
    # The official files of the tests hold random numbers: another training says nothing.
    values = open_table(table).values(TEST_ACCURACY, epoch=108)
    assert values.shape == (40, 3)
    assert proxy is not None and abs(proxy) < 0.35
    # A training is drawn again in one case of three.
    assert again is not None and proxy + 0.1 < again < 0.8
    assert 100 * len(values) < DRAWS


def test_another_table_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "nb.tfrecord", map(payload, runs(5, budgets=(108,))))
    import_nasbench101(file, tmp_path / TABLE)
    with pytest.raises(UserError, match=r"import nasbench_full\.tfrecord"):
        retention(tmp_path / TABLE)
