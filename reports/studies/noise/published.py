"""The thesis's Tables 4.3 and 5.4 beside ours.

Source: G. Kyriakides, "Parallel and Distributed Methods for Autonomous Design of Artificial Neural
Networks" (University of Macedonia, 2022). It calls its numbers shares of the space that is better;
they behave as range gaps (`landscape.range_gap`), with which they are compared here: the best of
10 uniform points alone has an expected share of 1/11 = 0.091, so that no algorithm that keeps its
best could average 0.13 to 0.18 after ten generations. The noise's distribution, the mesh, and
whether noise is redrawn are not stated there; uniform noise, 100 cells an axis and a new field for
each run are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from reports.studies.noise.simulation import TRUTH, Settings, Simulation, simulate

TOLERANCE = 0.01
"""Greatest difference that counts as the same, or half the published number if that is less."""

AGREES, CHANCE, DIFFERS = "agrees", "not told apart", "differs"
"""Within the tolerance; beyond it, but within two standard errors; beyond both."""

_ROUNDING = 0.0005

Numbers = dict[int, dict[int, tuple[float, ...]]]
"""Dimensions -> generations -> a mean for each tau."""

TAUS_4_3 = (TRUTH, 0.95, 0.85, 0.75)
TABLE_4_3: Numbers = {
    3: {
        10: (0.160, 0.162, 0.184, 0.195),
        100: (0.050, 0.058, 0.086, 0.103),
        1000: (0.013, 0.022, 0.032, 0.040),
    }
}

TAUS_5_4 = (TRUTH, 0.85, 0.75, 0.65)
TABLE_5_4: Numbers = {
    2: {
        10: (0.131, 0.141, 0.180, 0.196),
        100: (0.042, 0.072, 0.085, 0.111),
        1000: (0.002, 0.032, 0.033, 0.044),
    },
    3: {
        10: (0.161, 0.179, 0.199, 0.217),
        100: (0.043, 0.076, 0.091, 0.127),
        1000: (0.002, 0.030, 0.038, 0.046),
    },
    4: {
        10: (0.177, 0.195, 0.220, 0.243),
        100: (0.044, 0.084, 0.098, 0.133),
        1000: (0.002, 0.033, 0.043, 0.048),
    },
}


@dataclass(frozen=True)
class PublishedCell:
    """One number of a published table.

    Attributes:
        dimensions: Of the function.
        generations: Of the genetic algorithm.
        tau: Kendall's tau of the noise; 1 for none.
        published: The printed mean.
        ours: Our mean range gap.
        standard_error: Of `ours`.
        error: `ours` minus `published`.
        tolerance: Greatest error at which they agree.
        z: `error` in standard errors of a difference, if the published mean varies as ours do;
            its rounding counts as an error too.
        verdict: `AGREES`, `CHANCE` or `DIFFERS`.
    """

    dimensions: int
    generations: int
    tau: float
    published: float
    ours: float
    standard_error: float
    error: float
    tolerance: float
    z: float
    verdict: str


@dataclass(frozen=True)
class PublishedTable:
    """A published table beside ours.

    Attributes:
        name: Its number.
        repeats: Its runs of each cell.
        simulation: Ours.
        cells: In the order of the published rows.
    """

    name: str
    repeats: int
    simulation: Simulation
    cells: tuple[PublishedCell, ...]


def table_4_3(simulation: Simulation | None = None) -> PublishedTable:
    """Table 4.3: three dimensions, 1,000 runs.

    Args:
        simulation: One that has its cells (see `covers`); None: uniform noise, a new field for
            each of 1,000 runs.
    """
    return _beside("4.3", 1000, TABLE_4_3, TAUS_4_3, simulation)


def table_5_4(simulation: Simulation | None = None) -> PublishedTable:
    """Table 5.4: two, three and four dimensions, 100 runs; ours as in `table_4_3`."""
    return _beside("5.4", 100, TABLE_5_4, TAUS_5_4, simulation)


def covers(settings: Settings, table: Numbers, taus: tuple[float, ...]) -> bool:
    """Whether a simulation has all cells of a published table."""
    return (
        set(table) <= set(settings.dimensions)
        and set(taus) <= set(settings.taus)
        and {g for rows in table.values() for g in rows} <= set(settings.generations)
    )


def _beside(
    name: str,
    repeats: int,
    table: Numbers,
    taus: tuple[float, ...],
    simulation: Simulation | None,
) -> PublishedTable:
    simulation = simulation or simulate(Settings(tuple(table), taus))
    cells = [
        _compared(simulation, dimensions, generations, tau, number, repeats)
        for dimensions, rows in table.items()
        for generations, row in rows.items()
        for tau, number in zip(taus, row, strict=True)
    ]
    return PublishedTable(name, repeats, simulation, tuple(cells))


def _compared(
    simulation: Simulation,
    dimensions: int,
    generations: int,
    tau: float,
    published: float,
    repeats: int,
) -> PublishedCell:
    found = simulation.cell(dimensions, tau, generations).range_gap
    assert found.mean.mean is not None
    ours, error = found.mean.mean, found.mean.mean - published
    theirs = found.error * (simulation.settings.repeats / repeats) ** 0.5
    spread = hypot(found.error, theirs, _ROUNDING / 3**0.5)
    tolerance = tolerance_of(published)
    z = error / spread
    if abs(error) <= tolerance:
        verdict = AGREES
    else:
        verdict = CHANCE if abs(z) <= 2.0 else DIFFERS
    return PublishedCell(
        dimensions=dimensions,
        generations=generations,
        tau=tau,
        published=published,
        ours=ours,
        standard_error=found.error,
        error=error,
        tolerance=tolerance,
        z=z,
        verdict=verdict,
    )


def tolerance_of(published: float) -> float:
    """Greatest difference from a printed number that counts as the same."""
    return min(TOLERANCE, published / 2.0 + _ROUNDING)
