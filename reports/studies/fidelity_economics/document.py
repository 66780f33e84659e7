"""The page of a study of fidelities."""

from __future__ import annotations

from reports.charts import EXACT, points
from reports.document import Cell, Column, Document, Section, Table
from reports.studies.fidelity_economics.exact import doublings
from reports.studies.fidelity_economics.figures import agreement_figure, budget_figures, labels
from reports.studies.fidelity_economics.published import (
    ASSUMED_SPEEDUP,
    EPOCHS,
    iso_cost,
    speedups,
)
from reports.studies.fidelity_economics.result import Best, FidelityEconomics


def document(result: FidelityEconomics) -> Document:
    """What a reader is to see of the result."""
    leaks = result.leaks
    budget = Section(
        name="budgets",
        title="What each fidelity finds by virtual time",
        text=(
            "A budget is a number of full evaluations of mean cost; every level gets the same"
            " expected virtual time and so more evaluations the cheaper it is."
            + (
                " Below the full level the budget also pays for one full training of the winner."
                if result.final_training
                else " A full training of the winner is not paid for."
            ),
            _how_random(result),
        ),
        figures=budget_figures(result),
        tables=(
            *([_random_table(result), _equivalents(result)] if result.random else []),
            *([_sampled_table(result)] if result.sampled else []),
        ),
        warnings=leaks,
    )
    best = Section(
        name="best",
        title="The best fidelity by budget",
        text=(
            "Intervals of sampled strategies: 95%, over seeds; searches at two"
            " levels under one seed share their initial design. The level was chosen as the best"
            " by the same searches, so its gain is, if anything, too large; the share says in how"
            " many of 1,000 resamples of the seeds the same level is best.",
        ),
        tables=(_best_table(result),),
    )
    sections = [budget, best, _levels(result)]
    if result.random:
        sections.append(
            Section(
                name="doublings",
                title="Diminishing returns",
                text=(
                    "What a doubled budget adds to random search's expected result. A cheaper"
                    " level can lose by more search: it then finds what looks best early on.",
                ),
                tables=(_doublings(result),),
            )
        )
    return Document(
        title=f"What cheaper evaluations buy on {result.benchmark}",
        lead=_lead(result),
        sections=(*sections, _published()),
        provenance={
            "table": f"{result.benchmark}, checksum {result.checksum}",
            "protocol": result.protocol,
            **{f"protocol of {name}": key for name, key in result.protocols.items()},
            "guides the search": result.split["search"],
            "reported": result.split["report"],
        },
        searchers=labels(result),
    )


