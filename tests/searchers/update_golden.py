"""Golden traces: digests of what every searcher proposes, which no change may move unnoticed.

After a change that is meant to move them, write them anew and say why in the commit::

    python -m tests.searchers.update_golden
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import TableBenchmark
from harness.loop import Budget, Search, run_search
from harness.searcher import MultiFidelitySearcher
from harness.spec import SearcherSpec, searcher_class
from harness.testing import synthetic_table

GOLDEN = Path(__file__).with_name("golden.json")

WORDS = (
    "random_search",
    "random_search:replacement=false",
    "regularized_evolution",
    "regularized_evolution:population_size=30,tournament_size=5",
    "regularized_evolution:population_size=30,tournament_size=1",
    "regularized_evolution:population_size=30,tournament_replacement=false,new_value=false",
    "regularized_evolution:population_size=30,initial_samples=50",
    "classic_evolution:population_size=30",
    "era_evolution",
    "era_evolution:form=regularized",
    "era_evolution:form=crossover",
    "era_evolution:form=crossover,avoid_duplicates=false",
    "local_search",
    "local_search:improvement=first",
    "local_search:initial_samples=50,starts=10",
    "reinforce",
    "reinforce:learning_rate=0.1,entropy_bonus=0.5",
    "double_dqn",
    "bayesnas_tabular",
    "bayesnas_tabular:target=value,dependency=predecessors,updates=3",
    "nord_evolution",
    "successive_halving",
    "successive_halving:reduction_factor=2,candidates=20",
    "hyperband",
    "asha",
    "asha:reduction_factor=2,min_epochs=3",
    "median_stopping",
    "median_stopping:compare_with=all,reduction_factor=2,grace=1,min_trials=5",
    "bohb",
)
EVALUATIONS = 200
SEED = 1234


def digests(word: str, table: PackedTable) -> dict[str, str]:
    """Digests of the proposals in the order of completion, with one worker and with four."""
    spec = SearcherSpec.parse(word)
    several = issubclass(searcher_class(spec.name), MultiFidelitySearcher)
    benchmark = TableBenchmark(table, protocol="multi-fidelity" if several else None)
    found = {}
    for workers in (1, 4):
        searcher = spec.build(benchmark.search_space(), SEED, benchmark.fidelities)
        budget = Budget(evaluations=EVALUATIONS)
        trace = run_search(Search(searcher, benchmark, budget, SEED, spec.identity, workers))
        lines = trace.architectures
        if several:
            epochs = zip(lines, trace.columns["epochs"], trace.columns["continued"], strict=True)
            lines = [f"{text} {to} {since}" for text, to, since in epochs]
        found[f"workers={workers}"] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return found


def main() -> None:
    """Write the golden file."""
    with tempfile.TemporaryDirectory() as folder:
        table = synthetic_table(Path(folder) / "synthetic.table")
        document = {
            "table": table.checksum,
            "traces": {word: digests(word, table) for word in WORDS},
        }
    GOLDEN.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
