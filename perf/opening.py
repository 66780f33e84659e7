"""Opening a packed table of full shape: time, and memory that stays."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from perf.bench import Bench, Sizes
from perf.figures import Bar, Row, Sample
from perf.fresh import fresh

SEEDS = (777, 888, 999)


def measure(bench: Bench) -> list[Row]:
    """Rows for opening, and for making a benchmark that answers."""
    path = bench.scratch / "full-shape.table"
    fresh("perf.opening:write_full_shape", path=str(path), sizes=vars(bench.sizes))
    probes = [fresh("perf.opening:probe", path=str(path)) for _ in range(bench.sizes.repeats)]

    def row(what: str, unit: str, name: str, bar: Bar | None = None, note: str = "") -> Row:
        sample: Sample | str
        if any(probe[name] is None for probe in probes):
            sample = "not measured: needs /proc (Linux)"
        else:
            factor = 1e3 if unit == "ms" else 1e-6
            sample = Sample.of([probe[name] for probe in probes], factor)
        return Row(what, unit, sample, bar=bar, note=note)

    sizes = bench.sizes
    shape = (
        f"A table of three data sets, {len(SEEDS)} seeds and {sizes.epochs}-epoch curves for"
        f" {sizes.cells:,} cells, synthetic values, columns and protocols as the importer of"
        f" official records makes them, {path.stat().st_size / 1e6:,.0f} MB, in the page cache;"
        " each repetition is a fresh process with numpy and pyarrow imported. The time is that of"
        " open_table, the memory that of importing harness.benchmarks and of open_table."
    )
    ready = "From TableBenchmark to its first answer: what each process that searches does."
    opening, readying = "open a packed table", "make an opened table's benchmark that answers"
    return [
        row(opening, "ms", "open_seconds", Bar(50, at_least=False), shape),
        row(opening, "MB resident", "open_bytes", Bar(10, at_least=False), shape),
        row("import harness.benchmarks before it", "ms", "import_seconds", note=shape),
        row(readying, "ms", "ready_seconds", note=ready),
        row(readying, "MB resident", "ready_bytes", note=ready),
    ]


def probe(path: str) -> dict[str, float | None]:
    """Seconds of importing, opening and making ready, and bytes of memory that these keep."""
    import numpy  # noqa: F401
    import pyarrow  # noqa: F401

    at_start = resident()
    began = time.perf_counter()
    from harness.benchmarks import TableBenchmark, open_table

    imported = time.perf_counter()
    table = open_table(path)
    opened = time.perf_counter()
    after_open = resident()
    began_ready = time.perf_counter()
    benchmark = TableBenchmark(table)
    answer = benchmark.evaluator(0)(tuple(table.keys[0].tolist()))
    ready = time.perf_counter()
    after_ready = resident()
    assert answer.value > 0
    return {
        "import_seconds": imported - began,
        "open_seconds": opened - imported,
        "ready_seconds": ready - began_ready,
        "open_bytes": None if at_start is None else after_open - at_start,  # type: ignore[operator]
        "ready_bytes": None if at_start is None else after_ready - after_open,  # type: ignore[operator]
    }


def resident() -> int | None:
    """Resident memory of this process in bytes; None where /proc does not tell."""
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * resource.getpagesize()


def write_full_shape(path: str, sizes: dict[str, Any]) -> None:
    """Write the table, with the columns that an import of official records would have.

    Args:
        path: The new file.
        sizes: The fields of `Sizes`.
    """
    import numpy as np

    from harness.benchmarks.importers.nats_protocols import DATASETS, protocols
    from harness.benchmarks.importers.nats_records import Quantity
    from harness.benchmarks.packed import TableHeader, write_table
    from harness.testing.tables import SyntheticTable

    size = Sizes(**sizes)
    source = SyntheticTable("tss")
    cells = np.array(source.architectures()[: size.cells])
    curve, short = tuple(range(1, size.epochs + 1)), tuple(range(1, 13))
    columns, values = {}, {}
    for dataset, training_set in DATASETS.items():
        quality, slowness = source.quality(cells, dataset), source.slowness(cells, dataset)

        def enter(
            quantity: Quantity,
            epochs: tuple[int, ...],
            final: np.ndarray = quality,
            half: np.ndarray = slowness,
        ) -> None:
            column = quantity.column(SEEDS, epochs)
            rising = np.array(epochs) / (np.array(epochs) + half[:, None])
            luck = np.array([-0.5, 0.0, 0.5])[:, None]
            columns[column.name] = column
            accuracy = 10 + 84 * (final[:, None] * rising)[:, None, :] + luck
            values[column.name] = accuracy.astype(np.float32)

        enter(Quantity(training_set, 200, "train", "accuracy"), curve)
        enter(Quantity(training_set, 200, "valid", "accuracy"), curve)
        enter(Quantity(training_set, 12, "valid", "accuracy"), short)
        enter(Quantity(dataset, 200, "test", "accuracy"), (200,))
        for split in ("train", "valid"):
            for schedule in (12, 200):
                enter(Quantity(training_set, schedule, split, "seconds"), (0,))
    known = protocols(columns, (12, 200))
    header = TableHeader(
        name="full-shape",
        space="tss",
        columns=tuple(columns.values()),
        protocols={
            name: {p.name: p.to_dict() for p in them.values()} for name, them in known.items()
        },
        defaults={dataset: next(iter(them)) for dataset, them in known.items()},
        default_dataset=next(iter(known)),
        provenance={"source": "computed by perf.opening, not measured"},
    )
    write_table(path, header, cells.astype(np.uint8), np.arange(len(cells)), values)
