"""The answer in sentences: a verdict for each strategy, with the numbers that support it."""

from __future__ import annotations

from reports.comparison import BETTER, UNDECIDED, WORSE, Comparison
from reports.document import Column
from reports.rendering import cells
from reports.sections.naming import points
from reports.summary import BenchmarkSummary, Summary

_WORDS = {
    BETTER: "is better than random search",
    WORSE: "is worse than random search",
    UNDECIDED: "is not shown to differ from random search",
}

_ADJUSTED = (
    "An interval is of one comparison; verdicts are adjusted for the number of them, and may show"
    " nothing where an interval excludes zero."
)


def lead(summary: Summary) -> tuple[str, ...]:
    """Paragraphs: the verdicts counted, one sentence a strategy, what was run."""
    labels = [s["searcher"] for s in summary.searchers if s["searcher"] != summary.random_search]
    sentences = [sentence for label in labels if (sentence := verdict(summary, label))]
    counts = [text for benchmark in summary.benchmarks if (text := _counts(benchmark))]
    adjusted = [_ADJUSTED] if _any_unadjusted(summary, labels) else []
    return (*([" ".join(counts)] if counts else []), *sentences, *adjusted, _context(summary))


def _any_unadjusted(summary: Summary, labels: list[str]) -> bool:
    """Whether an interval excludes zero where no difference is shown."""
    found = [c for b in summary.benchmarks for label in labels if (c := b.headline(label))]
    return any(
        c.verdict == UNDECIDED
        and c.difference.low is not None
        and c.difference.high is not None
        and not c.difference.low <= 0.0 <= c.difference.high
        for c in found
    )


def _counts(benchmark: BenchmarkSummary) -> str:
    """How many strategies are better or worse on a benchmark."""
    labels = {comparison.searcher for comparison in benchmark.comparisons}
    headlines = [c for label in sorted(labels) if (c := benchmark.headline(label)) is not None]
    if not headlines:
        return ""
    better, worse = (sum(c.verdict == v for c in headlines) for v in (BETTER, WORSE))
    of = len(headlines)
    name = f"{benchmark.name} (which leaks)" if benchmark.leaks else benchmark.name
    text = (
        f"On {name}, {better or 'none'} of {of} strateg{'y' if of == 1 else 'ies'}"
        f" {'is' if better == 1 else 'are'} shown to be better than random search"
    )
    return f"{text}, and {worse} to be worse." if worse else f"{text}."


def verdict(summary: Summary, label: str) -> str:
    """A strategy's sentence; with one benchmark it has interval and p value, too."""
    found = [(b, c) for b in summary.benchmarks if (c := b.headline(label)) is not None]
    if not found:
        return ""
    whole = len(found) == 1
    parts = []
    for verdict, words in _WORDS.items():
        shown = [
            f"{b.name} ({_numbers(b, c, whole=whole)}{', leaks' if b.leaks else ''})"
            for b, c in found
            if c.verdict == verdict
        ]
        if shown:
            parts.append(f"{words} on {_listed(shown)}")
    return f"`{label}` {'; '.join(parts)}."


def _numbers(benchmark: BenchmarkSummary, comparison: Comparison, *, whole: bool) -> str:
    """The difference; as a whole with its interval and the adjusted p value."""
    unit = points(benchmark.units["report"])
    column = Column("", unit, signed=True)
    estimate = comparison.difference
    if estimate.mean is None:
        return "no results"
    text = f"{cells.number(estimate.mean, column)} {unit}".rstrip()
    if not whole:
        return text
    if estimate.low is not None:
        text += f", 95% interval {cells.interval(estimate, column)}"
    if comparison.p_holm is None:
        return f"{text}; {comparison.remark}" if comparison.remark else text
    p = cells.number(comparison.p_holm, Column("", digits=3))
    return f"{text}, adjusted p {p if p.startswith('<') else f'= {p}'}"


def _context(summary: Summary) -> str:
    limits = ", ".join(
        f"{limit:,} {name.replace('_', ' ')}"
        for name, limit in summary.budget.items()
        if limit is not None
    )
    workers = f", {summary.workers} simulated workers" if summary.workers > 1 else ""
    derivations = _counted(summary.derivations, "derivation")
    derived = f" and {derivations} of one-shot methods" if summary.one_shot else ""
    return (
        f"{_counted(len(summary.searchers), 'search strategy', 'search strategies')} on"
        f" {_counted(len(summary.benchmarks), 'benchmark')},"
        f" {_counted(len(summary.seeds), 'seed')}, budget {limits} a search{workers}."
        f" {summary.finished:,} of {summary.expected:,} searches are finished, with"
        f" {summary.evaluations:,} evaluations{derived}."
    )


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
