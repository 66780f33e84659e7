"""A table that comes with the package; `measure.py` beside the package made it."""

from __future__ import annotations

from pathlib import Path


def digits() -> Path:
    """Every committee, trained twice on scikit-learn's digits."""
    return Path(__file__).parent / "digits.table"
