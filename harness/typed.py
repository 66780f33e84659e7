"""Do a dataclass's fields hold what its annotations say?

Tables, protocols and experiments come from files. A wrong kind of value is refused where it
enters, in one line, not somewhere in a search. (Pydantic would take longer to import than a table
takes to open.)
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any, Literal, Union

from harness.errors import UserError

_INTEGERS = 1 << 63
_NAMES = {
    str: "text",
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    types.NoneType: "nothing",
    Any: "anything",
}


def check_types(instance: Any, what: str) -> None:
    """Refuse a dataclass instance of which a field is not of its annotated kind.

    Args:
        instance: An instance of a dataclass.
        what: What it is, for the error message ("column 'x'").

    Raises:
        UserError: At the first such field, naming it and the kind that it needs.
    """
    for name, kind in _hints(instance.__class__).items():
        value = getattr(instance, name)
        if not conforms(value, kind):
            raise UserError(f"{what}: {name}={brief(value)}; must be {_words(kind)}")


def conforms(value: object, kind: Any) -> bool:
    """Whether a value is of an annotated kind, all the way down.

    Truth values are no numbers, integers have at most 64 bits, and floats are finite (an integer
    will do for a float). Text can be written to any file.
    """
    if kind is Any:
        return True
    if kind is str:
        return isinstance(value, str) and _is_unicode(value)
    if kind is bool or kind is types.NoneType:
        return isinstance(value, kind)
    if kind is int:
        return type(value) is int and -_INTEGERS <= value < _INTEGERS
    if kind is float:
        return conforms(value, int) or (isinstance(value, float) and math.isfinite(value))
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return any(type(value) is type(part) and value == part for part in parts)
    if origin in (Union, types.UnionType):
        return any(conforms(value, part) for part in parts)
    if origin in (tuple, list):
        return isinstance(value, origin) and all(conforms(item, parts[0]) for item in value)
    if origin in (dict, Mapping):
        return isinstance(value, Mapping) and all(
            conforms(k, parts[0]) and conforms(v, parts[1]) for k, v in value.items()
        )
    return isinstance(value, kind)


def _is_unicode(text: str) -> bool:
    # JSON's escapes can name halves of characters, which no encoding knows.
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _words(kind: Any) -> str:
    """A kind as a person says it: "a list, each a whole number"."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return " or ".join(map(repr, parts))
    if origin in (Union, types.UnionType):
        return " or ".join(map(_words, parts))
    if origin in (tuple, list):
        return f"a list, each {_words(parts[0])}"
    if origin in (dict, Mapping):
        return f"names with values, each {_words(parts[1])}"
    return _NAMES.get(kind, f"a {getattr(kind, '__name__', kind)}")


def brief(value: object) -> str:
    """A value as messages show it: no longer than half a line."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits or of levels
        text = type(value).__name__
    return text if len(text) <= 80 else f"{text[:77]}..."
