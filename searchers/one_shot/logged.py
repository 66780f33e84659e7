"""Figures of an epoch as JSON values."""

from __future__ import annotations

from math import isfinite
from typing import Any


def as_json(value: Any) -> Any:
    """Arrays as lists, and numbers that are not finite as None, all the way down."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {name: as_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value
