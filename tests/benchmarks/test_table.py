"""Tabular benchmarks: every answer is checked against the numbers that the table was made from."""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from harness.benchmarks.base import FAILED, MISSING, OK, REPEAT, Answer
from harness.errors import UserError
from harness.protocol import CostTerm, Measure
from harness.streams import key, uniform
from tests.small_table import (
    CELLS,
    EPOCHS,
    ONCE,
    PER_EPOCH,
    SEEDS,
    TEST,
    VALID,
    SmallTable,
    protocol,
    small_table,
)

MICRO = 1_000_000


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallTable:
    return small_table(tmp_path_factory.mktemp("table") / "small.table")


@pytest.fixture(scope="module")
def partial(tmp_path_factory: pytest.TempPathFactory) -> SmallTable:
    """Half the architectures; those that differ in the middle decision alone share a row."""
    cells = [cell for cell in CELLS if cell[2] < 2]
    rows = {pair: row for row, pair in enumerate(sorted({(i, k) for i, _, k in cells}))}
    row_of = [rows[i, k] for i, _, k in cells]
    path = tmp_path_factory.mktemp("table") / "partial.table"
    return small_table(path, cells=cells, row_of=row_of, failing=1)


def runs(small: SmallTable, row: int, epoch: int = 4, column: str = VALID) -> list[float]:
    """The values that a row has."""
    values = small.values[column][row, :, EPOCHS.index(epoch)]
    return [float(value) for value in values if not math.isnan(value)]


# --- values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("epoch", EPOCHS)
@pytest.mark.parametrize("seeds", ["mean", *SEEDS])
def test_means_and_fixed_seeds(small: SmallTable, seeds: Any, epoch: int) -> None:
    evaluate = small.benchmark(search=Measure(VALID, epoch, seeds)).evaluator(3)
    for cell in CELLS:
        numbers = runs(small, small.row(cell), epoch)
        if seeds != "mean":
            one = small.values[VALID][small.row(cell), SEEDS.index(seeds), EPOCHS.index(epoch)]
            numbers = [] if math.isnan(one) else [float(one)]
        answer = evaluate(cell)
        assert answer.row == small.row(cell)
        if numbers:
            assert answer.value == pytest.approx(sum(numbers) / len(numbers), rel=1e-14)
            assert (answer.status, answer.epochs) == (OK, epoch)
        else:
            assert math.isnan(answer.value)
            assert answer.status == FAILED
            assert answer.cost > 0, "a failed training is paid for"


def test_random_seeds_are_drawn_evenly_from_those_that_a_row_has(small: SmallTable) -> None:
    benchmark = small.benchmark()
    searches = 1500
    answers = {cell: Counter[float]() for cell in CELLS}
    for seed in range(searches):
        evaluate = benchmark.evaluator(seed)
        for cell in CELLS:
            answers[cell][evaluate(cell).value] += 1
    counted = Counter[int]()
    for cell, found in answers.items():
        numbers = runs(small, small.row(cell))
        counted[len(numbers)] += 1
        if numbers:
            assert set(found) == set(numbers)
        if len(numbers) > 1:
            assert chisquare(list(found.values())).pvalue > 1e-4
    assert min(counted[n] for n in range(4)) > 0, "rows with 0, 1, 2 and 3 seeds"


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6), st.randoms(use_true_random=False), st.sampled_from(["cached", "fresh"])
)
def test_a_draw_depends_on_seed_row_and_visit_alone(
    small: SmallTable, seed: int, shuffle: random.Random, repeat: str
) -> None:
    """Whatever else a search visits, and in whatever order (common random numbers)."""
    benchmark = small.benchmark(repeat=repeat, time_noise=0.3)
    visits = CELLS * 3
    shuffle.shuffle(visits)
    first, second = benchmark.evaluator(seed), benchmark.evaluator(seed)
    seen: dict[tuple[int, ...], list[Answer]] = {cell: [] for cell in CELLS}
    for cell in visits:
        seen[cell].append(first(cell))
    for cell in CELLS[: shuffle.randrange(len(CELLS))]:
        again = [second(cell) for _ in range(3)]
        assert [tuple(map(str, a)) for a in again] == [tuple(map(str, a)) for a in seen[cell]]
    for cell, answers in seen.items():
        row, numbers = small.row(cell), runs(small, small.row(cell))
        for number, answer in enumerate(answers):
            assert answer.visit == (number if repeat == "fresh" else 0)
            if numbers:
                draw = uniform(key(seed, "table"), row, answer.visit)
                assert answer.value == numbers[int(draw * len(numbers))]


