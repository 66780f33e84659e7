"""What a search strategy is: `ask` for proposals, `tell` it what they were worth."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from harness.errors import UserError
from harness.spaces import Architecture, SearchSpace
from harness.streams import stream


class Proposal(NamedTuple):
    """An architecture to evaluate.

    Attributes:
        architecture: What to evaluate.
        fidelity: Epochs to evaluate it at; None: the protocol's own.
        continues: Fewer epochs, at which an earlier evaluation of the architecture has ended,
            whose training goes on; None: train from the beginning.
    """

    architecture: Architecture
    fidelity: int | None = None
    continues: int | None = None


class Observation(NamedTuple):
    """What became of a proposal.

    Attributes:
        number: The proposal's number: how many `ask` gave before it.
        architecture: As proposed.
        fidelity: As proposed.
        value: What to maximise; -inf if the evaluation failed.
        failed: Whether it failed (a diverged training, an architecture that a table lacks).
    """

    number: int
    architecture: Architecture
    fidelity: int | None
    value: float
    failed: bool


class Searcher(ABC):
    """A search strategy over one space, for one seed.

    A searcher's state is a fold over its seed and the ordered `ask` and `tell` events: the
    harness resumes a search by replaying them, so there is nothing to save. Three rules make
    that work, and `harness.testing.SearcherSuite` checks them:

    * All randomness comes from `self.initial` and `self.rng`.
    * `ask` may return the same architecture again, and returns None for "nothing until I hear
      more"; when it returns None while nothing is being evaluated, the search is over.
    * `tell` may come in another order than the proposals, and for the last ones not at all.

    Args:
        space: Where to search.
        seed: The search's seed.

    Attributes:
        initial: The stream for the initial design. It holds neither the strategy's name nor its
            options, so that strategies compared under one seed start from the same
            architectures (common random numbers).
        rng: The stream for everything else.
        libraries: Distributions on whose version the proposals depend; experiments record it.
        slowness: How many times fewer evaluations to run in one batch, where proposals take
            longer than an evolution's (10 microseconds).
    """

    libraries: ClassVar[tuple[str, ...]] = ()
    slowness: ClassVar[int] = 1

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self.space = space
        self.seed = seed
        self.initial = stream(seed, "init", space.name)

    @cached_property
    def rng(self) -> random.Random:
        """Made when it is first used: seeding takes as long as some evaluations of a table."""
        return stream(self.seed, "search", type(self).__name__)

    @abstractmethod
    def ask(self) -> Proposal | None:
        """The next proposal, or None if there is nothing to do before hearing more."""

    @abstractmethod
    def tell(self, observation: Observation) -> None:
        """Hear what became of a proposal."""

    def statistics(self) -> dict[str, Any]:
        """Deterministic figures about the search for its trace's header; by default none."""
        return {}


class MultiFidelitySearcher(Searcher):
    """A searcher that chooses how long each evaluation trains.

    Args:
        space: Where to search.
        seed: The search's seed.
        fidelities: All epochs that it may ask for, ascending; the last are a full training.

    Attributes:
        rungs: Those of them that it does ask for; a strategy that leaves some out says so.

    Raises:
        UserError: If there are not at least two.
    """

    def __init__(self, space: SearchSpace, seed: int, fidelities: Sequence[int]) -> None:
        super().__init__(space, seed)
        if len(fidelities) < 2:
            raise UserError(
                f"{type(self).__name__} needs a protocol with several fidelities, such as"
                " `curve8` of tss-digits: `nas-harness info TABLE` lists a table's protocols"
            )
        self.rungs = tuple(fidelities)
