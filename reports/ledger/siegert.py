"""Published numbers of Siegert's thesis on scores of untrained networks.

Source: Siegert (master's thesis, Chalmers and the University of Gothenburg, 2022), on
training-free architecture search from the dependency of local linear operators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from reports.ledger.entry import (
    Basis,
    Entry,
    Measured,
    Published,
    Verdict,
    exact,
    from_printed,
)
from reports.ledger.live_paths import INPUTS, Network, convolutional, fully_connected

SOURCE = "Siegert, training-free NAS from local linear operators (Chalmers, 2022)"

ARCHITECTURES = ("(8,16,8,16,8)", "(8,8,16,8,16)", "(16,16,8,16,16)", "(16,8,16,16,16)")
ACCURACIES = ("82.35", "84.61", "85.83", "87.23")
"""Table 3.1: channels of four networks -> validation accuracy on CIFAR-10 in %."""

SCORES = {
    "hm-abs": ("-0.0251", "-0.0276", "-0.0419", "-0.03232"),
    "hm-sq": ("-0.0020", "-0.0042", "-0.0046", "-0.0026"),
    "hm-absn": ("-0.1067", "-0.0681", "-0.1758", "-0.1497"),
    "hm-sqn": ("-0.1037", "-0.0659", "-0.1715", "-0.1455"),
    "corr-abs": ("0.1472", "0.1136", "0.1275", "0.1164"),
    "corr-sq": ("0.1154", "0.8709", "0.0988", "0.0896"),
    "corr-absn": ("-0.0040", "0.0001", "-0.0046", "0.0003"),
    "corr-sqn": ("-0.0044", "0.0028", "-0.0035", "0.0010"),
}
"""Table 5.1: score -> its values for the four networks."""

CORRELATIONS = {
    "hm-abs": "-0.6302",
    "hm-sq": "-0.3445",
    "hm-absn": "-0.5701",
    "hm-sqn": "-0.5685",
    "corr-abs": "-0.7549",
    "corr-sq": "-0.7536",
    "corr-absn": "0.4624",
    "corr-sqn": "0.4583",
}
"""Table 5.1: score -> Pearson's correlation with the accuracies."""

SLIP, MENDED = "0.8709", "0.08709"

LIVE_SETS = (
    (
        "fully connected, h11, h12, h22 dead",
        fully_connected,
        "h11 h12 h22",
        "13 27 29 31 33/16 27 29 31 33/19 27 29 31 33",
    ),
    (
        "fully connected, h12, h21, h23 dead",
        fully_connected,
        "h12 h21 h23",
        "11 13 22 28 32/14 16 22 28 32/17 19 22 28 32",
    ),
    (
        "convolutional, h11, h12, h14, h22 dead",
        convolutional,
        "h11 h12 h14 h22",
        "12 22 26 31 33/11 12 14 22 23 24 26 31 33/13 14 16 22 23 24 26 31 33",
    ),
    (
        "convolutional, h14, h15, h16, h23 dead",
        convolutional,
        "h14 h15 h16 h23",
        "11 13 21 23 25 31 32/11 13 15 21 23 25 31 32/13 15 23 25 31 32",
    ),
    (
        "convolutional, h12, h14, h22 dead (first input alone)",
        convolutional,
        "h12 h14 h22",
        "12 13 22 23 26 31 33",
    ),
)
"""Worked examples: what, network, dead units, the printed parameter set of each input."""


def pearson(*numbers: float) -> float:
    """The correlation of the first half of the numbers with the second."""
    import numpy as np

    x, y = np.array(numbers).reshape(2, -1)
    return float(np.corrcoef(x, y)[0, 1])


def correlations(scores: Mapping[str, tuple[str, ...]]) -> list[Measured]:
    """Pearson's correlation of each score, with what the rounding of the table allows."""
    return [from_printed(pearson, *ACCURACIES, *values) for values in scores.values()]


def mended() -> list[Measured]:
    """The column with a misplaced point, once that is mended: its correlation, its largest."""
    values = tuple(MENDED if text == SLIP else text for text in SCORES["corr-sq"])
    largest = max(float(text) for text in (*values, *SCORES["corr-abs"]))
    return [from_printed(pearson, *ACCURACIES, *values), Measured(largest)]


def significance() -> list[Measured]:
    """Negative ones among the eight correlations, their smallest p, and that after Holm's method.

    The misplaced point is mended.
    """
    from scipy.stats import pearsonr
    from statsmodels.stats.multitest import multipletests

    accuracies = [float(text) for text in ACCURACIES]
    found = [
        pearsonr(accuracies, [float(MENDED if text == SLIP else text) for text in values])
        for values in SCORES.values()
    ]
    p = [float(result.pvalue) for result in found]
    negative = sum(result.statistic < 0 for result in found)
    return exact(negative, min(p), float(multipletests(p, method="holm")[1].min()))


def live_sets() -> list[Measured]:
    """For each worked example the inputs whose parameter set is as printed."""

    def agreeing(network: Network, dead: str, printed: str) -> int:
        sets = [frozenset(map(int, one.split())) for one in printed.split("/")]
        found = [network.parameters(n, dead.split()) for n in range(1, INPUTS + 1)]
        return sum(mine == theirs for mine, theirs in zip(found, sets))

    return exact(*(agreeing(make(), dead, sets) for _, make, dead, sets in LIVE_SETS))


