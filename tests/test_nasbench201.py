"""Known results on the real NAS-Bench-201 table, end to end."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.benchmarks.importers.tabular import import_csv
from harness.experiment import Experiment

EVOLUTION = (
    "regularized_evolution:population_size=50,tournament_size=10,"
    "tournament_replacement=true,new_value=true"
)


@pytest.mark.data
def test_random_search_and_regularized_evolution_after_200_evaluations(
    data_dir: Path, tmp_path: Path
) -> None:
    """Search on 12-epoch validation accuracy, report 200-epoch test accuracy, 500 seeds."""
    from reports import summarise

    table = tmp_path / "nb201.table"
    import_csv(data_dir / "nasbench201" / "nb201_main.csv.gz", "nasbench201", table)
    searchers = ["random_search", EVOLUTION]
    grid = Experiment([f"{table}#cifar10"], searchers, 500, {"evaluations": 200})
    protocol = grid.opened[0].protocol
    assert protocol.search.column == "cifar10-valid/ep12/valid_accuracy_mean"
    assert protocol.report.column == "cifar10/ep200/test_accuracy_mean"
    assert (protocol.repeat, protocol.charge_repeats) == ("cached", True)

    summary = summarise(grid.run(tmp_path / "out", inline=True)).benchmarks[0]
    assert summary.exact is not None
    exact = summary.exact.final
    assert exact.mean == pytest.approx(93.880, abs=0.001)
    sampled, evolution = (final.report for final in summary.finals)
    # Four standard errors of a mean over 500 searches.
    assert sampled.mean == pytest.approx(exact.mean, abs=4 * exact.sd / 500**0.5)
    assert evolution.mean == pytest.approx(94.26, abs=0.03)
