"""What third parties test their parts with: synthetic tables and conformance suites."""

from __future__ import annotations

from harness.testing.tables import SyntheticTable, synthetic_table

__all__ = ["SyntheticTable", "synthetic_table"]
