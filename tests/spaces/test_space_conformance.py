"""Every built-in space passes the suite that third parties inherit, and the suite finds faults."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from harness.errors import UserError
from harness.spaces import Architecture, CategoricalSpace, Graph, SearchSpace, registry
from harness.spaces.macro import MacroBlocksSpace
from harness.streams import choice
from harness.testing import SpaceSuite


class TestTopology(SpaceSuite):
    space = "tss"


class TestSizes(SpaceSuite):
    space = "sss"
    countable = 40_000


class TestNasBench101(SpaceSuite):
    space = "nasbench101"


class TestResidual(SpaceSuite):
    space = "residual"


class TestResidualText(SpaceSuite):
    space = "residual-text"
    samples = 50


class TestResidualUnion(SpaceSuite):
    space = "residual-union"
    samples = 50


class TestResNet(SpaceSuite):
    space = "resnet"
    samples = 50


class TestPyramidTree(SpaceSuite):
    space = "pyramid-tree"
    samples = 3
    symmetric = False  # it is, but 486 neighbours with as many neighbours take long


class TestDarts(SpaceSuite):
    space = "darts"
    samples = 50


class TestMacro(SpaceSuite):
    space = "macro"
    samples = 40
    symmetric = False  # nothing takes a layer away again


class TestMacroBlocks(SpaceSuite):
    space = "macro-blocks"
    samples = 40
    symmetric = False

    def test_a_mutant_is_a_neighbour(self) -> None:
        """Except that a mutation draws its new block, and neighbours begin with the same one."""
        space, rng = self.made(), self.stream()
        assert isinstance(space, MacroBlocksSpace)
        for _ in range(self.samples):
            parent = space.sample(rng)
            mutant = space.mutate(parent, rng)
            if len(mutant.layers) > len(parent.layers):
                mutant = mutant.relayer(len(parent.layers), space.genes.starters[0])
            assert mutant != parent and mutant in space.neighbours(parent)


def test_every_built_in_space_has_a_suite() -> None:
    names = {vars(suite).get("space") for suite in SpaceSuite.__subclasses__()}
    assert names >= set(registry.builtin)


# --- the suite itself: it must find what it is for -------------------------------------------


class Sound(CategoricalSpace):
    """A sound space that is not registered."""

    def __init__(self) -> None:
        super().__init__("sound", [["a", "b", "c"], ["x", "y", "z"], ["1", "2"]])


class TestSuiteTakesAClass(SpaceSuite):
    space = Sound


class Leaves(Sound):
    def mutate(
        self, architecture: Architecture, rng: random.Random, *, new_value: bool = True
    ) -> Any:
        return (7, 7, 7)


class FailsOnStrangers(Sound):
    def __contains__(self, architecture: object) -> bool:
        return architecture in {(a, x, n) for a in range(3) for x in range(3) for n in range(2)}


class Mutable(Sound):
    def sample(self, rng: random.Random) -> Any:
        return list(super().sample(rng))

    def __contains__(self, architecture: object) -> bool:
        return isinstance(architecture, list)


class Miscounts(Sound):
    """The easily forgotten half of overriding `valid`."""

    def valid(self, architecture: tuple[int, ...]) -> bool:
        return sum(architecture) < 4


class Prefers(Sound):
    def sample(self, rng: random.Random) -> tuple[int, ...]:
        return max(super().sample(rng), super().sample(rng))


class NumpyIntegers(Sound):
    def sample(self, rng: random.Random) -> Any:
        return tuple(np.array(super().sample(rng)))

    def __contains__(self, architecture: object) -> bool:
        return isinstance(architecture, tuple)


class Idles(Sound):
    def mutate(
        self, architecture: Architecture, rng: random.Random, *, new_value: bool = True
    ) -> Any:
        return super().mutate(architecture, rng, new_value=False)


class Jumps(Sound):
    def mutate(
        self, architecture: Architecture, rng: random.Random, *, new_value: bool = True
    ) -> Any:
        return super().mutate(super().mutate(architecture, rng), rng)


class OneWay(Sound):
    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        around: Any = super().neighbours(architecture)
        return [n for n in around if n > architecture] or around


class SetOrder(Sound):
    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        texts = {self.to_string(n) for n in super().neighbours(architecture)}
        return [self.from_string(text) for text in texts]


class Invents(Sound):
    def crossover(self, a: Architecture, b: Architecture, rng: random.Random) -> Any:
        return a if a == b else self.sample(rng)


class Wanders(Sound):
    """Its canonical form has another canonical form."""

    def canonical(self, architecture: Architecture) -> Any:
        cell: Any = architecture
        return ((cell[0] + 1) % 3, *cell[1:])


class SharesKeys(Sound):
    def key(self, architecture: Architecture) -> bytes:
        return bytes(architecture)[:2]  # type: ignore[call-overload,no-any-return]


class RaggedKeys(Sound):
    def key(self, architecture: Architecture) -> bytes:
        return self.to_string(architecture).replace("c", "ccc").encode()


class Forgets(Sound):
    def to_string(self, architecture: Architecture) -> str:
        return super().to_string(architecture)[:-1] + "1"


class LeaksErrors(Sound):
    def from_string(self, text: str) -> Any:
        return tuple(o.index(n) for o, n in zip(self.options, text.split(","), strict=True))


class Tolerates(Sound):
    def from_string(self, text: str) -> tuple[int, ...]:
        return super().from_string(text.replace(" ", ""))


class Talks(Sound):
    def from_string(self, text: str) -> tuple[int, ...]:
        try:
            return super().from_string(text)
        except UserError:
            raise UserError("I did not understand that") from None


class RaggedFeatures(Sound):
    def features(self, architecture: Architecture) -> np.ndarray:
        return np.ones(1 + architecture[0])  # type: ignore[index]


class NoNumber(Sound):
    def features(self, architecture: Architecture) -> np.ndarray:
        return super().features(architecture) / 0.0


class Loops(Sound):
    def graph(self, architecture: Architecture) -> Graph:
        adjacency, operations = super().graph(architecture)
        return Graph(adjacency | adjacency.T, operations)


class GlobalRandomness(Sound):
    def sample(self, rng: random.Random) -> tuple[int, ...]:
        return super().sample(random.Random(random.random()))


class Remembers(Sound):
    """Moves that depend on what was asked before."""

    asked = 0

    def sample(self, rng: random.Random) -> tuple[int, ...]:
        self.asked += 1
        return choice(rng, [super().sample(rng) for _ in range(1 + self.asked % 2)])


class HashOrder(Sound):
    def sample(self, rng: random.Random) -> tuple[int, ...]:
        texts = {self.to_string(super().sample(rng)) for _ in range(3)}
        return self.from_string(next(iter(texts)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("space", "finder"),
    [
        (Leaves, "test_moves_stay_inside"),
        (FailsOnStrangers, "test_anything_can_be_asked_for"),
        (Mutable, "test_architectures_are_values"),
        (Miscounts, "test_length_is_the_number_of_architectures"),
        (Prefers, "test_samples_are_uniform"),
        (NumpyIntegers, "test_decisions"),
        (Idles, "test_a_mutant_is_a_neighbour"),
        (Jumps, "test_a_mutant_is_a_neighbour"),
        (OneWay, "test_neighbours"),
        (SetOrder, "test_same_moves_in_another_process"),
        (Invents, "test_crossover"),
        (Wanders, "test_canonical"),
        (SharesKeys, "test_keys"),
        (RaggedKeys, "test_keys"),
        (Forgets, "test_texts_round_trip"),
        (LeaksErrors, "test_wrong_texts_are_refused_in_one_line"),
        (Tolerates, "test_wrong_texts_are_refused_in_one_line"),
        (Talks, "test_wrong_texts_are_refused_in_one_line"),
        (RaggedFeatures, "test_features"),
        (NoNumber, "test_features"),
        (Loops, "test_graphs"),
        (GlobalRandomness, "test_global_random_state_is_neither_used_nor_changed"),
        (Remembers, "test_same_stream_same_moves"),
        (HashOrder, "test_same_moves_in_another_process"),
    ],
)
def test_suite_finds(space: type[SearchSpace], finder: str) -> None:
    suite = type("Suite", (SpaceSuite,), {"space": space})()
    with pytest.raises((AssertionError, TypeError, ValueError)):
        getattr(suite, finder)()
