"""Shared fixtures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, so that it tells of changes in the code.
# `NAS_HARNESS_FUZZ=random` looks for more. How long one takes is the machine's affair.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)
settings.load_profile("random" if os.environ.get("NAS_HARNESS_FUZZ") == "random" else "fixed")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real benchmark tables; tests that need it are skipped where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("NAS_HARNESS_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no benchmark data in {folder}; set NAS_HARNESS_TEST_DATA")
    return folder
