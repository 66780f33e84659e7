"""What the study of search logic measured, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Overhead:
    """The search logic of one strategy beside the evaluations that it asked for.

    Attributes:
        searcher: Its label.
        searches: How many searches were timed.
        evaluations: Mean number of evaluations of a search.
        logic: Median over searches and repeats of the processor seconds that a search spends in
            making the strategy and in `ask` and `tell`.
        least: The least of them.
        most: The largest.
        proposal: Median processor seconds divided by evaluations: the logic of one evaluation.
        training: Mean virtual seconds of the evaluations of a search, added up.
        share: `logic` divided by `logic` plus `training`: what the logic adds to one worker.
    """

    searcher: str
    searches: int
    evaluations: float
    logic: float
    least: float
    most: float
    proposal: float
    training: float
    share: float


@dataclass(frozen=True)
class OverheadStudy:
    """Search logic against evaluation, strategy by strategy.

    All seconds but the virtual ones were measured on one machine, and differ from run to run.

    Attributes:
        benchmark: The benchmark's name.
        checksum: Its checksum.
        protocol: The protocol's name.
        protocol_hash: Its hash.
        budget: Its limits; None for none.
        seeds: Searches of each strategy.
        repeats: How often each search's logic was run.
        machine: What it was measured on: name of a property -> value.
        measured: One a strategy, from the least to the most logic.
        unsuited: Label of a strategy that could not be run -> why.
        options: Label -> strategy and configuration.
    """

    benchmark: str
    checksum: str
    protocol: str
    protocol_hash: str
    budget: dict[str, int | float | None]
    seeds: int
    repeats: int
    machine: dict[str, str]
    measured: tuple[Overhead, ...]
    unsuited: dict[str, str]
    options: dict[str, dict[str, Any]]
