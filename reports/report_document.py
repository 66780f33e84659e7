"""The report of an experiment: what its page shows of a summary."""

from __future__ import annotations

from altair.utils.schemapi import debug_mode

from reports.document import Document, Section
from reports.sections import BENCHMARK_SECTIONS, LAST_SECTIONS, SECTIONS
from reports.sections.lead import lead
from reports.sections.naming import colours, named
from reports.sections.question import question, warnings
from reports.summary import BenchmarkSummary, Summary

_COMMANDS = "nas-harness run experiment.yaml --out results\nnas-harness report results"


def document(summary: Summary) -> Document:
    """The document of a summary, which holds all of its numbers."""
    # Altair would check each part of a figure as it is made; the tests check whole ones.
    with debug_mode(False):
        first = [section(summary) for section in SECTIONS]
        last = [section(summary) for section in LAST_SECTIONS]
        sections = [*first, *(_benchmark(summary, b) for b in summary.benchmarks), *last]
    kept = tuple(section for section in sections if section is not None)
    return Document(
        title="Is it better than random search?",
        lead=lead(summary),
        sections=kept,
        provenance=_provenance(summary),
        searchers=_drawn(kept, colours(summary).labels),
        warnings=tuple(
            f"{benchmark.name}: {warning}"
            for benchmark in summary.benchmarks
            for warning in warnings(benchmark)
        ),
    )


def _benchmark(summary: Summary, benchmark: BenchmarkSummary) -> Section:
    parts = (part(summary, benchmark) for part in BENCHMARK_SECTIONS)
    return Section(
        named(summary, benchmark, "benchmark"),
        benchmark.name,
        text=question(summary, benchmark),
        warnings=warnings(benchmark),
        parts=tuple(part for part in parts if part is not None),
    )


def _drawn(sections: tuple[Section, ...], labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels that any figure's data names."""
    found = {
        row[0]
        for whole in sections
        for section in whole
        for figure in section.figures
        for row in figure.data.rows
    }
    return tuple(label for label in labels if label in found)


def _provenance(summary: Summary) -> dict[str, str]:
    versions = ", ".join(f"{name} {version}" for name, version in summary.versions.items())
    return {
        "numbers": "Every number on this page is in `summary.json` beside it.",
        "versions": versions,
        "commands": _COMMANDS,
        "experiment.yaml": summary.experiment,
    }
