"""Published numbers of Kyriakides' thesis that take NAS-Bench-101, which the user gives.

Source: Kyriakides, "Parallel and Distributed Methods for Autonomous Design of Artificial Neural
Networks" (PhD thesis, University of Macedonia, 2022), chapters 2 and 5.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UserError
from reports.ledger.entry import Entry, Measured, Missing, Published, Verdict
from reports.ledger.kyriakides import SOURCE

SLICE = "nb101_30k.csv.gz"
"""A part of NAS-Bench-101, one row a cell: `hash` is the official module hash, `val_ep4`, ...,
`val_ep108` are validation accuracies of one training of each number of epochs, as fractions."""

TABLE = "nb101.table"
"""What `nas-harness import nasbench101` makes of the official file with all budgets."""

TEST_ACCURACY = "cifar10/budgets/test_accuracy"

PROXIES = (36, 12, 4)
FINAL = 108
DRAWS = 100_000
"""Cells that the thesis draws, with replacement."""

RESAMPLES = 50
"""Bootstrap resamples of a tau, enough for the size of its error."""

LAYERS = 5
SEED = 108


def read_slice(path: Path) -> Any:
    """The slice as a frame.

    Raises:
        UserError: If the file is not one, or lacks a column.
    """
    import pandas as pd

    columns = ["hash", *(f"val_ep{epochs}" for epochs in (4, 12, 36, 108))]
    try:
        return pd.read_csv(path, usecols=columns, dtype={"hash": str})
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{path}: expected the columns {', '.join(columns)}: {error}") from None


def taus(path: Path, early: np.ndarray, final: np.ndarray) -> list[Measured]:
    """Tau-b of accuracies in percent [n], as they are and rounded to whole percents."""
    from reports.rank_correlation import tau_b

    found = []
    for x, y in ((early, final), (np.rint(early), np.rint(final))):
        tau = tau_b(x, y, RESAMPLES)
        if tau.value is None or tau.error is None:
            raise UserError(f"{path}: accuracies that are all equal have no rank correlation")
        found.append(Measured(tau.value, 1.96 * tau.error))
    return found


def slice_retention(path: Path) -> list[Measured]:
    """How far shorter trainings keep the order of 108 epochs in a part of the benchmark."""
    frame = read_slice(path)
    final = 100 * frame[f"val_ep{FINAL}"].to_numpy()
    early = (100 * frame[f"val_ep{epochs}"].to_numpy() for epochs in PROXIES)
    return [tau for values in early for tau in taus(path, values, final)]


def retention(path: Path) -> list[Measured]:
    """The thesis' study: cells drawn with replacement, one of three trainings at each look.

    Raises:
        UserError: If the table is not one of NAS-Bench-101 with all budgets and repeats.
    """
    from harness.benchmarks import open_table
    from reports.studies.rank_retention.measurements import AGAIN, Measurement, values_of

    table = open_table(path)
    column = table.columns.get(TEST_ACCURACY)
    if column is None or not {*PROXIES, FINAL} <= {*column.epochs} or len(column.seeds) < 3:
        raise UserError(
            f"{path}: expected three trainings of 4, 12, 36 and 108 epochs in a column"
            f" '{TEST_ACCURACY}': import nasbench_full.tfrecord"
        )
    cells = np.random.default_rng(SEED).integers(0, table.n_rows, DRAWS)
    final = values_of(table, Measurement(TEST_ACCURACY, FINAL))[cells]
    found = []
    for epochs in (FINAL, *PROXIES):
        early = values_of(table, Measurement(TEST_ACCURACY, epochs, AGAIN))[cells]
        known = ~np.isnan(early + final)
        found += taus(path, early[known], final[known])
    return found


def chains() -> set[str]:
    """The official hashes of all networks of five layers in a row."""
    from harness.spaces.nasbench101 import OPERATIONS, NasBench101Space

    space = NasBench101Space()
    matrix = np.eye(LAYERS + 2, k=1, dtype=int)
    return {
        space.hash(space.from_matrix(matrix, ["input", *operations, "output"]))
        for operations in product(OPERATIONS, repeat=LAYERS)
    }


def ageing_study(path: Path) -> list[Measured]:
    """Says how many of the study's networks the slice has; it cannot answer for the others."""
    networks = chains()
    held = networks.intersection(read_slice(path)["hash"])
    raise Missing(
        f"test accuracies of all {len(networks)} networks; {path.name} holds {len(held)} of them,"
        " without test accuracies"
    )


def rows(epochs: int, raw: str = "", rounded: str = "") -> tuple[Published, ...]:
    again = " again" if epochs == FINAL else ""
    return (
        Published(f"{epochs} epochs{again}, tau-b", raw),
        Published(f"{epochs} epochs{again}, rounded to percents", rounded),
    )


PRINTED = (*rows(36, "0.76", "0.808"), *rows(12), *rows(4))
FIGURES = "Figures 5.9 to 5.11 and their text"

ENTRIES = (
    Entry(
        "kyriakides-figure-5.9",
        "Rank correlation of early accuracies with those of 108 epochs in NAS-Bench-101",
        SOURCE,
        FIGURES,
        (*rows(FINAL, "0.89", "0.94"), *PRINTED),
        retention,
        explanation=(
            "One of three trainings at each look, as the thesis does it: the first row compares a"
            " training with itself in one case of three."
        ),
        needs=f"{TABLE}, imported from the official NAS-Bench-101 file (see --data)",
        data=TABLE,
        recorded=Verdict.NOT_RUN,
    ),
    Entry(
        "kyriakides-figure-5.9-slice",
        "The same for a part of NAS-Bench-101 with one training of each number of epochs",
        SOURCE,
        FIGURES,
        PRINTED,
        slice_retention,
        explanation=(
            "The thesis draws 100,000 of all cells, and test accuracies; ours are validation"
            " accuracies of 7% of the cells. That there are fewer cells is not the reason for a"
            " gap: our sampling error is far smaller."
        ),
        needs=f"{SLICE}, a part of NAS-Bench-101 (see --data)",
        data=SLICE,
        recorded=Verdict.DIFFERS,
    ),
    Entry(
        "kyriakides-ageing-study",
        "Ageing against classic evolution on 243 chains of five layers",
        SOURCE,
        "comparison of evolutions, chapter 2",
        (Published("settings of three in which ageing is ahead throughout", "1"),),
        ageing_study,
        needs=(
            "test accuracies of 243 cells of NAS-Bench-101; with --data, the part of it says how"
            " many of them it has"
        ),
        data=SLICE,
        recorded=Verdict.NOT_RUN,
    ),
)
