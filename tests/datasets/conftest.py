"""Folders of data sets that belong to one test."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which data sets are looked for, empty."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("NAS_HARNESS_DATA", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder
