"""Published numbers of Geada's thesis that follow from its own tables, and those that need GPUs.

Source: Geada, "Neural Architecture Search Across Expanded and Infinite Spaces" (PhD thesis,
Newcastle University, 2022).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reports.ledger.cells import different_cells
from reports.ledger.entry import Basis, Entry, Measured, Published, Verdict, exact, from_printed
from reports.ledger.geada import SOURCE


@dataclass(frozen=True)
class Claim:
    """A number of the text that follows from printed ones.

    Attributes:
        what: What it is a number of.
        printed: It.
        rule: How it follows.
        inputs: What it follows from: texts as printed, or exact numbers.
        unit: Its unit.
    """

    what: str
    printed: str
    rule: Callable[..., float]
    inputs: tuple[str | float, ...]
    unit: str = ""


def difference(a: float, b: float) -> float:
    return a - b


def ratio(a: float, b: float) -> float:
    return a / b


def product(*factors: float) -> float:
    found = 1.0
    for factor in factors:
        found *= factor
    return found


def percent(a: float, b: float) -> float:
    return 100.0 * a / b


def mean(*values: float) -> float:
    return sum(values) / len(values)


def claims(
    name: str, title: str, where: str, *made: Claim, explanation: str = "",
    recorded: Verdict = Verdict.REPRODUCED,
) -> Entry:  # fmt: skip
    """An entry of numbers that follow from printed ones, with the room that rounding leaves."""
    return Entry(
        name,
        title,
        SOURCE,
        where,
        tuple(Published(c.what, c.printed, unit=c.unit) for c in made),
        lambda: [from_printed(claim.rule, *claim.inputs) for claim in made],
        Basis.SOURCE,
        explanation,
        recorded=recorded,
    )


TABLE_4_13 = {
    "BonsaiNet": (96.65, 0.06, 3),
    "Random 1": (95.27, 0.05, 3),
    "Random 2": (95.19, 0.13, 3),
}
"""Method -> mean accuracy in %, its standard error, runs."""

UNSEEN = {
    "ResNet-18": ("80.33", "57.83", "62.02"),
    "winner of 2022": ("96.08", "62.98", "61.42"),
    "BonsaiNet": ("95.49", "61.32", "64.92"),
    "SpiderNet": ("94.17", "60.71", "64.54"),
}
"""Tables 4.16 and 5.8: entrant -> accuracies on Sadie, Chester and Isabella in %."""


def welch(first: str, second: str) -> tuple[float, float, float]:
    """t, degrees of freedom and two-sided p of two methods of Table 4.13."""
    from scipy.stats import ttest_ind_from_stats

    (a, error_a, n), (b, error_b, m) = TABLE_4_13[first], TABLE_4_13[second]
    test = ttest_ind_from_stats(a, error_a * n**0.5, n, b, error_b * m**0.5, m, equal_var=False)
    # Welch and Satterthwaite's degrees of freedom, from squared standard errors.
    freedom = (error_a**2 + error_b**2) ** 2 / (error_a**4 / (n - 1) + error_b**4 / (m - 1))
    return float(test.statistic), freedom, float(test.pvalue)


PAIRS = (("BonsaiNet", "Random 2"), ("BonsaiNet", "Random 1"), ("Random 1", "Random 2"))


def table_4_13() -> list[Measured]:
    gap = from_printed(difference, "96.65", "95.19")
    return [gap, *exact(*(number for pair in PAIRS for number in welch(*pair)))]


def score(*accuracies: float) -> float:
    """The competition's score: the share of ResNet-18's shortfall that is made up, times ten."""
    baseline = map(float, UNSEEN["ResNet-18"])
    return sum(
        10 * max(-1.0, (accuracy - reference) / (100 - reference))
        for accuracy, reference in zip(accuracies, baseline, strict=True)
    )


def unseen() -> list[Measured]:
    """Sums of accuracies, then the competition's scores."""
    sums = [from_printed(lambda *a: sum(a), *texts) for texts in UNSEEN.values()]
    scores = [from_printed(score, *texts) for texts in UNSEEN.values()]
    return [*sums, *scores]


