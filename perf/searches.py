"""Whole searches on one core, beside Syne Tune's simulator on the same table."""

from __future__ import annotations

from perf.bench import Bench
from perf.figures import Bar, Row, Sample, cpu_rates
from perf.fresh import fresh

POPULATION, TOURNAMENT = 50, 10

_STRATEGIES = (
    (
        "regularized evolution",
        f"regularized_evolution:population_size={POPULATION},tournament_size={TOURNAMENT}",
        100_000,
    ),
    ("random search", "random_search", 200_000),
)
"""What, the searcher's word on our command line, and the floor in evaluations/s."""


def measure(bench: Bench) -> list[Row]:
    """One row a strategy."""
    sizes, table = bench.sizes, bench.table
    rows = []
    for what, searcher, floor in _STRATEGIES:
        shared = {"source": table.source, "protocol": table.protocol, "repeats": sizes.repeats}
        shared |= {"evaluations": sizes.evaluations, "searcher": searcher}
        ours = fresh("perf.searches:our_rates", searches=sizes.searches, **shared)
        theirs = fresh("perf.simulator:rates", scratch=str(bench.scratch), **shared)
        name, result = theirs["name"], theirs["result"]
        rows.append(
            Row(
                f"{what} on a table, full accounting, one core",
                "evaluations/CPU-s",
                Sample.of(ours),
                ((name, result if isinstance(result, str) else Sample.of(result)),),
                Bar(floor, at_least=True),
                f"On {table.words}; searches of {sizes.evaluations} evaluations,"
                f" {sizes.searches} a repetition, from the making of the searcher to the trace"
                f" and its digest. {theirs['note']}".strip(),
            )
        )
    return rows


def our_rates(
    source: str, protocol: str, searcher: str, searches: int, evaluations: int, repeats: int
) -> list[float]:
    """Evaluations a CPU-second of whole searches, once a repetition."""
    from harness.experiment import BenchmarkSpec, Experiment
    from harness.loop import Budget

    benchmark = BenchmarkSpec(source, protocol)
    experiment = Experiment([benchmark], [searcher], searches, Budget(evaluations))
    (cell,), (opened,) = experiment.cells, experiment.opened

    def work() -> int:
        traces = cell.run(opened, experiment.seeds)
        for trace in traces:
            _ = trace.digest  # made on demand, and part of full accounting
        return sum(map(len, traces))

    return cpu_rates(work, repeats)