def test_searches_with_other_seeds_draw_independently(small: SmallTable) -> None:
    benchmark = small.benchmark()
    full = [cell for cell in CELLS if len(runs(small, small.row(cell))) == 3]
    chosen = np.array(
        [
            [runs(small, small.row(c)).index(evaluate(c).value) for c in full]
            for evaluate in map(benchmark.evaluator, range(800))
        ]
    )
    correlation = np.corrcoef(chosen.T) - np.eye(len(full))
    assert abs(correlation).max() < 0.17
    assert abs(np.corrcoef(chosen[:-1].ravel(), chosen[1:].ravel())[0, 1]) < 0.05


def test_read_gives_what_the_search_was_told(small: SmallTable) -> None:
    """What a trial measures on another machine is what the driver expects."""
    benchmark = small.benchmark(repeat="fresh", fidelities=EPOCHS)
    evaluate = benchmark.evaluator(5)
    for cell in CELLS * 3:
        for fidelity in (None, 1, 2):
            answer = evaluate(cell, fidelity)
            value = benchmark.read(cell, fidelity, 5, answer.visit)
            np.testing.assert_equal(value, answer.value)


# --- repeats --------------------------------------------------------------------------------


def test_cached_repeats_are_charged_again(small: SmallTable) -> None:
    evaluate = small.benchmark().evaluator(0)
    for cell in CELLS:
        first, second = evaluate(cell), evaluate(cell)
        assert str(first) == str(second)
        assert first.cost > 0 and first.visit == 0


def test_fresh_repeats_are_new_draws(small: SmallTable) -> None:
    evaluate = small.benchmark(repeat="fresh").evaluator(0)
    cell = next(c for c in CELLS if len(runs(small, small.row(c))) == 3)
    answers = [evaluate(cell) for _ in range(60)]
    assert [answer.visit for answer in answers] == list(range(60))
    assert {answer.value for answer in answers} == set(runs(small, small.row(cell)))
    assert len({answer.cost for answer in answers}) == 1


def test_uncharged_repeats_cost_nothing_and_say_the_same(small: SmallTable) -> None:
    evaluate = small.benchmark(charge_repeats=False).evaluator(0)
    for cell in CELLS:
        first = evaluate(cell)
        for _ in range(2):
            repeat = evaluate(cell)
            assert repeat[3:] == (0, 0, REPEAT)
            assert repeat.row == first.row and repeat.visit == 0
            assert repeat.value == first.value or first.status == FAILED
            assert math.isnan(repeat.value) == (first.status == FAILED)


def test_isomorphic_architectures_repeat_each_other(partial: SmallTable) -> None:
    free = partial.benchmark(charge_repeats=False, missing="fail").evaluator(0)
    fresh = partial.benchmark(repeat="fresh", missing="fail").evaluator(0)
    assert free((0, 0, 0)).status != REPEAT
    assert free((0, 1, 0)).status == REPEAT
    assert free((1, 1, 0)).status != REPEAT
    assert [fresh((0, 0, 0)).visit, fresh((0, 1, 0)).visit, fresh((0, 0, 0)).visit] == [0, 1, 2]