SUMS = ("200.18", "220.48", "221.73", "219.42")

ENTRIES = (
    Entry(
        "geada-table-4.13",
        "Search against random controls in the wide space: Welch's test from printed statistics",
        SOURCE,
        "Table 4.13",
        (
            Published("gap to Random 2, points", "1.46"),
            *(
                Published(f"{first} against {second}: {what}")
                for first, second in PAIRS
                for what in ("t", "degrees of freedom", "p")
            ),
        ),
        table_4_13,
        Basis.SOURCE,
        "The thesis tests nothing. The printed standard errors of three runs each suffice: the"
        " search is better than both controls, which are not told apart.",
    ),
    Entry(
        "geada-table-4.16",
        "Unseen data sets: sums of accuracies, and the competition's own scores",
        SOURCE,
        "Tables 4.16 and 5.8",
        (
            *(Published(f"{n}: sum", t) for n, t in zip(UNSEEN, SUMS, strict=True)),
            *(Published(f"{n}: score") for n in UNSEEN),
        ),
        unseen,
        Basis.SOURCE,
        "The printed totals are sums of accuracies. By the competition's rule, which the thesis"
        " states, the order of the four is the same.",
    ),
    claims(
        "geada-table-4.14",
        "Search and random search in the narrow and in the wide space",
        "Table 4.14 and its discussion",
        Claim("mean of four searches", "96.56", mean, ("96.62", "96.86", "96.76", "95.99"), "%"),
        Claim("mean of their deviations", "0.18", mean, ("0.23", "0.17", "0.10", "0.25")),
        Claim("random, narrow minus wide", "1.29", difference, ("96.48", "95.19")),
        Claim("largest lead over random", "0.38", difference, ("96.86", "96.48")),
        explanation="Deviations of four methods are averaged, not pooled.",
    ),
    claims(
        "geada-table-4.11",
        "The raw supernet against two pruned ones",
        "Table 4.11 and its discussion",
        Claim(
            "accuracy lost, points",
            "0.07",
            lambda u, *b: u - mean(*b),
            ("97.08", "96.99", "97.04"),
        ),
        Claim("peak memory, times less", "1.4", ratio, ("14.92", "10.5")),
        Claim(
            "parameters, times fewer", "1.7", lambda u, *b: u / mean(*b), ("12.04", "6.20", "7.39")
        ),
        Claim(
            "final memory, times less",
            "1.9",
            lambda u, *b: u / mean(*b),
            ("14.92", "7.85", "7.58"),
        ),
        Claim("memory saved by free pruning", "33", lambda c: 100 * (1 - c), ("0.67",), "%"),
        explanation="1.77 times fewer parameters are cut off to 1.7 where 1.8 is nearer.",
        recorded=Verdict.CONTRADICTED,
    ),
    claims(
        "geada-table-4.3",
        "Memory of operations relative to each other, from measured sizes",
        "text on operation sizes, Table 4.3",
        Claim("separable 3x3 over identity", "8", ratio, ("63.02", "3.60")),
        Claim("max-pool over separable 3x3", "0.5", ratio, ("27.00", "63.02")),
        explanation="Eight and one half follow from Table 4.2 and not from Table 4.3.",
        recorded=Verdict.CONTRADICTED,
    ),
    claims(
        "geada-table-4.2-memory",
        "The same from Table 4.2",
        "text on operation sizes, Table 4.2",
        Claim("separable 3x3 over identity", "8", ratio, ("112", "14")),
        Claim("max-pool over separable 3x3", "0.5", ratio, ("56", "112")),
    ),
    claims(
        "geada-table-5.3",
        "The best SpiderNet against the best random network",
        "Tables 5.3 to 5.5 and their discussion",
        Claim("accuracy gained, points", "0.10", difference, ("97.13", "97.03")),
        Claim("parameters, times fewer", "1.9", ratio, ("16.8", "8.8")),
        Claim("hours less in all", "6.5", difference, ("81.4", "74.9")),
        Claim("hours less to train", "11.9", lambda r, t, s: r - (t - s), ("81.4", "74.9", "5.4")),
        Claim("share of search in all", "7", percent, ("5.4", "74.9"), "%"),
        Claim("pure random: hours faster", "5", difference, ("74.9", "69.9")),
        Claim("pure random: points lower", "0.17", difference, ("97.13", "96.96")),
        Claim("pure random: parameters more", "4.1", difference, ("12.9", "8.8"), "M"),
        Claim("small memory: hours slower", "5.7", difference, ("36.2", "30.5")),
        Claim("small memory: points gained", "0.14", difference, ("96.92", "96.78")),
        Claim("small memory: parameters more", "2.2", difference, ("6.2", "4.0"), "M"),
    ),
    claims(
        "geada-imagenet-gap",
        "SpiderNet against BonsaiNet on ImageNet",
        "Tables 4.15 and 5.7",
        Claim("top-1, points", "11.8", difference, ("72.27", "60.46")),
    ),
    claims(
        "geada-search-cost",
        "Search of the type-2 configuration against first-order DARTS",
        "Tables 3.2 and 4.9",
        Claim("times less", "14", ratio, ("36", "2.54")),
    ),
    claims(
        "geada-reviewed-costs",
        "GPU-hours of reviewed searches, from machines and days",
        "Table 3.2 and the review",
        Claim("NAS-RL", "537,600", product, (24, 800, 28)),
        Claim("regularized evolution", "75,600", product, (24, 450, 7)),
    ),
    claims(
        "geada-neuroevolution-cost",
        "GPU-hours of neuroevolution, from its workers and hours",
        "Table 3.2 and the review",
        Claim("GPU-hours", "61,320", product, (250, 250)),
        explanation="250 workers for 250 hours, by the text.",
        recorded=Verdict.CONTRADICTED,
    ),
    claims(
        "geada-gpu-time",
        "Mean hours of the hundred most thoroughly trained networks",
        "account of computing time",
        Claim("hours", "55", lambda days: 24 * days / 100, ("228",)),
    ),
    claims(
        "geada-configuration-cost",
        "Hours and days of tuning four settings, or one, at three values each",
        "argument for few settings",
        Claim("four settings, hours", "4050", lambda hours: 3**4 * hours, (50,)),
        Claim("four settings, days", "169", lambda hours: 3**4 * hours / 24, (50,)),
        Claim("one setting, hours", "150", lambda hours: 3 * hours, (50,)),
        Claim("one setting, days", "6", lambda hours: 3 * hours / 24, (50,)),
    ),
    claims(
        "geada-first-epoch",
        "Accuracy gained in the first epoch",
        "footnote on the first epoch",
        Claim("points", "47.26", difference, ("57.20", "10.00")),
        explanation="A slip in the last digit.",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "geada-patterns",
        "Fewer cell patterns with three cells in place of eight",
        SOURCE,
        "argument for large cells",
        (Published("patterns", "7"),),
        lambda: exact(8 - 3),
        Basis.SOURCE,
        "Eight distinct cells less three are five.",
        recorded=Verdict.CONTRADICTED,
    ),
    claims(
        "geada-table-a.1",
        "Speed of the two implementations of the pruner",
        "Table A.1",
        Claim("forward, times", "7", ratio, ("13.3", "2.8")),
        Claim("forward and backward, times", "7", ratio, ("129.1", "18.3")),
        explanation="About seven holds for forward and backward, not for forward alone.",
        recorded=Verdict.CONTRADICTED,
    ),
    claims(
        "geada-nasbench101-rank",
        "Rank 19,552 of NAS-Bench-101 as a share, of the size that the thesis gives",
        "review of Yu et al.",
        Claim("top", "4", percent, (19552, 462000), "%"),
    ),
    Entry(
        "geada-nasbench101-size",
        "Different cells of NAS-Bench-101, counted",
        SOURCE,
        "review of Yu et al.",
        (Published("cells", "462000"), Published("share of rank 19,552 among them, %")),
        lambda: exact(different_cells(), percent(19552, different_cells())),
        explanation="The benchmark has 423,624; the share rounds to five percent.",
        recorded=Verdict.DIFFERS,
    ),
)
