"""Local search: neighbourhoods, ascents, starts."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.spaces import CategoricalSpace, get_space
from harness.spec import SearcherSpec
from harness.testing.conversation import converse, hashed_score
from searchers.local_search import LocalSearch, near, window

TSS = get_space("tss")
Cell = tuple[int, ...]


def rugged(text: str, visit: int) -> float:
    """A landscape with some structure and some noise, so that there are many local optima."""
    return 10.0 * text.count("nor_conv_3x3") + 0.2 * hashed_score(text, 0)


def value(cell: object) -> float:
    return rugged(TSS.to_string(cell), 0)  # type: ignore[arg-type]


def ascents(cells: list[Cell]) -> tuple[list[list[Cell]], list[Cell]]:
    """Best improvement with single starts once more, from its proposals alone.

    Returns:
        The finished paths, and the proposals that are left over.
    """
    known: set[Cell] = set()
    paths, rest = [], list(cells)
    while rest:
        path = [rest.pop(0)]
        known.add(path[0])
        while True:
            neighbours = TSS.neighbours(path[-1])
            new = [n for n in neighbours if n not in known]
            if rest[: len(new)] != new:
                return paths, rest
            del rest[: len(new)]
            known.update(new)  # type: ignore[arg-type]
            best = max(neighbours, key=value)
            if value(best) <= value(path[-1]):
                break
            path.append(best)  # type: ignore[arg-type]
        paths.append(path)
    return paths, rest


def test_best_improvement_climbs_to_local_optima() -> None:
    talk = converse(LocalSearch(TSS, 1), TSS, 1_000, score=rugged)
    cells: list[Cell] = [p.architecture for p in talk.proposals]  # type: ignore[misc]
    paths, rest = ascents(cells)
    assert len(paths) >= 4
    assert len(rest) < 200  # Only the ascent that the last proposal cut short.
    for path in paths:
        assert all(value(path[-1]) >= value(n) for n in TSS.neighbours(path[-1]))
    assert len(set(cells)) == len(cells)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**40), workers=st.integers(2, 9), last_first=st.booleans())
def test_workers_do_not_change_the_steps(seed: int, workers: int, last_first: bool) -> None:
    """Best improvement hears the whole neighbourhood, whatever the order in which it does."""
    alone = converse(LocalSearch(TSS, seed), TSS, 200, score=rugged)
    talk = converse(
        LocalSearch(TSS, seed), TSS, 200, score=rugged, workers=workers, last_first=last_first
    )
    assert talk.proposals == alone.proposals


def test_workers_share_a_neighbourhood_and_then_wait() -> None:
    searcher = LocalSearch(TSS, 1)
    first = searcher.ask()
    assert first is not None
    assert searcher.ask() is None
    talk = converse(LocalSearch(TSS, 1), TSS, 25, score=rugged, workers=100)
    neighbours = [p.architecture for p in talk.proposals[1:]]
    assert neighbours == TSS.neighbours(first.architecture)


@pytest.mark.parametrize("workers", [1, 4])
def test_first_improvement_steps_at_once(workers: int) -> None:
    talk = converse(LocalSearch(TSS, 1, improvement="first"), TSS, 400, score=rugged)
    best = converse(LocalSearch(TSS, 1), TSS, 400, score=rugged)
    cells = [p.architecture for p in talk.proposals]
    assert len(set(cells)) == 400
    # The first optimum is reached in fewer evaluations than by best improvement.
    target = max(map(value, (p.architecture for p in best.proposals[:100])))
    assert next(i for i, cell in enumerate(cells) if value(cell) >= target * 0.9) < 100


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    improvement=st.sampled_from(["best", "first"]),
    samples=st.integers(1, 5),
    workers=st.integers(1, 4),
    failing=st.sampled_from([1, 2, 1_000]),
)
def test_a_small_space_is_exhausted(
    seed: int, improvement: str, samples: int, workers: int, failing: int
) -> None:
    space = CategoricalSpace("small", [["a", "b"], ["1", "2", "3"], ["x", "y"]])
    options = {"improvement": improvement, "initial_samples": samples, "starts": samples}
    searcher = LocalSearch(space, seed, **options)  # type: ignore[arg-type]
    talk = converse(
        searcher, space, 100, workers=workers, failing=lambda number: number % failing == 0
    )
    assert talk.over
    cells = [p.architecture for p in talk.proposals]
    assert sorted(cells) == sorted(product(range(2), range(3), range(2)))  # type: ignore[type-var]


def test_starts_are_the_best_samples_in_turn() -> None:
    searcher = LocalSearch(TSS, 1, initial_samples=20, starts=2)
    talk = converse(searcher, TSS, 400, score=rugged)
    cells = [p.architecture for p in talk.proposals]
    first, second, *_ = sorted(cells[:20], key=value, reverse=True)
    expected = [n for n in TSS.neighbours(first) if n not in cells[:20]]
    assert cells[20 : 20 + len(expected)] == expected
    around_second = [n for n in TSS.neighbours(second) if n not in cells[:20]]
    assert set(around_second) <= set(cells)


def test_windows_of_ordered_decisions() -> None:
    assert list(window(0, 8)) == list(window(2, 8)) == [0, 1, 2, 3, 4]
    assert list(window(4, 8)) == [2, 3, 4, 5, 6]
    assert list(window(7, 8)) == list(window(5, 8)) == [3, 4, 5, 6, 7]
    assert list(window(3, 5)) == [0, 1, 2, 3, 4]
    assert list(window(1, 3)) == [0, 1, 2]


def test_neighbours_in_smacs_sense() -> None:
    eight = [str(v) for v in range(8)]
    space = CategoricalSpace("mixed", [eight, eight, eight[:5]], [True, False, True])
    neighbours = near(space, (0, 3, 1))
    assert {n[0] for n in neighbours} == {0, 1, 2, 3, 4}
    assert {n[1] for n in neighbours} == set(range(8))
    assert {n[2] for n in neighbours} == set(range(5))
    assert len(neighbours) == 4 + 7 + 4


def test_neighbours_of_the_thesis_space() -> None:
    """Lundberg's eight genes: 16 + 4 + 4 + 1 + 1 other values, at most 26 new points."""
    counts = [2, 19, 18, 18, 18, 6, 2, 5]
    ordered = [False, True, True, True, True, True, False, True]
    space = CategoricalSpace("era", [[str(v) for v in range(n)] for n in counts], ordered)
    assert len(near(space, (1, 9, 9, 0, 17, 3, 0, 2))) == 26


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("local_search:initial_samples=0", "initial_samples=0; must be at least 1"),
        ("local_search:starts=2", "starts=2; must be at most initial_samples=1"),
        ("local_search:improvement=some", "improvement='some'"),
    ],
)
def test_options_are_checked(word: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        SearcherSpec.parse(word).build(TSS, 1)


def test_words_are_checked_in_the_class_too() -> None:
    with pytest.raises(UserError, match="improvement='some'; must be one of best, first"):
        LocalSearch(TSS, 1, improvement="some")  # type: ignore[arg-type]
