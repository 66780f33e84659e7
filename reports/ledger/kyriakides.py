"""Published numbers of Kyriakides' thesis that follow from its own statements.

Source: Kyriakides, "Parallel and Distributed Methods for Autonomous Design of Artificial Neural
Networks" (PhD thesis, University of Macedonia, 2022).
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.ledger.entry import Basis, Entry, Measured, Published, Verdict, exact, from_printed

SOURCE = "Kyriakides, Parallel and Distributed Methods (University of Macedonia, 2022)"

SECONDS = {
    "Adadelta": ("36.1", "158.6", "1701.5"),
    "Adam": ("35.9", "157.5", "1724.8"),
    "Adamax": ("35.8", "157.1", "1718.6"),
    "RMSprop": ("35.4", "156.5", "1687.6"),
    "SGD": ("36.0", "157.1", "1687.3"),
    "SGD, momentum": ("35.7", "157.2", "1709.5"),
    "SGD, Nesterov momentum": ("35.5", "156.6", "1707.4"),
}
"""Table 4.2: optimizer -> seconds of training for 1, 5 and 50 epochs."""

EPOCHS = {
    "ProxylessNAS": (200, 600, "3"),
    "multitask CoDeepNEAT": (3_000, 30_000, "10"),
    "CoDeepNEAT": (8, 120, "15"),
    "regularized evolution": (25, 600, "24"),
    "Progressive NAS": (20, 600, "30"),
}
"""Table 5.1: method -> epochs in the search, at the end, and their printed ratio."""

PARALLEL = {1: "26708", 2: "14659", 4: "8393"}
"""Table 8.2: GPUs -> seconds of a search by DARTS."""

KOLMOGOROV_SMIRNOV = (
    ("1 and 2 GPUs", 0.51, "0.71"),
    ("1 and 4 GPUs", 0.08, "0.15"),
    ("2 and 4 GPUs", 0.87, "0.88"),
)
"""Table 8.3: compared groups, p, and p as corrected by Benjamini and Hochberg in print."""


def proxy_speedups() -> list[Measured]:
    """How many times faster 5 and 1 epochs are than 50, mean over optimizers."""
    one, five, fifty = ([float(t[i]) for t in SECONDS.values()] for i in range(3))

    def mean_ratio(short: Sequence[float]) -> float:
        return sum(f / s for f, s in zip(fifty, short, strict=True)) / len(fifty)

    return exact(mean_ratio(five), mean_ratio(one))


def speedups() -> list[Measured]:
    """Times faster and percent efficient, on two and on four GPUs."""
    found = []
    for gpus in (2, 4):
        times = PARALLEL[1], PARALLEL[gpus]
        found.append(from_printed(lambda one, more: one / more, *times))
        found.append(from_printed(lambda one, more, n: 100 * one / more / n, *times, gpus))
    return found


def corrected() -> list[Measured]:
    """Benjamini and Hochberg's correction of the three printed p."""
    from statsmodels.stats.multitest import multipletests

    p = [value for _, value, _ in KOLMOGOROV_SMIRNOV]
    adjusted = multipletests(p, method="fdr_bh")[1]
    # An adjusted p is a printed one times 3 over its rank, so rounding moves it by 3 halves.
    return [Measured(float(value), rounding=0.005 * 3) for value in adjusted]


def attainable_tau(items: int, near: float) -> float:
    """Kendall's tau of two rankings without ties that is nearest to a number."""
    pairs = items * (items - 1) // 2
    return min((1 - 2 * k / pairs for k in range(pairs + 1)), key=lambda tau: abs(tau - near))


def minimum_viable_size() -> list[Measured]:
    """The shape to which 15 x 15 x 10 and 3 x 3 x 50 are brought for a node of 10 x 10 x 18."""
    incoming, needed = ((15, 15, 10), (3, 3, 50)), (10, 10, 18)
    smallest = (min(sizes) for sizes in zip(*incoming, strict=True))
    return exact(*(max(least, need) for least, need in zip(smallest, needed, strict=True)))


def state_bits() -> list[Measured]:
    """Length of the agent's state in our double deep Q-learning."""
    from searchers.builders import CellBuilder

    return exact(CellBuilder.width)


def gene_choices() -> list[Measured]:
    """Choices a node, of the earlier genome and of the layer gene."""
    filters = range(32, 256)
    convolutions = [f"CONV_{k}.{n}" for k in (2, 3, 5) for n in "HN"]
    poolings = [f"POOL_{k}.{n}" for k in (2, 3, 5) for n in "AM"]
    return exact(len(filters) * len((1, 3)) * len((True, False)), len(convolutions + poolings))


def network_size() -> list[Measured]:
    from reports.ledger.cells import different_cells

    return exact(different_cells())


