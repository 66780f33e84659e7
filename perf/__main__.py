"""``python -m perf``: measure, and write the results."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from harness.benchmarks.packed import atomic_write
from harness.errors import HarnessError, UserError, unknown
from perf import importing, lookups, opening, searches, studies, sweep, training
from perf.bench import FULL, QUICK, Bench, data_folder, make_table
from perf.figures import Row
from perf.machine import describe
from perf.page import render

MEASUREMENTS: dict[str, Callable[[Bench], list[Row]]] = {
    "searches": searches.measure,
    "sweep": sweep.measure,
    "opening": opening.measure,
    "lookups": lookups.measure,
    "importing": importing.measure,
    "studies": studies.measure,
    "training": training.measure,
}

app = typer.Typer(
    add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False
)


@app.command()
def main(
    out: Annotated[
        Path | None, typer.Option(help="Markdown file to write; without it, the terminal.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help=f"Only this one of {', '.join(MEASUREMENTS)}.")
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Tiny sizes: does everything run? No figures."),
    ] = False,
) -> None:
    """Measure how fast this project is, beside its peers, and write a Markdown page.

    Leave the machine alone meanwhile. Needs 2 GB of temporary disk. Without the folder of
    real tables ($NAS_HARNESS_TEST_DATA, or ../shared/data) a synthetic table is searched, and
    nats_bench is not measured. A missed bar is said on the page; the exit status is 1 only if a
    measurement failed.

    Examples:

        python -m perf --out perf/RESULTS.md

        python -m perf --only searches --only importing

        python -m perf --quick
    """
    names = only or list(MEASUREMENTS)
    for name in names:
        if name not in MEASUREMENTS:
            raise unknown("measurement", name, MEASUREMENTS)
    if out is not None and not out.absolute().parent.is_dir():
        raise UserError(f"--out {out}: there is no directory {out.absolute().parent}")
    machine = describe()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="nas-harness-perf-") as folder:
        bench = prepare(Path(folder), quick)
        for place, name in enumerate(names, start=1):
            began = time.perf_counter()
            progress(f"[{place}/{len(names)}] {name} ...")
            try:
                rows += MEASUREMENTS[name](bench)
            except HarnessError as error:
                rows.append(Row(name, "–", f"failed: {error}"))
            progress(f"[{place}/{len(names)}] {name}: {time.perf_counter() - began:.1f} s")
    page = render(rows, machine, judged=not quick)
    if out is None:
        print(page)
    else:
        with atomic_write(out) as stream:
            stream.write(page.encode())
        progress(f"wrote {out}")
    if any(isinstance(row.ours, str) and row.ours.startswith("failed") for row in rows):
        raise typer.Exit(1)


def prepare(scratch: Path, quick: bool) -> Bench:
    """The bench, with its table written."""
    needed = 0 if quick else 2_000_000_000
    if shutil.disk_usage(scratch).free < needed:
        raise HarnessError(f"less than {needed / 1e9:.0f} GB are free in {scratch}: set TMPDIR")
    progress("making the table that all search ...")
    data = data_folder()
    return Bench(QUICK if quick else FULL, scratch, data, make_table(scratch, data))


def progress(text: str) -> None:
    """A line on standard error."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        app()
    except HarnessError as error:
        print(f"perf: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
