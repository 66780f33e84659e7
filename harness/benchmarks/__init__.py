"""Benchmarks: what answers a proposal with a value and a cost.

A registered benchmark is a function without arguments that returns the path of a packed table.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import TableBenchmark, find_protocol
from harness.errors import UserError
from harness.protocol import Protocol
from harness.registry import Registry

registry = Registry("benchmark", {"tss-digits": "harness.benchmarks.embedded:tss_digits"})


@cache
def _opened(path: str, modified: int) -> PackedTable:
    """A table, opened once a process and file version."""
    return PackedTable(path)


def _modified(path: Path) -> int | None:
    """When a file was changed last, in nanoseconds; None if there is no such file."""
    try:
        return path.stat().st_mtime_ns if path.is_file() else None
    except (OSError, ValueError):
        return None


def open_table(source: str | Path) -> PackedTable:
    """The packed table of a registered name or a path.

    Raises:
        UserError: If there is no such name or file, or the file is no intact table.
    """
    text = str(source)
    modified = None if text in registry.builtin else _modified(Path(text))
    path = Path(text)
    if modified is None and not path.suffix and "/" not in text:
        path = Path(registry.load(text)())
        modified = _modified(path)
    if modified is None:
        raise UserError(
            f"there is no table {path}: give a name of `nas-harness list`, or a"
            " file made by `nas-harness import`"
        )
    return _opened(str(path.resolve()), modified)


def open_benchmark(
    source: str | Path,
    protocol: str | Protocol | None = None,
    options: Mapping[str, Any] | None = None,
) -> TableBenchmark:
    """The benchmark of a registered name or a table's path, with ``#dataset`` if need be.

    Args:
        source: As in ``tss-digits`` or ``nats-tss.table#cifar100``.
        protocol: One of the table's protocols by name, or a protocol; default: the table's.
        options: Fields of the protocol to replace, such as ``{"missing": "resample"}``.

    Raises:
        UserError: If something is unknown, or the protocol leaks test data.
    """
    name, _, dataset = str(source).partition("#")
    table = open_table(name)
    if options:
        protocol = find_protocol(table, dataset, protocol).with_options(**options)
    return TableBenchmark(table, dataset or None, protocol)


__all__ = ["Protocol", "TableBenchmark", "open_benchmark", "open_table", "registry"]
