"""Which architectures of a space are trained: one of each set that trains as the same network."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import product

from harness.errors import UserError
from harness.spaces import Architecture, CategoricalSpace, SearchSpace
from harness.spaces.tss import TopologySpace
from harness.streams import shuffled, stream

Cell = tuple[int, ...]

MOST = 1 << 17
"""Combinations of options in the largest space that is looked at as a whole."""

_TRIES = 1_000
"""Draws for each architecture of a sample, at most: a space may have few distinct ones."""


def class_of(space: SearchSpace) -> Callable[[Architecture], Hashable]:
    """A function that is equal for architectures that train as the same network."""
    # The topology space's published classes neither keep all equal cells together nor all
    # different ones apart; see `TopologySpace`.
    return space.functional if isinstance(space, TopologySpace) else space.canonical


def distinct_cells(space: SearchSpace, sample: int | None = None) -> list[Cell]:
    """One representative of every set of architectures that train as the same network.

    The order is shuffled, always in the same way, so that an unfinished tabulation is a fair
    sample of the space, and a larger sample holds the smaller ones.

    Args:
        space: The space.
        sample: How many; None takes all of them. Of a space with more than `MOST` combinations
            they are drawn by the space's own `sample`, repetitions left out.

    Raises:
        UserError: If the space cannot be tabulated, is too large to be tabulated as a whole, or
            has fewer distinct architectures than the sample asks for.
    """
    if not isinstance(space, CategoricalSpace):
        raise UserError(
            f"space '{space.name}' has no fixed number of decisions, so it has no table: search it"
            " live (nas-harness run --benchmark live:...)"
        )
    if sample is not None and sample < 1:
        raise UserError(f"a sample of {sample} architectures: give one or more")
    rng = stream(0, "tabulate", space.name)
    if is_large(space):
        if sample is None:
            raise UserError(
                f"space '{space.name}' has {len(space):,} architectures, more than the {MOST:,}"
                " that are tabulated as a whole: give --sample"
            )
        drawn = (space.sample(rng) for _ in range(_TRIES * sample))
        cells = _representatives(space, drawn, sample)
    else:
        cells = shuffled(rng, _representatives(space, combinations(space)))[:sample]
    if sample is not None and len(cells) < sample:
        raise UserError(
            f"space '{space.name}' has no {sample:,} distinct architectures ({len(cells):,} were"
            " found): lower --sample"
        )
    return cells


def is_large(space: CategoricalSpace) -> bool:
    """Whether a space has too many combinations to look at each."""
    return math.prod(space.sizes) > MOST


def combinations(space: CategoricalSpace) -> Iterator[Cell]:
    """All architectures of a space, in lexicographic order."""
    return filter(space.valid, product(*map(range, space.sizes)))


def _representatives(
    space: CategoricalSpace, cells: Iterable[Cell], most: int | None = None
) -> list[Cell]:
    """The first cell of every class, until there are as many as asked for."""
    named, first = class_of(space), dict[Hashable, Cell]()
    for cell in cells:
        first.setdefault(named(cell), cell)
        if len(first) == most:
            break
    return list(first.values())
