"""CSV, Parquet and .npz files as an importer reads them: checked, exact, one line an error.

Text stays text (leading zeros count) and numbers are the nearest doubles. Rows in messages are
numbered from 1, the header not counted.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from harness.errors import UserError, unknown

NO_VALUE = ("", "nan", "na", "n/a", "null", "none")
"""What says "no value" among numbers, in small letters."""

_UNPACK = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}
_CSV, _PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")


class SourceFile:
    """The needed columns of a CSV (also .gz, .bz2, .xz) or Parquet file.

    Args:
        path: The file.
        needed: Names of the columns to read.
        delimiter: Of a CSV file.
        sha256: Of the file's bytes; None: not checked.

    Attributes:
        sha256: Of the file's bytes.
        rows: Number of rows.

    Raises:
        UserError: If the file is missing, altered, malformed, or lacks a column.
    """

    def __init__(
        self,
        path: Path,
        needed: Sequence[str],
        *,
        delimiter: str = ",",
        sha256: str | None = None,
    ) -> None:
        self.path = path
        data, self.sha256 = read_checked(path, sha256)
        kinds = path.suffixes
        if kinds and kinds[-1] in _UNPACK:
            try:
                data = _UNPACK[kinds.pop()](data)
            except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
                raise self._malformed(error) from None
        kind = kinds[-1].lower() if kinds else ""
        try:
            if kind in _CSV:
                self._table = self._read_csv(data, needed, delimiter)
            elif kind in _PARQUET:
                self._table = self._read_parquet(data, needed)
            else:
                raise UserError(
                    f"{path.name}: cannot tell its format; name it .csv (also .csv.gz) or .parquet"
                )
        except (pa.ArrowException, OSError, csv.Error, UnicodeDecodeError) as error:
            raise self._malformed(error) from None
        self.rows = self._table.num_rows
        if self.rows == 0:
            raise UserError(f"{path.name} has no rows")

    def _malformed(self, error: Exception) -> UserError:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return UserError(f"{self.path.name} is truncated or malformed: {reason[:200]}")

    def _read_csv(self, data: bytes, needed: Sequence[str], delimiter: str) -> pa.Table:
        lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        # Arrow skips empty lines, before the header too.
        header = next(filter(None, rows), [])
        self._check_columns(header, needed)
        # It also takes a file that was cut within quotes, and text that follows quotes.
        deque(rows, maxlen=0)
        return pa_csv.read_csv(
            pa.BufferReader(data),
            # One block: messages then carry row numbers, and values may hold line breaks.
            read_options=pa_csv.ReadOptions(
                block_size=min(len(data) + 1, 2**31 - 1), use_threads=False
            ),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types={name: pa.string() for name in needed}, include_columns=list(needed)
            ),
        )

    def _read_parquet(self, data: bytes, needed: Sequence[str]) -> pa.Table:
        file = pq.ParquetFile(pa.BufferReader(data))
        self._check_columns(file.schema_arrow.names, needed)
        table = file.read(columns=list(needed))
        # Arrow believes that what Parquet calls text is text.
        table.validate(full=True)
        for i, field in enumerate(table.schema):
            if pa.types.is_dictionary(field.type):
                plain = table.column(i).cast(field.type.value_type)
                table = table.set_column(i, field.name, plain)
        return table

    def _check_columns(self, names: Sequence[str], needed: Sequence[str]) -> None:
        if not names:
            raise UserError(f"{self.path.name} is empty")
        count = Counter(names)
        for name in needed:
            if name not in count:
                raise unknown(f"column of {self.path.name}", name, count)
            if count[name] > 1:
                raise UserError(f"{self.path.name} has {count[name]} columns named '{name}'")

    def at(self, row: int, column: str) -> str:
        """Where a cell stands, for messages; `row` counts from 0."""
        return f"{self.path.name}, row {row + 1}, column '{column}'"

    def text(self, name: str) -> list[str]:
        """A column as it is written.

        Raises:
            UserError: If it holds neither text nor numbers, or a null.
        """
        column = self._table.column(name)
        kind = column.type
        if not (_is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise UserError(f"{self.path.name}: column '{name}' holds {kind}, not text")
        cells = column.to_pylist()
        for row, cell in enumerate(cells):
            if cell is None:
                raise UserError(f"{self.at(row, name)}: no value")
        return list(map(str, cells))

    def digits(self, name: str) -> list[str]:
        """A column of digits as it is written, leading zeros and all.

        Raises:
            UserError: As `text`; and if the file stores numbers, which have lost their zeros.
        """
        if not _is_text(self._table.column(name).type):
            raise UserError(
                f"{self.path.name}: column '{name}' holds numbers, which lose leading zeros: store"
                " it as text"
            )
        return self.text(name)

    def numbers(self, name: str) -> np.ndarray:
        """A column as float64 [rows], NaN where it says "no value".

        Raises:
            UserError: If a cell is no finite number.
        """
        column = self._table.column(name)
        if _is_text(column.type):
            cells = pc.utf8_trim_whitespace(column)
            absent = pc.is_in(pc.utf8_lower(cells), pa.array(NO_VALUE, cells.type))
            column = pc.if_else(absent, pa.scalar(None, cells.type), cells)
        try:
            values = column.cast(pa.float64())
        except pa.ArrowException as error:
            raise self._no_number(column, name, error) from None
        numbers: np.ndarray = values.to_numpy(zero_copy_only=False).astype(np.float64)
        if _is_text(column.type):
            # Arrow reads "nan(5)" and "-nan" as numbers too.
            odd = np.flatnonzero(np.isnan(numbers) & ~column.is_null().to_numpy())
            if odd.size:
                raise self._not_a_number(int(odd[0]), name, column[int(odd[0])])
        infinite = np.flatnonzero(np.isinf(numbers))
        if infinite.size:
            raise UserError(f"{self.at(int(infinite[0]), name)}: not a finite number")
        return numbers

    def _no_number(self, column: pa.ChunkedArray, name: str, error: Exception) -> UserError:
        for row, cell in enumerate(column):
            try:
                cell.cast(pa.float64())
            except pa.ArrowException:
                return self._not_a_number(row, name, cell)
        return UserError(f"{self.path.name}, column '{name}': {str(error).splitlines()[0]}")

    def _not_a_number(self, row: int, name: str, cell: pa.Scalar) -> UserError:
        return UserError(f"{self.at(row, name)}: {str(cell)[:40]!r} is not a number")


class ArrayFile:
    """An .npz file with one entry a row in its arrays.

    Args:
        path: The file.
        rows: How many rows each array must have.
        sha256: Of the file's bytes; None: not checked.

    Raises:
        UserError: If the file is missing, altered or no .npz file.
    """

    def __init__(self, path: Path, rows: int, sha256: str | None = None) -> None:
        self.path = path
        self._rows = rows
        data, self.sha256 = read_checked(path, sha256)
        try:
            # Never unpickles: objects in an array are refused.
            self._arrays = np.load(io.BytesIO(data), allow_pickle=False)
            if not isinstance(self._arrays, np.lib.npyio.NpzFile):
                raise ValueError("not an .npz archive")
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{path.name} is truncated or malformed: {reason}") from None

    def array(self, name: str, width: int | None = None) -> np.ndarray:
        """An array of numbers, [rows] or with `width` [rows, at least width entries].

        Raises:
            UserError: If there is none, or its shape or kind differs.
        """
        if name not in self._arrays.files:
            raise unknown(f"array of {self.path.name}", name, self._arrays.files)
        try:
            array: np.ndarray = self._arrays[name]
        except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise UserError(f"{self.path.name}, array '{name}': {error}") from None
        dimensions = 1 if width is None else 2
        if array.dtype.kind not in "iuf" or array.ndim != dimensions or len(array) != self._rows:
            raise UserError(
                f"{self.path.name}, array '{name}': needs {dimensions} axes of numbers, the first"
                f" of {self._rows:,} rows; has {array.dtype} {array.shape}"
            )
        if width is not None and array.shape[1] < width:
            raise UserError(
                f"{self.path.name}, array '{name}': {array.shape[1]} entries a row, needs {width}"
            )
        return array


def read_checked(path: Path, sha256: str | None) -> tuple[bytes, str]:
    """A file's bytes and their SHA-256.

    Raises:
        UserError: If it cannot be read, or the checksum is another one than expected.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256:
        raise UserError(
            f"{path.name} has the wrong checksum (SHA-256 {found[:12]}..., expected"
            f" {sha256[:12]}...): get the file again, or correct the description"
        )
    return data, found


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
