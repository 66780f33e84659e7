"""Random-search-equivalent budget: a strategy's evaluations, counted in random search's."""

from __future__ import annotations

from reports.charts import EXACT, figure, finished
from reports.document import Cell, Column, Figure, Section, Table
from reports.equivalent_budget import BEYOND, EquivalentBudget
from reports.sections.curves import alone, banded, curve_chart, curve_columns
from reports.sections.naming import along, colours, named
from reports.summary import BenchmarkSummary, Summary


def equivalent_budget(summary: Summary, benchmark: BenchmarkSummary) -> Section | None:
    """How many times the evaluations random search would need."""
    budgets = benchmark.views.equivalent_budgets
    if not budgets:
        return None
    exact = budgets[0].reference == "exact"
    if exact:
        text = (
            "After so many evaluations a strategy's mean reported result is that which exact"
            " random search is expected to have after k times as many. The exact curve has no"
            " error, so that the interval of k is that of the strategy's mean, carried over. There"
            " is no k where random search's curve falls, as noise can make it, and passes the"
            " result several times."
        )
    else:
        why = benchmark.exact_missing or "it draws cells, and the sampled one encodings of cells"
        text = (
            "After so many evaluations a strategy's mean reported result is that which the"
            " sampled random search first had after k times as many. Exact random search cannot"
            f" take its place here ({why}). Intervals: percentile bootstrap, the searches of both"
            " resampled."
        )
    text += (
        " Where the strategy is better than all that is known of random search (up to"
        f" {budgets[0].known:,.0f} evaluations), k is said to be more than can be told."
    )
    if _in_trainings(summary, benchmark):
        text += (
            f" Evaluations are counted in full trainings here: those of"
            f" {', '.join(benchmark.short)} that are shorter count as the share of one that they"
            " are."
        )
    return Section(
        named(summary, benchmark, "equivalent-budget"),
        "Random-search-equivalent budget",
        text=(text,),
        figures=(_figure(summary, benchmark, budgets),),
        tables=(_table(named(summary, benchmark, "equivalents"), budgets, exact=exact),),
    )


def _figure(
    summary: Summary, benchmark: BenchmarkSummary, budgets: tuple[EquivalentBudget, ...]
) -> Figure:
    rows = [row for b in budgets for row in banded(b.searcher, b.x, b.times)]
    longest = max((b.x for b in budgets), key=lambda x: x[-1])
    rows += alone(EXACT, longest, (1.0,) * len(longest))
    if budgets[0].reference != "exact":
        rows = [row | {"searcher": summary.random_search} if row["searcher"] == EXACT else row
                for row in rows]  # fmt: skip
    shares = _in_trainings(summary, benchmark)
    axis = "full trainings" if shares else along(benchmark, "evaluations")
    what = "times the evaluations that random search needs"
    title = "Random-search-equivalent budget"
    chart = curve_chart(rows, colours(summary), axis, what, log=True)
    caption = (
        "How many times the evaluations random search would need for the same mean reported"
        " result, with 95% bands. The line at 1 is random search itself. Curves end at"
        f" {budgets[0].known:,.0f} evaluations of random search."
    )
    return figure(
        named(summary, benchmark, "equivalent"),
        title,
        caption,
        finished(chart, title, benchmark.leaks),
        rows,
        curve_columns(axis, "multiple", ""),
        log=("x", "y"),
    )


def _table(name: str, budgets: tuple[EquivalentBudget, ...], *, exact: bool) -> Table:
    columns = [Column("strategy"), Column("random search needs, times", digits=2)]
    if exact:
        columns.append(Column("for the median, times", digits=2))
    rows: list[tuple[Cell, ...]] = []
    for budget in budgets:
        row: list[Cell] = [budget.searcher, _bounded(budget, budget.final)]
        if budget.median is not None:
            row.append(_bounded(budget, budget.median))
        rows.append(tuple(row))
    ends = {budget.x[-1] for budget in budgets}
    if len(ends) == 1:
        after = f"After {budgets[0].x[-1]:,.0f} evaluations."
        most = f"an upper end of {budgets[0].most:.3g}"
    else:
        after = (
            "At the end of each strategy's own searches,"
            f" {'; '.join(f'{b.searcher}: {b.x[-1]:,.4g} evaluations' for b in budgets)}."
        )
        most = (
            "an upper end at the last of the"
            f" {budgets[0].known:,.0f} evaluations that are known of random search"
        )
    note = (
        f"{after} Random search needs k times the evaluations"
        " for the same mean reported result, with 95% interval;"
        f" {most} means that or more."
    )
    if exact:
        note += (
            " For the median: evaluations after which every second random search has a result at"
            " least as good as the strategy's median one; interval of the sample median from its"
            f" order statistics. Random search was followed to {BEYOND} times the evaluations at"
            " most."
        )
    return Table(name, "Evaluations that random search needs", tuple(columns), tuple(rows), note)


def _in_trainings(summary: Summary, benchmark: BenchmarkSummary) -> bool:
    """Whether evaluations count as shares of full trainings; see `equivalent_budgets`."""
    return summary.budget.get("evaluations") is None and bool(benchmark.short)


def _bounded(budget: EquivalentBudget, multiple: Cell) -> Cell:
    """A multiple, or in words that it is beyond what is known."""
    from reports.intervals import Estimate

    if not isinstance(multiple, Estimate) or multiple.mean is None:
        return None
    if multiple.mean >= budget.most * (1.0 - 1e-9):
        return f"more than {budget.most:.3g}"
    if multiple.mean <= (1.0 + 1e-9) / budget.x[-1]:
        return f"less than {1.0 / budget.x[-1]:.3g}"
    return multiple
