"""What a live benchmark's trainings cost."""

from __future__ import annotations

from reports.document import Cell, Column, Section, Table
from reports.sections.naming import named
from reports.summary import BenchmarkSummary, Summary


def trainings(summary: Summary, benchmark: BenchmarkSummary) -> Section | None:
    """Numbers, real time, memory and devices of the trainings behind the answers."""
    costs = benchmark.trainings
    if costs is None:
        return None
    rows: list[tuple[Cell, ...]] = [
        ("trainings", ", ".join(f"{n:,} {status}" for status, n in costs.statuses.items())),
        ("real hours, one after the other", f"{costs.hours:,.2f}"),
    ]
    if costs.median_seconds is not None and costs.slowest_seconds is not None:
        seconds = f"{costs.median_seconds:,.1f} (median), {costs.slowest_seconds:,.1f} (longest)"
        rows.append(("real seconds of a training", seconds))
    if costs.peak_memory is not None:
        rows.append(("largest memory of a process", f"{costs.peak_memory / 2**30:,.2f} GiB"))
    if costs.parameters is not None:
        least, median, most = costs.parameters
        rows.append(("parameters", f"{least:,} to {most:,}, median {median:,}"))
    rows.append(("devices", ", ".join(costs.devices)))
    note = (
        "Real time and memory are telemetry: they differ from run to run and enter no result."
        " Searches under one seed share trainings, so that there are fewer than evaluations."
        " The largest memory on a CPU is that of the process with all that it holds."
    )
    columns = (Column("what"), Column("value"))
    name = named(summary, benchmark, "trainings")
    table = Table(name, "Trainings", columns, tuple(rows), note)
    return Section(named(summary, benchmark, "training-costs"), "Trainings", tables=(table,))
