"""Published numbers of ERA about rankings: early against late, search against final.

Source: Lundberg, "Evolution of Residual Architectures" (master's thesis, Lund University,
2020:E35). The thesis does not name its coefficient; Spearman's reproduces it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from reports.ledger.entry import Basis, Entry, Measured, Published, Verdict, exact
from reports.ledger.era import SOURCE

EPOCHS = (5, 10, 20, 50, 100)
PAIRS = tuple(combinations(range(len(EPOCHS)), 2))

WIDTH = {
    8: (72.7, 77.6, 81.9, 85.2, 89.1),
    16: (70.7, 79.5, 85.0, 87.1, 90.7),
    32: (56.0, 78.0, 86.3, 88.8, 92.3),
    64: (45.3, 63.8, 80.3, 87.5, 92.0),
}
"""Table 3: filters of ResNet-56 -> test accuracy in % after each number of epochs."""

DEPTH = {
    14: (75.9, 80.4, 82.4, 84.0, 87.9),
    32: (75.0, 80.9, 85.1, 86.1, 89.9),
    56: (70.7, 79.5, 85.0, 87.1, 90.7),
    110: (49.3, 71.4, 83.5, 86.3, 91.1),
    602: (10.0, 10.0, 10.0, 76.4, 89.8),
}
"""Table 6: layers of ResNets with 16 filters -> the same."""

FINAL_ERROR = {
    "random": 8.5, "local": 8.4, "bayesian": 7.3,
    "evolution": 7.0, "regularised": 6.7, "crossover": 8.5,
}  # fmt: skip
"""Table 1: search -> test error in % after 164 epochs."""

SEARCH_ERROR = {
    "random": 11.7, "local": 10.7, "bayesian": 8.2,
    "evolution": 8.8, "regularised": 8.3, "crossover": 10.6,
}  # fmt: skip
"""Table 2: search -> validation error in % after 20 epochs."""


def spearman(networks: Sequence[Sequence[float]]) -> list[Measured]:
    """Spearman's coefficient of every pair of training lengths over the networks."""
    from scipy.stats import spearmanr

    columns = list(zip(*networks, strict=True))
    return exact(*(float(spearmanr(columns[a], columns[b]).statistic) for a, b in PAIRS))


def last_pair(networks: Sequence[Sequence[float]]) -> list[Measured]:
    """The coefficient of 20 and 100 epochs alone."""
    return [spearman(networks)[PAIRS.index((EPOCHS.index(20), EPOCHS.index(100)))]]


def without(table: Mapping[int, tuple[float, ...]], *left_out: int) -> list[tuple[float, ...]]:
    return [values for name, values in table.items() if name not in left_out]


def in_space() -> list[tuple[float, ...]]:
    """The six networks that the thesis counts as inside the space, ResNet-56 with 16 once."""
    return without(WIDTH, 64) + without(DEPTH, 56, 602)


def swapped() -> list[tuple[float, ...]]:
    """Table 3 with the accuracies of 32 and 64 filters after 100 epochs exchanged."""
    *early, late = WIDTH[32]
    *others, last = WIDTH[64]
    return [WIDTH[8], WIDTH[16], (*early, last), (*others, late)]


def matrix(text: str) -> tuple[Published, ...]:
    """A printed triangle, row by row."""
    names = [f"{EPOCHS[a]} and {EPOCHS[b]} epochs" for a, b in PAIRS]
    return tuple(Published(n, t) for n, t in zip(names, text.split(), strict=True))


def places() -> list[Measured]:
    """The Bayesian search's places among the six, early and late, and how both orders agree."""
    from scipy.stats import kendalltau, spearmanr

    tables = [SEARCH_ERROR, FINAL_ERROR]
    found = [1 + sum(error < t["bayesian"] for error in t.values()) for t in tables]
    pair = [list(table.values()) for table in tables]
    return exact(*found, float(spearmanr(*pair).statistic), float(kendalltau(*pair).statistic))


PRINTED_TABLE_4 = "0.4 0.2 -0.8 -1.0 0.8 0.0 -0.4 0.4 -0.2 0.8"
TITLE = "Spearman correlations between training lengths, recomputed from"

