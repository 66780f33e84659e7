"""The kinds of values in a description, and what YAML makes of them."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, Field


def _option(value: Any) -> Any:
    # YAML turns an unquoted `no` into False and `~` into None: neither is a name.
    if isinstance(value, bool) or value is None:
        raise ValueError(f"YAML reads this as {value}; put the name in quotes")
    return str(value) if isinstance(value, int | float) else value


def split(value: Any) -> Any:
    """ "none" as columns have it."""
    return "" if value == "none" else value


def _number(value: Any) -> Any:
    # Pydantic would take `yes` for 1.
    if isinstance(value, bool):
        raise ValueError(f"YAML reads this as {value}; give a number")
    return value


def _factor(value: Any) -> Any:
    number = value
    if isinstance(value, str):
        above, slash, below = value.partition("/")
        try:
            # Not through `Fraction`, which writes out 1e999999999.
            number = float(above) / (float(below) if slash else 1.0)
        except (ValueError, ZeroDivisionError):
            raise ValueError(
                f"'{value}' is neither a number nor a fraction such as 1/108"
            ) from None
    if isinstance(number, int | float) and (number == 0 or not math.isfinite(number)):
        raise ValueError("must be finite and not zero")
    return _number(number)


def from_range(value: Any) -> Any:
    """A range such as "1-100" as a list; anything else as it is."""
    if not isinstance(value, str):
        return value
    first, dash, last = value.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal() and len(last) < 7):
        raise ValueError(f"'{value}' is neither a list of numbers nor a range such as 1-100")
    numbers = list(range(int(first), int(last) + 1))
    if not numbers:
        raise ValueError(f"the range '{value}' is empty")
    return numbers


def _delimiter(value: Any) -> Any:
    if not (isinstance(value, str) and len(value) == 1 and value.isascii()) or value in '"\r\n\0':
        raise ValueError(f"{value!r} is no single ASCII character that can part values")
    return value


Whole = Annotated[int, BeforeValidator(_number)]
Real = Annotated[float, BeforeValidator(_number)]
Option = Annotated[str, BeforeValidator(_option)]
Factor = Annotated[float, BeforeValidator(_factor)]
Numbers = Annotated[tuple[Whole, ...], BeforeValidator(from_range)]
Delimiter = Annotated[str, BeforeValidator(_delimiter)]
Name = Annotated[str, Field(min_length=1)]
Checksum = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
