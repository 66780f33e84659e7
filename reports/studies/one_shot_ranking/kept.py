"""Scores that are kept: a supernet that was trained once is not trained again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.benchmarks.packed import atomic_write


class Kept:
    """Scores of finished supernets, a file each; its name holds all that they depend on.

    Args:
        folder: Where the files are.
        common: What all of them depend on, as JSON values.
    """

    def __init__(self, folder: Path, common: Mapping[str, Any]) -> None:
        self._folder, self._common = folder, dict(common)

    def get(self, identity: Mapping[str, Any], seed: int) -> dict[str, np.ndarray] | None:
        """Scores by name; None if they are not there."""
        try:
            found = json.loads(self._path(identity, seed).read_text())
        except (FileNotFoundError, ValueError):
            return None
        return {name: np.array(values, dtype=np.float64) for name, values in found.items()}

    def keep(
        self, identity: Mapping[str, Any], seed: int, scores: Mapping[str, np.ndarray]
    ) -> None:
        """Keep scores; null stands for what is missing."""
        path = self._path(identity, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {
            name: [None if np.isnan(v) else v for v in values.tolist()]
            for name, values in scores.items()
        }
        with atomic_write(path) as stream:
            stream.write(json.dumps(content).encode())

    def _path(self, identity: Mapping[str, Any], seed: int) -> Path:
        everything = {**self._common, **identity, "seed": seed}
        digest = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
        words = str(identity["searcher"]).partition(":")[0]
        return self._folder / f"{words}-seed-{seed}-{digest[:12]}.json"
