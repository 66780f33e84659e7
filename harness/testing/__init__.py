"""What third parties test their parts with: synthetic tables and conformance suites.

The suites need pytest, so each is imported only when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from harness.testing.tables import SyntheticTable, synthetic_table

if TYPE_CHECKING:
    from harness.testing.benchmark_suite import BenchmarkSuite
    from harness.testing.network_suite import NetworkSuite
    from harness.testing.one_shot_suite import OneShotSuite
    from harness.testing.searcher_suite import SearcherSuite
    from harness.testing.space_suite import SpaceSuite

__all__ = [
    "BenchmarkSuite",
    "NetworkSuite",
    "OneShotSuite",
    "SearcherSuite",
    "SpaceSuite",
    "SyntheticTable",
    "synthetic_table",
]

_SUITES = {
    "BenchmarkSuite": "harness.testing.benchmark_suite",
    "NetworkSuite": "harness.testing.network_suite",
    "OneShotSuite": "harness.testing.one_shot_suite",
    "SearcherSuite": "harness.testing.searcher_suite",
    "SpaceSuite": "harness.testing.space_suite",
}


def __getattr__(name: str) -> Any:
    if name in _SUITES:
        import pytest

        # Its failing asserts then show their values, as those of a test module do.
        pytest.register_assert_rewrite(_SUITES[name])
        return getattr(importlib.import_module(_SUITES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
