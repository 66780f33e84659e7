"""Published numbers of Kyriakides' Monte-Carlo studies of search under noise.

Source: Kyriakides, "Parallel and Distributed Methods for Autonomous Design of Artificial Neural
Networks" (PhD thesis, University of Macedonia, 2022), chapters 4 and 5. `reports.studies.noise`
simulates them.
"""

from __future__ import annotations

from functools import cache

from reports.ledger.entry import Basis, Entry, Measured, Published, Relation, Verdict, exact
from reports.ledger.kyriakides import SOURCE
from reports.studies.noise.published import (
    TABLE_4_3,
    TABLE_5_4,
    TAUS_4_3,
    TAUS_5_4,
    Numbers,
    PublishedTable,
    table_4_3,
    table_5_4,
    tolerance_of,
)
from reports.studies.noise.simulation import TRUTH

RANGES = {TRUTH: ("0", "3.3"), 0.95: ("0.3", "3.9"), 0.85: ("0.6", "7"), 0.75: ("1.6", "8")}
"""Chapter 4's prose on 1000 generations: tau -> lowest and highest result in %."""

INITIAL = 10
"""Members of the first population."""


@cache
def simulated(name: str) -> PublishedTable:
    """A table beside our simulation, made once for all entries."""
    return {"4.3": table_4_3, "5.4": table_5_4}[name]()


def cells(table: Numbers, taus: tuple[float, ...], only: float | None = None) -> list[Published]:
    """The printed numbers in the order of the table's cells; of one tau if one is given."""
    return [
        Published(
            f"{dimensions}-D, {generations} generations, "
            + ("noise-free" if tau == TRUTH else f"tau {tau}"),
            f"{number:.3f}",
            tolerance_of(number),
        )
        for dimensions, rows in table.items()
        for generations, row in rows.items()
        for tau, number in zip(taus, row, strict=True)
        if only in (None, tau)
    ]


def gaps(name: str, only: float | None = None) -> list[Measured]:
    """Our mean range gaps of the table's cells."""
    return [
        Measured(cell.ours, 1.96 * cell.standard_error)
        for cell in simulated(name).cells
        if only in (None, cell.tau)
    ]


def shares(name: str) -> list[Measured]:
    """Our mean shares of the space that is better, of the same runs."""
    table = simulated(name)
    found = []
    for cell in table.cells:
        run = table.simulation.cell(cell.dimensions, cell.tau, cell.generations).top_fraction
        found.append(Measured(run.mean.mean, 1.96 * run.error))
    return found


def deviations() -> list[Measured]:
    """Standard deviations of our range gaps over single runs, for Table 4.3's cells."""
    table = simulated("4.3")
    runs = table.simulation.settings.repeats
    spreads = [cell.standard_error * runs**0.5 for cell in table.cells]
    return [Measured(spread, 1.96 * spread / (2 * runs) ** 0.5) for spread in spreads]


def ranges() -> list[Measured]:
    """The central 95% of our range gaps after 1000 generations, in %."""
    found = [simulated("4.3").simulation.cell(3, tau, 1000).range_gap for tau in TAUS_4_3]
    return exact(*(100 * end for gap in found for end in (gap.low, gap.high)))


def equal_cost() -> list[Measured]:
    """How often ten times the generations at tau 0.75 beat the noise-free search."""
    ours = {(c.dimensions, c.generations, c.tau): c.ours for c in simulated("5.4").cells}
    printed = {
        (d, g, tau): number
        for d, rows in TABLE_5_4.items()
        for g, row in rows.items()
        for tau, number in zip(TAUS_5_4, row, strict=True)
    }
    pairs = [(d, g) for d in TABLE_5_4 for g in (10, 100)]
    return exact(
        *(sum(t[d, 10 * g, 0.75] < t[d, g, TRUTH] for d, g in pairs) for t in (ours, printed))
    )


