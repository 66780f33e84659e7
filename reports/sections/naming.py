"""Names of sections, figures and tables, which are also names of files."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports.charts import Colours
from reports.summary import BenchmarkSummary, Summary


def slug(text: str) -> str:
    """A text as a name: lower case, digits, hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "benchmark"


def named(summary: Summary, benchmark: BenchmarkSummary, what: str) -> str:
    """The name of something about a benchmark, as "nats-cifar10-curves".

    Benchmarks whose labels give the same name are numbered.
    """
    stems = [slug(other.name) for other in summary.benchmarks]
    place = next(i for i, other in enumerate(summary.benchmarks) if other is benchmark)
    stem = stems[place]
    if stems.count(stem) > 1:
        stem = f"{stem}-{place + 1}"
    return f"{stem}-{what}"


def colours(summary: Summary) -> Colours:
    """The searchers' colours, the same in all figures of a report."""
    return Colours([s["searcher"] for s in summary.searchers], summary.random_search)


def along(benchmark: BenchmarkSummary, axis: str) -> str:
    """What "evaluations" or "seconds" are on a figure of a benchmark."""
    if axis == "seconds":
        return "virtual seconds"
    if not benchmark.one_shot:
        return "charged evaluations"
    if benchmark.short:
        return "charged evaluations, or image passes of full trainings"
    return "charged evaluations, or as many image passes"


def exception(labels: Sequence[str]) -> str:
    """A sentence on strategies with short evaluations, where image passes are the measure; ""."""
    if not labels:
        return ""
    return (
        f" Not so {', '.join(labels)}, some of whose evaluations are shorter than a full training:"
        " after e of them fewer image passes are used. Compare by virtual time, and by final"
        " results."
    )


def points(unit: str) -> str:
    """The short unit of differences: percentage points of per cents."""
    return "pp" if unit == "%" else unit
