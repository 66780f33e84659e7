"""The page of a study of diversity."""

from __future__ import annotations

from reports.comparison import ALPHA
from reports.document import Cell, Column, Document, Section, Table
from reports.intervals import Estimate
from reports.studies.diversity.figures import overlay_figures, together_figures
from reports.studies.diversity.result import BenchmarkDiversity, Diversity, LabelTest

_TAKEN = {
    "winner": "the last incumbent of each search",
    "top": "the best {count} distinct networks of each search, by selection value",
    "last": "the last {count} architectures that each search evaluated",
    "derived": "the architecture that each search derived",
}


def document(result: Diversity) -> Document:
    """What a reader is to see of the result."""
    sections = tuple(
        benchmark_section(result, found, place) for place, found in enumerate(result.benchmarks)
    )
    return Document(
        title="How different the found architectures are",
        lead=tuple(sentence for found in result.benchmarks for sentence in _lead(found)),
        sections=sections,
        provenance={
            "taken": _taken(result),
            "groups": f"by {result.by}, at most {result.searches} searches of a strategy",
            **{
                found.benchmark: f"checksum {found.checksum}, protocol {found.protocol_hash}"
                for found in result.benchmarks
            },
            **result.versions,
        },
    )


def _taken(result: Diversity) -> str:
    return _TAKEN[result.take].format(count=result.count)


def _lead(found: BenchmarkDiversity) -> list[str]:
    known = [group for group in found.groups if group.within.mean is not None]
    sentences = []
    if known:
        closest = min(known, key=lambda group: group.within.mean or 0.0)
        farthest = max(known, key=lambda group: group.within.mean or 0.0)
        sentences.append(
            f"{found.benchmark}: the mean graph edit distance between two searches of one group"
            f" goes from {_interval(closest.within)} ({closest.name}) to"
            f" {_interval(farthest.within)} ({farthest.name}); two random architectures of the"
            f" space are {_interval(found.random_pair)} apart."
        )
    test = found.test
    if test is not None and test.p is not None:
        verdict = (
            "the groups differ in what they find or in how much they scatter"
            if test.p < ALPHA
            else "no difference between groups is shown"
        )
        sentences.append(
            f"{found.benchmark}: permuting the labels of searches gives p = {test.p:.4f} for the"
            f" pseudo-F: {verdict}."
        )
    return sentences or [f"{found.benchmark}: nothing to compare."]


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:.2f}"
    return f"{estimate.mean:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def benchmark_section(result: Diversity, found: BenchmarkDiversity, place: int) -> Section:
    """Distances, tests, operations and drawings on one benchmark, the place-th of a page."""
    parts = [_distances(found, place, result)]
    if found.test is not None:
        parts.append(_tests(found, found.test, place))
    parts += [
        Section(
            name=f"operations-{place}",
            title="Operations",
            text=(
                "Base rates are those of"
                + (
                    " all architectures of the space."
                    if found.whole_space
                    else " 5,000 random architectures of the space."
                ),
            ),
            figures=together_figures(found, place),
            tables=(_operations(found, place),),
        ),
        Section(
            name=f"overlay-{place}",
            title="Architectures over another",
            text=(_places(found),),
            figures=overlay_figures(found, place),
        ),
    ]
    return Section(
        name=f"benchmark-{place}",
        title=found.benchmark,
        text=(f"Taken: {_taken(result)}.",),
        warnings=found.leaks,
        parts=tuple(parts),
    )


def _distances(found: BenchmarkDiversity, place: int, result: Diversity) -> Section:
    rows: list[tuple[Cell, ...]] = [
        (g.name, g.searches, g.distinct, g.networks, g.within, g.report) for g in found.groups
    ]
    groups = Table(
        name=f"groups-{place}",
        title="Graph edit distance within groups",
        columns=(
            Column("group"),
            Column("searches"),
            Column("distinct graphs"),
            Column("distinct networks"),
            Column("mean distance", digits=2),
            Column("reported result", found.unit),
        ),
        rows=tuple(rows),
        note=(
            f"Two random architectures of the space: {_interval(found.random_pair)} apart."
            " distinct networks: as the space's canonical form counts them."
        ),
    )
    text = [
        "Deleting or inserting an edge or a vertex costs 1; one operation swapped for another is"
        " a deletion and an insertion, 2. "
        + (
            "Vertices are numbered, and compared number by number."
            if found.numbered
            else "Inner vertices have no numbers: the distance is the least over all exchanges."
        )
        + " Graphs are compared, not what they compute: equal networks may be apart.",
    ]
    if result.take in ("top", "last"):
        text.append(
            "Between two searches it is the mean over pairs of their architectures, one of each."
        )
    text.append(
        "Intervals are 95% percentile bootstraps over searches, not over pairs: every search is"
        " in many pairs."
    )
    return Section(
        name=f"distances-{place}", title="Distances", text=tuple(text), tables=(groups,)
    )


