"""What third parties test their parts with: synthetic tables and conformance suites.

`SearcherSuite` needs pytest, so it is imported only when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.testing.tables import SyntheticTable, synthetic_table

if TYPE_CHECKING:
    from harness.testing.searcher_suite import SearcherSuite

__all__ = ["SearcherSuite", "SyntheticTable", "synthetic_table"]


def __getattr__(name: str) -> Any:
    if name == "SearcherSuite":
        import pytest

        # Its failing asserts then show their values, as those of a test module do.
        pytest.register_assert_rewrite("harness.testing.searcher_suite")
        from harness.testing.searcher_suite import SearcherSuite

        return SearcherSuite
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