def spaces() -> list[Measured]:
    """Sizes of the spaces that the thesis describes."""
    from harness.spaces import get_space
    from harness.spaces.nasbench101 import EDGES, OPERATIONS, VERTICES
    from reports.ledger.cells import different_cells

    drawn = 2 ** len(EDGES) * len(OPERATIONS) ** (VERTICES - 2)
    cells = different_cells()
    trainings = 3 * 4 * cells  # three repeats of four budgets
    tables = [len(get_space("tss")), len(get_space("sss"))]
    return exact(drawn / 1e6, cells / 1e3, trainings / 1e6, *tables)


def carbon(watts: float, networks: float, hours: float, kilograms: float) -> float:
    """Kilograms of CO2 of a search, from the power of a GPU and the grid's emissions a kWh."""
    return watts / 1000 * networks * hours * kilograms


def _named(printed: Sequence[str]) -> tuple[Published, ...]:
    return tuple(Published(name, text) for name, text in zip(SCORES, printed, strict=True))


ENTRIES = (
    Entry(
        "siegert-table-5.1",
        "Correlation of eight scores with accuracy, recomputed from the printed scores",
        SOURCE,
        "Table 5.1",
        _named(list(CORRELATIONS.values())),
        partial(correlations, SCORES),
        Basis.SOURCE,
        "One of eight columns does not follow: a score of corr-sq is printed ten times too"
        " large (siegert-table-5.1-mended).",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "siegert-table-5.1-mended",
        "The same for corr-sq with 0.08709 in place of 0.8709",
        SOURCE,
        "Table 5.1 and the remark that scores reach from 0.1 to 0.9",
        (
            Published("correlation of corr-sq", CORRELATIONS["corr-sq"]),
            Published("largest score of corr-abs and corr-sq", "0.9"),
        ),
        mended,
        Basis.SOURCE,
        "The correlation follows with the point moved. The remark on the range of the scores"
        " then does not: it rests on the misprinted value.",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "siegert-table-5.1-sign",
        "Signs of the eight correlations, and whether four networks can show any",
        SOURCE,
        "discussion of Table 5.1",
        (
            Published("scores with a negative correlation, of eight", "6"),
            Published("smallest p of the eight"),
            Published("smallest p of the eight, Holm's correction"),
        ),
        significance,
        Basis.SOURCE,
        "No correlation over four networks is significant at 5%; the thesis tests none.",
    ),
    Entry(
        "siegert-live-parameters",
        "Parameter sets of the worked examples, by following all live paths",
        SOURCE,
        "worked examples of parameter sets and of back-propagation",
        tuple(
            Published(f"{what}: inputs as printed", str(1 + sets.count("/")))
            for what, _, _, sets in LIVE_SETS
        ),
        live_sets,
    ),
    Entry(
        "siegert-linear-regions",
        "Linear regions of a network with 100 rectifiers, 2 to the 100",
        SOURCE,
        "estimate of the number of linear regions",
        (Published("regions", "1.2e30"),),
        lambda: exact(2.0**100),
        Basis.SOURCE,
        "Cut off instead of rounded: 1.27 is about 1.3.",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "siegert-inputs",
        "Elements of a local linear operator for CIFAR images",
        SOURCE,
        "definition of the operator",
        (Published("elements", "3072"),),
        lambda: exact(3 * 32 * 32),
        Basis.SOURCE,
    ),
    Entry(
        "siegert-carbon",
        "CO2 of a search, from the four numbers of the estimate",
        SOURCE,
        "estimate of emissions",
        (Published("kilograms", "500", 50.0, unit="kg"),),
        lambda: [from_printed(carbon, 280, 12_800, 0.5, 0.301)],
        Basis.SOURCE,
        "The thesis rounds to a hundred.",
    ),
    Entry(
        "siegert-spaces",
        "Sizes of the benchmarks, counted",
        SOURCE,
        "description of the benchmarks",
        (
            Published("matrices and operations of NAS-Bench-101", "510", unit="M"),
            Published("different cells of NAS-Bench-101, about", "423", 1.0, unit="k"),
            Published("trainings of NAS-Bench-101, about", "5", unit="M"),
            Published("cells of the NATS topology space", "15625"),
            Published("networks of the NATS size space", "32768"),
        ),
        spaces,
        explanation="Different cells are counted exactly, by Burnside's lemma.",
    ),
    Entry(
        "siegert-table-3.1",
        "Validation accuracies of four networks of the NATS size space",
        SOURCE,
        "Table 3.1",
        tuple(
            Published(name, text, unit="%")
            for name, text in zip(ARCHITECTURES, ACCURACIES, strict=True)
        ),
        needs="the official NATS-Bench size table; its records of these four networks",
        recorded=Verdict.NOT_RUN,
    ),
    Entry(
        "siegert-scores",
        "The eight scores of four untrained networks",
        SOURCE,
        "Table 5.1",
        tuple(
            Published(f"{name}, {channels}", text)
            for name, texts in SCORES.items()
            for channels, text in zip(ARCHITECTURES, texts, strict=True)
        ),
        needs="the thesis' batch of 32 CIFAR-10 images and its initial weights, neither published",
        recorded=Verdict.NOT_RUN,
    ),
    Entry(
        "siegert-naswot-tau",
        "Kendall's tau of NASWOT's third score with accuracy over 1000 cells",
        SOURCE,
        "review of training-free scores, quoting Mellor et al.",
        (Published("tau", "0.574"),),
        needs="torch, CIFAR-10 and 1000 networks' activations",
        recorded=Verdict.NOT_RUN,
    ),
)
