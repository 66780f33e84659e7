"""Descriptions: what the columns of a CSV or Parquet file mean.

They are short YAML files (`harness.benchmarks.importers.description_file` reads them) of the form
`Description`, whose parts stand above it.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from harness.benchmarks.importers.values import (
    Checksum,
    Delimiter,
    Factor,
    Name,
    Numbers,
    Option,
    Real,
    Whole,
    from_range,
    split,
)
from harness.errors import unknown
from harness.protocol import Protocol


class _Part(BaseModel):
    """A part of a description: unknown fields are mistakes, values are what they say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name in values:
                if name not in cls.model_fields:
                    raise ValueError(str(unknown("field", str(name), cls.model_fields)))
        return values


class InlineSpace(_Part):
    """A space of the user's own: a fixed number of decisions, each among named options."""

    name: Name
    options: list[list[Option]]
    ordinal: list[bool] | None = None


class GraphColumns(_Part):
    """A cell with operations on its nodes, in three columns of text.

    Attributes:
        vertices: Column with the number of nodes, input and output included.
        adjacency: Column with the upper triangle of the adjacency matrix, row by row, as 0 and 1.
        operations: Column with one letter for every inner node, in order.
        letters: Letter -> the space's name of the operation.
        hash: Column with the architecture's hash in hexadecimal, which must equal the computed
            one; None if the file has none.
    """

    vertices: Name
    adjacency: Name
    operations: Name
    letters: dict[str, str]
    hash: Name | None = None


class ArchitectureColumns(_Part):
    """How a row names its architecture: exactly one of the four ways.

    Attributes:
        notation: Column with the space's own notation.
        digits: Column with one digit a decision (the index of the option), as text.
        order: For `digits`: the position in the text of each of the space's decisions; None if
            it is the space's own order.
        decisions: One column for each decision, with the option's name.
        graph: The columns of a cell with operations on nodes.
    """

    notation: Name | None = None
    digits: Name | None = None
    order: tuple[Whole, ...] | None = None
    decisions: tuple[Name, ...] | None = None
    graph: GraphColumns | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ArchitectureColumns:
        _exactly_one(self, "notation", "digits", "decisions", "graph")
        if self.order is not None and self.digits is None:
            raise ValueError("'order' belongs to 'digits'")
        return self


class Array(_Part):
    """Learning curves in an .npz file beside the table.

    Attributes:
        sidecar: Which of the description's sidecars.
        name: Array in it, of shape [rows of the file, entries].
        epochs: Finished epochs at its first entries, "1-100" or a list; further entries are not
            read.
        missing: The number that says "no value"; None if there is none (NaN always does).
    """

    sidecar: Name
    name: Name
    epochs: Numbers
    missing: Real | None = None


class Cell(NamedTuple):
    """Where the values of one training seed at one epoch stand in the file."""

    seed: int
    epoch: int
    column: str


class ColumnSource(_Part):
    """A column of the packed table and where its values come from: exactly one of four ways.

    Attributes:
        column: One column of the file: one value a row.
        epochs: Finished epochs -> column of the file.
        runs: Training seed -> column of the file, or epochs -> columns.
        array: An array of a sidecar.
        split: "train", "valid", "test", "valid+test", or "none" for what no image enters (times,
            parameter counts). The leak auditor trusts it, hence no default.
        epoch: Finished epochs of `column` and `runs`; 0 for what does not depend on training.
        seed: Training seed of `column`, `epochs` and `array`.
        unit: "%", "s", "M", ...
        factor: The file's numbers times this are in the unit: 100, or "1/108".
        schedule: "separate" if every entry of `epochs` is a training of its own.
        aggregate: "mean" if each number is a mean over an unstated set of trainings.
        allow_missing: Whether a row may lack the value, which then is a failed training.
        dtype: How numbers are stored (`harness.benchmarks.packed.Column`).
        scale: Stored numbers times this are the values, for integer types.
    """

    column: Name | None = None
    epochs: dict[Whole, Name] | None = None
    runs: dict[Whole, Name | dict[Whole, Name]] | None = None
    array: Array | None = None
    split: Annotated[str, BeforeValidator(split)]
    epoch: Whole = Field(default=0, ge=0)
    seed: Whole = 0
    unit: str = ""
    factor: Factor = 1.0
    schedule: str = "curve"
    aggregate: str = "run"
    allow_missing: bool = False
    dtype: str = "float64"
    scale: Factor = 1.0

    @model_validator(mode="after")
    def _one_source(self) -> ColumnSource:
        _exactly_one(self, "column", "epochs", "runs", "array")
        cells = self.cells()
        grid = {(seed, epoch) for seed in self.seeds() for epoch in self.levels()}
        if self.array is None and {(c.seed, c.epoch) for c in cells} != grid:
            raise ValueError("every seed of 'runs' needs the same epochs")
        return self

    def cells(self) -> list[Cell]:
        """The file's columns that this one is made of; [] for an array."""
        if self.runs is not None:
            return [
                Cell(seed, epoch, name)
                for seed, source in self.runs.items()
                for epoch, name in (
                    source.items() if isinstance(source, dict) else [(self.epoch, source)]
                )
            ]
        if self.epochs is not None:
            return [Cell(self.seed, epoch, name) for epoch, name in self.epochs.items()]
        return [Cell(self.seed, self.epoch, self.column)] if self.column is not None else []

    def seeds(self) -> tuple[int, ...]:
        """The column's training seeds."""
        return tuple(self.runs) if self.runs is not None else (self.seed,)

    def levels(self) -> tuple[int, ...]:
        """The column's epochs, ascending."""
        if self.array is not None:
            return self.array.epochs
        return tuple(sorted({cell.epoch for cell in self.cells()}))


