"""A space seen through a partial table: every move ends on an architecture that the table has."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from harness.benchmarks.covered import CoveredSpace, few_of
from harness.errors import UserError
from harness.spaces import CategoricalSpace, get_space
from tests.small_table import CELLS, SPACE, small_table

COVERED = st.sets(st.sampled_from(CELLS), min_size=1)
SEEDS = st.integers(0, 10**6)


def through(covered: set[tuple[int, ...]]) -> CoveredSpace:
    return CoveredSpace(SPACE, lambda architecture: architecture in covered)


@settings(max_examples=60, deadline=None)
@given(COVERED, SEEDS)
def test_every_move_stays_inside(covered: set[tuple[int, ...]], seed: int) -> None:
    space, rng = through(covered), random.Random(seed)
    for _ in range(5):
        parent, other = space.sample(rng), space.sample(rng)
        children = [space.mutate(parent, rng), space.mutate(parent, rng, new_value=False)]
        children += [space.crossover(parent, other, rng), *space.neighbours(parent)]
        assert {parent, other, *children} <= covered
        assert parent in space
    assert space.neighbours(parent) == [a for a in SPACE.neighbours(parent) if a in covered]
    assert [cell for cell in CELLS if cell in space] == sorted(covered)
    assert (9, 9, 9) not in space and "text" not in space


def test_samples_and_children_are_uniform_over_what_is_covered() -> None:
    covered = set(CELLS[::3])
    space, rng = through(covered), random.Random(0)
    counts = Counter(space.sample(rng) for _ in range(4000))
    assert set(counts) == covered
    assert chisquare(list(counts.values())).pvalue > 1e-3
    parent = (0, 0, 0)
    children = Counter(space.mutate(parent, rng) for _ in range(4000))
    assert set(children) == {a for a in SPACE.neighbours(parent) if a in covered}


def test_discarded_draws_are_counted_for_each_search() -> None:
    everything, half = through(set(CELLS)), through(set(CELLS[:12]))
    for space in (everything, half):
        rng = random.Random(1)
        for _ in range(1000):
            space.sample(rng)
    assert everything.resampled == 0
    assert half.resampled == pytest.approx(1000, rel=0.15)
    assert through(set(CELLS[:12])).resampled == 0


def test_full_coverage_changes_nothing() -> None:
    space = through(set(CELLS))
    ours, plain = random.Random(5), random.Random(5)
    for _ in range(50):
        a, b = space.sample(ours), space.sample(ours)
        assert (a, b) == (SPACE.sample(plain), SPACE.sample(plain))
        assert space.mutate(a, ours) == SPACE.mutate(a, plain)
        assert space.crossover(a, b, ours) == SPACE.crossover(a, b, plain)


def test_a_parent_without_covered_children_is_left() -> None:
    lonely, far = (0, 0, 0), (2, 1, 3)
    space, rng = through({lonely, far}), random.Random(0)
    assert {space.mutate(lonely, rng) for _ in range(20)} == {lonely, far}
    assert space.crossover(lonely, lonely, rng) == lonely


def test_a_sparse_table_is_sampled_from_what_it_has(tmp_path: Path) -> None:
    """Three of 4**12 architectures: redrawing would hardly ever meet them."""
    large = CategoricalSpace("large", [["a", "b", "c", "d"]] * 12)
    cells: list[tuple[int, ...]] = [(0,) * 12, (1,) * 12, (*(0,) * 11, 3)]
    table = small_table(tmp_path / "large.nht", space=large, cells=cells)
    space, rng = table.benchmark(missing="resample").search_space(), random.Random(0)
    assert isinstance(space, CoveredSpace)
    counts = Counter(space.sample(rng) for _ in range(600))
    assert set(counts) == set(cells)
    assert chisquare(list(counts.values())).pvalue > 1e-3
    assert space.resampled == 0
    ours, plain = random.Random(1), random.Random(1)
    space.sample(ours)
    plain.random()
    assert ours.random() == plain.random()  # a sample takes one number
    assert {space.mutate(cells[0], rng) for _ in range(5)} == {cells[2]}  # its only neighbour
    redraws = space.resampled
    assert space.mutate(cells[1], rng) in cells  # which has none
    assert space.resampled == redraws + space.TRIES


def test_large_tables_and_hashed_ones_are_redrawn() -> None:
    tss, residual = get_space("tss"), get_space("residual")
    cells = [tss.sample(random.Random(seed)) for seed in range(40)]
    keys = list(dict.fromkeys(map(tss.key, cells)))
    assert len(tss) == 15_625 and few_of(tss, keys[:15]) == [tuple(key) for key in keys[:15]]
    assert few_of(tss, keys[:16]) == []
    keys = [residual.key(residual.sample(random.Random(seed))) for seed in range(3)]
    assert [residual.key(a) for a in few_of(residual, keys)] == keys
    for name in ("nasbench101", "macro"):
        space = get_space(name)
        assert few_of(space, [space.key(space.sample(random.Random(0)))]) == []


def test_a_table_that_covers_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CoveredSpace, "TRIES", 20)
    with pytest.raises(UserError, match="covers hardly any architecture of 'small'"):
        through(set()).sample(random.Random(0))


def test_all_else_is_the_space_itself() -> None:
    space, cell = through({(0, 0, 0)}), (2, 1, 3)
    assert (space.name, space.sizes, space.ordinal) == (SPACE.name, SPACE.sizes, SPACE.ordinal)
    assert space.options == SPACE.options
    assert len(space) == 24
    assert space.to_string(cell) == SPACE.to_string(cell) == "c,y,s"
    assert space.from_string("c,y,s") == cell
    assert space.key(cell) == SPACE.key(cell)
    assert space.canonical(cell) == cell
    assert np.array_equal(space.features(cell), SPACE.features(cell))
    assert space.graph(cell).operations == SPACE.graph(cell).operations
    with pytest.raises(AttributeError):
        space.no_such_thing  # noqa: B018
