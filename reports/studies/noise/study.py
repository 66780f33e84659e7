"""The study as a whole: what is computed, and the value that holds all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from reports.studies.noise.economics import SPEEDUPS, EqualCost, equal_costs
from reports.studies.noise.genetic_phases import genetic_phases
from reports.studies.noise.lattice_phases import lattice_phases
from reports.studies.noise.phases import PhaseDiagram, Progress
from reports.studies.noise.published import (
    TABLE_4_3,
    TABLE_5_4,
    TAUS_4_3,
    TAUS_5_4,
    PublishedCell,
    covers,
    table_4_3,
    table_5_4,
)
from reports.studies.noise.simulation import Settings, Simulation, simulate
from reports.studies.noise.table_phases import table_phases

Bar = Callable[[str], AbstractContextManager[Progress]]
"""From what is counted to a context with a function of (done, in all)."""


@dataclass(frozen=True)
class Searches:
    """Which strategies are run besides the genetic algorithm, and where.

    Attributes:
        searchers: As in ``"regularized_evolution:population_size=20"``; () for none.
        dimensions: Of the function on whose lattice they run; 0 for not.
        lattice_budgets: Evaluations there.
        lattice_seeds: Searches of each there.
        benchmark: A table; "" for none.
        protocol: One of its protocols; None: its default.
        options: Fields of the protocol to replace.
        factors: Of its noise.
        budgets: Evaluations on it.
        seeds: Searches of each on it.
    """

    searchers: tuple[str, ...] = (
        "regularized_evolution:population_size=20,tournament_size=5",
        "local_search",
        "classic_evolution:population_size=20,tournament_size=5",
    )
    dimensions: int = 3
    lattice_budgets: tuple[int, ...] = (30, 110, 330, 1010)
    lattice_seeds: int = 20
    benchmark: str = "tss-digits"
    protocol: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    factors: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0)
    budgets: tuple[int, ...] = (30, 100, 300, 1000)
    seeds: int = 50


@dataclass(frozen=True)
class NoiseStudy:
    """Everything that the study has found.

    Attributes:
        simulation: The genetic algorithm on Rastrigin's function.
        published: Number of a published table that it covers -> that table's cells, beside it.
        equal_costs: Proxies and the truth at equal cost.
        speedups: Tau -> speed-up that they assume.
        genetic: The genetic algorithm against random search, by dimensions.
        lattice: Strategies against random search on the lattice; None if they were not run.
        table: The same on a real table; None likewise.
        searches: What was run for both.
    """

    simulation: Simulation
    published: dict[str, tuple[PublishedCell, ...]]
    equal_costs: tuple[EqualCost, ...]
    speedups: dict[str, float]
    genetic: tuple[PhaseDiagram, ...]
    lattice: PhaseDiagram | None
    table: PhaseDiagram | None
    searches: Searches = field(default_factory=Searches)


def noise_study(
    settings: Settings,
    searches: Searches,
    *,
    speedups: Mapping[float, float] = SPEEDUPS,
    bar: Bar | None = None,
) -> NoiseStudy:
    """Run the study.

    Args:
        settings: Of the simulation.
        searches: What else is run.
        speedups: Tau -> how many times cheaper an evaluation of that tau is.
        bar: Makes a progress bar.

    Raises:
        UserError: If something is unknown or out of range.
    """
    bar = bar or _silent
    # First what may be refused for a name.
    table = lattice = None
    if searches.searchers and searches.benchmark:
        with bar("strategies on the table") as progress:
            table = table_phases(
                searches.benchmark,
                searches.searchers,
                factors=searches.factors,
                budgets=searches.budgets,
                seeds=searches.seeds,
                protocol=searches.protocol,
                options=searches.options,
                progress=progress,
            )
    if searches.searchers and searches.dimensions:
        with bar("strategies on the lattice") as progress:
            lattice = lattice_phases(
                searches.dimensions,
                searches.searchers,
                taus=settings.taus,
                budgets=searches.lattice_budgets,
                seeds=searches.lattice_seeds,
                law=settings.law,
                frozen=settings.frozen,
                progress=progress,
            )
    with bar("genetic algorithm") as progress:
        simulation = simulate(settings, progress)
    with bar("random search") as progress:
        genetic = _genetic(settings, progress)
    published = {}
    if covers(settings, TABLE_4_3, TAUS_4_3):
        published["4.3"] = table_4_3(simulation).cells
    if covers(settings, TABLE_5_4, TAUS_5_4):
        published["5.4"] = table_5_4(simulation).cells
    return NoiseStudy(
        simulation=simulation,
        published=published,
        equal_costs=equal_costs(settings, speedups),
        speedups={f"{tau:g}": factor for tau, factor in speedups.items()},
        genetic=genetic,
        lattice=lattice,
        table=table,
        searches=searches,
    )


def _genetic(settings: Settings, progress: Progress) -> tuple[PhaseDiagram, ...]:
    found = []
    for place, dimensions in enumerate(settings.dimensions):
        found.append(genetic_phases(settings, dimensions))
        progress(place + 1, len(settings.dimensions))
    return tuple(found)


def _silent(what: str) -> AbstractContextManager[Progress]:
    return nullcontext(lambda done, total: None)
