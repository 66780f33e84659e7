"""Pickled NumPy arrays from files that nobody vouches for, read without running anything.

It extends the reader of plain data (`harness.benchmarks.importers.unpickle`), which refuses what
it does not know, by what pickle protocols 2 to 4 write for arrays of plain numbers. An array is
made here from its shape, its bytes and a known number type; NumPy's own functions never run.
"""

from __future__ import annotations

import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from harness.benchmarks.importers.unpickle import Instructions, PlainReader
from harness.errors import UserError

LIMIT = 256 << 20
"""Cap on a file's bytes; the largest official one (of ImageNet16) has 99 million."""

_STEPS = 2_000_000
"""Cap on a file's instructions: the same one has some 150,000, one a label."""

_DTYPES = {code: np.dtype(code) for code in ("u1", "i4", "i8", "f4", "f8")}
_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): "array",
    ("numpy._core.multiarray", "_reconstruct"): "array",
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",  # makes bytes, in protocol 2
}


class _Array:
    """An array that is being read: empty until its state comes."""

    content: np.ndarray | None = None


class _ArrayReader(PlainReader):
    """Plain data and arrays of plain numbers."""

    encoding, errors = "latin1", "strict"  # of Python 2's strings
    dispatch = Instructions(
        {
            **PlainReader.dispatch,
            **{
                code: pickle._Unpickler.dispatch[code]
                for code in (
                    getattr(pickle, name)[0]
                    for name in ("BINPUT", "LONG_BINPUT", "GLOBAL", "SHORT_BINSTRING", "BINSTRING")
                )
            },
        }
    )

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        file = io.BytesIO(content)
        self.read, self.readline = file.read, file.readline

    def load(self) -> Any:
        for _ in range(_STEPS):
            code = self.read(1)
            if code == pickle.STOP:
                return self.stack.pop()
            if not code:
                raise EOFError
            self.dispatch[code[0]](self)
        raise pickle.UnpicklingError(f"it has more than {_STEPS:,} instructions")

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NAMES:
            wanted = ascii(f"{module}.{name}"[:80])
            raise pickle.UnpicklingError(f"it asks for {wanted}, and only arrays are read")
        return _NAMES[module, name]

    def reduce(self) -> None:
        match self.stack.pop(), self.stack.pop():
            case ("ndarray", (0,), _), "array":
                made: Any = _Array()
            case (str(code), 0 | False, 1 | True), "dtype" if code in _DTYPES:
                made = _DTYPES[code]
            case (str(text), "latin1"), "encode":
                made = text.encode("latin1")
            case _:
                raise pickle.UnpicklingError("it makes an object that is no array of numbers")
        self.stack.append(made)

    def build(self) -> None:
        match self.stack.pop(), self.stack[-1]:
            case (3, "<" | "|", None, None, None, -1, -1, 0), np.dtype():
                pass
            case (1, tuple(shape), np.dtype() as kind, bool(fortran), data), _Array() as array:
                content = data.encode("latin1") if isinstance(data, str) else data
                sizes = all(type(n) is int and n >= 0 for n in shape)
                if (
                    not isinstance(content, bytes)
                    or not sizes
                    or len(content) != math.prod(shape) * kind.itemsize
                ):
                    raise pickle.UnpicklingError("an array's bytes do not fit its shape")
                flat = np.frombuffer(content, kind)
                array.content = flat.reshape(shape, order="F" if fortran else "C")
            case _:
                raise pickle.UnpicklingError("it sets the state of an object, which is refused")

    dispatch[pickle.REDUCE[0]] = reduce
    dispatch[pickle.BUILD[0]] = build


def load_arrays(path: Path, *, limit: int = LIMIT) -> dict[str, Any]:
    """The mapping in a pickle file, with arrays (read-only) where arrays were stored.

    Args:
        path: The file.
        limit: Refuse a file of more bytes.

    Raises:
        UserError: If the file cannot be read, is cut off, or holds anything but a mapping of
            names to plain data and arrays of plain numbers. Nothing in it is executed.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    if len(content) > limit:
        raise UserError(f"{path} is refused: it is larger than the cap of {limit:,} bytes")
    try:
        found = _ArrayReader(content).load()
    except pickle.UnpicklingError as error:
        raise UserError(f"{path} is refused: {error}") from None
    except EOFError:
        raise UserError(f"{path} ends too early: download or copy it again") from None
    except Exception as error:  # whatever else a malformed pickle runs into
        raise UserError(f"{path} is no readable pickle ({type(error).__name__})") from None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise UserError(f"{path} holds no mapping of names to arrays")
    return {
        name: value.content if isinstance(value, _Array) else value
        for name, value in found.items()
    }
