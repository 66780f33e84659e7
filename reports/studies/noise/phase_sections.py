"""The sections with phase diagrams: where a strategy beats random search."""

from __future__ import annotations

from collections.abc import Sequence

from reports.charts import points
from reports.comparison import BETTER, WORSE
from reports.document import Column, Figure, Section, Table
from reports.studies.noise.figures import level_label, phase_figure
from reports.studies.noise.phases import PhaseDiagram
from reports.studies.noise.scaled import PROXY, RUNS

_HOLM = (
    "Verdicts: p below 0.05 by Holm's method over the whole diagram, and an interval of the mean"
    " difference that does not hold 0. No difference shown does not mean that there is none: with"
    " more searches, smaller differences show."
)


_NOISE = {
    RUNS: (
        "A search sees the mean of an architecture's training runs plus a factor times the"
        " distance of one run from it: with 0 the mean, with 1 the table as it is. The mean is of"
        " few runs and not the truth, and the reported result is another measure; both keep tau"
        " below 1 without any noise."
    ),
    PROXY: (
        "The protocol has no several runs of an architecture to draw from. So a search sees the"
        " reported result plus a factor times the distance of the search's measure from it, each"
        " less its mean over the table: with 0 the order of the reported results, with 1 that of"
        " the search's measure. That distance is not luck alone: part of it is what the measure"
        " systematically gets wrong."
    ),
}

_DEVIATION = {
    RUNS: "Of single runs within an architecture, pooled over those with several.",
    PROXY: "Of the distances, over architectures.",
}


def genetic_section(diagrams: Sequence[PhaseDiagram]) -> Section:
    """The genetic algorithm against random search, a diagram for each number of dimensions."""
    return Section(
        name="genetic-phases",
        title="The genetic algorithm against random search",
        text=(
            "Random search draws as many uniform points in the same box and noise and keeps the"
            f" one that looks best. {diagrams[0].seeds} runs of each, in pairs that share their"
            " noise field; p is Wilcoxon's signed-rank test. Copies that the algorithm evaluates"
            " again count as evaluations; random search makes none.",
            _HOLM,
        ),
        figures=tuple(
            phase_figure(diagram, searcher, f"genetic-phases-{place}")
            for place, diagram in enumerate(diagrams)
            for searcher in diagram.searchers
        ),
        tables=tuple(
            make(diagram, f"genetic-phases-{place}-{what}")
            for place, diagram in enumerate(diagrams)
            for what, make in (("onsets", _onsets), ("table", _table))
        ),
    )


def lattice_section(diagram: PhaseDiagram) -> Section:
    """Strategies on the lattice."""
    return Section(
        name="lattice-phases",
        title="Strategies on the noisy Rastrigin function",
        text=(
            f"{diagram.benchmark}: each axis is a decision with ordered options, and every point"
            " has noise of its own, calibrated as above. Results are range gaps: lower is better."
            f" {diagram.seeds} searches of each under the same seeds as the sampled random"
            " search's; p is Wilcoxon's signed-rank test.",
            _HOLM,
        ),
        figures=_figures(diagram, "lattice-phases"),
        tables=(_onsets(diagram, "lattice-onsets"), _table(diagram, "lattice-phases-table")),
    )


def table_section(diagram: PhaseDiagram) -> Section:
    """Strategies on a real table."""
    return Section(
        name="table-phases",
        title=f"Strategies on {diagram.benchmark}, with its own noise turned up and down",
        text=(
            f"{_NOISE[diagram.noise]} So the noise is as uneven as the table's. Tau: Kendall's"
            " tau-b between what a search sees and what is reported, over all measured rows.",
            f"{diagram.seeds} searches of each against the exact distribution of random search's"
            " result at the same noise and budget; p is the test of `nas-harness report`."
            f" {_HOLM}",
        ),
        figures=_figures(diagram, "table-phases"),
        tables=(
            _onsets(diagram, "table-onsets"),
            _table(diagram, "table-phases-table"),
            _levels(diagram),
        ),
        warnings=diagram.leaks,
    )


def _figures(diagram: PhaseDiagram, name: str) -> tuple[Figure, ...]:
    return tuple(
        phase_figure(diagram, searcher, f"{name}-{place}")
        for place, searcher in enumerate(diagram.searchers)
    )


def _onsets(diagram: PhaseDiagram, name: str) -> Table:
    return Table(
        name=name,
        title=f"{diagram.benchmark}: evaluations from which on a strategy beats random search",
        columns=(
            Column("strategy"),
            *(Column(level_label(diagram, level.name)) for level in diagram.levels),
        ),
        rows=tuple(
            (searcher, *(diagram.onset(searcher, level.name) for level in diagram.levels))
            for searcher in diagram.searchers
        ),
        note="The least budget from which on all verdicts are `better`; a dash where none is.",
    )


def _table(diagram: PhaseDiagram, name: str) -> Table:
    marks = {BETTER: "▲", WORSE: "▼"}
    digits = None if diagram.maximize else 4
    unit = points(diagram.unit)
    return Table(
        name=name,
        title=f"{diagram.benchmark}: strategies minus random search",
        columns=(
            Column("strategy"),
            Column("noise"),
            Column("evaluations"),
            Column("strategy's result", diagram.unit, digits),
            Column("random search's", diagram.unit, digits),
            Column("difference", unit, digits, signed=True),
            Column("p, Holm"),
            Column("verdict"),
        ),
        rows=tuple(
            (
                phase.searcher,
                level_label(diagram, phase.level),
                phase.budget,
                phase.result.mean,
                phase.random,
                phase.difference,
                phase.p_holm,
                f"{marks.get(phase.verdict, '○')} {phase.verdict}",
            )
            for phase in diagram.phases
        ),
    )


def _levels(diagram: PhaseDiagram) -> Table:
    return Table(
        name="table-noise",
        title="Noise by factor",
        columns=(
            Column("factor"),
            Column("standard deviation", points(diagram.unit)),
            Column("tau", digits=4),
        ),
        rows=tuple((level.name, level.deviation, level.tau) for level in diagram.levels),
        note=_DEVIATION[diagram.noise],
    )
