"""From a file's columns to architectures of a space, one a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from harness.benchmarks.importers.description import ArchitectureColumns, GraphColumns
from harness.benchmarks.importers.source_file import SourceFile
from harness.errors import UserError
from harness.spaces import Architecture, CategoricalSpace, SearchSpace
from harness.spaces.nasbench101 import NasBench101Space


def columns_of(spec: ArchitectureColumns) -> list[str]:
    """The file's columns that name architectures."""
    if spec.graph is not None:
        graph = spec.graph
        names = [graph.vertices, graph.adjacency, graph.operations, graph.hash]
    else:
        names = [spec.notation, spec.digits, *(spec.decisions or ())]
    return [name for name in names if name is not None]


def read_keys(
    file: SourceFile, spec: ArchitectureColumns, space: SearchSpace, rows: Sequence[int]
) -> np.ndarray:
    """The keys of the given rows' architectures, uint8 [rows, key length].

    Raises:
        UserError: If a row names no architecture of the space, or two rows the same one.
    """
    if spec.graph is not None:
        named = _graphs(file, spec.graph, space, rows)
    elif spec.decisions is not None:
        named = _decisions(file, spec.decisions, _fixed_length(space), rows)
    elif spec.digits is not None:
        named = _digits(file, spec.digits, spec.order, _fixed_length(space), rows)
    else:
        assert spec.notation is not None  # the description was checked
        named = _notation(file, spec.notation, space, rows)
    place = columns_of(spec)[0]
    first: dict[bytes, int] = {}
    for row, architecture in zip(rows, named, strict=True):
        if architecture not in space:
            raise UserError(
                f"{file.at(row, place)}: not an architecture of the space '{space.name}'"
            )
        key = space.key(architecture)
        if first.setdefault(key, row) != row:
            raise UserError(
                f"{file.at(row, place)}: the architecture of row {first[key] + 1} occurs again"
            )
    return np.frombuffer(b"".join(first), np.uint8).reshape(len(first), -1)


def _notation(
    file: SourceFile, column: str, space: SearchSpace, rows: Sequence[int]
) -> Iterator[Architecture]:
    cells = file.text(column)
    for row in rows:
        try:
            yield space.from_string(cells[row])
        except UserError as error:
            raise UserError(f"{file.at(row, column)}: {error}") from None


def _digits(
    file: SourceFile,
    column: str,
    order: tuple[int, ...] | None,
    space: CategoricalSpace,
    rows: Sequence[int],
) -> Iterator[Architecture]:
    n = len(space.sizes)
    places = order if order is not None else tuple(range(n))
    if sorted(places) != list(range(n)):
        raise UserError(
            f"architecture.order: needs each position from 0 to {n - 1} once, one for every"
            f" decision of the space '{space.name}'"
        )
    if max(space.sizes) > 10:
        raise UserError(f"space '{space.name}' has decisions of more than ten options: no digits")
    cells = file.digits(column)
    for row in rows:
        cell = cells[row]
        values = tuple(map(int, cell)) if cell.isascii() and cell.isdigit() else ()
        if len(values) != n or any(
            values[place] >= size for place, size in zip(places, space.sizes, strict=True)
        ):
            raise UserError(
                f"{file.at(row, column)}: {cell[:40]!r} is not an architecture of the space"
                f" '{space.name}' ({n} digits, each below its decision's number of options)"
            )
        yield tuple([values[place] for place in places])


def _decisions(
    file: SourceFile, columns: tuple[str, ...], space: CategoricalSpace, rows: Sequence[int]
) -> Iterator[Architecture]:
    if len(columns) != len(space.options):
        raise UserError(
            f"architecture.decisions: {len(columns)} columns for the {len(space.options)}"
            f" decisions of the space '{space.name}'"
        )
    values: list[list[int]] = []
    for column, options in zip(columns, space.options, strict=True):
        index = {name: value for value, name in enumerate(options)}
        cells = file.text(column)
        for row in rows:
            if cells[row] not in index:
                raise UserError(
                    f"{file.at(row, column)}: {cells[row][:40]!r} is no option of the space"
                    f" '{space.name}'; known: {', '.join(options)}"
                )
        values.append([index[cells[row]] for row in rows])
    return zip(*values, strict=True)


def _graphs(
    file: SourceFile, columns: GraphColumns, space: SearchSpace, rows: Sequence[int]
) -> Iterator[Architecture]:
    if not isinstance(space, NasBench101Space):
        raise UserError(f"architecture.graph: the space '{space.name}' is not written as a graph")
    sizes = file.numbers(columns.vertices)
    triangles = file.digits(columns.adjacency)
    letters = file.text(columns.operations)
    hashes = file.text(columns.hash) if columns.hash is not None else None
    for row in rows:
        n = len(letters[row]) + 2
        triangle = triangles[row]
        if sizes[row] != n or len(triangle) != n * (n - 1) // 2 or set(triangle) - {"0", "1"}:
            raise UserError(
                f"{file.at(row, columns.adjacency)}: vertices, adjacency and operations do not"
                " describe one graph"
            )
        matrix = np.zeros((n, n), int)
        matrix[np.triu_indices(n, 1)] = list(map(int, triangle))
        names = [columns.letters.get(letter, letter) for letter in letters[row]]
        try:
            cell = space.from_matrix(matrix, ["input", *names, "output"])
        except UserError as error:
            raise UserError(f"{file.at(row, columns.adjacency)}: {error}") from None
        if hashes is not None and hashes[row] != space.hash(cell):
            raise UserError(
                f"{file.at(row, columns.hash or '')}: the graph's hash is {space.hash(cell)}"
            )
        yield cell


def _fixed_length(space: SearchSpace) -> CategoricalSpace:
    if not isinstance(space, CategoricalSpace):
        raise UserError(f"the space '{space.name}' has no fixed number of decisions")
    return space
