"""Traces of one-shot searches as incumbents: the latest derivation, at equal image passes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.base import FAILED, MISSING, OK, REPEAT
from harness.protocol import Measure, Protocol
from harness.traces import COLUMNS, Trace
from reports.anytime import by_evaluations, by_seconds, evaluation_grid, seconds_grid
from reports.incumbents import incumbents, winners
from reports.records import Cell, Question, cell_of
from reports.studies.diversity.found import best_steps

PROTOCOL = Protocol("p", search=Measure("valid"), report=Measure("test"))
EVALUATION = 100


def question(images: int | None = None) -> Question:
    return Question("b", "b", "b", "", "d", PROTOCOL, (), {}, {}, images)


def trace(
    seed: int, passes: Sequence[int] | None, selection: Sequence[float], **columns: Sequence[int]
) -> Trace:
    """A search whose rows are worth `selection`, and 1000 more by their report."""
    n = len(selection)
    values = np.array(selection)
    plain = {
        "number": range(n),
        "end": [p * 10_000 for p in passes] if passes is not None else range(n),
        "status": np.where(np.isnan(values), FAILED, OK),
        "selection": values,
        "true": values + 0.5,
        "report": values + 1000.0,
    } | columns
    header = {"searcher": "s", "seed": seed, "stopped": "budget"}
    if passes is not None:
        header["one_shot"] = {"passes": list(passes), "evaluation_passes": EVALUATION}
    filled = {name: np.array(plain.get(name, [0] * n), kind) for name, kind in COLUMNS.items()}
    return Trace(header, [f"a{i}" for i in range(n)], filled)


def one_shot(*searches: tuple[Sequence[int], Sequence[float]]) -> Cell:
    return cell_of(question(), [trace(i, p, v) for i, (p, v) in enumerate(searches)])


def test_the_incumbent_is_the_latest_derivation_within_the_image_passes() -> None:
    # 190 and 290 image passes are within 200 and 300; the better one of 140 is no more.
    found = incumbents(one_shot(([140, 190, 290], [9.0, 5.0, 7.0])))
    np.testing.assert_array_equal(found.values["selection"], [[np.nan, 5.0, 7.0]])
    np.testing.assert_array_equal(found.values["true"], [[np.nan, 5.5, 7.5]])
    np.testing.assert_array_equal(found.final("report"), [1007.0])
    assert found.lengths.tolist() == [3]
    # Virtual time passes evenly between derivations, and ends with the last one.
    np.testing.assert_allclose(found.seconds, [[1.0, 2.0, 2.9]])


def test_a_live_search_has_one_row_which_holds_at_its_end() -> None:
    found = incumbents(one_shot(([395], [3.0]), ([400], [4.0])))
    np.testing.assert_array_equal(
        found.values["report"], [[np.nan] * 3 + [1003.0], [np.nan] * 3 + [1004.0]]
    )
    assert found.lengths.tolist() == [4, 4]


def test_one_pass_more_than_a_whole_number_of_trainings_is_another_one() -> None:
    found = incumbents(one_shot(([200, 301], [1.0, 2.0])))
    np.testing.assert_array_equal(found.values["selection"], [[np.nan, 1.0, 1.0, 2.0]])


def test_searches_that_end_early_keep_their_last_derivation() -> None:
    found = incumbents(one_shot(([150], [1.0]), ([150, 350], [2.0, 3.0])))
    np.testing.assert_array_equal(found.final("selection"), [1.0, 3.0])
    assert found.lengths.tolist() == [2, 4]
    assert np.isinf(found.seconds[0, 2:]).all()


def test_a_last_derivation_without_a_value_is_no_result() -> None:
    cell = one_shot(([150, 250], [1.0, np.nan]), ([150, 250], [np.nan, 2.0]))
    found = incumbents(cell)
    np.testing.assert_array_equal(
        found.values["selection"], [[np.nan, 1.0, np.nan], [np.nan, np.nan, 2.0]]
    )
    assert winners(cell).tolist() == [-1, 1]
    assert winners(cell, first=1).tolist() == [0, -1]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.integers(EVALUATION + 1, 700), st.one_of(st.just(np.nan), st.floats(0, 9))
            ),
            min_size=1,
            max_size=6,
        ),
        min_size=1,
        max_size=3,
    )
)
def test_incumbents_equal_a_plain_loop(searches: list[list[tuple[int, float]]]) -> None:
    rows = [sorted(search, key=lambda r: r[0]) for search in searches]
    cell = one_shot(*(([p for p, _ in s], [v for _, v in s]) for s in rows))
    found = incumbents(cell)
    for place, search in enumerate(rows):
        for e in range(found.seconds.shape[1]):
            held = [value for passes, value in search if passes <= (e + 1) * EVALUATION]
            expected = held[-1] if held else np.nan
            np.testing.assert_equal(found.values["selection"][place, e], expected)
        assert (found.lengths[place] - 1) * EVALUATION < search[-1][0]
        assert search[-1][0] <= found.lengths[place] * EVALUATION
        np.testing.assert_equal(found.final("selection")[place], search[-1][1])
    # Curves along both axes end where the searches end.
    grid = evaluation_grid(found.seconds.shape[1])
    last = by_evaluations("s", found, grid).report.mean[-1]
    assert by_seconds("s", found, seconds_grid([found])).report.mean[-1] == last


def test_seeds_are_put_in_order_with_their_image_passes() -> None:
    traces = [trace(7, [150, 390], [1.0, 2.0]), trace(3, [250], [5.0])]
    cell = cell_of(question(), traces)
    np.testing.assert_array_equal(incumbents(cell).final("selection"), [5.0, 2.0])
    assert cell.image_passes == (390 + 250) / 2


def test_image_passes_of_evaluations_that_trained() -> None:
    nan = float("nan")
    columns = {
        "epochs": [4, 12, 12, 12, 12, 3],
        "continued": [0, 4, 0, 0, 0, 0],
        "status": [OK, OK, FAILED, MISSING, REPEAT, OK],
    }
    traces = [
        trace(0, None, [1, 2, nan, nan, 2, 3], **columns),
        trace(1, None, [1.0], epochs=[12]),
    ]
    # 4 + 8 continued + 12 failed + 3 epochs, and 12 of the other search.
    assert cell_of(question(images=50), traces).image_passes == (27 + 12) / 2 * 50
    assert cell_of(question(), traces).image_passes is None
    assert cell_of(question(), traces).one_shot is None


@pytest.mark.parametrize(("last", "expected"), [(3.0, [2, 1, 0]), (float("nan"), [])])
def test_the_best_step_of_a_derivation_is_the_last(last: float, expected: list[int]) -> None:
    assert best_steps(trace(0, [150, 250, 350], [9.0, 5.0, last]), PROTOCOL).tolist() == expected


def test_short_evaluations_count_as_shares_of_trainings() -> None:
    protocol = Protocol("p", search=Measure("valid", 12), report=Measure("t"), fidelities=(3, 6))
    asked = Question("b", "b", "b", "", "d", protocol, (), {}, {})
    columns = {"epochs": [3, 6, 12], "continued": [0, 3, 0], "status": [OK, OK, OK]}
    cell = cell_of(asked, [trace(0, None, [1.0, 2.0, 3.0], **columns)])
    assert cell.short
    np.testing.assert_allclose(incumbents(cell).trainings, [[0.25, 0.5, 1.5]])
    whole = cell_of(asked, [trace(0, None, [1.0, 2.0], epochs=[12, 12])])
    assert not whole.short
    np.testing.assert_allclose(incumbents(whole).trainings, [[1.0, 2.0]])
    # Without fidelities every evaluation is a training, whatever its column of epochs says.
    assert not cell_of(question(), [trace(0, None, [1.0], epochs=[0])]).short
    # A supernet's are its image passes.
    found = incumbents(one_shot(([140, 290], [9.0, 7.0])))
    np.testing.assert_allclose(found.trainings, [[1.0, 2.0, 2.9]])


def test_images_that_were_only_classified() -> None:
    traces = [trace(seed, [150, 390], [1.0, 2.0]) for seed in range(2)]
    old = cell_of(question(), traces).one_shot
    assert old is not None and old.classified is None
    for seed, told in enumerate(traces):
        told.header["one_shot"]["classified"] = [100, 500 + 100 * seed]
    found = cell_of(question(), traces).one_shot
    assert found is not None and found.classified == 550.0
