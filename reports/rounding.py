"""Results as JSON: numbers rounded to the digits that do not depend on the order of summation."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

DIGITS = 10
"""Significant digits of every number."""


def to_json(result: Any) -> str:
    """A result (a frozen dataclass of plain values) as JSON.

    Numbers have `DIGITS` significant digits; those that do not exist are null.

    Raises:
        ValueError: If a number is not finite: a result says None where there is none.
    """
    document = dataclasses.asdict(result)
    return json.dumps(_rounded(document), indent=1, allow_nan=False) + "\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    return value
