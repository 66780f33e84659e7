"""The benchmark that ships with the package."""

from __future__ import annotations

from pathlib import Path


def tss_digits() -> Path:
    """All NATS topology cells trained on scikit-learn's digits (`docs/tss-digits.md`)."""
    return Path(__file__).parent / "data" / "tss-digits.table"
