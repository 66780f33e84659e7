"""A small synthetic table, and experiments on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.testing.tables import synthetic_table


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic topology-space table with three ragged seeds a cell."""
    path = tmp_path_factory.mktemp("table") / "synthetic.table"
    synthetic_table(path)
    return path
