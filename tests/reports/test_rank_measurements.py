"""Measurements of a table: draws of trainings, words, protocols; subsets of its rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.benchmarks.packed import Column, PackedTable
from harness.errors import UserError
from harness.networks.edges import live_edges
from harness.testing.tables import synthetic_table
from reports.studies.rank_retention.measurements import (
    Measurement,
    drawn_runs,
    labels,
    parse,
    questions,
    thinned,
    values_of,
)
from reports.studies.rank_retention.subsets import size_subsets, sizes_of, top_subset
from tests.reports.made_table import table_of


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> PackedTable:
    path = tmp_path_factory.mktemp("retention") / "synthetic.table"
    return synthetic_table(path, coverage=0.04, datasets=("one", "two"))


# --- measurements ----------------------------------------------------------------------------


def test_draws_take_trainings_that_are_there(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3000, 3, 2))
    missing = rng.random((3000, 3)) < 0.3
    values[missing] = np.nan
    column = Column("c", seeds=(4, 5, 6), epochs=(1, 2))
    table = table_of(tmp_path / "t", {column: values})
    present = ~missing
    count = present.sum(axis=1)
    random, other, again = (drawn_runs(table, "c", draw) for draw in ("random", "other", "again"))
    rows = np.arange(3000)
    for runs, least in ((random, 1), (other, 2), (again, 1)):
        assert ((runs >= 0) == (count >= least)).all()
        drawn = runs >= 0
        assert present[rows[drawn], runs[drawn]].all()
        # Every training of a full row is as likely as the others.
        shares = np.bincount(runs[count == 3], minlength=3) / (count == 3).sum()
        assert shares == pytest.approx(np.full(3, 1 / 3), abs=0.06)
    assert not (random == other)[other >= 0].any()
    for k in (1, 2, 3):
        assert (random == again)[count == k].mean() == pytest.approx(1 / k, abs=0.05)
    for epoch in (1, 2):
        found = values_of(table, Measurement("c", epoch, "random"))
        expected = np.where(random >= 0, values[rows, random, epoch - 1], np.nan)
        np.testing.assert_array_equal(found, expected.astype(np.float32))
    means = values_of(table, Measurement("c", 1, "mean"))
    kept = count > 0
    np.testing.assert_allclose(means[kept], np.nanmean(values[kept, :, 0], axis=1), atol=1e-6)
    fifth = values_of(table, Measurement("c", 2, 5))
    np.testing.assert_array_equal(fifth, values[:, 1, 1].astype(np.float32))


def test_measures_in_words(synthetic: PackedTable) -> None:
    name = "one/ep12/valid_accuracy"
    assert parse(name, synthetic) == Measurement(name, 12, "random")
    assert parse(f"{name}@3", synthetic) == Measurement(name, 3, "random")
    assert parse(f"{name}@3:mean", synthetic) == Measurement(name, 3, "mean")
    assert parse(f"{name}:888", synthetic) == Measurement(name, 12, 888)
    for text, message in (
        ("one/ep12/valid", "unknown column of synthetic 'one/ep12/valid': did you mean"),
        (f"{name}@13", "the column has epochs 1, 2"),
        (f"{name}@x", "not 'x'"),
        (f"{name}@3:1", "seeds are one of random, other, again, mean, 777, 888, 999, not '1'"),
    ):
        with pytest.raises(UserError, match=message):
            parse(text, synthetic)


def test_what_protocols_compare(synthetic: PackedTable) -> None:
    one, two = questions(synthetic, ())
    assert (one.name, two.name) == ("one", "two")
    valid = "one/ep12/valid_accuracy"
    assert one.reference == Measurement("one/ep12/test_accuracy", 12, "mean")
    epochs = [m.epoch for m in one.proxies if m.seeds == "random"]
    assert sorted(epochs) == [1, 2, 3, 4, 6, 8, 12] and {m.column for m in one.proxies} == {valid}
    assert {(m.epoch, m.seeds) for m in one.proxies} >= {(12, "mean"), (12, "other")}
    with pytest.raises(UserError, match="unknown data set of synthetic 'three'"):
        questions(synthetic, ("three",))


def test_epochs_are_thinned_like_logarithms() -> None:
    assert thinned(range(1, 9), 8) == list(range(1, 9))
    found = thinned(range(1, 201), 8)
    assert len(found) <= 8 and found[0] == 1 and found[-1] == 200
    ratios = np.array(found[1:]) / np.array(found[:-1])
    assert ratios.max() / ratios.min() < 1.5
    assert thinned([0, 5, 50], 2) == [0, 50]


def test_labels_are_short_and_distinct(synthetic: PackedTable) -> None:
    (question,) = questions(synthetic, ("one",))
    every = [*question.proxies, question.reference]
    found = labels(synthetic, every)
    assert len(set(found.values())) == len(every)
    assert found[question.reference] == "test_accuracy@12:mean"


# --- subsets ---------------------------------------------------------------------------------


def test_sizes_of_cells(synthetic: PackedTable) -> None:
    sizes = sizes_of(synthetic, None)
    assert sizes is not None
    for row in range(0, synthetic.n_rows, 37):
        cell = tuple(synthetic.keys[list(synthetic.row_of).index(row)].tolist())
        live = [cell[edge] for edge in live_edges(cell)]
        assert sizes.values[row] == live.count(2) + 9 * live.count(3)
    half, *groups = size_subsets(sizes)
    assert (sizes.values[half.members] > np.median(sizes.values)).all()
    assert np.sum([g.members for g in groups], axis=0).tolist() == [1] * synthetic.n_rows
    with pytest.raises(UserError, match="unknown column"):
        sizes_of(synthetic, "params")


def test_the_best_rows() -> None:
    values = np.array([1.0, 5.0, 5.0, np.nan, 4.0, 0.0])
    assert top_subset(values, 0.2).members.tolist() == [False, True, True, False, False, False]
    assert top_subset(values, 0.6).members.sum() == 3