ENTRIES = (
    Entry(
        "era-table-4",
        f"{TITLE} Table 3 (ResNet-56 of four widths)",
        SOURCE,
        "Table 4",
        matrix(PRINTED_TABLE_4),
        lambda: spearman(list(WIDTH.values())),
        Basis.SOURCE,
        "The four coefficients with 100 epochs do not follow from the accuracies of Table 3;"
        " so the negative relation of 20 and 100 epochs does not follow either.",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "era-table-4-exchanged",
        f"{TITLE} Table 3 with two accuracies exchanged",
        SOURCE,
        "Table 4",
        matrix(PRINTED_TABLE_4),
        lambda: spearman(swapped()),
        Basis.SOURCE,
        "All of Table 4 follows if, after 100 epochs, the network with 64 filters is ranked"
        " above the one with 32. Either an accuracy of Table 3 or the matrix is misprinted.",
    ),
    Entry(
        "era-table-5",
        f"{TITLE} Table 3 without 64 filters",
        SOURCE,
        "Table 5",
        (Published("20 and 100 epochs", "1.0"),),
        lambda: last_pair(without(WIDTH, 64)),
        Basis.SOURCE,
        "Three networks; the one left out is inside the space if it goes to 64 filters"
        " (era-filters).",
    ),
    Entry(
        "era-table-7",
        f"{TITLE} Table 6 (ResNets of five depths)",
        SOURCE,
        "Table 7",
        matrix("0.9 0.4 0.1 -0.4 0.7 0.2 -0.2 0.7 0.5 0.8"),
        lambda: spearman(list(DEPTH.values())),
        Basis.SOURCE,
    ),
    Entry(
        "era-table-8",
        f"{TITLE} Table 6 without 602 layers",
        SOURCE,
        "Table 8",
        (Published("20 and 100 epochs", "0.2"),),
        lambda: last_pair(without(DEPTH, 602)),
        Basis.SOURCE,
    ),
    Entry(
        "era-table-9",
        f"{TITLE} Tables 3 and 6 (the six networks inside the space)",
        SOURCE,
        "Table 9",
        matrix("0.77 -0.31 -0.77 -0.89 0.31 -0.26 -0.43 0.77 0.71 0.94"),
        lambda: spearman(in_space()),
        Basis.SOURCE,
        "The thesis leaves out the network with 64 filters as outside its space, which has 64"
        " filters by its winners (era-filters).",
    ),
    Entry(
        "era-table-2-places",
        "The Bayesian search's place among six searches, early and late",
        SOURCE,
        "Tables 1 and 2",
        (
            Published("place after 20 epochs", "1"),
            Published("place after 164 epochs", "3"),
            Published("Spearman's correlation of both orders"),
            Published("Kendall's tau-b of both orders"),
        ),
        places,
        Basis.SOURCE,
        "The thesis gives no coefficient for its own six winners; here are two.",
    ),
    Entry(
        "era-table-1-errors",
        "Test errors of the six winners and of ResNet-110 after 164 epochs",
        SOURCE,
        "Table 1",
        (
            Published("ResNet-110", "7.5", unit="%"),
            Published("ResNet wide", "7.1", unit="%"),
            *(Published(name, str(error), unit="%") for name, error in FINAL_ERROR.items()),
        ),
        needs="a GPU: eight trainings of 164 epochs on CIFAR-10",
        recorded=Verdict.NOT_RUN,
    ),
    Entry(
        "era-table-2-errors",
        "Validation errors of the six searches' best networks after 20 epochs",
        SOURCE,
        "Table 2",
        tuple(Published(name, str(error), unit="%") for name, error in SEARCH_ERROR.items()),
        needs="a GPU: six searches of 200 trainings of 20 epochs on CIFAR-10",
        recorded=Verdict.NOT_RUN,
    ),
    Entry(
        "era-table-3",
        "Test accuracies of ResNet-56 of four widths after 5 to 100 epochs",
        SOURCE,
        "Table 3",
        tuple(
            Published(f"{filters} filters, {e} epochs", str(value), unit="%")
            for filters, values in WIDTH.items()
            for e, value in zip(EPOCHS, values, strict=True)
        ),
        needs="a GPU: four trainings of 100 epochs on CIFAR-10",
        recorded=Verdict.NOT_RUN,
    ),
    Entry(
        "era-table-6",
        "Test accuracies of ResNets of five depths after 5 to 100 epochs",
        SOURCE,
        "Table 6",
        tuple(
            Published(f"{layers} layers, {e} epochs", str(value), unit="%")
            for layers, values in DEPTH.items()
            for e, value in zip(EPOCHS, values, strict=True)
        ),
        needs="a GPU: five trainings of 100 epochs on CIFAR-10, one of 602 layers",
        recorded=Verdict.NOT_RUN,
    ),
)
