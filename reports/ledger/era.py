"""Published numbers of ERA that counting yields: its space, its networks, its winners.

Source: Lundberg, "Evolution of Residual Architectures" (master's thesis, Lund University,
2020:E35).
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

from harness.spaces.residual import SECTIONS, ResidualSpace, TextResidualSpace
from harness.spaces.residual_layers import ResidualConfiguration, resnet
from reports.ledger.entry import (
    Basis,
    Entry,
    Measured,
    Published,
    Relation,
    Verdict,
    exact,
    from_printed,
)

SOURCE = "Lundberg, Evolution of Residual Architectures (Lund University, 2020)"

WINNERS = {
    "evolution": ResidualConfiguration("bottleneck", (3, 6, 3, 1), 64, 2, 64),
    "regularised evolution": ResidualConfiguration("bottleneck", (7, 9, 9, 1), 64, 2, 2),
    "crossover evolution": ResidualConfiguration("basic", (1, 10, 1, 5), 32, 2, 1),
    "random search": ResidualConfiguration("bottleneck", (0, 3, 5, 7), 64, 1, 2),
    "local search": ResidualConfiguration("basic", (15, 2, 14, 5), 64, 1, 2),
    "Bayesian optimisation": ResidualConfiguration("basic", (5, 2, 17, 1), 64, 2, 2),
}
"""The best network of each search, as Tables 10 and 11 print them."""


def space_size() -> list[Measured]:
    text, run = TextResidualSpace(), ResidualSpace()
    return exact(len(text), text.distinct(), run.distinct())


def depth_range() -> list[Measured]:
    layers = ResidualSpace().depths()
    fewest = sum(min(section) for section in SECTIONS)
    return exact(fewest, sum(max(s) for s in SECTIONS), min(layers), max(layers))


def depth_null() -> list[Measured]:
    """The winners' largest depth, and how likely so small a one is without any selection."""
    space = ResidualSpace()
    layers = space.depths()
    deepest = max(network.depth for network in WINNERS.values())
    below = Fraction(sum(n for depth, n in layers.items() if depth <= deepest), len(space))
    mean = Fraction(sum(depth * n for depth, n in layers.items()), len(space))
    return exact(deepest, float(mean), float(below), float(below ** len(WINNERS)))


def winners() -> list[Measured]:
    """Weighted layers and millions of parameters, network by network."""
    networks = [resnet(110), resnet(110, 32), *WINNERS.values()]
    return exact(*(n.depth for n in networks), *(n.parameters() / 1e6 for n in networks))


def long_sections() -> list[Measured]:
    """How often a section has ten blocks or more."""
    short = Fraction(1)
    for section in SECTIONS:
        short *= Fraction(sum(blocks < 10 for blocks in section), len(section))
    with_one = sum(max(network.sections) >= 10 for network in WINNERS.values())
    return exact(100.0 * float(1 - short), with_one)


def habits() -> list[Measured]:
    widest = max(network.filters for network in WINNERS.values())
    regularised = WINNERS["regularised evolution"]
    return exact(
        sum(network.filters == widest for network in WINNERS.values()),
        sum(regularised.sections),
        sum(resnet(110).sections),
    )


def largest() -> list[Measured]:
    """Parameters of the largest networks, in millions, with 64 and with 32 filters at most."""

    def most(space: ResidualSpace) -> float:
        # More blocks and filters are more parameters, whatever the other three decisions are.
        kinds, *most, updates, sizes = space.sizes
        largest = tuple(size - 1 for size in most)
        others = product(range(kinds), range(updates), range(sizes))
        return max(space.parameters((kind, *largest, u, g)) for kind, u, g in others) / 1e6

    return exact(most(ResidualSpace()), most(TextResidualSpace()))


def widest_winner() -> list[Measured]:
    return exact(max(network.filters for network in WINNERS.values()))


NETWORKS = ("ResNet-110", "ResNet wide", *WINNERS)
LAYERS = ("110", "110", "41", "80", "36", "47", "74", "52")
MILLIONS = ("1.7", "6.9", "6.8", "15.0", "6.6", "0.92", "1.4", "12.3")

