"""Search spaces: what can be built, and how one architecture becomes another.

An architecture is an immutable, hashable value. Spaces of fixed length use `tuple[int, ...]`, one
small integer a decision.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from harness.errors import UserError

Architecture = Hashable


class Graph(NamedTuple):
    """A directed acyclic graph with an operation on every node, in topological order.

    Attributes:
        adjacency: Boolean matrix; ``adjacency[i, j]`` says that node i feeds node j.
        operations: One name a node; the first is "input", the last "output".
    """

    adjacency: np.ndarray
    operations: tuple[str, ...]


class SearchSpace(ABC):
    """A set of architectures with the moves that searchers make in it.

    Subclasses of fixed length derive from `CategoricalSpace`, which has all moves.

    Attributes:
        name: The name of the space.
        sizes: Number of options of every decision; None if architectures are no tuples of a fixed
            number of independent decisions.
        ordinal: For every decision whether its options are ordered; None likewise.
        network: "module:function" of what builds the networks (see `harness.networks.build`), for
            trainings; empty where there are none.
    """

    name: str
    sizes: tuple[int, ...] | None = None
    ordinal: tuple[bool, ...] | None = None
    network: str = ""

    @abstractmethod
    def sample(self, rng: random.Random) -> Architecture:
        """A uniformly drawn architecture."""

    @abstractmethod
    def mutate(
        self, architecture: Architecture, rng: random.Random, *, new_value: bool = True
    ) -> Architecture:
        """A copy with one decision redrawn.

        Args:
            architecture: The parent.
            rng: Where the randomness comes from.
            new_value: Whether the redrawn decision excludes its old value. When it does not, the
                child may equal its parent; systems in the field differ in this.
        """

    @abstractmethod
    def crossover(self, a: Architecture, b: Architecture, rng: random.Random) -> Architecture:
        """A child that takes each decision from either parent with probability one half."""

    @abstractmethod
    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """All architectures that differ in exactly one decision, in a fixed order."""

    def canonical(self, architecture: Architecture) -> Architecture:
        """A value that is equal for architectures whose networks are isomorphic."""
        return architecture

    def representative(self, architecture: Architecture) -> Architecture:
        """One architecture of the space for all that share a `key`: whose network is trained."""
        canonical = self.canonical(architecture)
        same = canonical in self and self.key(canonical) == self.key(architecture)
        return canonical if same else architecture

    @abstractmethod
    def features(self, architecture: Architecture) -> np.ndarray:
        """A float vector of fixed length for predictors."""

    @abstractmethod
    def graph(self, architecture: Architecture) -> Graph:
        """The network's cell as a graph with operations on nodes."""

    @abstractmethod
    def to_string(self, architecture: Architecture) -> str:
        """The benchmark's own notation."""

    @abstractmethod
    def from_string(self, text: str) -> Architecture:
        """The inverse of `to_string`.

        Raises:
            UserError: If the text is not an architecture of this space.
        """

    def not_inside(self, text: str) -> UserError:
        """The error for a text that is no architecture of this space."""
        return UserError(f"'{text[:200]}' is not an architecture of the space '{self.name}'")

    @abstractmethod
    def key(self, architecture: Architecture) -> bytes:
        """The bytes under which a packed table stores this architecture, all of one length."""

    @abstractmethod
    def __contains__(self, architecture: object) -> bool: ...

    @abstractmethod
    def __len__(self) -> int:
        """The number of architectures that `sample` can return."""


