"""The conformance suite of search spaces: what every space must do, as tests to inherit.

In a test module of your own::

    from harness.testing import SpaceSuite

    class TestMySpace(SpaceSuite):
        space = "my_space"    # a registered name, or a class that needs no arguments

and run pytest. Spaces of at most `countable` architectures are also counted in full.
"""

from __future__ import annotations

import pickle
import random
from collections import Counter, deque
from itertools import pairwise, product
from math import sqrt
from typing import Any

import numpy as np
import pytest

from harness.errors import UserError
from harness.spaces import Architecture, CategoricalSpace, SearchSpace, get_space, registry
from harness.streams import below, choice, stream
from harness.testing.other_process import in_another_process


class SpaceSuite:
    """Inherit, set `space`, run pytest.

    Attributes:
        space: A registered name, or a class.
        samples: Architectures that the tests draw.
        symmetric: Whether an architecture is a neighbour of all its neighbours. Say why in the
            space's documentation where it is not.
        countable: Spaces of at most so many architectures are counted in full.
    """

    space: str | type[SearchSpace]
    samples: int = 200
    symmetric: bool = True
    countable: int = 20_000

    # --- what a subclass may override ---------------------------------------------------------

    def everything(self) -> set[Architecture]:
        """All architectures of a small space.

        By default the valid combinations of a `CategoricalSpace`, and in other spaces what can be
        reached from one architecture through neighbours.
        """
        space = self.made()
        if isinstance(space, CategoricalSpace):
            return {a for a in product(*map(range, space.sizes)) if space.valid(a)}
        return reached(space, space.sample(self.stream()), most=10 * self.countable)

    # --- helpers ------------------------------------------------------------------------------

    def made(self) -> SearchSpace:
        """The space, the one that a process shares if it is registered."""
        return get_space(self.space) if isinstance(self.space, str) else self.space()

    def fresh(self) -> SearchSpace:
        """A new object of the space, with empty caches."""
        return make(self.space)

    def stream(self) -> random.Random:
        """A generator, always the same."""
        return stream(1, "space suite")

    def drawn(self, space: SearchSpace) -> list[Architecture]:
        """Architectures by all moves: samples, and what one move makes of them."""
        rng = self.stream()
        parents = [space.sample(rng) for _ in range(self.samples)]
        mutants = [space.mutate(parent, rng) for parent in parents]
        children = [space.crossover(a, b, rng) for a, b in pairwise(parents)]
        return [*parents, *mutants, *children]

    # --- what is inside -----------------------------------------------------------------------

    def test_name_is_the_registered_one(self) -> None:
        space = self.made()
        assert isinstance(space, SearchSpace)
        assert isinstance(space.name, str) and space.name and len(space.name.splitlines()) == 1
        if isinstance(self.space, str):
            assert space.name == self.space

    def test_moves_stay_inside(self) -> None:
        space = self.made()
        assert all(architecture in space for architecture in self.drawn(space))

    def test_anything_can_be_asked_for(self) -> None:
        """`in` answers for every object: True or False, and never fails."""
        space = self.made()
        architecture = space.sample(self.stream())
        strangers: list[Any] = [None, object(), [], {}, [architecture], float("nan"), 1 << 70]
        # A string, and tuples that hold what no decision can be.
        for stranger in [*strangers, "\0 no such architecture", ("\0",), (None,), (architecture,)]:
            assert (stranger in space) is False, stranger

    def test_architectures_are_values(self) -> None:
        """Equal, hashable and unchanged by whatever is done to them or by their journey."""
        space = self.made()
        for architecture in self.drawn(space):
            copy = pickle.loads(pickle.dumps(architecture))
            assert copy == architecture and hash(copy) == hash(architecture)
            assert copy in space

    def test_length_is_the_number_of_architectures(self) -> None:
        space = self.made()
        assert len(space) >= 1
        if len(space) <= self.countable:
            everything = self.everything()
            assert len(everything) == len(space)
            assert all(architecture in space for architecture in everything)
            assert set(self.drawn(space)) <= everything

    def test_samples_are_uniform(self) -> None:
        """As `sample` promises; random search and its exact distribution rely on it."""
        space, rng = self.made(), self.stream()
        if not 1 < len(space) <= self.countable:
            drawn = {space.sample(rng) for _ in range(self.samples)}
            assert len(drawn) > min(len(space), self.samples) / 2
            return
        expected = 10
        counts = Counter(space.sample(rng) for _ in range(expected * len(space)))
        excess = sum((count - expected) ** 2 for count in counts.values())
        absent = len(space) - len(counts)
        statistic = excess / expected + absent * expected
        freedom = len(space) - 1
        # Chi squared: mean `freedom`, variance twice that.
        assert statistic < freedom + 6 * sqrt(2 * freedom), "some architectures are preferred"

    def test_decisions(self) -> None:
        """Spaces that say their sizes have tuples of so many small integers."""
        space = self.made()
        if space.sizes is None:
            assert space.ordinal is None
            return
        assert space.ordinal is not None and len(space.ordinal) == len(space.sizes)
        for architecture in self.drawn(space):
            assert isinstance(architecture, tuple) and len(architecture) == len(space.sizes)
            for value, size in zip(architecture, space.sizes, strict=True):
                assert type(value) is int and 0 <= value < size

    # --- moves --------------------------------------------------------------------------------

    def test_a_mutant_is_a_neighbour(self) -> None:
        space, rng = self.made(), self.stream()
        for _ in range(self.samples):
            parent = space.sample(rng)
            text, around = space.to_string(parent), space.neighbours(parent)
            mutant = space.mutate(parent, rng, new_value=True)
            assert mutant != parent and mutant in around
            maybe = space.mutate(parent, rng, new_value=False)
            assert maybe == parent or maybe in around
            assert space.to_string(parent) == text

    def test_neighbours(self) -> None:
        """Distinct, other than the centre, in a fixed order, and each other's."""
        space, other = self.made(), self.fresh()
        rng = self.stream()
        for _ in range(max(1, self.samples // 10)):
            centre = space.sample(rng)
            around = space.neighbours(centre)
            assert around and centre not in around and len(set(around)) == len(around)
            assert all(neighbour in space for neighbour in around)
            assert around == space.neighbours(centre) == other.neighbours(centre)
            if self.symmetric:
                assert all(centre in space.neighbours(neighbour) for neighbour in around)

    def test_crossover(self) -> None:
        """Two equal parents have no other child; decisions come from a parent."""
        space, rng = self.made(), self.stream()
        for _ in range(self.samples):
            a, b = space.sample(rng), space.sample(rng)
            assert space.crossover(a, a, rng) == a
            child: Any = space.crossover(a, b, rng)
            if space.sizes is not None:
                parents: Any = (a, b)
                assert all(value in both for value, *both in zip(child, *parents, strict=True))

    # --- equal networks -----------------------------------------------------------------------

    def test_canonical(self) -> None:
        """A hashable value, the same every time; where it is an architecture, it is its own."""
        space, other = self.made(), self.fresh()
        for architecture in self.drawn(space):
            canonical = space.canonical(architecture)
            assert canonical == other.canonical(architecture)
            assert hash(canonical) == hash(other.canonical(architecture))
            if canonical in space:
                assert space.canonical(canonical) == canonical

    def test_keys(self) -> None:
        """Bytes of one length; equal only for equal networks, which then share a table's row."""
        space = self.made()
        canonical: dict[bytes, Architecture] = {}
        for architecture in self.drawn(space):
            key = space.key(architecture)
            assert isinstance(key, bytes) and key
            assert canonical.setdefault(key, space.canonical(architecture)) == space.canonical(
                architecture
            )
        assert len({len(key) for key in canonical}) == 1

    def test_representatives(self) -> None:
        """In the space, of the same key, and one for all that share it."""
        space, other = self.made(), self.fresh()
        found: dict[bytes, Architecture] = {}
        for architecture in self.drawn(space):
            representative = space.representative(architecture)
            assert representative in space
            assert representative == other.representative(representative)
            key = space.key(architecture)
            assert space.key(representative) == key
            assert found.setdefault(key, representative) == representative

    # --- notation -----------------------------------------------------------------------------

    def test_texts_round_trip(self) -> None:
        space, other = self.made(), self.fresh()
        for architecture in self.drawn(space):
            text = space.to_string(architecture)
            assert isinstance(text, str) and len(text.splitlines()) == 1
            found = other.from_string(text)
            assert found == architecture and hash(found) == hash(architecture)
            assert other.to_string(found) == text

    def test_wrong_texts_are_refused_in_one_line(self) -> None:
        """A damaged text is another architecture's, or raises `UserError`."""
        space, rng = self.made(), self.stream()
        texts = [space.to_string(space.sample(rng)) for _ in range(self.samples)]
        wrong = ["", " ", "\n", "?", "\0", "٣", "-1", "0" * 300, *(t + "\n" for t in texts[:3])]
        for text in [*wrong, *(_damaged(text, rng) for text in texts)]:
            try:
                found = space.from_string(text)
            except UserError as error:
                assert len(str(error).splitlines()) == 1, "an error has more than one line"
                assert space.name in str(error), "an error does not name the space"
            else:
                assert found in space and space.to_string(found) == text

    # --- descriptions -------------------------------------------------------------------------

    def test_features(self) -> None:
        """Finite float vectors of one length, the same every time."""
        space, other = self.made(), self.fresh()
        lengths = set()
        for architecture in self.drawn(space):
            features = space.features(architecture)
            assert features.dtype == np.float64 and features.ndim == 1
            assert np.isfinite(features).all()
            assert (features == other.features(architecture)).all()
            lengths.add(len(features))
        assert len(lengths) == 1

    def test_graphs(self) -> None:
        """Square, without cycles in the given order, from "input" to "output"."""
        space, other = self.made(), self.fresh()
        for architecture in self.drawn(space):
            adjacency, operations = space.graph(architecture)
            assert adjacency.shape == (len(operations), len(operations))
            assert adjacency.dtype == bool and not np.tril(adjacency).any()
            assert all(isinstance(name, str) for name in operations)
            assert (operations[0], operations[-1]) == ("input", "output")
            again = other.graph(architecture)
            assert again.operations == operations and (again.adjacency == adjacency).all()

    # --- repeatable ---------------------------------------------------------------------------

    def test_same_stream_same_moves(self) -> None:
        """Whatever the space was asked before, and after its journey to another process."""
        used, fresh = self.made(), self.fresh()
        copy = pickle.loads(pickle.dumps(used))
        assert walk(used) == walk(fresh) == walk(copy)

    def test_same_moves_in_another_process(self) -> None:
        assert in_another_process(_walk_of, self.space) == walk(self.made())

    def test_global_random_state_is_neither_used_nor_changed(self) -> None:
        walks = []
        for seed in (1, 2):
            random.seed(seed)
            np.random.seed(seed)
            before = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[index]
            walks.append(walk(self.fresh()))
            after = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[index]
            assert before == after
        assert walks[0] == walks[1]


def make(space: str | type[SearchSpace]) -> SearchSpace:
    """A new object of a registered space or of a class."""
    made: SearchSpace = registry.make(space) if isinstance(space, str) else space()
    return made


def reached(space: SearchSpace, first: Architecture, most: int) -> set[Architecture]:
    """What can be reached from an architecture through neighbours, breadth first.

    Fails where that is more than `most`: the space is larger than it says.
    """
    found = {first}
    queue = deque(found)
    while queue:
        for neighbour in space.neighbours(queue.popleft()):
            if neighbour not in found:
                found.add(neighbour)
                queue.append(neighbour)
        if len(found) > most:
            pytest.fail(f"more than {most:,} architectures are reached through neighbours")
    return found


def walk(space: SearchSpace, steps: int = 30) -> list[str]:
    """A deterministic walk by all moves, as text: whatever a space can be asked."""
    rng = stream(3, "walk", space.name)
    here, said = space.sample(rng), []
    for _ in range(steps):
        here = space.mutate(space.crossover(here, space.sample(rng), rng), rng)
        here = choice(rng, space.neighbours(here))
        graph = space.graph(here)
        said += [
            space.to_string(here),
            space.key(here).hex(),
            repr(space.features(here).tolist()),
            repr((graph.adjacency.tolist(), graph.operations)),
        ]
    return said


def _walk_of(space: str | type[SearchSpace]) -> list[str]:
    return walk(make(space))


def _damaged(text: str, rng: random.Random) -> str:
    """A text in which one character is removed, doubled, or replaced or followed by mischief."""
    place = below(rng, len(text))
    character = text[place]
    mischief = choice(rng, (" ", "0", "1", "-", "|", ":", ",", "+", "٣", "é"))
    instead = choice(rng, ("", 2 * character, mischief, character + mischief))
    return text[:place] + instead + text[place + 1 :]
