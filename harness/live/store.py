"""Finished trainings and checkpoints of a live benchmark, safe on disk.

All searches of an experiment share it: two strategies that propose the same architecture under
the same seed share one training, as they share a table's row.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

from harness.benchmarks.packed import atomic_write
from harness.errors import HarnessError
from harness.journal import Journal
from harness.live.record import Record

_KEY = re.compile(r"[0-9a-zA-Z-]{1,240}")


def training_directory(out: Path, checksum: str) -> Path:
    """Where an experiment keeps the trainings of a live benchmark."""
    return out / "trainings" / checksum


class Store(Protocol):
    """Where trainings are found and kept."""

    def find(self, key: str) -> Record | None:
        """What is known of a training."""

    def keep(self, record: Record, *, last: int) -> Record:
        """Join a training with what is known of it, and return that.

        Two searches may train one network at the same time: only here is known what came first.

        Args:
            record: What was found.
            last: The recipe's last epoch; a training that has come so far, or cannot go on, needs
                its checkpoint no more.
        """

    def checkpoint(self, key: str) -> bytes | None:
        """The last state of an unfinished training."""

    def keep_checkpoint(self, key: str, content: bytes) -> None:
        """Keep a training's state in place of an earlier one."""


class MemoryStore:
    """A store that ends with its process: for single searches without a directory."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._checkpoints: dict[str, bytes] = {}

    def find(self, key: str) -> Record | None:
        """See `Store.find`."""
        return self._records.get(key)

    def keep(self, record: Record, *, last: int) -> Record:
        """See `Store.keep`."""
        record = record.joined(self._records.get(record.key))
        self._records[record.key] = record
        if record.ended(last):
            self._checkpoints.pop(record.key, None)
        return record

    def checkpoint(self, key: str) -> bytes | None:
        """See `Store.checkpoint`."""
        return self._checkpoints.get(key)

    def keep_checkpoint(self, key: str, content: bytes) -> None:
        """See `Store.keep_checkpoint`."""
        self._checkpoints[key] = content


class DirectoryStore(MemoryStore):
    """A store in a directory: one line a training in ``trainings.jsonl``, one file a checkpoint.

    One process writes it. A training's last line counts: those that go on have several.

    Args:
        directory: Made if need be.

    Raises:
        HarnessError: If the file is damaged other than at its end.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._journal = Journal(directory / "trainings.jsonl")
        try:
            for entry in self._journal.entries:
                record = Record.from_dict(entry)
                self._records[record.key] = record
        except TypeError as error:
            raise HarnessError(
                f"{self._journal.path} was written by another version ({error}): choose another"
                " --out"
            ) from None

    def keep(self, record: Record, *, last: int) -> Record:
        """See `Store.keep`; on return it survives a kill."""
        record = super().keep(record, last=last)
        self._journal.append(record.to_dict())
        if record.ended(last):
            self._file(record.key).unlink(missing_ok=True)
        return record

    def checkpoint(self, key: str) -> bytes | None:
        """See `Store.checkpoint`."""
        file = self._file(key)
        return file.read_bytes() if file.exists() else None

    def keep_checkpoint(self, key: str, content: bytes) -> None:
        """See `Store.keep_checkpoint`."""
        with atomic_write(self._file(key)) as stream:
            stream.write(content)

    def _file(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise HarnessError(f"'{key}' names no training")
        return self._directory / "checkpoints" / f"{key}.pt"
