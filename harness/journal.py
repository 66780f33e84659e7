"""Journals: every finished evaluation of a live search, safe on disk before the searcher hears.

One JSON line an evaluation, appended and fsynced. What a kill or a power cut left of a last line
was never told to the searcher, so a damaged end is dropped; damage anywhere else is an error.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

from harness.disk import make_directory, sync_directory
from harness.errors import HarnessError
from harness.traces import finished_seeds

_CHECKSUM = "crc32"


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
        make_directory(path.parent)
        self.entries, intact = _read(path)
        self._file = path.open("ab")
        if self._file.tell() > intact:
            self._file.truncate(intact)
        # What a killed process wrote last need not be on the disk yet, nor the file's name.
        os.fsync(self._file.fileno())
        sync_directory(path.parent)

    def append(self, entry: dict[str, Any]) -> None:
        """Add an entry; on return it survives a kill of the process and of the machine."""
        self._file.write(journal_line(entry) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def remove(self) -> None:
        """Delete the file: its content now stands in a trace."""
        self.close()
        self.path.unlink(missing_ok=True)


def read_entries(path: Path) -> list[dict[str, Any]]:
    """The entries of a journal that is not written meanwhile, without opening it for more.

    Raises:
        HarnessError: If a line other than the last is damaged.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The entries, and how many bytes they take."""
    content = path.read_bytes() if path.exists() else b""
    entries: list[dict[str, Any]] = []
    intact = 0
    *lines, rest = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(_entry(line))
        except ValueError:
            if number == len(lines) and not rest:
                break
            raise HarnessError(
                f"{path}, line {number} is damaged: remove the file to repeat this search"
            ) from None
        intact += len(line) + 1
    return entries, intact


def journal_line(entry: dict[str, Any]) -> bytes:
    """An entry as JSON, with a checksum as its last field."""
    text = json.dumps(entry, separators=(",", ":")).encode()
    checksum = json.dumps({_CHECKSUM: zlib.crc32(text)}, separators=(",", ":")).encode()
    return text[:-1] + b"," * bool(entry) + checksum[1:]


def _entry(line: bytes) -> dict[str, Any]:
    """The inverse.

    Raises:
        ValueError: If the line is not as it was written.
    """
    try:
        entry = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(entry, dict):
        raise ValueError("no entry")
    entry.pop(_CHECKSUM, None)
    if journal_line(entry) != line:
        raise ValueError("wrong checksum")
    return entry


def journal_path(out: Path, directory: str, seed: int) -> Path:
    """Where the journal of a cell's search is, by the name of the cell's directory."""
    return out / "journal" / directory / f"seed-{seed:06d}.jsonl"


def remove_finished(out: Path) -> None:
    """Delete the journals and checkpoints of searches whose traces are there.

    A kill came between the two.
    """
    for path in sorted(out.glob("journal/*/seed-*.*")):
        traces = out / "traces" / path.parent.name
        if int(path.stem.removeprefix("seed-")) in finished_seeds(traces):
            sync_directory(traces)
            path.unlink()