def test_each_fidelity_has_repeats_of_its_own(small: SmallTable) -> None:
    evaluate = small.benchmark(charge_repeats=False, fidelities=EPOCHS).evaluator(0)
    assert [evaluate((0, 0, 0), f).status == REPEAT for f in (1, 2, 1, None, 4)] == [
        False, False, True, False, True,
    ]  # fmt: skip


# --- what a table lacks ---------------------------------------------------------------------


def test_a_missing_architecture_is_refused_by_default(partial: SmallTable) -> None:
    evaluate = partial.benchmark().evaluator(0)
    assert evaluate((0, 0, 1)).status in (OK, FAILED)
    with pytest.raises(UserError, match="small lacks a,x,s: set missing=resample or missing=fail"):
        evaluate((0, 0, 3))


def test_a_missing_architecture_can_be_a_failed_row(partial: SmallTable) -> None:
    evaluate = partial.benchmark(missing="fail").evaluator(0)
    answer = evaluate((0, 0, 3))
    assert (answer.row, answer.cost, answer.epochs, answer.status) == (-1, 0, 0, MISSING)
    assert math.isnan(answer.value)


def test_a_missing_architecture_can_be_resampled(partial: SmallTable) -> None:
    benchmark = partial.benchmark(missing="resample")
    space = benchmark.search_space()
    rng = random.Random(0)
    assert {space.sample(rng) for _ in range(500)} == set(partial.cells)
    assert (0, 0, 3) in partial.benchmark(missing="fail").search_space()
    with pytest.raises(UserError, match="lacks"):
        benchmark.evaluator(0)((0, 0, 3))


@pytest.mark.parametrize("cell", [(0, 0), (0, 0, 9), (5, 0, 0), ()])
def test_what_is_no_architecture_is_missing(small: SmallTable, cell: tuple[int, ...]) -> None:
    assert small.benchmark(missing="fail").evaluator(0)(cell).status == MISSING


def test_fidelities(small: SmallTable) -> None:
    evaluate = small.benchmark(fidelities=(1, 2)).evaluator(1)
    for cell in CELLS:
        row = small.row(cell)
        for epoch, fidelity in ((1, 1), (2, 2), (4, 4), (4, None)):
            answer = evaluate(cell, fidelity)
            assert answer.epochs == epoch
            numbers = runs(small, row, epoch)
            if numbers:
                # The same run at every fidelity, as a training that goes on.
                place = int(uniform(key(1, "table"), row, 0) * len(numbers))
                assert answer.value == numbers[place]


def test_a_fidelity_that_is_not_offered_is_refused(small: SmallTable) -> None:
    with pytest.raises(UserError, match=r"'plain' offers fidelities \(4,\), not 2"):
        small.benchmark().evaluator(0)((0, 0, 0), 2)
    with pytest.raises(UserError, match=r"offers fidelities \(1, 2\), not 3"):
        small.benchmark(fidelities=(1, 2)).evaluator(0)((0, 0, 0), 3)


# --- costs ----------------------------------------------------------------------------------

TERMS = st.builds(
    CostTerm,
    column=st.just(PER_EPOCH),
    per=st.sampled_from(["epoch", "evaluation"]),
    factor=st.sampled_from([1.0, 0.5, 6.068]),
    epoch=st.sampled_from(EPOCHS),
) | st.builds(CostTerm, st.just(ONCE), st.sampled_from(["epoch", "evaluation"]))


@settings(max_examples=40, deadline=None)
@given(st.lists(TERMS, min_size=1, max_size=3).map(tuple))
def test_costs_are_the_columns_added_up(small: SmallTable, terms: tuple[CostTerm, ...]) -> None:
    evaluate = small.benchmark(cost=terms, fidelities=EPOCHS).evaluator(0)
    for cell in CELLS[::5]:
        for epochs in EPOCHS:
            seconds = 0.0
            for term in terms:
                place = 0 if term.column == ONCE else EPOCHS.index(term.epoch)
                measured = small.values[term.column][small.row(cell), :, place].mean()
                seconds += term.factor * measured * (epochs if term.per == "epoch" else 1)
            assert evaluate(cell, epochs).cost == pytest.approx(seconds * MICRO, abs=1)


