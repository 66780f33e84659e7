"""What a reader is to see of a study of rank retention."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version

from reports.document import Cell, Column, Document, Section, Table
from reports.intervals import Estimate
from reports.rank_correlation import NORMAL, Agreement, Tau
from reports.studies.rank_retention.ceilings import APART, DIFFERENT
from reports.studies.rank_retention.figures import curves, heat_map
from reports.studies.rank_retention.published import published
from reports.studies.rank_retention.result import BenchmarkRetention, Ceiling, RankRetention

METHODS = (
    "Kendall's tau-b is the chance that two architectures are in the same order by both"
    " measurements, minus the chance that they are in opposite order, corrected for ties."
    " Spearman's rho is the correlation of ranks. Weighted tau (Vigna 2015, hyperbolic weights)"
    " counts exchanges among the best more.",
    "Rounded: both measurements are rounded to whole percents before they are ranked. That makes"
    " ties of small differences, which mostly raises tau-b. A rounded tau-b can be compared with"
    " other rounded ones only.",
    "Intervals are 95% percentile intervals of a bootstrap over architectures: which"
    " architectures are there is taken to be luck, their measurements are taken as they are. The"
    " standard error is the standard deviation of the resamples. p (normal) is that of Lilliefors'"
    f" test that the resamples are normal; below {NORMAL} the standard error should not be read"
    " as half of an interval.",
    "Overlap of the best: the share of the best architectures by the first measurement that are"
    " among as many best by the second. Ties on the last place are broken at random, and the"
    " expectation is exact. Regret: by how much the best of them is worse than the best of all, by"
    " the second measurement.",
    "The noise ceiling is the agreement of two single trainings of the same architectures. What"
    " averages several trainings, or shares a training with the reference, can agree better.",
    "Among the best, the range of the reference is narrower than among all, which alone lowers"
    " tau-b.",
)


def retention_document(study: RankRetention) -> Document:
    """The page of a study.

    Args:
        study: What it has found.
    """
    return Document(
        title="How much of the final ranking do cheaper measurements keep?",
        lead=tuple(line for b in study.benchmarks for line in _lead(b)),
        sections=(
            *(
                _section(benchmark, f"benchmark-{place}", study)
                for place, benchmark in enumerate(study.benchmarks)
            ),
            published(),
            Section(
                name="methods",
                title="How to read this",
                text=(
                    *METHODS,
                    f"{study.resamples:,} resamples of each tau-b. The best:"
                    f" {study.top_share:.0%} of the architectures.",
                ),
            ),
        ),
        provenance={
            "nas-harness": version("nas-harness"),
            "numpy": version("numpy"),
            "scipy": version("scipy"),
            "statsmodels": version("statsmodels"),
            **{f"table {b.name}": b.checksum for b in study.benchmarks},
        },
    )


def _lead(benchmark: BenchmarkRetention) -> Iterator[str]:
    for dataset, reference in benchmark.references.items():
        of = f", {dataset}" if dataset and len(benchmark.references) > 1 else ""
        found = [
            (proxy, agreement)
            for proxy, agreement in _proxies(benchmark, dataset, reference)
            if agreement.tau.value is not None
        ]
        if not found:
            continue
        found.sort(key=lambda pair: pair[1].tau.value or 0.0)
        if len(found) > 3:
            found = [found[0], found[-1]]
        words = ", ".join(f"{_words(a)} by `{proxy}`" for proxy, a in found)
        n = found[0][1].n
        yield (
            f"{benchmark.name}{of}: against `{reference}`, the order of {n:,} architectures is"
            f" kept with a tau-b of {words}."
        )
    for ceiling in _told(benchmark):
        yield (
            f"{benchmark.name}: two trainings of the same architectures agree on"
            f" `{ceiling.measurement}` with a tau-b of {_words(ceiling.agreement)}"
            f" ({ceiling.draw}): that is the noise ceiling."
        )


def _told(benchmark: BenchmarkRetention) -> list[Ceiling]:
    """The ceilings without identical trainings, one a measurement."""
    found: dict[str, Ceiling] = {}
    for ceiling in benchmark.ceilings:
        apart = ceiling.draw == APART or ceiling.draw.endswith(DIFFERENT)
        if apart and ceiling.agreement.tau.value is not None:
            found.setdefault(ceiling.measurement, ceiling)
    return list(found.values())


def _words(agreement: Agreement) -> str:
    tau = agreement.tau
    rounded = agreement.rounded
    text = f"{tau.value:.3f}" if tau.value is not None else "none"
    if tau.low is not None and tau.high is not None:
        text += f" [{tau.low:.3f}, {tau.high:.3f}]"
    if rounded is not None and rounded.value is not None:
        text += f" ({rounded.value:.3f} rounded)"
    return text.replace("-", "−")


def _proxies(
    benchmark: BenchmarkRetention, dataset: str, reference: str
) -> list[tuple[str, Agreement]]:
    """A data set's proxies with their agreement with its reference."""
    found = dict.fromkeys(
        s.proxy for s in benchmark.subsets if s.dataset == dataset and s.reference == reference
    )
    return [(proxy, benchmark.pair(proxy, reference)) for proxy in found]


