"""A sweep written in Python: a searcher's options on a grid, beside random search.

    python sweep.py --out results                     # on this machine
    python sweep.py --out results --address auto      # on the cluster of this machine

Run again, it goes on where it was interrupted. `nas-harness report results` compares the options.
"""

from __future__ import annotations

import argparse
from itertools import product
from typing import Any

from harness import Experiment
from harness.errors import HarnessError

POPULATIONS = (10, 25, 50)
TOURNAMENTS = (2, 5, 10)


def searchers() -> list[str | dict[str, Any]]:
    """Random search, and regularized evolution with every pair of the options."""
    grid = [
        {
            "regularized_evolution": {
                "label": f"{tournament} of {population}",
                "population_size": population,
                "tournament_size": tournament,
            }
        }
        for population, tournament in product(POPULATIONS, TOURNAMENTS)
    ]
    return ["random_search", *grid]


class Report:
    """Counts finished searches."""

    done = 0

    def __call__(self, searches: int, evaluations: int) -> None:
        """Called after every batch."""
        self.done += searches
        if self.done % 500 == 0:
            print(f"{self.done:,} searches are done", flush=True)


def main() -> None:
    """Run the sweep as the command line says."""
    parser = argparse.ArgumentParser(description="A sweep over the options of a searcher.")
    parser.add_argument("--benchmark", default="tss-digits", help="a name or a table's path")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--out", required=True)
    parser.add_argument("--address", help="join this Ray cluster: HOST:PORT, or auto")
    parser.add_argument("--inline", action="store_true", help="in this process, without Ray")
    given = parser.parse_args()
    try:
        experiment = Experiment(
            [given.benchmark], searchers(), given.seeds, {"evaluations": given.evaluations}
        )
        out = experiment.run(
            given.out, inline=given.inline, address=given.address, progress=Report()
        )
    except HarnessError as error:
        parser.exit(error.exit_status, f"{parser.prog}: {error}\n")
    print(f"traces of {len(experiment.cells) * len(experiment.seeds):,} searches are in {out}")


if __name__ == "__main__":
    main()
