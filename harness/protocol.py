"""Protocols: a frozen, hashed statement of the question that a search answers.

Six harnesses serve the same table under the same name and optimise four different things. Here
the choice of metric, split, schedule, seeds, cost and repeats is one value with a hash, which
every trace carries and every report prints. The leak auditor refuses a protocol whose search or
selection touches test images.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import UserError, unknown
from harness.typed import check_types

if TYPE_CHECKING:
    # The benchmarks import this module.
    from harness.benchmarks.packed import Column


class LeakError(UserError):
    """A protocol that would search or select on test images."""


@dataclass(frozen=True)
class Measure:
    """One number per architecture: a column, an epoch, and what to do with several seeds.

    Attributes:
        column: Name of the table's column.
        epoch: Entry of the column's epochs (0 for a column without epochs).
        seeds: "random" draws one of the seeds that the row has, "mean" averages them; an integer
            names one training seed.
    """

    column: str
    epoch: int = 0
    seeds: Literal["random", "mean"] | int = "mean"

    def __post_init__(self) -> None:
        check_types(self, f"measure of '{self.column}'")


@dataclass(frozen=True)
class CostTerm:
    """A part of an evaluation's cost in seconds: factor x column (x epochs).

    Attributes:
        column: A column of seconds; the mean over its seeds counts.
        per: "epoch" multiplies by the number of epochs trained, "evaluation" does not, and
            "fidelity" reads the column at that number of epochs.
        factor: Constant factor, such as a ratio of image counts.
        epoch: Entry of the column's epochs.
    """

    column: str
    per: Literal["epoch", "evaluation", "fidelity"] = "epoch"
    factor: float = 1.0
    epoch: int = 0

    def __post_init__(self) -> None:
        check_types(self, f"cost of '{self.column}'")
        object.__setattr__(self, "factor", float(self.factor))  # 2 and 2.0 have one hash


@dataclass(frozen=True)
class Protocol:
    """What guides a search, what selects its winner, what is reported, and what it costs.

    Attributes:
        name: Its name within the table.
        search: The signal that the searcher is told.
        report: The result of the selected architecture. Searchers never see it.
        select: What the winner is selected by; None: by `search`, with the same draws.
        maximize: Whether larger values of `search` and `select` are better.
        maximize_report: The same of `report`; None: as `maximize`.
        fidelities: Epochs of the search column that a searcher may ask for; () for only the
            one of `search`.
        promotion: What more epochs for an architecture cost: a training from its beginning
            ("restart"), or, where the searcher asks for that, only the further epochs of the one
            that was paused ("continue"; for tables of learning curves).
        pause_seconds: What pausing and resuming a training costs each time it is continued.
        cost: Terms that add up to an evaluation's virtual seconds; () costs one second.
        repeat: A second visit to an architecture is "cached" (the same value again) or "fresh"
            (a new draw; with one seed or a mean that is the same value too).
        charge_repeats: Whether a cached second visit is charged like the first.
        missing: An architecture that the table lacks is refused ("refuse"), never proposed
            ("resample": the space's moves are redrawn until covered, and counted) or a failed
            row ("fail").
        time_noise: Standard deviation of the logarithm of a multiplicative noise on costs.
        allow_leak: An explicit opt-in to a search on test images, stamped on every figure.
        note: A sentence for readers.
    """

    name: str
    search: Measure
    report: Measure
    select: Measure | None = None
    maximize: bool = True
    maximize_report: bool | None = None
    fidelities: tuple[int, ...] = ()
    promotion: Literal["restart", "continue"] = "restart"
    pause_seconds: float = 0.0
    cost: tuple[CostTerm, ...] = ()
    repeat: Literal["cached", "fresh"] = "cached"
    charge_repeats: bool = True
    missing: Literal["refuse", "resample", "fail"] = "refuse"
    time_noise: float = 0.0
    allow_leak: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        check_types(self, f"protocol '{self.name}'")
        if not 0.0 <= self.time_noise <= 5.0:
            raise UserError(f"protocol '{self.name}': time_noise={self.time_noise}; 0 to 5")
        if not 0.0 <= self.pause_seconds <= 1e9:
            raise UserError(
                f"protocol '{self.name}': pause_seconds={self.pause_seconds}; 0 to 1e9"
            )
        for name in ("time_noise", "pause_seconds"):
            object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def larger_report_is_better(self) -> bool:
        """The direction of the reported result."""
        return self.maximize if self.maximize_report is None else self.maximize_report

    @property
    def selection(self) -> Measure:
        """What the winner is selected by."""
        return self.select or self.search

    @cached_property
    def hash(self) -> str:
        """Sixteen hexadecimal digits that identify everything but the name and the note."""
        # Fields at their defaults do not count, so that a field that a later version adds leaves
        # the hashes of today's protocols as they are.
        optional = {f.name: f.default for f in fields(self) if f.default is not MISSING}
        values = self.to_dict()
        return digest(
            {
                name: value
                for name, value in values.items()
                if name not in ("name", "note")
                and not (name in optional and getattr(self, name) == optional[name])
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Protocol:
        """The inverse of `to_dict`; fields left out have their defaults.

        Raises:
            UserError: If a field is unknown, missing or of a wrong kind.
        """
        known = {f.name for f in fields(cls)}
        for name in values:
            if name not in known:
                raise unknown("protocol field", name, known)
        try:
            plain = dict(values)
            for name in ("search", "report", "select"):
                if plain.get(name) is not None:
                    plain[name] = Measure(**plain[name])
            plain["cost"] = tuple(CostTerm(**term) for term in plain.get("cost", ()))
            plain["fidelities"] = tuple(plain.get("fidelities", ()))
            return cls(**plain)
        except TypeError as error:
            raise UserError(f"protocol '{values.get('name', '?')}': {error}") from None

    def with_options(self, **options: Any) -> Protocol:
        """A copy with some fields replaced (`missing`, `repeat`, `time_noise`, ...).

        Raises:
            UserError: If a field is unknown.
        """
        return Protocol.from_dict({**replace(self).to_dict(), **options})


def digest(document: Any) -> str:
    """Sixteen hexadecimal digits of a JSON document's canonical form."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def leaks(protocol: Protocol, columns: Mapping[str, Column]) -> list[str]:
    """Sentences naming each use of test images in the search or the selection; [] if clean."""
    found = []
    for role, measure in (("search", protocol.search), ("selection", protocol.selection)):
        split = columns[measure.column].split
        if "test" in split:
            images = "test images" if split == "test" else "validation and test images mixed"
            found.append(f"its {role} uses {images} (column '{measure.column}')")
    return found


def audit(protocol: Protocol, columns: Mapping[str, Column]) -> list[str]:
    """Check a protocol against a table's columns.

    Returns:
        The leaks that an explicit `allow_leak` permits, to be stamped on every figure.

    Raises:
        LeakError: If the search or the selection uses test images without that opt-in.
        UserError: If a column or an epoch does not exist.
    """
    measures = [protocol.search, protocol.selection, protocol.report]
    levels = [(m.column, m.epoch) for m in measures]
    levels += [(protocol.search.column, epoch) for epoch in protocol.fidelities]
    every = {protocol.search.epoch, *protocol.fidelities}
    for term in protocol.cost:
        epochs = every if term.per == "fidelity" else {term.epoch}
        levels += [(term.column, epoch) for epoch in sorted(epochs)]
    for name, epoch in levels:
        if name not in columns:
            raise unknown(f"column in protocol '{protocol.name}'", name, columns)
        if epoch not in columns[name].epochs:
            raise UserError(
                f"protocol '{protocol.name}': column '{name}' has no epoch {epoch}; it has"
                f" {_brief(columns[name].epochs)}"
            )
    for measure in measures:
        seeds = columns[measure.column].seeds
        if isinstance(measure.seeds, int) and measure.seeds not in seeds:
            raise UserError(
                f"protocol '{protocol.name}': column '{measure.column}' has no seed"
                f" {measure.seeds}; it has {_brief(seeds)}"
            )
    if protocol.promotion == "continue" and columns[protocol.search.column].schedule != "curve":
        raise UserError(
            f"protocol '{protocol.name}': promotion=continue, but each number of epochs of column"
            f" '{protocol.search.column}' is a training of its own; choose promotion=restart"
        )
    found = leaks(protocol, columns)
    if found and not protocol.allow_leak:
        raise LeakError(
            f"protocol '{protocol.name}' is refused: {'; '.join(found)}. Choose a protocol that"
            " selects on validation images, or opt in with allow_leak=true (stamped on every"
            " figure)"
        )
    return found


def _brief(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:8]))
    return shown + (f", ... {numbers[-1]}" if len(numbers) > 8 else "")
