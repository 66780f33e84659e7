"""Where data sets lie on this machine."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "NAS_HARNESS_DATA"


def folders() -> tuple[Path, ...]:
    """The folders in which data sets are looked for, the first one first.

    ``$NAS_HARNESS_DATA`` where that is set, then ``~/.cache/nas-harness/datasets`` (or below
    ``$XDG_CACHE_HOME``). Downloads go to the first.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    own = os.environ.get(VARIABLE)
    given = (Path(own),) if own else ()
    return (*given, cache / "nas-harness" / "datasets")
