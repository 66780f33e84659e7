"""What a reader is to see of the study."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from reports.document import Cell, Column, Document, Section, Table
from reports.studies.noise.economics import EVALUATE_BETTER, SEARCH_MORE
from reports.studies.noise.figures import progression_figure, seen
from reports.studies.noise.leads import lead
from reports.studies.noise.phase_sections import genetic_section, lattice_section, table_section
from reports.studies.noise.published import AGREES, CHANCE, DIFFERS, TOLERANCE, PublishedCell
from reports.studies.noise.simulation import METRICS, Metric, Simulation
from reports.studies.noise.study import NoiseStudy

_TITLES = {
    "range_gap": "range gap (0: the minimum, 1: the worst point)",
    "top_fraction": "top fraction (share of the space that is better)",
}
_VERDICTS = {AGREES: "▲", CHANCE: "○", DIFFERS: "▼"}
_DIGITS = {"range_gap": 4, "top_fraction": 5}


def noise_document(study: NoiseStudy) -> Document:
    """The page of a study.

    Args:
        study: What it has found.
    """
    settings = study.simulation.settings
    sections = [
        _simulation(study.simulation),
        *_published(study),
        *_equal_costs(study),
        genetic_section(study.genetic),
        *([lattice_section(study.lattice)] if study.lattice else []),
        *([table_section(study.table)] if study.table else []),
        _noise(study.simulation),
    ]
    provenance = {
        "nas-harness": version("nas-harness"),
        "seed": str(settings.seed),
        "source": "Kyriakides, Parallel and Distributed Methods for Autonomous Design of"
        " Artificial Neural Networks, University of Macedonia, 2022, sections 4.2 and 5.2",
    }
    if study.table is not None:
        provenance["table"] = f"{study.table.benchmark}, checksum {study.table.checksum}"
        provenance["protocol"] = study.table.protocol
    return Document(
        title="What does noise cost a search, and when does search still beat chance?",
        lead=tuple(lead(study)),
        sections=tuple(sections),
        provenance=provenance,
        searchers=tuple(seen(tau) for tau in settings.taus),
    )


def _simulation(simulation: Simulation) -> Section:
    settings = simulation.settings
    own = "all see one noise field" if settings.frozen else "each sees a noise field of its own"
    return Section(
        name="simulation",
        title="A genetic algorithm on the noisy Rastrigin function",
        text=(
            "The algorithm minimises what it sees: Rastrigin's function on [−5.12, 5.12] in every"
            f" dimension plus {settings.law} noise, one number for each of 100 cells an axis."
            " Shown is the true value of the point that looked best, in two measures. A smaller"
            " tau is a noisier view.",
            f"{settings.repeats:,} runs of each cell; {own}. The algorithm is PyGMO's `sga`: a"
            " population of 10, tournaments of two, exponential crossover 0.9, polynomial mutation"
            " 0.02, survival of the best of parents and children. It evaluates ten children a"
            " generation. Once its population has become uniform, most of them are copies of"
            " their parents; those count as evaluations, too.",
            "Intervals are 95% intervals of the mean over runs. Runs of one number share their"
            " first population and their noise field at every tau.",
        ),
        figures=tuple(progression_figure(simulation, d) for d in settings.dimensions),
        tables=(*(_results(simulation, metric) for metric in METRICS), _spread(simulation)),
    )


def _results(simulation: Simulation, metric: Metric) -> Table:
    settings = simulation.settings
    rows: list[tuple[Cell, ...]] = []
    for dimensions in settings.dimensions:
        for generations in settings.generations:
            cells = [simulation.cell(dimensions, tau, generations) for tau in settings.taus]
            means = [getattr(cell, metric).mean for cell in cells]
            rows.append((str(dimensions), generations, cells[0].evaluations, *means))
    columns = (Column("dimensions"), Column("generations"), Column("evaluations"))
    taus = tuple(Column(seen(tau), digits=_DIGITS[metric]) for tau in settings.taus)
    note = "Lower is better."
    if metric == "top_fraction":
        note += (
            " By volume, from the distribution of the function at a uniform point; off by less"
            " than 0.0001."
        )
    return Table(
        name=metric.replace("_", "-"),
        title=f"Mean {_TITLES[metric]}",
        columns=(*columns, *taus),
        rows=tuple(rows),
        note=note,
    )


def _spread(simulation: Simulation) -> Table:
    rows = tuple(
        (
            str(cell.dimensions),
            cell.generations,
            seen(cell.tau),
            *(
                number
                for metric in METRICS
                for number in (
                    getattr(cell, metric).low,
                    getattr(cell, metric).high,
                )
            ),
        )
        for cell in simulation.cells
    )
    names = ("gap, 2.5%", "gap, 97.5%", "top, 2.5%", "top, 97.5%")
    return Table(
        name="spread",
        title="Where single runs lie",
        columns=(
            Column("dimensions"),
            Column("generations"),
            Column("sees"),
            *(Column(name, digits=5) for name in names),
        ),
        rows=rows,
        note="Quantiles over runs of the range gap and of the top fraction.",
    )


def _published(study: NoiseStudy) -> Iterator[Section]:
    if not study.published:
        return
    settings = study.simulation.settings
    yield Section(
        name="published",
        title="Beside the published tables",
        text=(
            "The published numbers are called shares of the space that is better. They cannot be:"
            " the best of the first ten points alone leaves 1/11 = 0.091 better on average, and"
            " the algorithm keeps its best. They behave as range gaps, with which they are"
            " compared here.",
            f"Ours: {settings.repeats:,} runs, {settings.law} noise,"
            f" {'frozen' if settings.frozen else 'redrawn for each run'}, 100 cells an axis. The"
            " source does not state the noise's distribution, its cells beyond two dimensions, or"
            f" whether it is redrawn. `{AGREES}`: within ±{TOLERANCE}, and within half the"
            " published number. z counts standard errors of the difference, if the published mean"
            f" over its runs varies as ours do; `{CHANCE}`: further, but z is within ±2.",
        ),
        tables=tuple(
            _beside(name, cells, number)
            for number, (name, cells) in enumerate(study.published.items())
        ),
    )


def _beside(name: str, cells: tuple[PublishedCell, ...], number: int) -> Table:
    rows = tuple(
        (
            str(cell.dimensions),
            cell.generations,
            seen(cell.tau),
            cell.published,
            cell.ours,
            cell.standard_error,
            cell.error,
            cell.z,
            f"{_VERDICTS[cell.verdict]} {cell.verdict}",
        )
        for cell in cells
    )
    return Table(
        name=f"published-{number}",
        title=f"Table {name}: published and ours",
        columns=(
            Column("dimensions"),
            Column("generations"),
            Column("sees"),
            Column("published", digits=3),
            Column("ours", digits=4),
            Column("standard error", digits=4),
            Column("error", digits=4, signed=True),
            Column("z", digits=1, signed=True),
            Column("verdict"),
        ),
        rows=rows,
    )


def _equal_costs(study: NoiseStudy) -> Iterator[Section]:
    if not study.equal_costs:
        return
    marks = {SEARCH_MORE: "▲", EVALUATE_BETTER: "▼"}
    rows = tuple(
        (
            str(row.dimensions),
            row.budget,
            row.truth,
            f"{seen(row.tau)}, {row.speedup:g} × cheaper",
            row.generations,
            row.proxy,
            row.difference,
            row.p_holm,
            f"{marks.get(row.verdict, '○')} {row.verdict}",
        )
        for row in study.equal_costs
    )
    yield Section(
        name="equal-cost",
        title="At equal cost: more generations on a proxy, or fewer on the truth?",
        text=(
            "A proxy that is s times cheaper pays for s times as many generations. The speed-ups"
            " are assumptions: the source assumes 10 at tau 0.75 (5 of 50 epochs) and 50 at 0.65"
            " (1 of 50); 2.5 at 0.85 is 20 of 50 epochs. What the winner's final training costs"
            " is left out on both sides.",
            "Differences are run by run, from the same first population; p is Wilcoxon's"
            " signed-rank test, adjusted by Holm's method over all rows.",
        ),
        tables=(
            Table(
                name="equal-cost",
                title="Mean range gaps at equal cost",
                columns=(
                    Column("dimensions"),
                    Column("generations on the truth"),
                    Column("range gap", digits=4),
                    Column("proxy"),
                    Column("generations on it"),
                    Column("range gap on it", digits=4),
                    Column("difference", digits=4, signed=True),
                    Column("p, Holm"),
                    Column("verdict"),
                ),
                rows=rows,
                note="▲: the proxy is better, ▼: the truth is.",
            ),
        ),
    )


def _noise(simulation: Simulation) -> Section:
    rows = tuple(
        (
            str(noise.dimensions),
            noise.target,
            noise.noise.law,
            noise.noise.amplitude,
            noise.noise.deviation,
            noise.measured,
            noise.cells,
        )
        for noise in simulation.noises
        if noise.noise.amplitude
    )
    return Section(
        name="noise",
        title="How much noise a tau is",
        folded=True,
        text=(
            "Amplitudes are the roots of the expected Kendall tau over pairs of cells, which is a"
            " closed form of their distance. The noise of a cell is a hash of the field's seed and"
            " the cell's number, so that no grid is stored. The measured tau is tau-b between true"
            " and noisy values of cell centres: all in two dimensions, 10,000 drawn ones beyond,"
            " mean over eight fields or samples.",
        ),
        tables=(
            Table(
                name="noise",
                title="Amplitudes",
                columns=(
                    Column("dimensions"),
                    Column("target tau", digits=3),
                    Column("law"),
                    Column("amplitude", digits=3),
                    Column("standard deviation", digits=3),
                    Column("measured tau", digits=4),
                    Column("cells measured"),
                ),
                rows=rows,
                note="Uniform noise lies within ± its amplitude, in units of the function.",
            ),
        ),
    )
