"""nas-harness: is an architecture-search strategy better than chance, and by how much?

``harness.search`` runs one search, ``harness.Experiment`` a grid of them on Ray Tune, and
``harness.load_traces`` gives their records as a pandas frame.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import search
    from harness.experiment import Experiment
    from harness.traces import load_traces

__all__ = ["Experiment", "load_traces", "search"]

_HOME = {"Experiment": "harness.experiment", "load_traces": "harness.traces"}


def __getattr__(name: str) -> Any:
    # Loaded on first use: `import harness` stays instant.
    if name not in _HOME:
        raise AttributeError(f"module 'harness' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)


class _Package(ModuleType):
    """This package, in which `search` is the function although a module of that name exists.

    The import system would set the attribute to the module as soon as anything imports it.
    """

    @property
    def search(self) -> Any:
        return import_module("harness.api").search

    @search.setter
    def search(self, module: ModuleType) -> None:
        """`from harness.search import ...` finds the module in `sys.modules`."""


sys.modules[__name__].__class__ = _Package
