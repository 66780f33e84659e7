"""What the log of an experiment proves: nothing lost, nothing repeated, all on disk in time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.traces import Trace

Evaluation = tuple[int, int]
"""A search's seed and a proposal's number."""


class Audit:
    """Reads the events of one experiment in order.

    Args:
        expected: Seed -> the trace that the search must leave.

    Attributes:
        problems: What was found, one line each.
        measured: Evaluations that trials carried out, the same ones again counted again.
        again: How many of them were carried out again, because a kill met them in flight.
        synced: Journal -> how many of its bytes are on the disk for sure.
        nameless: Files that exist, but whose names need not be on the disk yet.
    """

    def __init__(self, expected: Mapping[int, Trace]) -> None:
        self.problems: list[str] = []
        self.measured = 0
        self.again = 0
        self.synced: dict[str, int] = {}
        self.nameless: set[str] = set()
        self._numbers: dict[tuple[Any, ...], int] = {}
        for seed, trace in expected.items():
            columns = [trace.columns[name].tolist() for name in ("epochs", "visit", "number")]
            for text, epochs, visit, number in zip(trace.architectures, *columns, strict=True):
                self._numbers[seed, text, epochs, visit] = number
        # Evaluations by where they are, as far as is known: in a journal's file, on the disk for
        # sure, and in a journal or a trace after a kill.
        self._written: dict[int, set[int]] = {seed: set() for seed in expected}
        self._durable: set[Evaluation] = set()
        self._standing: set[Evaluation] = set()
        self._kills = 0
        self._kills_before: dict[Evaluation, int] = {}

    def read(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take in events in the order in which they happened."""
        for event in events:
            details = {name: value for name, value in event.items() if name != "what"}
            getattr(self, f"_{event['what']}")(**details)

    # What the processes under test do.

    def _opened(self, path: str) -> None:
        if path not in self.synced:
            self.nameless.add(path)

    def _appended(self, path: str, number: int) -> None:
        self._written[seed_of(path)].add(number)

    def _synced(self, path: str, size: int) -> None:
        if path.endswith(".jsonl"):
            seed = seed_of(path)
            self._durable |= {(seed, number) for number in self._written[seed]}
            self.synced[path] = size
        self.nameless = {name for name in self.nameless if str(Path(name).parent) != path}

    def _renamed(self, path: str) -> None:
        self.nameless.add(path)

    def _removed(self, path: str) -> None:
        unsafe = sorted(name for name in self.nameless if name.endswith(".parquet"))
        if unsafe:
            self.problems.append(f"{path} is removed before {unsafe[0]} is on the disk")

    def _heard(self, seed: int, number: int) -> None:
        journals = [name for name in self.nameless if name.endswith(f"{seed:06d}.jsonl")]
        if (seed, number) not in self._durable or journals:
            self.problems.append(f"the searcher of seed {seed} heard of {number} too early")

    def _measured(self, seed: int, architecture: str, epochs: int, visit: int) -> None:
        number = self._numbers.get((seed, architecture, epochs, visit))
        if number is None:
            self.problems.append(f"seed {seed} measured {architecture}, visit {visit}: why?")
            return
        evaluation = seed, number
        self.measured += 1
        if evaluation in self._standing | self._durable:
            self.problems.append(f"seed {seed}, {number} stood in the journal; measured again")
        elif evaluation in self._kills_before:
            self.again += 1
            if self._kills_before[evaluation] == self._kills:
                self.problems.append(f"seed {seed}, {number} was measured again without a kill")
        self._kills_before[evaluation] = self._kills

    # What the tool does and finds.

    def _killed(self) -> None:
        self.killed()

    def killed(self) -> None:
        """A process was killed: what it had in flight may be measured again."""
        self._kills += 1

    def stands(
        self, journals: Mapping[int, list[int]], finished: set[int], *, power_cut: bool
    ) -> None:
        """Compare with what stands after a driver's end.

        Args:
            journals: Seed -> the numbers in its journal.
            finished: The seeds that have traces.
            power_cut: Whether what had not been synced may be gone.
        """
        found = {(seed, number) for seed, number in self._all() if seed in finished}
        for seed, numbers in journals.items():
            if len(set(numbers)) < len(numbers):
                self.problems.append(f"the journal of seed {seed} holds an evaluation twice")
            self._written[seed] = set(numbers)
            found |= {(seed, number) for number in numbers}
        lost = (self._durable if power_cut else self._durable | self._standing) - found
        if lost:
            self.problems.append(f"lost: {sorted(lost)}")
        self._standing = found

    def _all(self) -> set[Evaluation]:
        return {(key[0], number) for key, number in self._numbers.items()}


def seed_of(path: str) -> int:
    """The seed in the name of a journal."""
    return int(Path(path).stem.removeprefix("seed-"))
