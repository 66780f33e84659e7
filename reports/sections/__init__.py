"""The sections of a comparison's report: each says of a summary what a reader is to see.

A section is a function that returns None where it has nothing to say. `SECTIONS` are those about
the whole experiment, before and after the benchmarks; `BENCHMARK_SECTIONS` are the parts of each
benchmark's section.
"""

from __future__ import annotations

from collections.abc import Callable

from reports.document import Section
from reports.sections.across import across
from reports.sections.catching_up import catching_up
from reports.sections.checklist import checklist
from reports.sections.comparisons import comparisons
from reports.sections.curves import curves
from reports.sections.details import details
from reports.sections.dynamics import dynamics
from reports.sections.equivalent_budget import equivalent_budget
from reports.sections.evidence import evidence
from reports.sections.evidence_method import evidence_method
from reports.sections.finals import finals
from reports.sections.method import method
from reports.sections.ranking import ranking
from reports.sections.space import space
from reports.sections.targets import targets
from reports.sections.trainings import trainings
from reports.sections.verdicts import verdicts
from reports.summary import BenchmarkSummary, Summary

SECTIONS: tuple[Callable[[Summary], Section | None], ...] = (
    verdicts,
    across,
    ranking,
)
"""Before the benchmarks, in their order on the page."""

LAST_SECTIONS: tuple[Callable[[Summary], Section | None], ...] = (
    method,
    evidence_method,
    checklist,
)
"""After the benchmarks."""

BENCHMARK_SECTIONS: tuple[Callable[[Summary, BenchmarkSummary], Section | None], ...] = (
    curves,
    comparisons,
    evidence,
    finals,
    catching_up,
    equivalent_budget,
    targets,
    space,
    dynamics,
    trainings,
    details,
)
"""Of each benchmark."""
