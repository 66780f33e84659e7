"""Studies: rank retention on thirty thousand cells, and the Monte-Carlo study's two tables."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from perf.bench import Bench
from perf.figures import Bar, Row, Sample

_BUDGETS = (4, 12, 36, 108)
_ROWS = 30_001


def measure(bench: Bench) -> list[Row]:
    """A row for rank retention and one for the noisy Rastrigin tables."""
    full = bench.sizes.cells >= 15_625
    return [_rank_retention(bench, _ROWS if full else 200), _rastrigin(1000 if full else 2)]


def _rank_retention(bench: Bench, rows: int) -> Row:
    from reports.rank_correlation import RESAMPLES, agreement

    path = bench.data / "nasbench101" / "nb101_30k.csv.gz" if bench.data else None
    if path is not None and path.exists():
        values, words = _nasbench101(path)[:rows], "the public slice of NAS-Bench-101"
    else:
        rng = np.random.default_rng(0)
        values = 90.0 + rng.normal(size=(rows, 1)) + rng.normal(size=(rows, len(_BUDGETS)))
        words = "made-up values"
    began = time.perf_counter()
    for place in range(len(_BUDGETS) - 1):
        agreement(values[:, place], values[:, -1], percent=True)
    return Row(
        "rank retention: tau-b of 4, 12, 36 against 108 epochs, raw and rounded",
        "s",
        Sample((time.perf_counter() - began,)),
        bar=Bar(20, at_least=False),
        note=f"{len(values):,} cells, {RESAMPLES} bootstrap resamples of each; {words}.",
    )


def _nasbench101(path: Path) -> np.ndarray:
    import pandas as pd

    table = pd.read_csv(path)
    return 100.0 * table[[f"val_ep{epochs}" for epochs in _BUDGETS]].to_numpy()


def _rastrigin(repeats: int) -> Row:
    from reports.studies.noise.published import TABLE_4_3, TABLE_5_4, TAUS_4_3, TAUS_5_4
    from reports.studies.noise.simulation import Settings, simulate

    began = time.perf_counter()
    for table, taus in ((TABLE_4_3, TAUS_4_3), (TABLE_5_4, TAUS_5_4)):
        simulate(Settings(tuple(table), taus, repeats=repeats))
    return Row(
        "noisy Rastrigin: both published tables",
        "s",
        Sample((time.perf_counter() - began,)),
        bar=Bar(15, at_least=False),
        note=f"{repeats:,} runs of each of the 48 cells; the noise's amplitudes are found anew.",
    )