def test_without_cost_terms_an_evaluation_takes_a_second(small: SmallTable) -> None:
    evaluate = small.benchmark(cost=()).evaluator(0)
    assert {evaluate(cell).cost for cell in CELLS} == {MICRO}


def test_time_always_moves(small: SmallTable) -> None:
    evaluate = small.benchmark(cost=(CostTerm(ONCE, factor=0.0),)).evaluator(0)
    assert {evaluate(cell).cost for cell in CELLS} == {1}


def test_time_noise_is_lognormal_repeatable_and_changes_nothing_else(small: SmallTable) -> None:
    plain, noisy = small.benchmark(), small.benchmark(time_noise=0.25)
    logarithms = []
    for seed in range(100):
        without, first, second = (
            plain.evaluator(seed),
            noisy.evaluator(seed),
            noisy.evaluator(seed),
        )
        for cell in CELLS:
            expected, answer = without(cell), first(cell)
            assert str(answer) == str(second(cell))
            assert str(answer._replace(cost=expected.cost)) == str(expected)
            logarithms.append(math.log(answer.cost / expected.cost))
    assert kstest(np.array(logarithms) / 0.25, "norm").pvalue > 1e-3


def test_time_noise_differs_between_visits_and_fidelities(small: SmallTable) -> None:
    evaluate = small.benchmark(time_noise=0.5, fidelities=EPOCHS, cost=()).evaluator(0)
    costs = [evaluate((0, 0, 0), fidelity).cost for fidelity in (None, None, 1, 1, 2)]
    assert len(set(costs)) == 5


# --- results --------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", ["random", "mean", 8])
def test_selection_truth_and_report(small: SmallTable, seeds: Any) -> None:
    """What the searcher is not told: computed here from the raw columns."""
    select, report = Measure(VALID, 2, seeds), Measure(TEST, 4, seeds)
    benchmark = small.benchmark(select=select, report=report, repeat="fresh")
    evaluate = benchmark.evaluator(6)
    answers = [evaluate(cell) for cell in CELLS * 2]
    rows = np.array([answer.row for answer in answers] + [-1])
    visits = np.array([answer.visit for answer in answers] + [0])
    values = np.array([answer.value for answer in answers] + [math.nan])
    found = benchmark.results([], rows, visits, values, seed=6)

    def measured(column: str, epoch: int, how: Any, row: int, visit: int) -> float:
        numbers = runs(small, row, epoch, column) if row >= 0 else []
        if how == 8:
            number = small.values[column][row, SEEDS.index(8), EPOCHS.index(epoch)]
            return float(number) if row >= 0 else math.nan
        if not numbers:
            return math.nan
        if how == "mean":
            return sum(numbers) / len(numbers)
        return numbers[int(uniform(key(6, "table"), row, visit) * len(numbers))]

    pairs = list(zip(rows.tolist(), visits.tolist(), strict=True))
    truth = "mean" if seeds == "random" else seeds
    for name, column, epoch, how in (
        ("selection", VALID, 2, seeds), ("true", VALID, 2, truth), ("report", TEST, 4, seeds),
    ):  # fmt: skip
        expected = [measured(column, epoch, how, row, visit) for row, visit in pairs]
        np.testing.assert_allclose(found[name], expected, rtol=1e-13)


def test_selection_is_by_default_what_the_searcher_was_told(small: SmallTable) -> None:
    for select in (None, protocol().search):
        benchmark = small.benchmark(select=select)
        values = np.arange(24.0)
        found = benchmark.results([], np.arange(24), np.zeros(24, int), values, 0)
        assert found["selection"].tolist() == values.tolist()
