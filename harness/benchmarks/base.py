"""What a benchmark is: it answers (architecture, fidelity) with a value and a cost."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from harness.protocol import Measure, Protocol
from harness.spaces import Architecture, SearchSpace
from harness.streams import key, uniform

MICROSECONDS = 1_000_000

OK, FAILED, MISSING, REPEAT = range(4)
STATUS = ("ok", "failed", "missing", "repeat")
"""Names of the status codes: measured; the training failed; the table lacks the architecture;
a cached second visit that was not charged."""


class Answer(NamedTuple):
    """What a benchmark says about one proposal.

    Attributes:
        row: What shares one measurement: the row of a table; -1 if there is none.
        visit: How many times the search has drawn from this row before (0 when cached).
        value: The search metric as measured; NaN unless the status is OK or REPEAT.
        cost: Virtual microseconds.
        epochs: Epochs that the measured network has been trained for; 0 if nothing was measured.
        status: OK, FAILED, MISSING or REPEAT.
    """

    row: int
    visit: int
    value: float
    cost: int
    epochs: int
    status: int


class Benchmark(ABC):
    """Something that searches can be run on, under one protocol.

    Attributes:
        name: Its name in reports.
        dataset: The data set of a table; "" where there is none.
        checksum: Identifies its content: 16 or more hexadecimal digits.
        space: Where it can be asked.
        protocol: The question.
        leaks: How the protocol uses test images, in sentences; [] if it does not.
        optimum: The best reported result there is, if that is known.
    """

    name: str
    dataset: str
    checksum: str
    space: SearchSpace
    protocol: Protocol
    leaks: list[str]

    @property
    def optimum(self) -> float | None:
        """The best reported result there is; None where that is not known."""
        return None

    @cached_property
    def fidelities(self) -> tuple[int, ...]:
        """All epochs that a searcher may ask for, ascending; the protocol's own is the last."""
        own = self.protocol.search.epoch
        return tuple(sorted({*(e for e in self.protocol.fidelities if e < own), own}))

    @property
    def images_per_epoch(self) -> int | None:
        """Training images that an epoch of an evaluation passes; None where nobody says so."""
        return None

    def search_space(self) -> SearchSpace:
        """What one search's searcher moves in."""
        return self.space

    @abstractmethod
    def evaluator(self, seed: int) -> Callable[..., Answer]:
        """What answers one search: a function of (architecture, fidelity, continues).

        The latter two may be None: the protocol's own epochs, and a training from its beginning.
        """

    @abstractmethod
    def read(
        self, architecture: Architecture, fidelity: int | None, seed: int, visit: int
    ) -> float:
        """The search metric that a visit draws, NaN if there is none: what a trial measures."""

    def reason(self, architecture: Architecture, seed: int, visit: int) -> str:
        """Why a visit failed; "" where nobody says so."""
        return ""

    @abstractmethod
    def results(
        self,
        architectures: Sequence[Architecture],
        rows: np.ndarray,
        visits: np.ndarray,
        values: np.ndarray,
        seed: int,
        epochs: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """What a finished search's evaluations were worth beyond what the searcher was told.

        Args:
            architectures: The n evaluated architectures.
            rows: int [n], as answered; -1 where there was nothing to measure.
            visits: int [n], as answered.
            values: float64 [n], the search metric as recorded.
            seed: The search's seed.
            epochs: int [n], as answered; None: the protocol's own.

        Returns:
            float64 [n] each, NaN where there is none: "selection" (drawn as the search drew),
            "true" (the selection's measure without the luck of training seeds), "report".
        """

    @abstractmethod
    def split_of(self, measure: Measure) -> str:
        """What a measure was measured on: "train", "valid", "test" or a mixture."""

    @abstractmethod
    def unit_of(self, measure: Measure) -> str:
        """The unit of a measure, such as "%"."""


class Accounting:
    """Counts a search's visits, and says what each is charged under the benchmark's protocol.

    Args:
        protocol: Says whether repeats are cached and charged, and how noisy times are.
        seed: The search's seed.
    """

    def __init__(self, protocol: Protocol, seed: int) -> None:
        self._fresh = protocol.repeat == "fresh"
        self._free_repeats = not self._fresh and not protocol.charge_repeats
        self._time_noise = protocol.time_noise
        self._noise_key = key(seed, "time")
        self._seen: dict[tuple[int, int], int] = {}
        self.plain = not (self._fresh or self._free_repeats or self._time_noise)
        """Whether every visit is like the first, so that nothing needs to be counted."""

    def visit(self, row: int, epochs: int, cost: int) -> tuple[int, int, bool]:
        """One more visit to a row at a number of epochs.

        Args:
            row: What is measured once, unless repeats are fresh draws.
            epochs: The fidelity: another one is another measurement.
            cost: Microseconds without noise.

        Returns:
            Number of the draw, microseconds, and whether it is an uncharged repeat.
        """
        seen = self._seen.get((row, epochs), 0)
        self._seen[row, epochs] = seen + 1
        if seen and self._free_repeats:
            return 0, 0, True
        if self._time_noise:
            fraction = uniform(key(self._noise_key, epochs), row, seen)
            normal = NormalDist().inv_cdf(max(fraction, 1e-16))
            cost = max(1, round(cost * math.exp(self._time_noise * normal)))
        return (seen if self._fresh else 0), cost, False
