"""What the records mean: statistics, figures and pages.

Results are frozen values first (`summarise`); figures and the page draw those and compute
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.build import summarise
    from reports.summary import load_summary
    from reports.write import write_report

_PLACES = {
    "write_report": "reports.write",
    "summarise": "reports.build",
    "load_summary": "reports.summary",
}

__all__ = ["load_summary", "summarise", "write_report"]


def __getattr__(name: str) -> Any:
    # Drawing takes a second to import, and most that import a package here do not draw.
    if name not in _PLACES:
        raise AttributeError(f"module 'reports' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_PLACES[name]), name)