class FileFacts(_Part):
    """What is known of the file itself; each is checked where it is given.

    Attributes:
        sha256: Of the file's bytes.
        rows: Number of rows without the header.
        delimiter: Of a CSV file.
    """

    sha256: Checksum | None = None
    rows: Whole | None = None
    delimiter: Delimiter = ","


class Sidecar(_Part):
    """An .npz file beside the table, with one entry a row in its arrays.

    Attributes:
        file: Path relative to the table's file.
        sha256: Of its bytes; None: not checked.
        match: Column of the table -> array of the sidecar that must hold the same numbers, which
            shows that the rows belong together.
    """

    file: Name
    sha256: Checksum | None = None
    match: dict[Name, Name] = {}


class Only(_Part):
    """Which rows to take.

    Attributes:
        column: A column of the file.
        equals: The number that it must hold.
        reason: Why the other rows are left out; a clause that stands in the import's warnings.
    """

    column: Name
    equals: Real
    reason: Name


class Dataset(_Part):
    """The questions that a data set of the table can be asked.

    Attributes:
        default: Name of the default protocol.
        protocols: Name -> fields of `harness.protocol.Protocol`; `fidelities` also as "1-100".
    """

    default: Name
    protocols: dict[Name, Protocol]

    @model_validator(mode="before")
    @classmethod
    def _named(cls, values: Any) -> Any:
        protocols = values.get("protocols") if isinstance(values, dict) else None
        if not isinstance(protocols, dict):
            return values
        named = {}
        for name, fields in protocols.items():
            if isinstance(fields, dict):
                fields = {**fields, "name": name}
                if "fidelities" in fields:
                    fields["fidelities"] = from_range(fields["fidelities"])
            named[name] = fields
        return {**values, "protocols": named}

    @model_validator(mode="after")
    def _has_default(self) -> Dataset:
        if self.default not in self.protocols:
            raise ValueError(str(unknown("protocol", self.default, self.protocols)))
        return self


class Description(_Part):
    """What a file's columns mean.

    Attributes:
        name: Short name of the table.
        space: Name of a registered search space, or a space of the user's own.
        architecture: How a row names its architecture.
        columns: Name in the table, by convention ``dataset/schedule/split_metric`` -> its source.
        datasets: Name -> protocols.
        default_dataset: The data set that a bare table name means; may be left out if there is
            but one.
        file: What is known of the file.
        sidecars: Name -> .npz file beside it.
        only: Which rows to take; None: all.
        space_size: Number of distinct architectures of the space, where that is not its length
            because several encodings share a key.
        source: Where the numbers come from.
        licence: Under which licence.
        notes: What a reader of results must know; shown after the import.
    """

    name: Name
    space: Name | InlineSpace
    architecture: ArchitectureColumns
    columns: dict[Name, ColumnSource] = Field(min_length=1)
    datasets: dict[Name, Dataset] = Field(min_length=1)
    default_dataset: str = ""
    file: FileFacts = FileFacts()
    sidecars: dict[Name, Sidecar] = {}
    only: Only | None = None
    space_size: Whole | None = None
    source: str = ""
    licence: str = ""
    notes: list[str] = []

    @model_validator(mode="after")
    def _fits(self) -> Description:
        if not self.default_dataset and len(self.datasets) > 1:
            raise ValueError("'default_dataset' is needed where there are several")
        if self.default_dataset and self.default_dataset not in self.datasets:
            raise ValueError(str(unknown("data set", self.default_dataset, self.datasets)))
        for name, column in self.columns.items():
            if column.array is not None and column.array.sidecar not in self.sidecars:
                wrong = unknown("sidecar", column.array.sidecar, self.sidecars)
                raise ValueError(f"column '{name}': {wrong}")
        return self


def _exactly_one(part: _Part, *names: str) -> None:
    given = [name for name in names if getattr(part, name) is not None]
    if len(given) != 1:
        raise ValueError(
            f"give exactly one of {', '.join(names)} (now {', '.join(given) or 'none'})"
        )
