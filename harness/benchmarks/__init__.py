"""Benchmarks: what answers a proposal with a value and a cost.

A registered benchmark is a function without arguments that returns the path of a packed table, or
a `FunctionBenchmark` class.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.benchmarks.base import Benchmark
from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import TableBenchmark, find_protocol
from harness.errors import HarnessError, UserError
from harness.live.question import is_live
from harness.protocol import Protocol
from harness.registry import Registry

if TYPE_CHECKING:
    from harness.benchmarks.function import FunctionBenchmark

registry = Registry(
    "benchmark",
    {
        "tss-digits": "harness.benchmarks.embedded:tss_digits",
        "rastrigin-2d": "harness.benchmarks.rastrigin:Rastrigin2",
        "rastrigin-3d": "harness.benchmarks.rastrigin:Rastrigin3",
        "rastrigin-4d": "harness.benchmarks.rastrigin:Rastrigin4",
    },
)


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
    if is_live(text):
        raise UserError(f"benchmark '{text}' is trained: it has no table")
    modified = None if text in registry.builtin else _modified(Path(text))
    path = Path(text)
    if modified is None and _is_name(text):
        if function_class(text) is not None:
            raise UserError(f"benchmark '{text}' is computed: it has no table")
        path, modified = _table_of(text)
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
) -> Benchmark:
    """The benchmark of a registered name or a table's path, with ``#dataset`` if need be.

    Args:
        source: As in ``tss-digits``, ``nats-tss.table#cifar100`` or ``live:tss/cifar10``.
        protocol: One of the table's protocols by name, or a protocol; default: the table's.
        options: Fields of the protocol to replace, such as ``{"missing": "resample"}``.

    Raises:
        UserError: If something is unknown, or the protocol leaks test data.
    """
    if is_live(str(source)):
        from harness.benchmarks.live import LiveBenchmark

        return LiveBenchmark.open(str(source), protocol, options)
    name, _, dataset = str(source).partition("#")
    function = function_class(name)
    if function is not None:
        if dataset:
            raise UserError(f"benchmark '{name}' is computed: it has no data set '{dataset}'")
        protocol = function.find_protocol(protocol).with_options(**options or {})
        return function(protocol)
    table = open_table(name)
    if options:
        protocol = find_protocol(table, dataset, protocol).with_options(**options)
    return TableBenchmark(table, dataset or None, protocol)


def function_class(name: str) -> type[FunctionBenchmark] | None:
    """The class of a benchmark that is computed; None for tables, paths and live training.

    Args:
        name: A registered name, or ``module:Class`` of a class that is not registered.

    Raises:
        UserError: If there is no such module or class.
        HarnessError: If it is no benchmark.
    """
    if is_live(name) or (name not in registry.builtin and _modified(Path(name)) is not None):
        return None
    module, colon, attribute = name.partition(":")
    if colon:
        found = _imported(module, attribute)
    elif _is_name(name):
        found = registry.load(name)
    else:
        return None
    if not isinstance(found, type) and not colon:
        return None
    from harness.benchmarks.function import FunctionBenchmark

    if not (isinstance(found, type) and issubclass(found, FunctionBenchmark)):
        # Who names a class is mistaken in it; a registered one is another person's.
        raise (UserError if colon else HarnessError)(
            f"benchmark '{name}' is neither a FunctionBenchmark nor a registered function that"
            " returns a table's path"
        )
    return found


def _imported(module: str, attribute: str) -> Any:
    try:
        return getattr(importlib.import_module(module), attribute)
    except Exception as error:  # whatever the module runs into
        raise UserError(
            f"benchmark '{module}:{attribute}' cannot be imported ({type(error).__name__}:"
            f" {error}): give a table, a name of `nas-harness list`, or module:Class of a module"
            " on PYTHONPATH"
        ) from error


def _table_of(name: str) -> tuple[Path, int]:
    """A registered table's path, and when it was changed last."""
    path = registry.make(name)
    modified = _modified(Path(path)) if isinstance(path, str | Path) else None
    if modified is None:
        raise HarnessError(
            f"benchmark '{name}' of {registry.origin(name)} has no table: there is no file {path}"
        )
    return Path(path), modified


def _is_name(text: str) -> bool:
    # A registered name may hold a dot, but few do: look for those last.
    return "/" not in text and (not Path(text).suffix or text in registry.names())


__all__ = ["Benchmark", "Protocol", "TableBenchmark", "open_benchmark", "open_table", "registry"]