def _tests(found: BenchmarkDiversity, test: LabelTest, place: int) -> Section:
    how = (
        "within seeds (or, where seeds are the groups, within strategies)"
        if test.blocked
        else "over all searches, because not every seed has every group"
    )
    text = [
        f"Labels of whole searches were permuted {test.permutations:,} times {how}; distances"
        " stay as they are. That asks whether the labels matter at all: for what is found or for"
        " how much it scatters.",
        "The Kruskal-Wallis test over the sets of pairwise distances (within each group, between"
        " each two) is often printed with its chi-squared p value. That takes the distances for"
        " independent, which they are not, since pairs share searches; the permuted p does not.",
    ]
    if test.least >= ALPHA:
        text.append(
            f"With so few searches the least p that permutations can give is {test.least:.3f}."
        )
    overall = Table(
        name=f"label-tests-{place}",
        title="Do the groups differ?",
        columns=(
            Column("test"),
            Column("statistic", digits=3),
            Column("p, permuted", digits=4),
            Column("p, pairs taken for independent", digits=4),
        ),
        rows=(
            ("pseudo-F (Anderson 2001)", test.pseudo_f, test.p, None),
            ("Kruskal-Wallis of distances", test.kruskal, test.kruskal_p, test.kruskal_naive),
        ),
    )
    tables = (overall, _pairs(found, place)) if found.pairs else (overall,)
    return Section(name=f"tests-{place}", title="Between groups", text=tuple(text), tables=tables)


def _pairs(found: BenchmarkDiversity, place: int) -> Table:
    with_results = any(pair.ks is not None for pair in found.pairs)
    columns = [
        Column("pair"),
        Column("mean distance", digits=2),
        Column("more than within", digits=2, signed=True),
        Column("p, permuted", digits=4),
        Column("p (BH)", digits=4),
    ]
    if with_results:
        columns += [
            Column("KS", digits=3),
            Column("KS p", digits=4),
            Column("KS p (BH)", digits=4),
        ]
    rows = []
    for pair in found.pairs:
        row: list[Cell] = [
            f"{pair.first} – {pair.second}",
            pair.between,
            pair.excess,
            pair.p,
            pair.p_adjusted,
        ]
        rows.append((*row, *((pair.ks, pair.ks_p, pair.ks_adjusted) if with_results else ())))
    note = "BH: adjusted for the false discovery rate over all pairs (Benjamini and Hochberg)."
    if with_results:
        note += (
            " KS: two-sample Kolmogorov-Smirnov test of the reported results; it takes searches"
            " for independent, though those of one seed share their initial design, and ties make"
            " its p too large."
        )
    return Table(
        name=f"pairs-{place}",
        title="Every two groups",
        columns=tuple(columns),
        rows=tuple(rows),
        note=note,
    )


def _operations(found: BenchmarkDiversity, place: int) -> Table:
    return Table(
        name=f"operations-{place}",
        title="Operations in an architecture",
        columns=(
            Column("group"),
            Column("operation"),
            Column("mean number", digits=2),
            Column("base rate", digits=2),
            Column("difference", digits=2, signed=True),
        ),
        rows=tuple(
            (
                use.group,
                use.operation,
                use.mean,
                use.base,
                None if use.mean.mean is None else use.mean.mean - use.base,
            )
            for use in found.operations
        ),
        note="Mean over searches with its 95% interval. all: operations of any kind.",
    )


def _places(found: BenchmarkDiversity) -> str:
    if any(line.operation for line in found.lines):
        return (
            "Nodes stand at fixed places; parallel lines between two are operations on one edge."
        )
    if found.numbered:
        return "Decisions from left to right, their options from bottom to top."
    return (
        "From left to right: the longest path from the input; from bottom to top: operations."
        " Vertices of one architecture that fall on one place count once."
    )