ENTRIES = (
    Entry(
        "kyriakides-table-4.2",
        "Speed of short trainings against 50 epochs, from measured times",
        SOURCE,
        "Table 4.2 and the assumptions of chapter 5",
        (
            Published("5 epochs, times faster", "10", 1.0),
            Published("1 epoch, times faster", "50", 5.0),
        ),
        proxy_speedups,
        Basis.SOURCE,
        "The chapter assumes the ratio of epochs; a tenth of it is the tolerance.",
    ),
    Entry(
        "kyriakides-training-time",
        "Hours in 30,000 seconds",
        SOURCE,
        "cost of a pipeline, chapter 3",
        (Published("hours (23 h 20 min)", "23.33"),),
        lambda: exact(30_000 / 3600),
        Basis.SOURCE,
        "30,000 seconds are 8 hours and 20 minutes.",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "kyriakides-figure-4.5",
        "The tau of 0.964 as one of ten ranked networks",
        SOURCE,
        "Figure 4.5 and its text",
        (Published("tau", "0.964"),),
        lambda: exact(attainable_tau(10, 0.964)),
        Basis.SOURCE,
        "Ten networks without ties have a tau of 0.956 or 1, and nothing between.",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "kyriakides-figure-4.5-eleven",
        "The same for eleven networks",
        SOURCE,
        "Figure 4.5 and its text",
        (Published("tau", "0.964"),),
        lambda: exact(attainable_tau(11, 0.964)),
        explanation=(
            "One of 55 pairs in opposite order. Twenty generations and their first graph are 21"
            " networks, whose younger half may be eleven."
        ),
    ),
    Entry(
        "kyriakides-table-5.1",
        "Final over search epochs of published methods",
        SOURCE,
        "Table 5.1",
        tuple(Published(name, text) for name, (_, _, text) in EPOCHS.items()),
        lambda: exact(*(final / search for search, final, _ in EPOCHS.values())),
        Basis.SOURCE,
    ),
    Entry(
        "kyriakides-table-5.1-prose",
        "The ratio of Progressive NAS by the prose, 20 and 300 epochs",
        SOURCE,
        "text on Table 5.1",
        (Published("ratio", EPOCHS["Progressive NAS"][2]),),
        lambda: exact(300 / 20),
        Basis.SOURCE,
        "The prose has 300 final epochs, the table 600.",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "kyriakides-figure-5.9-gain",
        "Tau gained by three times the epochs in NAS-Bench-101",
        SOURCE,
        "text on Figures 5.9 to 5.11",
        (Published("gain", "17", unit="%"),),
        lambda: [from_printed(lambda a, b: 100 * (a / b - 1), "0.89", "0.76")],
        Basis.SOURCE,
    ),
    Entry(
        "kyriakides-nasbench101-size",
        "Different cells of NAS-Bench-101, counted",
        SOURCE,
        "description of NAS-Bench-101",
        (Published("cells", "423,624"),),
        network_size,
        explanation="Counted by Burnside's lemma, without the benchmark and without hashes.",
    ),
    Entry(
        "kyriakides-state-bits",
        "Bits of the state of the double deep Q-learning agent",
        SOURCE,
        "agent for NAS-Bench-101, chapter 3",
        (Published("bits", "45"),),
        state_bits,
        explanation="The width of the state of our `double_dqn`.",
    ),
    Entry(
        "kyriakides-minimum-viable-size",
        "The worked example of the network compiler",
        SOURCE,
        "network compiler, chapter 3",
        (Published("height", "10"), Published("width", "10"), Published("channels", "18")),
        minimum_viable_size,
        Basis.SOURCE,
    ),
    Entry(
        "kyriakides-gene-choices",
        "Choices of a node before and after filters became relative",
        SOURCE,
        "chapter 6 and Table 6.1",
        (Published("before", "896"), Published("after", "12")),
        gene_choices,
        Basis.SOURCE,
        "896 counts 224 numbers of filters: from 32 to 255, without the 256 of the text.",
    ),
    Entry(
        "kyriakides-table-7.2",
        "Architectures in a 70/30 split of 500",
        SOURCE,
        "Table 7.2 and its text",
        (Published("training", "150"), Published("validation", "350")),
        lambda: exact(0.7 * 500, 0.3 * 500),
        Basis.SOURCE,
        "The table has the two exchanged.",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "kyriakides-lucky-run-guard",
        "Evaluations that a final predictor needs, as a share",
        SOURCE,
        "chapter 7",
        (Published("25 of 500", "5", unit="%"),),
        lambda: exact(100 * 25 / 500),
        Basis.SOURCE,
    ),
    Entry(
        "kyriakides-communication",
        "Communication saved by averaging once an epoch",
        SOURCE,
        "chapter 8",
        (Published("times less", "937.5"),),
        lambda: exact(60_000 / 64),
        Basis.SOURCE,
        "For all of Fashion-MNIST. The search trains on half of it, so half of that applies.",
    ),
    Entry(
        "kyriakides-table-8.2",
        "Speedup and efficiency of DARTS on two and four GPUs, from the times",
        SOURCE,
        "Table 8.2",
        (
            Published("2 GPUs, times faster", "1.82"),
            Published("2 GPUs, efficiency", "91", unit="%"),
            Published("4 GPUs, times faster", "3.18"),
            Published("4 GPUs, efficiency", "80", unit="%"),
        ),
        speedups,
        Basis.SOURCE,
    ),
    Entry(
        "kyriakides-table-8.3",
        "Benjamini and Hochberg's correction of the printed p values",
        SOURCE,
        "Table 8.3",
        tuple(Published(name, text) for name, _, text in KOLMOGOROV_SMIRNOV),
        corrected,
        Basis.SOURCE,
        "Two of the printed corrections are smaller than the method's. Nothing is rejected"
        " either way.",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "kyriakides-backup-worker",
        "Efficiency of four and of eight workers with a spare one",
        SOURCE,
        "backup workers, chapter 8",
        (Published("4 and 1", "80", unit="%"), Published("8 and 1", "88", unit="%")),
        lambda: exact(100 * 4 / 5, 100 * 8 / 9),
        Basis.SOURCE,
        "Cut off: 88.9 is nearer to 89.",
        recorded=Verdict.CONTRADICTED,
    ),
)