def _section(benchmark: BenchmarkRetention, name: str, study: RankRetention) -> Section:
    tables = [_retention(benchmark, name, study), _measured(benchmark, name)]
    if benchmark.ceilings:
        tables.insert(1, _ceilings(benchmark, name))
    text = [
        f"{benchmark.rows:,} measured rows for {benchmark.architectures:,} architectures:"
        " architectures that share a measurement count once.",
    ]
    if benchmark.sizes:
        text.append(
            f"Sizes: {benchmark.sizes}. The larger half stands where Kyriakides (2022) takes the"
            " younger half of an evolved line, whose networks are the larger ones."
        )
    # One figure a section: a matrix needs the page's whole width.
    parts = [
        Section(
            name=f"{name}-subsets",
            title=f"{benchmark.name}: on subsets",
            tables=(_subsets(benchmark, name, study),),
            folded=True,
        )
    ]
    if benchmark.curves:
        title = f"{benchmark.name}: by the epochs of training"
        drawn = curves(benchmark, f"{name}-curves")
        parts.insert(0, Section(f"{name}-epochs", title, figures=(drawn,)))
    return Section(
        name=name,
        title=benchmark.name,
        text=(*text, *benchmark.remarks),
        figures=(heat_map(benchmark, f"{name}-matrix"),),
        tables=tuple(tables),
        parts=tuple(parts),
    )


_AGREEMENT = (
    Column("architectures"),
    Column("tau-b", digits=3),
    Column("standard error", digits=4),
    Column("p (normal)", digits=3),
    Column("tau-b, rounded", digits=3),
    Column("standard error, rounded", digits=4),
    Column("p (normal), rounded", digits=3),
    Column("Spearman's rho", digits=3),
    Column("weighted tau", digits=3),
    Column("overlap of the best", digits=3),
    Column("regret", digits=3),
)


def _cells(agreement: Agreement) -> tuple[Cell, ...]:
    rounded = agreement.rounded or Tau(None)
    return (
        agreement.n,
        _estimate(agreement.tau),
        agreement.tau.error,
        agreement.tau.p_normal,
        _estimate(rounded),
        rounded.error,
        rounded.p_normal,
        agreement.spearman,
        agreement.weighted_tau,
        agreement.top_overlap,
        agreement.top_regret,
    )


def _estimate(tau: Tau) -> Estimate:
    return Estimate(tau.value, tau.low, tau.high)


def _retention(benchmark: BenchmarkRetention, name: str, study: RankRetention) -> Table:
    rows = tuple(
        (proxy, reference, *_cells(agreement))
        for dataset, reference in benchmark.references.items()
        for proxy, agreement in _proxies(benchmark, dataset, reference)
    )
    return Table(
        name=f"{name}-retention",
        title=f"{benchmark.name}: measurements against their reference",
        columns=(Column("measurement"), Column("reference"), *_AGREEMENT),
        rows=rows,
        note=f"Best: {study.top_share:.0%} of the architectures.",
    )


def _ceilings(benchmark: BenchmarkRetention, name: str) -> Table:
    return Table(
        name=f"{name}-ceilings",
        title=f"{benchmark.name}: noise ceilings, two trainings of the same architectures",
        columns=(
            Column("measurement"),
            Column("trainings"),
            Column("same training", "%", digits=1),
            *_AGREEMENT,
        ),
        rows=tuple(
            (
                c.measurement,
                c.draw,
                None if c.same is None else 100.0 * c.same,
                *_cells(c.agreement),
            )
            for c in benchmark.ceilings
        ),
        note=(
            "Same training: share of architectures where both draws are one training, which agrees"
            " with itself. Where a table holds single runs without their seeds, it is the share of"
            " equal numbers, and leaving equal numbers out also leaves out the few different runs"
            " that happen to have one."
        ),
    )


def _subsets(benchmark: BenchmarkRetention, name: str, study: RankRetention) -> Table:
    return Table(
        name=f"{name}-on-subsets",
        title=f"{benchmark.name}: measurements against their reference on subsets",
        columns=(
            Column("architectures of"),
            Column("measurement"),
            Column("reference"),
            *_AGREEMENT,
        ),
        rows=tuple(
            (s.subset, s.proxy, s.reference, *_cells(s.agreement)) for s in benchmark.subsets
        ),
        note=(
            f"Best {study.top_share:.0%}: by the reference. The overlap of the best is that of the"
            " subset's best."
        ),
    )


def _measured(benchmark: BenchmarkRetention, name: str) -> Table:
    return Table(
        name=f"{name}-measurements",
        title=f"{benchmark.name}: what was compared",
        columns=(
            Column("measurement"),
            Column("column"),
            Column("epoch"),
            Column("training"),
            Column("images"),
            Column("rows"),
            Column("distinct values"),
            Column("standard deviation", digits=3),
            Column("unit"),
        ),
        rows=tuple(
            (
                m.label,
                f"`{m.column}`",
                m.epoch,
                "mean of an unstated set" if m.aggregate == "mean" else m.seeds,
                m.split or "none",
                m.n,
                m.distinct,
                m.sd,
                m.unit or "none",
            )
            for m in benchmark.measured
        ),
        note=(
            "Training: of several trainings of an architecture `random` is one drawn at random,"
            " `other` a different one, `mean` the mean of all; a number is a seed."
        ),
    )
