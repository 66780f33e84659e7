"""Published numbers of Geada's thesis that take trained networks; none runs here.

Source: Geada, "Neural Architecture Search Across Expanded and Infinite Spaces" (PhD thesis,
Newcastle University, 2022).
"""

from __future__ import annotations

from reports.ledger.entry import Entry, Published, Verdict
from reports.ledger.geada import SOURCE


def gpu(name: str, title: str, where: str, needs: str, **numbers: str) -> Entry:
    """An entry of accuracies that need training."""
    rows = tuple(Published(n.replace("_", " "), t, unit="%") for n, t in numbers.items())
    return Entry(name, title, SOURCE, where, rows, needs=needs, recorded=Verdict.NOT_RUN)


ENTRIES = (
    gpu(
        "geada-table-4.7",
        "BonsaiNet's small-cell accuracies on CIFAR-10",
        "Table 4.7",
        "a GPU: nine searches of 600 epochs",
        lowest="96.05",
        median="96.65",
        highest="96.83",
    ),
    gpu(
        "geada-table-4.9",
        "BonsaiNet's large-cell accuracies on CIFAR-10",
        "Table 4.9",
        "a GPU: three searches of 600 epochs",
        first="96.82",
        second="96.96",
        third="97.04",
    ),
    gpu(
        "geada-table-4.15",
        "BonsaiNet's accuracies on ImageNet",
        "Table 4.15",
        "a GPU for 419 hours, and ImageNet",
        top_1="60.46",
        top_5="82.05",
    ),
    gpu(
        "geada-table-5.2",
        "SpiderNet's accuracies on CIFAR-10",
        "Table 5.2",
        "a GPU: searches of 36 to 90 hours each",
        min_variance="97.08",
        NTK_and_regions="97.13",
        random_1="96.96",
        random_2="97.03",
    ),
    gpu(
        "geada-table-5.7",
        "SpiderNet's accuracies on ImageNet",
        "Table 5.7",
        "a GPU for 381 hours, and ImageNet",
        top_1="72.27",
        top_5="90.60",
    ),
    Entry(
        "geada-epoch-64",
        "Spearman's correlation of accuracies after 64 and 600 epochs",
        SOURCE,
        "choice of 64 epochs",
        (Published("29 models", "0.66"),),
        needs="a GPU: 29 searched models, 600 epochs each",
        recorded=Verdict.NOT_RUN,
    ),
    Entry(
        "geada-trainless-tau",
        "Kendall's tau of two untrained scores with accuracy over NAS-Bench-201",
        SOURCE,
        "review of Chen et al.",
        (
            Published("condition number", "-0.42"),
            Published("linear regions", "0.50"),
            Published("both", "0.64"),
        ),
        needs="torch, CIFAR-100 and 15,625 networks' gradients: hours of a GPU",
        recorded=Verdict.NOT_RUN,
    ),
)
