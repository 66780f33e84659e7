"""Packed tables: one self-describing, memory-mapped file for a benchmark.

Layout of the file, all integers little endian::

    8 bytes   magic  b"NASHTAB1"
    8 bytes   length of the header in bytes
    32 bytes  SHA-256 of the header
    header    UTF-8 JSON: space, columns, protocols, provenance, position and SHA-256 of each array
    arrays    raw C-order buffers, each starting on a multiple of 64 bytes

Opening reads and checks the header alone, whose own hash therefore identifies the table's content
(it holds the hash of every array). `verify` checks the arrays too, which the importers and
``nas-harness info --verify`` do. Nothing in the file is executable.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from harness.benchmarks.columns import DTYPES, Column, TableHeader, encode
from harness.disk import make_directory, sync_directory
from harness.errors import HarnessError, UserError, unknown
from harness.typed import check_types

MAGIC = b"NASHTAB1"
FORMAT = 1
ALIGNMENT = 64
_PREFIX = len(MAGIC) + 8 + 32
_MAX_HEADER = 64 << 20

__all__ = [
    "Column",
    "PackedTable",
    "TableError",
    "TableHeader",
    "atomic_write",
    "encode",
    "write_table",
]


class TableError(UserError):
    """A file that is no intact packed table."""


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name whole or not at all, and then stays."""
    make_directory(path.parent)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
        sync_directory(path.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _bytes(array: np.ndarray) -> memoryview:
    """An array's content without a copy."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def write_table(
    path: str | Path,
    header: TableHeader,
    keys: np.ndarray,
    row_of: np.ndarray,
    values: Mapping[str, np.ndarray],
) -> str:
    """Write a packed table.

    Args:
        path: Where to.
        header: Everything but the numbers.
        keys: uint8 array [architectures, key length]: ``space.key`` of every architecture, all
            distinct.
        row_of: int array [architectures]: the measurement row of each. Isomorphic architectures
            may share one.
        values: Column name -> array [rows, seeds, epochs], floats with NaN where missing.

    Returns:
        The table's checksum.

    Raises:
        UserError: If shapes, names or values do not fit together.
    """
    path = Path(path)
    keys = np.ascontiguousarray(keys, dtype=np.uint8)
    row_of = np.ascontiguousarray(row_of, dtype=np.int32)
    n_rows = int(row_of.max()) + 1 if row_of.size else 0
    fitting = keys.ndim == 2 and keys.shape[1] > 0 and row_of.shape == (len(keys),)
    if not fitting or n_rows == 0 or int(row_of.min()) < 0:
        raise UserError(f"{path.name}: needs at least one architecture and a row for each")
    packed_keys = keys.view(np.dtype((np.void, keys.shape[1]))).ravel()
    if len(np.unique(packed_keys)) != len(keys):
        raise UserError(f"{path.name}: an architecture occurs twice")
    if {c.name for c in header.columns} != set(values):
        raise UserError(f"{path.name}: columns {sorted(values)} do not match the header's")
    arrays: dict[str, np.ndarray] = {"#keys": keys, "#row_of": row_of}
    for column in header.columns:
        shape = (n_rows, len(column.seeds), len(column.epochs))
        array = np.asarray(values[column.name])
        if array.shape != shape:
            raise UserError(f"column '{column.name}': shape {array.shape}, expected {shape}")
        arrays[column.name] = encode(array, column)

    entries: dict[str, dict[str, Any]] = {}
    offset = 0
    for name, array in arrays.items():
        entries[name] = {
            "dtype": str(array.dtype),
            "shape": list(array.shape),
            "offset": offset,
            "sha256": hashlib.sha256(_bytes(array)).hexdigest(),
        }
        offset += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
    document = {"format": FORMAT, **asdict(header), "arrays": entries}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    # Padding (JSON allows trailing spaces) aligns the first array.
    text += b" " * (-(_PREFIX + len(text)) % ALIGNMENT)
    checksum = hashlib.sha256(text)
    with atomic_write(path) as stream:
        stream.write(MAGIC + len(text).to_bytes(8, "little") + checksum.digest() + text)
        for array in arrays.values():
            stream.write(_bytes(array))
            stream.write(b"\0" * (-array.nbytes % ALIGNMENT))
    return checksum.hexdigest()


@dataclass(frozen=True)
class _Entry:
    """Where an array stands in the file, as its header says.

    Attributes:
        dtype: One of `DTYPES`.
        shape: At least one entry along every axis.
        offset: Bytes after the header.
        sha256: Hash of the array's bytes.
    """

    dtype: str
    shape: tuple[int, ...]
    offset: int
    sha256: str

    def __post_init__(self) -> None:
        check_types(self, "array")
        if self.dtype not in DTYPES or self.offset < 0 or min(self.shape) < 1:
            raise UserError(f"an array of type {self.dtype}, shape {self.shape}")

    @property
    def length(self) -> int:
        """Its bytes."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


class PackedTable:
    """A packed table, opened: its header, and its arrays as views of the mapped file.

    Attributes:
        path: The file.
        header: Everything but the numbers.
        checksum: SHA-256 of the header, which holds the hashes of all arrays.
    """

    def __init__(self, path: str | Path) -> None:
        """Open a table and check its header.

        Raises:
            TableError: If the file is missing, truncated, altered or no packed table.
        """
        self.path = Path(path)
        try:
            with self.path.open("rb") as stream:
                prefix = stream.read(_PREFIX)
                size = os.fstat(stream.fileno()).st_size
                if len(prefix) < _PREFIX or not prefix.startswith(MAGIC):
                    raise TableError(f"{self.path} is not a packed table (nas-harness import)")
                length = int.from_bytes(prefix[8:16], "little")
                if length > min(_MAX_HEADER, size - _PREFIX):
                    raise TableError(f"{self.path} is truncated or altered: make or copy it again")
                text = stream.read(length)
                # From the same open file: another may take its name meanwhile.
                self._map = np.memmap(stream, dtype=np.uint8, mode="r")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise TableError(f"cannot open the table {self.path}: {reason}") from None
        if hashlib.sha256(text).digest() != prefix[16:48]:
            raise TableError(f"{self.path}: wrong header checksum: make or copy it again")
        self.checksum = prefix[16:48].hex()
        try:
            self._read(json.loads(text), _PREFIX + length)
        except TableError:
            raise
        except (
            UserError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError,
            RecursionError,
        ) as error:  # fmt: skip
            raise TableError(f"{self.path}: malformed header ({error})") from None

    def _read(self, document: dict[str, Any], base: int) -> None:
        if document.pop("format") != FORMAT:
            raise TableError(f"{self.path}: unknown format version; update nas-harness")
        self._entries = {
            name: _Entry(**{**entry, "shape": tuple(entry["shape"])})
            for name, entry in document.pop("arrays").items()
        }
        columns = tuple(
            Column(**{**c, "seeds": tuple(c["seeds"]), "epochs": tuple(c["epochs"])})
            for c in document.pop("columns")
        )
        self.header = TableHeader(columns=columns, **document)
        self.columns = {column.name: column for column in columns}
        self._arrays: dict[str, np.ndarray] = {}
        for name, entry in self._entries.items():
            start = base + entry.offset
            if start + entry.length > len(self._map):
                raise TableError(f"{self.path} is truncated: make or copy it again")
            view = self._map[start : start + entry.length].view(entry.dtype)
            self._arrays[name] = view.reshape(entry.shape)
        (count, width), n_rows = self.keys.shape, self.n_rows
        expected = {"#keys": ("uint8", (count, width)), "#row_of": ("int32", (count,))} | {
            c.name: (c.dtype, (n_rows, len(c.seeds), len(c.epochs))) for c in columns
        }
        if expected != {name: (e.dtype, e.shape) for name, e in self._entries.items()}:
            raise TableError(f"{self.path}: its arrays do not fit its columns")

    @property
    def keys(self) -> np.ndarray:
        """uint8 [architectures, key length]."""
        return self._arrays["#keys"]

    @property
    def row_of(self) -> np.ndarray:
        """int32 [architectures]: the measurement row of each."""
        return self._arrays["#row_of"]

    @property
    def n_rows(self) -> int:
        """The number of distinct measurements, from the first column's array."""
        return int(self._arrays[self.header.columns[0].name].shape[0])

    def values(
        self, name: str, *, seeds: Sequence[int] | None = None, epoch: int | None = None
    ) -> np.ndarray:
        """A column's values as float64 [rows, seeds, epochs], NaN where missing.

        Args:
            name: The column.
            seeds: Only these seeds, in this order.
            epoch: Only this epoch (the result then is [rows, seeds]).

        Raises:
            UserError: If the column, a seed or the epoch does not exist.
        """
        if name not in self.columns:
            raise unknown(f"column of {self.header.name}", name, self.columns)
        column = self.columns[name]
        array = self._arrays[name]
        try:
            if epoch is not None:
                array = array[:, :, column.epochs.index(epoch)]
            if seeds is not None:
                array = array[:, [column.seeds.index(s) for s in seeds]]
        except ValueError:
            raise UserError(
                f"column '{name}' has epochs {column.epochs} and seeds {column.seeds}; asked for"
                f" epoch {epoch}, seeds {seeds}"
            ) from None
        values = array.astype(np.float64)
        if column.missing is not None:
            values[array == column.missing] = np.nan
        # Unscaled columns skip a multiplication that would touch every value.
        return values * column.scale if column.scale != 1.0 else values

    def verify(self) -> None:
        """Check every array against its hash.

        Raises:
            HarnessError: At the first one that differs.
        """
        for name, entry in self._entries.items():
            view = _bytes(self._arrays[name])
            if hashlib.sha256(view).hexdigest() != entry.sha256:
                raise HarnessError(
                    f"{self.path}: array '{name}' is altered: make or copy it again"
                )
        self.check_rows()

    def check_rows(self) -> None:
        """Check that every architecture has a row: quick, and enough to look up values safely.

        Raises:
            HarnessError: If one points elsewhere.
        """
        rows = self.row_of
        if int(rows.min()) < 0 or int(rows.max()) >= self.n_rows:
            raise HarnessError(f"{self.path}: an architecture points outside the rows")
