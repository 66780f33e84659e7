"""Published numbers of BayesNAS about compressed networks: operations and weights left.

Source: Yang, "Efficient Neural Network Architecture Search" (master's thesis, TU Delft, 2019),
appendix. The rule for operations is that of Molchanov et al., "Pruning Convolutional Neural
Networks" (ICLR 2017), appendix, which gives convolutions the size of their input.
"""

from __future__ import annotations

from typing import NamedTuple

from reports.ledger.bayesnas import SOURCE
from reports.ledger.entry import Entry, Measured, Published, Verdict, exact
from searchers.compression.operations import convolution, fully_connected


class Row(NamedTuple):
    """A row of tables A-1 and A-2: numbers as printed."""

    method: str
    widths: str
    error: str
    operations: str


LENET_300_100 = (
    Row("uncompressed", "784-300-100", "1.39", "0.53"),
    Row("SBP", "245-160-55", "1.60", "0.10"),
    Row("BC-GNJ", "278-98-13", "1.80", "0.06"),
    Row("BC-GHS", "311-86-14", "1.80", "0.06"),
    Row("practical l0", "219-214-100", "1.40", "0.14"),
    Row("practical l0", "266-88-33", "1.80", "0.05"),
    Row("BayesNAS", "465-37-90", "1.54", "0.04"),
)
"""Table A-1: inputs and hidden units, test error in %, millions of operations."""

LENET_5 = (
    Row("uncompressed", "20-50-800-500", "0.83", "8.85"),
    Row("SBP", "3-18-284-283", "0.90", "0.69"),
    Row("BC-GNJ", "8-13-88-13", "1.00", "1.09"),
    Row("BC-GHS", "5-10-76-16", "1.00", "0.57"),
    Row("practical l0", "20-25-45-462", "0.90", "4.49"),
    Row("practical l0", "9-18-65-25", "1.00", "1.55"),
    Row("BayesNAS", "5-10-65-25", "1.00", "0.57"),
)
"""Table A-2: filters of two convolutions, inputs and hidden units, likewise."""

RESNET_18 = (
    (3 * 64, 3, 1, "22.80"),
    (64 * 64, 3, 4, "10.06 22.87 20.05 12.99"),
    (64 * 128, 3, 1, "9.24"),
    (128 * 128, 3, 3, "5.45 4.94 10.73"),
    (128 * 256, 3, 1, "20.64"),
    (256 * 256, 3, 3, "15.04 10.77 4.61"),
    (256 * 512, 3, 1, "1.43"),
    (512 * 512, 3, 3, "0.19 0 0"),
    (512 * 10, 1, 1, "10.33"),
)
"""Table A-3: channel pairs, kernel, layers of that size, and the weights left in % of each."""

ERRORS = {"LeNet-300-100": "1.54", "LeNet-5": "1.00", "ResNet-18": "6.23"}
"""Tables A-1 to A-3: compressed network -> test error in %."""

DIGITS, KERNEL, CLASSES = 28, 5, 10


def dense_operations(widths: str) -> float:
    """Operations of a network of fully connected layers, in millions; one for each rectifier."""
    units = [*map(int, widths.split("-")), CLASSES]
    total = sum(map(fully_connected, units, units[1:]))
    return (total + sum(units[1:-1])) / 1e6


def convolutional_operations(widths: str) -> float:
    """The same of a LeNet-5 for MNIST, whose convolutions are not padded and then pooled."""
    first, second, inputs, hidden = map(int, widths.split("-"))
    first_side = DIGITS - KERNEL + 1
    second_side = first_side // 2 - KERNEL + 1
    half, kernel = first_side // 2, KERNEL**2
    total = convolution(DIGITS, DIGITS, 1, first, kernel)
    total += convolution(half, half, first, second, kernel)
    total += fully_connected(inputs, hidden) + fully_connected(hidden, CLASSES)
    rectifiers = first * first_side**2 + second * second_side**2 + hidden
    return (total + rectifiers) / 1e6


def weights_left() -> list[Measured]:
    """The share of all weights that Table A-3 leaves, with what its rounding allows."""
    total, left = 0, 0.0
    for pairs, kernel, layers, texts in RESNET_18:
        shares = texts.split()
        assert len(shares) == layers
        weights = pairs * kernel * kernel
        total += weights * layers
        left += sum(weights * float(share) for share in shares)
    # Every share is rounded to two decimals, so their weighted mean moves by as much at most.
    return [Measured(left / total, rounding=0.005), *exact(total, 100 * total / left)]


ENTRIES = (
    Entry(
        "bayesnas-table-a-1",
        "Operations of compressed LeNet-300-100, counted from their widths",
        SOURCE,
        "Table A-1",
        tuple(Published(row.widths, row.operations, unit="M") for row in LENET_300_100),
        lambda: exact(*[dense_operations(row.widths) for row in LENET_300_100]),
    ),
    Entry(
        "bayesnas-table-a-2",
        "Operations of compressed LeNet-5, counted from their widths",
        SOURCE,
        "Table A-2",
        tuple(Published(row.widths, row.operations, unit="M") for row in LENET_5),
        lambda: exact(*[convolutional_operations(row.widths) for row in LENET_5]),
        explanation=(
            "Convolutions count the size of their input, and each rectifier is one operation."
            " Without the rectifiers five of the seven numbers would be up to 1.2% too low."
        ),
    ),
    Entry(
        "bayesnas-table-a-3",
        "Weights left in the compressed ResNet-18, from the shares of its layers",
        SOURCE,
        "Table A-3",
        (
            Published("weights left in all", "2.96", unit="%"),
            Published("weights in all"),
            Published("compression, times"),
        ),
        weights_left,
    ),
    Entry(
        "bayesnas-compression-errors",
        "Test errors of the compressed networks",
        SOURCE,
        "Tables A-1 to A-3",
        tuple(Published(name, text, unit="%") for name, text in ERRORS.items()),
        needs="`nas-harness compress` on MNIST, and a GPU for ResNet-18 on CIFAR-10",
        recorded=Verdict.NOT_RUN,
    ),
)
