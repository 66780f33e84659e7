"""The NAS-Bench-101 space: cells of at most seven vertices and nine edges.

Source: Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search" (ICML 2019),
section 2, and its code, google-research/nasbench, whose pruning rule and module hash are followed
here: tables are keyed by that hash.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence
from functools import cached_property, lru_cache
from hashlib import md5
from itertools import permutations, product

import numpy as np

from harness.errors import UserError
from harness.spaces.base import Architecture, CategoricalSpace, Graph
from harness.streams import below

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
"""The options of an inner vertex, in the order of the official configuration (hashes use it)."""

VERTICES = 7
MAX_EDGES = 9

EDGES = tuple((x, y) for x in range(VERTICES) for y in range(x + 1, VERTICES))
"""The (source, target) vertices of the first 21 decisions: the upper triangle, row by row."""

_INNER = VERTICES - 2
_OPERATION_CHOICES = tuple(product(range(len(OPERATIONS)), repeat=_INNER))
_INPUT_LABEL, _OUTPUT_LABEL = -1, -2

# Digits "0" and "1" from the values 0 and 1, and back.
_TO_DIGITS = bytes.maketrans(b"\0\1", b"01")
_FROM_DIGITS = bytes.maketrans(b"01", b"\0\1")


class NasBench101Space(CategoricalSpace):
    """The search space of NAS-Bench-101.

    Architectures are tuples of 26 integers: 21 bits, the upper triangle of a 7 x 7 adjacency
    matrix row by row (vertex 0 is the input, vertex 6 the output), then the operations of the
    five inner vertices. Vertices on no path from input to output are pruned, with their edges;
    an encoding is valid if a path is left and at most nine edges are. Cells of fewer than seven
    vertices are encodings with pruned vertices, so that one cell has many encodings: the space
    has 423,624 distinct cells (`canonical`, `key`).

    `sample` is uniform over valid encodings, as the official example does it by drawing matrices
    and operations until they are valid. That is not uniform over cells.
    """

    network = "harness.networks.nasbench101:cell_network"

    def __init__(self) -> None:
        bits = [("0", "1")] * len(EDGES)
        super().__init__("nasbench101", [*bits, *[OPERATIONS] * _INNER])
        self._operation_names = [
            ",".join(OPERATIONS[value] for value in values) for values in _OPERATION_CHOICES
        ]

    # --- what is inside ---------------------------------------------------------------------

    def valid(self, architecture: tuple[int, ...]) -> bool:
        return self._kept[_matrix_code(architecture)] > 0

    def __len__(self) -> int:
        """The number of valid encodings (the distinct cells among them are 423,624)."""
        return len(self._valid_matrices) * len(_OPERATION_CHOICES)

    def sample(self, rng: random.Random) -> tuple[int, ...]:
        """A uniformly drawn valid encoding, from one random number."""
        matrices = self._valid_matrices
        number = below(rng, len(matrices) * len(_OPERATION_CHOICES))
        matrix, operations = divmod(number, len(_OPERATION_CHOICES))
        digits = f"{matrices[matrix]:021b}".encode()
        return (*digits.translate(_FROM_DIGITS), *_OPERATION_CHOICES[operations])

    @cached_property
    def _kept(self) -> bytes:
        """The vertices that pruning keeps, for all 2**21 matrices; 0 where one is not valid.

        Indexed by the matrix bits as a binary number, first bit highest; bit v of the entry says
        whether vertex v stays. One look replaces a graph search at every move.
        """
        kept = np.zeros(1 << len(EDGES), np.uint8)
        step = 1 << 15  # small blocks stay in the processor's cache
        for start in range(0, len(kept), step):
            kept[start : start + step] = _prune(np.arange(start, start + step))
        return kept.tobytes()

    @cached_property
    def _valid_matrices(self) -> array[int]:
        """The valid ones among all 2**21 matrices, 73% of them, as binary numbers."""
        kept = np.frombuffer(self._kept, np.uint8)
        # Not a numpy array, because indexing that is slow.
        return array("i", np.flatnonzero(kept).astype(np.intc).tobytes())

    # --- equal networks ---------------------------------------------------------------------

    def hash(self, architecture: Architecture) -> str:
        """The official module hash, 32 hexadecimal digits, equal for isomorphic cells."""
        return self.key(architecture).hex()

    def canonical(self, architecture: Architecture) -> str:
        """The official module hash: a value, not an architecture of this space."""
        return self.key(architecture).hex()

    def key(self, architecture: Architecture) -> bytes:
        """The 16 bytes of the official module hash."""
        cell: tuple[int, ...] = architecture  # type: ignore[assignment]
        code = _matrix_code(cell)
        kept = self._kept[code]
        if not kept:
            raise self.not_inside(self.to_string(cell))
        a, b, c, d, e = cell[len(EDGES) :]
        packed = code << 10 | a << 8 | b << 6 | c << 4 | d << 2 | e
        return _pruned_key(packed & _USED[kept], kept)

    def representative(self, architecture: Architecture) -> tuple[int, ...]:
        """The least encoding of the pruned cell, its inner vertices in any order."""
        adjacency, operations = self.graph(architecture)
        inner = range(1, len(operations) - 1)
        places = (*inner, VERTICES - 1)  # of the inner vertices and the output, pruned ones last
        found = []
        for order in permutations(inner):
            old = (0, *order, len(operations) - 1)
            matrix = adjacency[np.ix_(old, old)]
            if np.tril(matrix).any():
                continue
            edges = {((0, *places)[x], (0, *places)[y]) for x, y in np.argwhere(matrix).tolist()}
            named = [OPERATIONS.index(operations[v]) for v in order]
            bits = [int(edge in edges) for edge in EDGES]
            found.append((*bits, *named, *[0] * (_INNER - len(named))))
        return min(found)

    def graph(self, architecture: Architecture) -> Graph:
        """The pruned cell; operations are the official names."""
        cell: tuple[int, ...] = architecture  # type: ignore[assignment]
        kept = self._kept[_matrix_code(cell)]
        if not kept:
            raise self.not_inside(self.to_string(cell))
        vertices = [v for v in range(VERTICES) if kept >> v & 1]
        adjacency = np.zeros((VERTICES, VERTICES), bool)
        adjacency[tuple(zip(*EDGES, strict=True))] = cell[: len(EDGES)]
        names = ("input", *(OPERATIONS[v] for v in cell[len(EDGES) :]), "output")
        return Graph(adjacency[np.ix_(vertices, vertices)], tuple(names[v] for v in vertices))

    # --- notation ---------------------------------------------------------------------------

    def to_string(self, architecture: Architecture) -> str:
        """21 matrix bits, row by row, a colon, and the operations of the five inner vertices.

        The benchmark has no notation of its own; this one says everything about an encoding, dead
        vertices included: ``110000001000000000001:conv3x3-bn-relu,maxpool3x3,...``.
        """
        cell: tuple[int, ...] = architecture  # type: ignore[assignment]
        bits = bytes(cell[: len(EDGES)]).translate(_TO_DIGITS).decode()
        a, b, c, d, e = cell[len(EDGES) :]
        return f"{bits}:{self._operation_names[(((a * 3 + b) * 3 + c) * 3 + d) * 3 + e]}"

    def from_string(self, text: str) -> tuple[int, ...]:
        bits, _, names = text.partition(":")
        operations = names.split(",")
        if (
            len(bits) != len(EDGES)
            or not set(bits) <= {"0", "1"}
            or len(operations) != _INNER
            or not set(operations) <= set(OPERATIONS)
        ):
            raise UserError(
                f"{self.not_inside(text)}: expected {len(EDGES)} matrix bits, a colon and"
                f" {_INNER} operations joined by commas, each among {', '.join(OPERATIONS)}"
            )
        cell = (*map(int, bits), *map(OPERATIONS.index, operations))
        if not self.valid(cell):
            raise self._not_valid(text)
        return cell

    def from_matrix(
        self, matrix: Sequence[Sequence[int]] | np.ndarray, operations: Sequence[str]
    ) -> tuple[int, ...]:
        """The architecture of an adjacency matrix and its operations, as `ModelSpec` takes them.

        Args:
            matrix: Upper triangular, of zeros and ones, for 2 to 7 vertices.
            operations: One name a vertex; the first is "input", the last "output".

        Returns:
            The encoding; fewer than seven vertices are padded with unconnected ones before the
            output.

        Raises:
            UserError: If this is no cell of the space.
        """
        edges = np.asarray(matrix)
        n = len(operations)
        if not 2 <= n <= VERTICES or edges.shape != (n, n):
            raise UserError(
                f"space '{self.name}': a cell needs a square matrix and one operation a vertex, 2"
                f" to {VERTICES} of them; got shape {edges.shape} and {n} operations"
            )
        if np.tril(edges).any() or not np.isin(edges, (0, 1)).all():
            raise UserError(
                f"space '{self.name}': the matrix must hold zeros and ones, the ones above its"
                " diagonal"
            )
        inner = operations[1:-1]
        if (operations[0], operations[-1]) != ("input", "output") or set(inner) - set(OPERATIONS):
            raise UserError(
                f"space '{self.name}': operations must be 'input', then any of"
                f" {', '.join(OPERATIONS)}, then 'output'; got {', '.join(operations)}"
            )
        places = [*range(n - 1), VERTICES - 1]
        padded = np.zeros((VERTICES, VERTICES), int)
        padded[np.ix_(places, places)] = edges
        values = [OPERATIONS.index(name) for name in inner] + [0] * (VERTICES - n)
        cell = (*(int(padded[edge]) for edge in EDGES), *values)
        if not self.valid(cell):
            raise self._not_valid(self.to_string(cell))
        return cell

    def _not_valid(self, text: str) -> UserError:
        return UserError(
            f"{self.not_inside(text)}: it needs a path from input to output and at most"
            f" {MAX_EDGES} edges on such paths"
        )


def module_hash(adjacency: Sequence[Sequence[int]] | np.ndarray, labels: Sequence[int]) -> bytes:
    """The official hash of a pruned cell: 16 bytes, equal for isomorphic cells.

    Every vertex starts with the MD5 of (out-degree, in-degree, label) and takes in its neighbours'
    hashes, sorted, as many times as there are vertices; the result is the MD5 of the sorted list.
    (The published definition of `hash_module` in google-research/nasbench; the texts that go into
    MD5 are part of it.)

    Args:
        adjacency: ``adjacency[x][y]`` says that vertex x feeds vertex y.
        labels: One number a vertex: -1 input, -2 output, else the index in `OPERATIONS`.
    """
    vertices = range(len(labels))
    sources = [[x for x in vertices if adjacency[x][y]] for y in vertices]
    targets = [[y for y in vertices if adjacency[x][y]] for x in vertices]
    hashes = [
        _hexadecimal(f"({len(outs)}, {len(ins)}, {label})")
        for outs, ins, label in zip(targets, sources, labels, strict=True)
    ]
    for _ in vertices:
        hashes = [
            md5(
                (
                    "".join(sorted([hashes[x] for x in ins]))
                    + "|"
                    + "".join(sorted([hashes[y] for y in outs]))
                    + "|"
                    + own
                ).encode()
            ).hexdigest()
            for ins, outs, own in zip(sources, targets, hashes, strict=True)
        ]
    return md5(str(sorted(hashes)).encode()).digest()


@lru_cache(maxsize=1024)
def _hexadecimal(text: str) -> str:
    return md5(text.encode()).hexdigest()


def _matrix_code(cell: tuple[int, ...]) -> int:
    """The 21 matrix bits as a binary number, the first bit highest."""
    return int(bytes(cell[: len(EDGES)]).translate(_TO_DIGITS), 2)


def _prune(codes: np.ndarray) -> np.ndarray:
    """The vertices on paths from input to output as bits, for an array of matrix codes.

    0 for matrices without a path and for those with more than nine edges on paths.
    """
    top = len(EDGES) - 1
    edge = {ends: (codes >> (top - i) & 1).astype(np.uint8) for i, ends in enumerate(EDGES)}
    ones = np.ones(len(codes), np.uint8)
    from_input, to_output = [ones], [ones]
    for y in range(1, VERTICES):
        terms = [edge[x, y] & from_input[x] for x in range(y)]
        from_input.append(np.bitwise_or.reduce(terms))
    for x in reversed(range(VERTICES - 1)):
        # `to_output` grows from the output down; its last entry belongs to vertex x + 1.
        terms = [edge[x, y] & to_output[VERTICES - 1 - y] for y in range(x + 1, VERTICES)]
        to_output.append(np.bitwise_or.reduce(terms))
    to_output.reverse()
    on_path = [f & t for f, t in zip(from_input, to_output, strict=True)]
    edges = sum(bit & on_path[x] & on_path[y] for (x, y), bit in edge.items())
    kept = sum(on << v for v, on in enumerate(on_path))
    valid: np.ndarray = on_path[0] & (edges <= MAX_EDGES)
    return np.asarray(kept * valid)


def _used_bits(kept: int) -> int:
    """The bits of a packed encoding (21 matrix bits, five operations of two bits) that count."""
    mask = 0
    for x, y in EDGES:
        mask = mask << 1 | (kept >> x & kept >> y & 1)
    for v in range(1, VERTICES - 1):
        mask = mask << 2 | 3 * (kept >> v & 1)
    return mask


_USED = tuple(_used_bits(kept) for kept in range(1 << VERTICES))


@lru_cache(maxsize=1 << 17)  # about 25 MB when full
def _pruned_key(packed: int, kept: int) -> bytes:
    """The module hash of a packed encoding whose unused bits are zero."""
    bits = packed >> 10
    top = len(EDGES) - 1
    vertices = [v for v in range(VERTICES) if kept >> v & 1]
    edge = {ends: bits >> (top - i) & 1 for i, ends in enumerate(EDGES)}
    adjacency = [[edge.get((x, y), 0) for y in vertices] for x in vertices]
    values = [packed >> (2 * (_INNER - v)) & 3 for v in vertices[1:-1]]
    return module_hash(adjacency, [_INPUT_LABEL, *values, _OUTPUT_LABEL])
