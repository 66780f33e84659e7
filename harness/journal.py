"""Journals: every finished evaluation of a live search, safe on disk before the searcher hears.

One JSON line an evaluation, appended and fsynced. A line that a kill cut short was never told to
the searcher, so a torn end is dropped; damage anywhere else is an error.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from harness.errors import HarnessError


class Journal:
    """The append-only record of one search's finished evaluations.

    Args:
        path: The file; made with its directories if need be.

    Attributes:
        entries: What the file held when it was opened, in order.

    Raises:
        HarnessError: If a line other than the last is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.entries, intact = self._read()
        self._file = path.open("ab")
        if self._file.tell() > intact:
            self._file.truncate(intact)

    def _read(self) -> tuple[list[dict[str, Any]], int]:
        content = self.path.read_bytes() if self.path.exists() else b""
        entries: list[dict[str, Any]] = []
        intact = content.rfind(b"\n") + 1
        for number, line in enumerate(content[:intact].splitlines(), start=1):
            try:
                entries.append(dict(json.loads(line)))
            except (ValueError, TypeError):
                raise HarnessError(
                    f"{self.path}, line {number} is damaged: remove the file to repeat this search"
                ) from None
        return entries, intact

    def append(self, entry: dict[str, Any]) -> None:
        """Add an entry; on return it survives a kill of the process and of the machine."""
        self._file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def remove(self) -> None:
        """Delete the file: its content now stands in a trace."""
        self.close()
        self.path.unlink(missing_ok=True)
