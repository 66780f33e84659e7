"""What a packed table says of itself: its columns and header, and how numbers are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.typed import check_types

DTYPES = ("uint8", "uint16", "uint32", "int32", "int64", "float32", "float64")


@dataclass(frozen=True)
class Column:
    """One measured quantity: an array of shape [rows, seeds, epochs].

    Attributes:
        name: Unique in the table; by convention ``dataset/schedule/split_metric`` as in
            ``cifar10/ep12/valid_accuracy``.
        unit: "%", "s", "M", ...; "" for none.
        split: What the quantity was measured on: "train", "valid", "test", "valid+test", or ""
            for quantities that no image enters (times, parameter counts). The leak auditor reads
            it.
        seeds: Training seeds of the second axis, in order. Which of them a row has shows in the
            values: a missing one is NaN.
        epochs: Number of finished epochs at each entry of the third axis, ascending; (0,) for a
            quantity that does not depend on training.
        schedule: "curve" if the epochs are those of one training, "separate" if each entry is a
            training of its own.
        scale: Positive; stored numbers times `scale` are the values. Unsigned integers mark a
            missing value by their largest number.
        dtype: How numbers are stored.
        aggregate: "run" if each entry is one training, "mean" if it is a mean over an unstated
            set of trainings.
    """

    name: str
    unit: str = "%"
    split: str = "valid"
    seeds: tuple[int, ...] = (0,)
    epochs: tuple[int, ...] = (0,)
    schedule: str = "curve"
    scale: float = 1.0
    dtype: str = "float32"
    aggregate: str = "run"

    def __post_init__(self) -> None:
        check_types(self, f"column '{self.name}'")
        if self.split not in ("train", "valid", "test", "valid+test", ""):
            raise UserError(f"column '{self.name}': unknown split '{self.split}'")
        if self.schedule not in ("curve", "separate"):
            raise UserError(f"column '{self.name}': unknown schedule '{self.schedule}'")
        if self.aggregate not in ("run", "mean"):
            raise UserError(f"column '{self.name}': unknown aggregate '{self.aggregate}'")
        if self.dtype not in DTYPES:
            raise UserError(f"column '{self.name}': unknown dtype '{self.dtype}'")
        if not self.seeds or not self.epochs or list(self.epochs) != sorted(set(self.epochs)):
            raise UserError(f"column '{self.name}': needs seeds and ascending epochs")
        if len(set(self.seeds)) != len(self.seeds):
            raise UserError(f"column '{self.name}': a seed occurs twice")
        if not self.scale > 0:
            raise UserError(f"column '{self.name}': scale={self.scale}; must be positive")

    @property
    def missing(self) -> int | None:
        """The stored number that says "no value", for unsigned integers."""
        return int(np.iinfo(self.dtype).max) if self.dtype.startswith("u") else None


@dataclass(frozen=True)
class TableHeader:
    """Everything about a table but its numbers.

    Attributes:
        name: A short name ("tss-digits").
        space: Name of the search space, or for a space of the user's own its description
            ``{"name": ..., "options": [[...], ...], "ordinal": [...]}``.
        columns: All columns.
        protocols: Dataset -> protocol name -> the protocol's fields (`harness.protocol`).
        defaults: Dataset -> name of its default protocol.
        default_dataset: The data set that a bare table name means.
        provenance: Source, licence, command, versions; free text values.
        training_source: Data set, recipe and network by which the table was measured, when this
            project can repeat it; {} otherwise.
    """

    name: str
    space: str | dict[str, Any]
    columns: tuple[Column, ...]
    protocols: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    default_dataset: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    training_source: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_types(self, f"table '{self.name}'")
        names = [column.name for column in self.columns]
        if not names or len(set(names)) != len(names) or any(n.startswith("#") for n in names):
            raise UserError(f"table '{self.name}': needs columns with distinct names without '#'")
        if self.protocols and self.default_dataset not in self.protocols:
            raise UserError(f"table '{self.name}': no data set '{self.default_dataset}'")
        for dataset, protocols in self.protocols.items():
            if self.defaults.get(dataset) not in protocols:
                raise UserError(f"table '{self.name}': '{dataset}' has no default protocol")


def encode(values: np.ndarray, column: Column) -> np.ndarray:
    """Float values (NaN where missing) as a column stores them.

    Raises:
        UserError: If a value does not fit the column's type.
    """
    values = np.asarray(values, dtype=np.float64)
    absent = np.isnan(values)
    if column.dtype.startswith("i") and absent.any():
        raise UserError(f"column '{column.name}': {column.dtype} cannot hold missing values")
    with np.errstate(over="ignore"):
        numbers = values / column.scale
        if column.dtype.startswith("f"):
            stored = np.ascontiguousarray(numbers, dtype=column.dtype)
            # A missing value is NaN; what has become infinite did not fit.
            _fits(bool((np.isfinite(stored) | absent).all()), column)
            return stored
    numbers = np.rint(numbers)
    info = np.iinfo(column.dtype)
    over = column.missing if column.missing is not None else info.max + 1
    present = numbers[~absent]
    _fits(not present.size or bool(present.max() < over and present.min() >= info.min), column)
    numbers[absent] = over
    return np.ascontiguousarray(numbers.astype(column.dtype))


def _fits(fits: bool, column: Column) -> None:
    if not fits:
        raise UserError(f"column '{column.name}': a value does not fit {column.dtype}")