def _lead(result: FidelityEconomics) -> tuple[str, ...]:
    unit = points(result.unit)
    found = []
    exact = [b for b in result.best if b.searcher == EXACT and b.gain.mean is not None]
    # A small budget (one evaluation is no search), one in the middle, the largest.
    for place in sorted({min(1, len(exact) - 1), len(exact) // 2, len(exact) - 1} - {-1}):
        best = exact[place]
        if best.level == result.full:
            found.append(
                f"With the time of {best.budget:g} full evaluations, random search does best with"
                f" full evaluations ({best.report.mean:.3f}{result.unit})."
            )
        else:
            found.append(
                f"With the time of {best.budget:g} full evaluations, random search does best with"
                f" {best.level}: {best.report.mean:.3f}{result.unit} in expectation,"
                f" {best.gain.mean:.3f} {unit} better than with full ones."
            )
    for name in _strategies(result):
        of_strategy = [best for best in result.best if best.searcher == name]
        if of_strategy:
            found.append(_of_strategy(result, of_strategy[-1]))
    return tuple(found) or ("Nothing could be compared.",)


def _of_strategy(result: FidelityEconomics, best: Best) -> str:
    start = f"{best.searcher}, {result.seeds} seeds, {best.budget:g} full evaluations:"
    share = f"best in {best.shares.get(best.level, 0.0):.0%} of resamples of the seeds"
    if not best.shares:
        return f"{start} {best.report.mean:.3f}{result.unit} with its own choice of fidelities."
    if best.level == result.full:
        return f"{start} best with full evaluations ({share})."
    gain = "" if best.gain.mean is None else f", by {best.gain.mean:.3f}"
    if best.gain.low is not None and best.gain.high is not None:
        gain += f" [{best.gain.low:.3f}, {best.gain.high:.3f}] {points(result.unit)}"
    return f"{start} best with {best.level}{gain.replace('-', '−')} ({share})."


def _how_random(result: FidelityEconomics) -> str:
    if not result.random:
        return f"Exact random search is not available: {result.exact_missing}."
    how = (
        "Random search is computed from the table, without sampling error: n draws cost n times"
        " the mean seconds of an evaluation in expectation, and the distribution of the best of n"
        " is known. Results are left out where a search would draw more architectures than there"
        f" are ({result.architectures:,})."
    )
    if not result.per_encoding:
        how += " Covered cells are drawn uniformly, which the strategy random_search does not."
    return how


def _strategies(result: FidelityEconomics) -> list[str]:
    return list(dict.fromkeys(curve.searcher for curve in result.sampled))


def _whole(result: FidelityEconomics) -> list[int]:
    """Places of the budgets that are whole powers of two."""
    return [i for i, budget in enumerate(result.budgets) if float(budget).is_integer()]


def _random_table(result: FidelityEconomics) -> Table:
    places = _whole(result)
    rows: list[tuple[Cell, ...]] = []
    for place in places:
        row: list[Cell] = [result.budgets[place]]
        for curve in result.random:
            row.append(curve.report[place])
        rows.append(tuple(row))
    return Table(
        name="random-search",
        title="Random search: expected reported result, exact",
        columns=(
            Column("full evaluations"),
            *(Column(curve.level, result.unit) for curve in result.random),
        ),
        rows=tuple(rows),
    )


def _equivalents(result: FidelityEconomics) -> Table:
    cheaper = [curve for curve in result.random if curve.level != result.full]
    rows: list[tuple[Cell, ...]] = []
    for place in _whole(result):
        row: list[Cell] = [result.budgets[place]]
        for curve in cheaper:
            row += [curve.equivalent[place], curve.superiority[place]]
        rows.append(tuple(row))
    columns = [Column("full evaluations")]
    for curve in cheaper:
        columns.append(Column(f"{curve.level}: times", digits=2))
        columns.append(Column(f"{curve.level}: P(better)", digits=2))
    return Table(
        name="equivalents",
        title="Random search: what the cheaper level is worth",
        columns=tuple(columns),
        rows=tuple(rows),
        note=(
            "times: the budget with which full evaluations first reach the same expected result"
            " (to 5%), divided by this one; a dash where they never do. P(better): the chance that"
            " one search ends better than one with full evaluations, ties counting half."
        ),
    )


def _sampled_table(result: FidelityEconomics) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for curve in result.sampled:
        row: list[Cell] = [f"{curve.searcher}, {curve.level}", curve.searches, curve.evaluations]
        row += [curve.report.mean[place] for place in _whole(result)]
        rows.append(tuple(row))
    return Table(
        name="strategies",
        title="Strategies: mean reported result by budget in full evaluations",
        columns=(
            Column("strategy and level"),
            Column("searches"),
            Column("evaluations", digits=0),
            *(Column(f"{result.budgets[place]:g}", result.unit) for place in _whole(result)),
        ),
        rows=tuple(rows),
        note="A dash: not every search could pay for an evaluation and its winner's training.",
    )


def _best_table(result: FidelityEconomics) -> Table:
    def row(best: Best) -> tuple[Cell, ...]:
        share = best.shares.get(best.level)
        return (best.searcher, best.budget, best.level, best.report, best.full, best.gain, share)

    return Table(
        name="best-levels",
        title="The best level at each budget",
        columns=(
            Column("strategy"),
            Column("full evaluations"),
            Column("best level"),
            Column("its result", result.unit),
            Column("with full evaluations", result.unit),
            Column("gain", points(result.unit), signed=True),
            Column("share of resamples", digits=2),
        ),
        rows=tuple(row(best) for best in result.best),
        note="Exact results have no interval. A strategy that chooses fidelities has one level.",
    )


def _levels(result: FidelityEconomics) -> Section:
    rows = tuple(
        (lv.name, lv.seconds, lv.speedup, lv.tau, lv.saturated, lv.largest_gain)
        for lv in result.levels
    )
    table = Table(
        name="levels",
        title="The levels",
        columns=(
            Column("level"),
            Column("seconds an evaluation", "s"),
            Column("speed-up", digits=2),
            Column("tau with the reported result", digits=3),
            Column("saturated", result.unit),
            Column("gains up to", digits=1),
        ),
        rows=rows,
        note=(
            "tau: Kendall's tau-b over architectures, with a normal 95% interval from the"
            " bootstrap's standard error over the table's measured rows. saturated: random search"
            " after half as many evaluations as there are architectures. gains up to: the largest"
            " budget here at which random search ends better than with full evaluations."
        ),
    )
    figures = (agreement_figure(result),) if len(result.levels) > 1 else ()
    return Section(
        name="levels",
        title="Speed-up against rank correlation",
        text=(
            "The reported result may be measured on the same trainings that guided the search;"
            " its tau with the full level is then too high an estimate of how well one training"
            " ranks networks that are trained again.",
        ),
        figures=figures,
        tables=(table,),
    )


def _doublings(result: FidelityEconomics) -> Table:
    gains = {c.level: doublings(c, result.budgets) for c in result.random}
    budgets = [before for before, _ in next(iter(gains.values()))]
    return Table(
        name="doublings",
        title="Random search: gain by doubling the budget",
        columns=(
            Column("full evaluations"),
            *(Column(name, points(result.unit), signed=True) for name in gains),
        ),
        rows=tuple(
            (f"{before:g} → {2 * before:g}", *(gains[name][i][1] for name in gains))
            for i, before in enumerate(budgets)
        ),
    )


def _published() -> Section:
    times = Table(
        name="published-speedups",
        title="Kyriakides 2022, Table 4.2: speed-up over 50 epochs",
        columns=(
            Column("optimizer"),
            *(Column(f"{e} epoch{'s' * (e > 1)}", digits=2) for e in EPOCHS),
        ),
        rows=tuple((name, *row) for name, row in speedups().items()),
    )
    comparison = Table(
        name="published-iso-cost",
        title="Kyriakides 2022, Table 5.4: equal cost if tau .75 is ten times cheaper",
        columns=(
            Column("dimensions"),
            Column("exact: generations"),
            Column("exact: result", digits=3),
            Column("tau .75: generations"),
            Column("tau .75: result", digits=3),
            Column("better"),
        ),
        rows=tuple(
            (d, n, exact, m, proxy, "tau .75" if proxy < exact else "exact")
            for d, n, exact, m, proxy in iso_cost()
        ),
    )
    ratios = [row[1] for row in speedups().values()]
    return Section(
        name="published",
        title="A published example",
        text=(
            f"The thesis takes 5 of 50 epochs to be {ASSUMED_SPEEDUP:g} times cheaper. Its own"
            f" measured seconds say {min(ratios):.2f} to {max(ratios):.2f} times, by optimizer.",
        ),
        tables=(times, comparison),
        folded=True,
    )
