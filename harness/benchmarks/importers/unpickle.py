"""Reading pickled plain data from files that nobody vouches for.

A pickle is a program: `pickle.load` runs what the file says. The records of NATS-Bench need
little of that: numbers, strings, bytes, lists, dicts, sets, tuples, an `OrderedDict`, and numpy
scalars with their dtypes. This reader knows the instructions that build those, and refuses all
others before it acts on them. The three names that a record may mention stand for stand-ins here,
never for the real objects: a dtype with a crafted state crashes numpy.

It extends the standard library's reader in Python, not the one in C, because refusing names alone
(`find_class`) leaves holes there: a dict key made of tuples in tuples overflows the C stack or
takes years to hash, registered extension codes may skip `find_class`, and BUILD sets attributes.
"""

from __future__ import annotations

import bz2
import io
import pickle
import struct
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

from harness.errors import UserError

LIMIT = 3 << 20
"""Cap on the decompressed bytes of a file: twice the largest official one (an index of 1.4 MB).
What so many instructions can build at the worst, all empty sets, takes 0.8 GB and seconds."""


class _Name(Enum):
    """The names that a record may mention."""

    ORDERED_DICT = "OrderedDict"
    SCALAR = "scalar"
    DTYPE = "dtype"


_NAMES = {
    ("collections", "OrderedDict"): _Name.ORDERED_DICT,
    ("numpy.core.multiarray", "scalar"): _Name.SCALAR,
    ("numpy._core.multiarray", "scalar"): _Name.SCALAR,
    ("numpy", "dtype"): _Name.DTYPE,
}

_DTYPES = {
    code: struct.Struct("<" + letter)
    for code, letter in (("f8", "d"), ("f4", "f"), ("i8", "q"), ("i4", "i"))
}

_DTYPE_STATE = (3, "<", None, None, None, -1, -1, 0)
"""The state of every plain little-endian dtype: no fields, no shape, no metadata."""

_PLAIN = (
    *("PROTO", "MARK", "MEMOIZE", "BINGET", "LONG_BINGET"),
    *("NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "BINFLOAT"),
    *("SHORT_BINUNICODE", "BINUNICODE", "SHORT_BINBYTES", "BINBYTES"),
    *("EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "TUPLE", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_SET", "ADDITEMS"),
    *("STACK_GLOBAL", "REDUCE", "BUILD"),
)
"""What pickle protocols 4 and 5 write for such data, beside FRAME and STOP. Integers beyond 32
bits are not among them: as keys they can be chosen to collide."""


class Instructions(dict[int, Callable[[Any], None]]):
    """Opcode -> what it does; an opcode that is not there is refused."""

    def __missing__(self, opcode: int) -> Callable[[Any], None]:
        raise pickle.UnpicklingError(f"it uses pickle instruction {opcode:#04x}, which is refused")


class PlainReader(pickle._Unpickler):
    """The standard library's reader, restricted to plain data."""

    dispatch = Instructions(
        (code, pickle._Unpickler.dispatch[code])
        for code in (getattr(pickle, name)[0] for name in _PLAIN)
    )

    pop_mark: Callable[[], list[Any]]

    def __init__(self, content: bytes) -> None:
        # Not as inherited: a layer that follows frames would take half of the time.
        self.read = io.BytesIO(content).read
        self.memo: dict[int, Any] = {}
        self.stack: list[Any] = []
        self.metastack: list[Any] = []
        self.append = self.stack.append

    def load(self) -> Any:
        read, dispatch = self.read, self.dispatch
        while (code := read(1)) != pickle.STOP:
            if not code:
                raise EOFError
            dispatch[code[0]](self)
        return self.stack.pop()

    def frame(self) -> None:
        self.read(8)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _NAMES:
            wanted = ascii(f"{module}.{name}"[:80])
            raise pickle.UnpicklingError(f"it asks for {wanted}, and only plain data is read")
        return _NAMES[module, name]

    def reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = _stand_in(self.stack[-1], arguments)

    def build(self) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], struct.Struct) or state != _DTYPE_STATE:
            raise pickle.UnpicklingError("it sets the state of an object, which is refused")

    def set_item(self) -> None:
        value = self.stack.pop()
        self._set([self.stack.pop(), value])

    def set_items(self) -> None:
        self._set(self.pop_mark())

    def _set(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict:
            raise pickle.UnpicklingError("it sets items of something that is no dict")
        keys = items[::2]
        _check_keys(keys)
        target.update(zip(keys, items[1::2], strict=True))

    def add_items(self) -> None:
        items = self.pop_mark()
        target = self.stack[-1]
        if type(target) is not set:
            raise pickle.UnpicklingError("it adds items to something that is no set")
        _check_keys(items)
        target.update(items)

    dispatch[pickle.FRAME[0]] = frame
    dispatch[pickle.REDUCE[0]] = reduce
    dispatch[pickle.BUILD[0]] = build
    dispatch[pickle.SETITEM[0]] = set_item
    dispatch[pickle.SETITEMS[0]] = set_items
    dispatch[pickle.ADDITEMS[0]] = add_items


def _stand_in(name: Any, arguments: Any) -> Any:
    """What a call of one of the known names gives: a dict, a number or a number's layout."""
    match name, arguments:
        case _Name.ORDERED_DICT, ():
            return {}
        case _Name.DTYPE, (str(code), 0, 1) if code in _DTYPES:
            return _DTYPES[code]
        case _Name.SCALAR, (struct.Struct() as layout, bytes(data)) if layout.size == len(data):
            return float(layout.unpack(data)[0])
    raise pickle.UnpicklingError("it makes an object that is no dict and no plain number")


def _check_keys(keys: list[Any]) -> None:
    """Let only keys pass whose hash takes few steps."""
    kinds = set(map(type, keys))
    if tuple in kinds:
        kinds.remove(tuple)
        for key in keys:
            if type(key) is tuple:
                kinds.update(map(type, key) if len(key) == 2 else {tuple})
    if not kinds <= {str, int}:
        raise pickle.UnpicklingError("it has a key that is no string, integer or pair of these")


def loads_plain(content: bytes, name: str) -> Any:
    """The plain data that a pickle of protocol 4 or 5 describes.

    Args:
        content: The pickle.
        name: What to call it in errors.

    Returns:
        Python numbers, strings, bytes, lists, tuples, sets and dicts (also for an `OrderedDict`);
        numpy scalars become floats. Containers may contain themselves: walk no deeper
        than known.

    Raises:
        UserError: If it is malformed, or asks for anything else. Nothing is executed.
    """
    try:
        return PlainReader(content).load()
    except pickle.UnpicklingError as error:
        raise UserError(f"{name} is refused: {error}") from None
    except EOFError:
        raise UserError(f"{name} ends too early: download or copy it again") from None
    except Exception as error:  # whatever else a malformed pickle runs into
        raise UserError(f"{name} is no readable pickle ({type(error).__name__})") from None


def load_plain(path: Path, *, limit: int = LIMIT) -> Any:
    """The plain data in a pickle compressed by bzip2 (``*.pickle.pbz2``).

    Args:
        path: The file.
        limit: Refuse a file that decompresses to more bytes; no more are ever held.

    Raises:
        UserError: If the file cannot be read, is truncated, exceeds the limit, or `loads_plain`
            refuses it.
    """
    try:
        with bz2.open(path) as stream:
            content = stream.read(limit + 1)
    except EOFError:
        raise UserError(f"{path} is truncated: download or copy it again") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    if len(content) > limit:
        raise UserError(f"{path} is refused: it unpacks to more than the cap of {limit:,} bytes")
    return loads_plain(content, str(path))
