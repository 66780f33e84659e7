"""A synthetic table that the tests of searchers share."""

from __future__ import annotations

import pytest

from harness.benchmarks.table import TableBenchmark
from harness.testing import synthetic_table


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> TableBenchmark:
    """The topology space with synthetic accuracies, under the default protocol."""
    return TableBenchmark(synthetic_table(tmp_path_factory.mktemp("searchers") / "s.table"))