ENTRIES = (
    Entry(
        "era-space-size",
        "Configurations of the space, counted gene by gene",
        SOURCE,
        "search space",
        (
            Published("configurations", "13,296,960"),
            Published("different networks", "8,864,640"),
            Published("different networks with 2 to 64 filters"),
        ),
        space_size,
        explanation=(
            "The printed number of networks presupposes 1 to 32 filters. With the 64 filters"
            " that the winners have, in as many options, it is the last row."
        ),
    ),
    Entry(
        "era-filters",
        "Most filters of a first section",
        SOURCE,
        "search space; Tables 10 and 11",
        (Published("most filters", "32"),),
        widest_winner,
        Basis.SOURCE,
        "The text ends the options at 32 filters; the printed winners have 64, and their"
        " printed numbers of parameters need 64 (era-table-1).",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "era-depth-range",
        "Fewest and most blocks and weighted layers",
        SOURCE,
        "search space",
        (
            Published("fewest blocks", "3"),
            Published("most blocks", "72"),
            Published("fewest layers", "8"),
            Published("most layers", "218"),
        ),
        depth_range,
    ),
    Entry(
        "era-table-1",
        "Layers and parameters of the winners and of ResNet-110, counted from Tables 10 and 11",
        SOURCE,
        "Table 1",
        (
            *(Published(f"{n}: layers", t) for n, t in zip(NETWORKS, LAYERS)),
            *(Published(f"{n}: parameters", t, unit="M") for n, t in zip(NETWORKS, MILLIONS)),
        ),
        winners,
        explanation=(
            "Our reading of what the thesis leaves open: projections with batch normalisation"
            " as shortcuts of the searched networks, none in the ResNets, and twice ResNet-110's"
            " filters in the wide one."
        ),
    ),
    Entry(
        "era-largest",
        "Parameters of the largest network of the space",
        SOURCE,
        "remarks on the winners",
        (
            Published("above, with 64 filters", "80", 0.0, Relation.AT_MOST, "M"),
            Published("above, with 32 filters", "80", 0.0, Relation.AT_MOST, "M"),
        ),
        largest,
        Basis.SOURCE,
        "The space has networks above 80 million weights if it goes to 64 filters, and none"
        " with the 32 filters of the text.",
        recorded=Verdict.CONTRADICTED,
    ),
    Entry(
        "era-long-sections",
        "Sections of ten blocks or more",
        SOURCE,
        "remarks on the winners",
        (
            Published("random genomes with one, above", "90", 0.0, Relation.AT_MOST, "%"),
            Published("winners with one, of six", "3"),
        ),
        long_sections,
    ),
    Entry(
        "era-winners",
        "What the winners of Tables 10 and 11 have in common",
        SOURCE,
        "remarks on the winners",
        (
            Published("winners with the most filters, of six", "5"),
            Published("blocks of the regularised winner", "26"),
            Published("blocks of ResNet-110", "54"),
        ),
        habits,
    ),
    Entry(
        "era-depth-null",
        "The winners' depths against those of random configurations",
        SOURCE,
        "remarks on the winners",
        (
            Published("layers of the deepest of six winners", "80"),
            Published("mean layers of a random configuration"),
            Published("probability that a random one has no more layers than the deepest winner"),
            Published("probability that six random ones all have no more"),
        ),
        depth_null,
        explanation=(
            "The thesis says that its searches prefer shallow networks and tests nothing. The"
            " last row is a test: exact, under uniform drawing, for six independent winners."
        ),
    ),
    Entry(
        "era-fidelity-saving",
        "Epochs saved by training 30 instead of 150",
        SOURCE,
        "review of short trainings",
        (Published("saving", "80", unit="%"),),
        lambda: [from_printed(lambda low, full: 100.0 * (1 - low / full), 30, 150)],
        Basis.SOURCE,
    ),
    Entry(
        "era-cifar-10-size",
        "Images of CIFAR-10, from the splits that the thesis uses",
        SOURCE,
        "data set",
        (Published("images", "6000"),),
        lambda: exact(45_000 + 5_000 + 10_000),
        Basis.SOURCE,
        "The text means 6000 images of each of ten classes.",
        recorded=Verdict.CONTRADICTED,
    ),
)
