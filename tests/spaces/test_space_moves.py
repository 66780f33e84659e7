"""What every space of fixed length promises beyond the suite that all spaces pass."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.spaces import CategoricalSpace, get_space

NAMES = ["tss", "sss", "nasbench101", "residual"]


def space_of(name: str) -> CategoricalSpace:
    space = get_space(name)
    assert isinstance(space, CategoricalSpace)
    return space


names = st.sampled_from(NAMES)
seeds = st.integers(0, 2**32 - 1)


def differences(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    return sum(x != y for x, y in zip(a, b, strict=True))


@given(names, seeds)
def test_samples_are_inside_and_plain_integers(name: str, seed: int) -> None:
    space = space_of(name)
    sample = space.sample(random.Random(seed))
    assert sample in space
    assert [type(value) for value in sample] == [int] * len(space.sizes)
    assert hash(sample) == hash(tuple(sample))


@given(names, seeds)
def test_a_mutation_redraws_one_decision(name: str, seed: int) -> None:
    space, rng = space_of(name), random.Random(seed)
    parent = space.sample(rng)
    for _ in range(5):
        other = space.mutate(parent, rng, new_value=True)
        assert other in space
        assert differences(parent, other) == 1
        assert other in space.neighbours(parent)
        maybe = space.mutate(parent, rng, new_value=False)
        assert maybe in space
        assert differences(parent, maybe) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_mutation_without_new_value_can_return_its_parent(name: str) -> None:
    space, rng = space_of(name), random.Random(5)
    parent = space.sample(rng)
    equal = sum(space.mutate(parent, rng, new_value=False) == parent for _ in range(2000)) / 2000
    # Every decision is drawn equally often and keeps its value once in so many options.
    expected = sum(1 / size for size in space.sizes) / len(space.sizes)
    # Where children are redrawn until they are valid, the parent's share can only grow.
    assert expected - 0.04 < equal < expected + (0.04 if name != "nasbench101" else 0.2)


@pytest.mark.parametrize("name", ["tss", "sss"])  # all decisions have as many options
def test_mutations_are_uniform_over_neighbours(name: str) -> None:
    space, rng = space_of(name), random.Random(8)
    parent = space.sample(rng)
    neighbours = space.neighbours(parent)
    draws = 400 * len(neighbours)
    counts = dict.fromkeys(neighbours, 0)
    for _ in range(draws):
        counts[space.mutate(parent, rng)] += 1
    statistic = sum((count - 400) ** 2 / 400 for count in counts.values())
    freedom = len(neighbours) - 1
    assert statistic < freedom + 5 * math.sqrt(2 * freedom)


@given(names, seeds)
def test_a_child_takes_every_decision_from_a_parent(name: str, seed: int) -> None:
    space, rng = space_of(name), random.Random(seed)
    a, b = space.sample(rng), space.sample(rng)
    child = space.crossover(a, b, rng)
    assert child in space
    assert all(value in both for value, *both in zip(child, a, b, strict=True))
    assert space.crossover(a, a, rng) == a


@settings(max_examples=50)
@given(names, seeds)
def test_neighbours_differ_in_one_decision(name: str, seed: int) -> None:
    space = space_of(name)
    centre = space.sample(random.Random(seed))
    around = space.neighbours(centre)
    assert len(set(around)) == len(around)
    assert all(n in space and differences(centre, n) == 1 for n in around)  # type: ignore[arg-type]
    assert all(centre in space.neighbours(n) for n in around)
    if name != "nasbench101":
        assert len(around) == sum(size - 1 for size in space.sizes)


@given(names, st.text(max_size=120))
def test_other_texts_are_refused(name: str, text: str) -> None:
    space = space_of(name)
    with pytest.raises(UserError, match=f"space '{name}'"):
        space.from_string(text)


@given(names, seeds, st.data())
def test_damaged_texts_are_refused_or_mean_something_else(
    name: str, seed: int, data: st.DataObject
) -> None:
    space = space_of(name)
    text = space.to_string(space.sample(random.Random(seed)))
    place = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:place] + data.draw(st.sampled_from(["", " ", "0", "1", "|", ":", "٣"]))
    damaged += text[place + 1 :]
    try:
        architecture = space.from_string(damaged)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert space.to_string(architecture) == damaged


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_inside(name: str) -> None:
    space = space_of(name)
    good = space.sample(random.Random(1))
    assert good in space
    wrong = [list(good), good[:-1], (*good, 0), (-1, *good[1:]), (99, *good[1:]), None, "x", 3]
    for other in [*wrong, (*good[:-1], 1.0), (*good[:-1], "1"), ()]:
        assert other not in space


@pytest.mark.parametrize("name", ["tss", "sss", "residual"])
def test_no_text_for_what_is_not_inside(name: str) -> None:
    space = space_of(name)
    good = space.sample(random.Random(1))
    for other in [list(good), good[:-1], (99, *good[1:])]:
        with pytest.raises(UserError, match=f"space '{name}'"):
            space.to_string(other)


@settings(max_examples=50)
@given(names, seeds)
def test_features_keys_and_graphs_have_their_shapes(name: str, seed: int) -> None:
    space, rng = space_of(name), random.Random(seed)
    a, b = space.sample(rng), space.sample(rng)
    assert space.features(a).shape == space.features(b).shape
    assert space.features(a).dtype == np.float64
    assert (space.features(a) == space.features(b)).all() == (a == b)
    assert len(space.key(a)) == len(space.key(b))
    adjacency, operations = space.graph(a)
    assert adjacency.shape == (len(operations), len(operations))
    assert adjacency.dtype == bool
    assert not np.tril(adjacency).any()
    assert (operations[0], operations[-1]) == ("input", "output")
