"""The study's answer in sentences, each from its numbers."""

from __future__ import annotations

from collections.abc import Iterator

from reports.comparison import BETTER, WORSE
from reports.studies.noise.economics import EVALUATE_BETTER, SEARCH_MORE
from reports.studies.noise.figures import seen
from reports.studies.noise.phases import PhaseDiagram
from reports.studies.noise.published import AGREES
from reports.studies.noise.simulation import TRUTH, Simulation
from reports.studies.noise.study import NoiseStudy


def lead(study: NoiseStudy) -> Iterator[str]:
    """The sentences."""
    yield _cost_of_noise(study.simulation)
    for name, cells in study.published.items():
        free = [cell for cell in cells if cell.tau == TRUTH]
        noisy = [cell for cell in cells if cell.tau != TRUTH]
        agreeing = [sum(cell.verdict == AGREES for cell in some) for some in (free, noisy)]
        yield (
            f"Table {name} by range gap: {agreeing[0]} of {len(free)} noise-free cells and"
            f" {agreeing[1]} of {len(noisy)} noisy ones agree with the published numbers."
        )
    if study.equal_costs:
        verdicts = [row.verdict for row in study.equal_costs]
        yield (
            f"At equal cost, more generations on a cheaper proxy are better in"
            f" {verdicts.count(SEARCH_MORE)} of {len(verdicts)} cases and worse in"
            f" {verdicts.count(EVALUATE_BETTER)}, by range gap and the assumed speed-ups."
        )
    for diagram in (*study.genetic, study.lattice, study.table):
        if diagram is not None:
            yield _phases(diagram)


def _cost_of_noise(simulation: Simulation) -> str:
    settings = simulation.settings
    dimensions, generations = settings.dimensions[0], settings.generations[-1]
    parts = []
    for tau in sorted({max(settings.taus), min(settings.taus)}, reverse=True):
        cell = simulation.cell(dimensions, tau, generations)
        parts.append(
            f"{seen(tau)}: range gap {cell.range_gap.mean.mean:.4f},"
            f" {_share(cell.top_fraction.mean.mean)} of the space is better"
        )
    return (
        f"Rastrigin's function in {dimensions} dimensions after {generations:,} generations of the"
        f" genetic algorithm, mean of {settings.repeats:,} runs: {'; '.join(parts)}."
    )


def _share(share: float | None) -> str:
    assert share is not None
    return f"{share:.2%}" if share >= 0.0001 else "less than 0.01%"


def _phases(diagram: PhaseDiagram) -> str:
    counts = []
    for searcher in diagram.searchers:
        verdicts = [phase.verdict for phase in diagram.phases if phase.searcher == searcher]
        counts.append(
            f"{searcher} is better in {verdicts.count(BETTER)} and worse in"
            f" {verdicts.count(WORSE)}"
        )
    return (
        f"{diagram.benchmark}, against random search in {len(verdicts)} pairs of noise and"
        f" budget: {'; '.join(counts)}."
    )