ENTRIES = (
    Entry(
        "kyriakides-table-4.3",
        "What a genetic algorithm finds under noise in three dimensions, as range gaps",
        SOURCE,
        "Table 4.3",
        tuple(cells(TABLE_4_3, TAUS_4_3)),
        lambda: gaps("4.3"),
        explanation=(
            "The chapter's genetic algorithm is a simple one that it does not specify; ours is"
            " PyGMO's, as in Table 5.4, and gets further in 1000 generations. The thesis' own two"
            " tables differ likewise: noise-free, 1000 generations, three dimensions."
        ),
        recorded=Verdict.DIFFERS,
    ),
    Entry(
        "kyriakides-table-4.3-ranges",
        "Spread of single results after 1000 generations in three dimensions, as range gaps",
        SOURCE,
        "text on Table 4.3",
        tuple(
            Published(f"tau {tau}: {end}", text, 1.0, unit="%")
            for tau, texts in RANGES.items()
            for end, text in zip(("low", "high"), texts, strict=True)
        ),
        ranges,
        explanation="Ours are the 2.5% and 97.5% quantiles; the text does not say what its are.",
        recorded=Verdict.DIFFERS,
    ),
    Entry(
        "kyriakides-table-4.4",
        "Standard deviations of the results of Table 4.3, as range gaps",
        SOURCE,
        "Table 4.4",
        tuple(cells(TABLE_4_3, TAUS_4_3)),
        deviations,
        explanation=(
            "Table 4.4 is headed as standard deviations and prints the twelve means of Table 4.3"
            " again. Its real content is not known."
        ),
        recorded=Verdict.DIFFERS,
    ),
    Entry(
        "kyriakides-table-5.4",
        "What a genetic algorithm finds under noise in two to four dimensions, as range gaps",
        SOURCE,
        "Table 5.4",
        tuple(cells(TABLE_5_4, TAUS_5_4)),
        lambda: gaps("5.4"),
        explanation=(
            "The thesis gives neither the noise's law nor its mesh: ours is uniform on 100 cells"
            " an axis. Printed means are of 100 runs, ours of 1000: their errors are about three"
            " times ours."
        ),
        recorded=Verdict.DIFFERS,
    ),
    Entry(
        "kyriakides-table-5.4-noise-free",
        "The same without noise",
        SOURCE,
        "Table 5.4",
        tuple(cells(TABLE_5_4, TAUS_5_4, TRUTH)),
        lambda: gaps("5.4", TRUTH),
        explanation="Nothing is left open here: PyGMO's algorithm with the printed options.",
    ),
    Entry(
        "kyriakides-table-5.4-top",
        "The same results as what the thesis calls them, shares of the space that is better",
        SOURCE,
        "Table 5.4",
        tuple(cells(TABLE_5_4, TAUS_5_4)),
        lambda: shares("5.4"),
        explanation=(
            "The thesis says that its numbers are shares of better points ('top %'). Those of the"
            " same runs are far smaller. As the gap to the optimum over the function's range"
            " (kyriakides-table-5.4) nearly all agree: the printed numbers are range gaps."
        ),
        recorded=Verdict.DIFFERS,
    ),
    Entry(
        "kyriakides-table-5.4-bound",
        "Noise-free results after 10 generations against the best of the first ten points",
        SOURCE,
        "Table 5.4 and its definition",
        tuple(
            Published(f"{dimensions}-D, mean share", f"{rows[10][0]:.3f}", 0.0, Relation.AT_MOST)
            for dimensions, rows in TABLE_5_4.items()
        ),
        lambda: exact(*(1 / (INITIAL + 1) for _ in TABLE_5_4)),
        Basis.SOURCE,
        "The best of ten uniform points already leaves one eleventh of the space better, on"
        " average and whatever the function; a search that keeps its best cannot do worse. So"
        " the printed numbers are not shares.",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "kyriakides-equal-cost",
        "Ten times the generations at tau 0.75 against the noise-free search",
        SOURCE,
        "discussion of Table 5.4",
        (
            Published("cases of six that the proxy wins", "6"),
            Published("the same in the printed table", "6"),
        ),
        equal_cost,
        explanation="By means alone; `nas-harness study noise` has the intervals.",
    ),
)