class CategoricalSpace(SearchSpace):
    """A fixed number of decisions, each among a few named options.

    Architectures are tuples of option indices. With no further restriction every combination is
    in the space; a subclass overrides `valid` (and `__len__`) to exclude some, and all moves then
    stay inside by redrawing.

    Args:
        name: The name of the space.
        options: The names of every decision's options, one sequence a decision.
        ordinal: For every decision, whether its options are ordered (numbers of channels, say).
            Local search in the style of SMAC looks only at near options of ordered decisions.
            Default: none is.

    Raises:
        UserError: If a decision has no options or more than 256, repeats one, or names one with
            a comma.
    """

    _TRIES = 100_000

    def __init__(
        self,
        name: str,
        options: Sequence[Sequence[str]],
        ordinal: Sequence[bool] | None = None,
    ) -> None:
        if not options:
            raise UserError(f"space '{name}' has no decisions: list at least one")
        for i, names in enumerate(options):
            if not 1 <= len(names) <= 256 or len(set(names)) != len(names):
                raise UserError(
                    f"space '{name}', decision {i}: needs 1 to 256 distinct options, got {names}"
                )
            # The notation joins names by commas.
            if any("," in option or "\n" in option for option in names):
                raise UserError(
                    f"space '{name}', decision {i}: option names may hold no comma or line break"
                )
        self.name = name
        self.options = tuple(tuple(names) for names in options)
        self.sizes: tuple[int, ...] = tuple(len(names) for names in self.options)
        self.ordinal: tuple[bool, ...] = (
            tuple(ordinal) if ordinal is not None else (False,) * len(options)
        )
        if len(self.ordinal) != len(self.options):
            raise UserError(
                f"space '{name}': ordinal has {len(self.ordinal)} entries for"
                f" {len(self.options)} decisions"
            )

    def valid(self, architecture: tuple[int, ...]) -> bool:
        """Whether a combination of options belongs to the space."""
        return True

    def sample(self, rng: random.Random) -> tuple[int, ...]:
        random_ = rng.random
        for _ in range(self._TRIES):
            architecture = tuple([int(random_() * size) for size in self.sizes])
            if self.valid(architecture):
                return architecture
        raise UserError(f"space '{self.name}': no valid architecture in {self._TRIES:,} draws")

    def mutate(
        self, architecture: Architecture, rng: random.Random, *, new_value: bool = True
    ) -> tuple[int, ...]:
        parent: tuple[int, ...] = architecture  # type: ignore[assignment]
        draw = rng.random
        for _ in range(self._TRIES):
            place = int(draw() * len(parent))
            size = self.sizes[place]
            if new_value:
                if size == 1:
                    continue
                # One of the other values: skip over the old one.
                value = int(draw() * (size - 1))
                value += value >= parent[place]
            else:
                value = int(draw() * size)
            child = (*parent[:place], value, *parent[place + 1 :])
            if self.valid(child):
                return child
        raise UserError(
            f"space '{self.name}': no valid mutation of {self.to_string(parent)}"
            f" in {self._TRIES:,} draws"
        )

    def crossover(self, a: Architecture, b: Architecture, rng: random.Random) -> tuple[int, ...]:
        random_ = rng.random
        for _ in range(self._TRIES):
            child = tuple(
                [x if random_() < 0.5 else y for x, y in zip(a, b, strict=True)]  # type: ignore[call-overload]
            )
            if self.valid(child):
                return child
        return a  # type: ignore[return-value]

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        parent: tuple[int, ...] = architecture  # type: ignore[assignment]
        children = (
            (*parent[:place], value, *parent[place + 1 :])
            for place, size in enumerate(self.sizes)
            for value in range(size)
            if value != parent[place]
        )
        return [child for child in children if self.valid(child)]

    def features(self, architecture: Architecture) -> np.ndarray:
        """One-hot encoding of all decisions, float64 of shape [sum of sizes]."""
        vector = np.zeros(sum(self.sizes))
        start = 0
        for size, value in zip(self.sizes, architecture, strict=True):  # type: ignore[call-overload]
            vector[start + value] = 1.0
            start += size
        return vector

    def graph(self, architecture: Architecture) -> Graph:
        """A chain of the chosen options; spaces with a real topology override this."""
        names = [self.options[i][v] for i, v in enumerate(architecture)]  # type: ignore[arg-type, var-annotated]
        operations = ("input", *names, "output")
        return Graph(np.eye(len(operations), k=1, dtype=bool), operations)

    def to_string(self, architecture: Architecture) -> str:
        """The options' names joined by commas."""
        return ",".join(self.options[i][v] for i, v in enumerate(architecture))  # type: ignore[arg-type, var-annotated]

    def from_string(self, text: str) -> tuple[int, ...]:
        names = text.split(",")
        if len(names) == len(self.options):
            try:
                architecture = tuple(o.index(n) for o, n in zip(self.options, names, strict=True))
            except ValueError:
                pass
            else:
                if self.valid(architecture):
                    return architecture
        raise self.not_inside(text)

    def key(self, architecture: Architecture) -> bytes:
        return bytes(architecture)  # type: ignore[call-overload, no-any-return]

    def __contains__(self, architecture: object) -> bool:
        if not isinstance(architecture, tuple) or len(architecture) != len(self.sizes):
            return False
        for value, size in zip(architecture, self.sizes, strict=True):
            if not isinstance(value, int) or not 0 <= value < size:
                return False
        return self.valid(architecture)

    def __len__(self) -> int:
        total = 1
        for size in self.sizes:
            total *= size
        return total
