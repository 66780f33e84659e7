"""Where an import may write its table, found out before the work."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import UserError


def check_place(out: Path, source: Path | None = None) -> None:
    """Find out before a long import that its result cannot be written.

    Args:
        out: Where the table is to go.
        source: A file that it must not replace.

    Raises:
        UserError: If so.
    """
    if out.is_dir():
        raise UserError(f"{out} is a directory: give the table's file, as in {out / 'my.table'}")
    if source is not None and out.exists() and source.exists() and out.samefile(source):
        raise UserError(f"the table would overwrite {source}: give another place")
    there = next(parent for parent in out.absolute().parents if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise UserError(f"cannot write {out}: {there} is no directory that can be written to")
