"""Results as JSON: numbers rounded to the digits that do not depend on the order of summation."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

DIGITS = 10
"""Significant digits of every number."""

IF_KNOWN = {"if known": True}
"""Metadata of a field that a result's JSON leaves out where it has its default: what is told of
some results alone changes no byte of the others."""


def to_json(result: Any) -> str:
    """A result (a frozen dataclass of plain values) as JSON.

    Numbers have `DIGITS` significant digits; those that do not exist are null.

    Raises:
        ValueError: If a number is not finite: a result says None where there is none.
    """
    return json.dumps(_rounded(result), indent=1, allow_nan=False) + "\n"


def _rounded(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {
            f.name: _rounded(v)
            for f in dataclasses.fields(value)
            if _told(f, v := getattr(value, f.name))
        }
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return value


def _told(field: dataclasses.Field[Any], value: Any) -> bool:
    return "if known" not in field.metadata or value != field.default
