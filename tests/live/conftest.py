"""A recipe that trains in a fraction of a second."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

TINY = """
train_images: 96
valid_images: 64
test_images: 80
epochs: 3
batch_size: 32
learning_rate: 0.1
momentum: 0.9
network: {width: 2, depth: 1}
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe's file."""
    path = tmp_path_factory.mktemp("recipes") / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture
def name(tiny: Path) -> str:
    """A live benchmark by that recipe."""
    return f"live:tss/digits:{tiny}"
