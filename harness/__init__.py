"""nas-harness: is an architecture-search strategy better than chance, and by how much?

``harness.search`` runs one search, ``harness.Experiment`` a grid of them on Ray Tune, and
``harness.load_traces`` gives their records as a pandas frame.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import search
    from harness.experiment import Experiment
    from harness.traces import load_traces

__all__ = ["Experiment", "load_traces", "search"]

_HOME = {
    "Experiment": "harness.experiment",
    "load_traces": "harness.traces",
    "search": "harness.api",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: `import harness` stays instant.
    if name not in _HOME:
        raise AttributeError(f"module 'harness' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)
