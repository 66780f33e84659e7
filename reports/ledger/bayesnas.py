"""Published numbers of BayesNAS: its graphs, its threshold, its searches.

Source: Yang, "Efficient Neural Network Architecture Search" (master's thesis, TU Delft, 2019).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations, product

from reports.ledger.entry import (
    Basis,
    Entry,
    Measured,
    Published,
    Verdict,
    exact,
    from_printed,
)

SOURCE = "Yang, Efficient Neural Network Architecture Search (TU Delft, 2019)"

Edge = tuple[int, int]

CIFAR_10 = {
    "BayesNAS, lambda 0.01": ("3.02", "2.59"),
    "BayesNAS, lambda 0.007": ("2.90", "3.10"),
    "BayesNAS, lambda 0.005": ("2.81", "3.40"),
    "BayesNAS, tree cells": ("2.41", "3.4"),
}
"""Table 5-1: search -> test error in %, parameters in millions."""

IMAGENET = {
    "BayesNAS, lambda 0.01": ("28.1", "9.4", "4.0"),
    "BayesNAS, lambda 0.007": ("27.3", "8.4", "3.3"),
    "BayesNAS, lambda 0.005": ("26.5", "8.9", "3.9"),
}
"""Table 5-2: search -> top-1 error, top-5 error in %, parameters in millions."""


def dangling(nodes: int, live: Iterable[Edge]) -> bool:
    """Whether a node but the first has no edge in, or one but the last none out."""
    live = set(live)
    fed = {target for _, target in live}
    feeding = {source for source, _ in live}
    return len(fed) < nodes - 1 or len(feeding) < nodes - 1


def invalid_graphs() -> list[Measured]:
    """Graphs of four nodes, each edge with one of four operations of which one is zero.

    Returns:
        Invalid ones among 1,024; the share of them in NAS-Bench-201, whose zero is one of five
        operations; and its cells without any path from input to output.
    """
    from harness.spaces.tss import EDGES, OPERATIONS, TopologySpace

    edges = list(combinations(range(4), 2))
    drawn = list(product(range(4), repeat=len(edges)))
    invalid = sum(dangling(4, (e for e, op in zip(edges, ops) if op)) for ops in drawn)
    none = OPERATIONS.index("none")
    space = TopologySpace()
    cells = list(product(range(len(OPERATIONS)), repeat=len(EDGES)))
    loose = sum(dangling(4, (e for e, op in zip(EDGES, ops) if op != none)) for ops in cells)
    cut = sum(not space.has_path(cell) for cell in cells)
    return exact(1024 * invalid / len(drawn), loose, cut)


def threshold() -> list[Measured]:
    """The variance whose Gaussian has entropy zero."""
    return exact(1.0 / (2.0 * math.pi * math.e))


def boltzmann(printed: bool, rate: float = 0.3, ranks: int = 10) -> float:
    """The sum over all ranks of the probabilities of rank-based selection, (2-11).

    Args:
        printed: Whether with the signs as printed.
        rate: Lambda.
        ranks: N.
    """
    sign = 1 if printed else -1
    scale = (1 - math.exp(sign * rate)) / (1 - math.exp(sign * rate * ranks))
    return sum(scale * math.exp(-rate * rank) for rank in range(ranks))


def order(values: Sequence[str]) -> float:
    """Kendall's tau of printed numbers with lambda, which falls from row to row."""
    from scipy.stats import kendalltau

    return float(kendalltau(range(len(values), 0, -1), [float(v) for v in values]).statistic)


def trade_off() -> list[Measured]:
    cells = [v for name, v in CIFAR_10.items() if "lambda" in name]
    transferred = [parameters for *_, parameters in IMAGENET.values()]
    return exact(
        order([error for error, _ in cells]),
        order([parameters for _, parameters in cells]),
        order(transferred),
    )


ENTRIES = (
    Entry(
        "bayesnas-invalid-graphs",
        "Invalid graphs of four nodes whose edges are zero with probability 1/4, enumerated",
        SOURCE,
        "motivation, quoting SNAS",
        (
            Published("invalid, of 1,024", "511"),
            Published("cells of NAS-Bench-201 with a dangling node, of 15,625"),
            Published("cells of NAS-Bench-201 without a path, of 15,625"),
        ),
        invalid_graphs,
        explanation=(
            "Invalid: a node but the first has no live edge in, or one but the last none out."
            " The same count in NAS-Bench-201 stands below."
        ),
    ),
    Entry(
        "bayesnas-threshold",
        "Variance below which an operation is pruned",
        SOURCE,
        "section on the entropy criterion",
        (Published("variance of a Gaussian of entropy 0", "0.0585"),),
        threshold,
    ),
    Entry(
        "bayesnas-boltzmann",
        "Sum of the selection probabilities of equation (2-11)",
        SOURCE,
        "equation (2-11)",
        (Published("sum of probabilities", "1", 0.0),),
        lambda: exact(boltzmann(printed=True)),
        Basis.SOURCE,
        "With lambda 0.3 and ten ranks. The exponents of the factor have the wrong sign;"
        " with the other sign the probabilities sum to one (bayesnas-boltzmann-signs).",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "bayesnas-boltzmann-signs",
        "The same with the other signs",
        SOURCE,
        "equation (2-11)",
        (Published("sum of probabilities", "1", 0.0),),
        lambda: exact(boltzmann(printed=False)),
    ),
    Entry(
        "bayesnas-search-cost",
        "GPU-days of a search of about three hours on one GPU",
        SOURCE,
        "Table 5-1 and the text on the search",
        (Published("GPU-days", "0.2"),),
        lambda: [from_printed(lambda hours: hours / 24, "3")],
        Basis.SOURCE,
        "Three hours are an eighth of a day; even three and a half round to 0.1.",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "bayesnas-trade-off",
        "Kendall's tau of the sparsity intensity lambda with errors and parameters",
        SOURCE,
        "Table 5-1",
        (
            Published("lambda and error on CIFAR-10: higher", "1.0"),
            Published("lambda and parameters: fewer", "-1.0"),
            Published("lambda and parameters, ImageNet (Table 5-2)"),
        ),
        trade_off,
        Basis.SOURCE,
        "The thesis says it in words. Three settings, so any order of two columns has one chance"
        " in six; in Table 5-2 the largest lambda has the most parameters.",
    ),
    Entry(
        "bayesnas-table-5-1",
        "Test errors and parameters of the networks found for CIFAR-10",
        SOURCE,
        "Table 5-1",
        tuple(
            Published(f"{name}: {what}", text, unit=unit)
            for name, values in CIFAR_10.items()
            for what, unit, text in zip(("error", "parameters"), ("%", "M"), values)
        ),
        needs="a GPU: searches and 600-epoch trainings on CIFAR-10, and the searched cells",
        recorded=Verdict.NOT_RUN,
    ),
    Entry(
        "bayesnas-table-5-2",
        "Test errors of the same cells on ImageNet",
        SOURCE,
        "Table 5-2",
        tuple(
            Published(f"{name}: {what}", text, unit="%")
            for name, values in IMAGENET.items()
            for what, text in zip(("top-1 error", "top-5 error"), values)
        ),
        needs="several GPUs and ImageNet: 250 epochs",
        recorded=Verdict.NOT_RUN,
    ),
)
