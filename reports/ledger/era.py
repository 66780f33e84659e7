"""Published numbers of ERA that counting yields: its space, its networks, its winners.

Source: Lundberg, "Evolution of Residual Architectures" (master's thesis, Lund University,
2020:E35).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product

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
from reports.ledger.residual_networks import WINNERS, Block, ResidualNetwork, resnet

SOURCE = "Lundberg, Evolution of Residual Architectures (Lund University, 2020)"

BLOCKS: dict[Block, int] = {"basic": 2, "bottleneck": 3}
"""Block type -> weighted layers of a block."""
SECTIONS = (range(19), range(1, 19), range(1, 19), range(1, 19))
"""Numbers of blocks that each section may have."""
FILTERS_TEXT = (1, 2, 4, 8, 16, 32)
FILTERS_RUN = (2, 4, 8, 16, 32, 64)
"""As many options, ending at the 64 filters that the winning networks have."""
UPDATES = (1, 2)
GROUP_SIZES = (1, 2, 4, 8, 32)


def configurations(filters: Sequence[int]) -> tuple[int, int]:
    """Configurations of the space, and those of them that are different networks.

    A group size above the number of filters is cut to it, so that several configurations are
    one network.
    """
    widths = {(f, min(g, f)) for f, g in product(filters, GROUP_SIZES)}
    shapes = len(BLOCKS) * len(UPDATES)
    for section in SECTIONS:
        shapes *= len(section)
    return shapes * len(filters) * len(GROUP_SIZES), shapes * len(widths)


def space_size() -> list[Measured]:
    text, run = configurations(FILTERS_TEXT), configurations(FILTERS_RUN)
    return exact(*text, run[1])


def depths() -> dict[int, Fraction]:
    """Number of layers -> its probability, for a configuration drawn uniformly."""
    blocks = {0: Fraction(1)}
    for section in SECTIONS:
        grown: dict[int, Fraction] = {}
        for so_far, chance in blocks.items():
            for more in section:
                grown[so_far + more] = grown.get(so_far + more, Fraction()) + chance / len(section)
        blocks = grown
    found: dict[int, Fraction] = {}
    for layers in BLOCKS.values():
        for number, chance in blocks.items():
            depth = 2 + layers * number
            found[depth] = found.get(depth, Fraction()) + chance / len(BLOCKS)
    return found


def depth_range() -> list[Measured]:
    layers = depths()
    fewest = sum(min(section) for section in SECTIONS)
    return exact(fewest, sum(max(s) for s in SECTIONS), min(layers), max(layers))


def depth_null() -> list[Measured]:
    """The winners' largest depth, and how likely so small a one is without any selection."""
    layers = depths()
    deepest = max(network.depth for network in WINNERS.values())
    below = sum((chance for depth, chance in layers.items() if depth <= deepest), Fraction())
    mean = sum((depth * chance for depth, chance in layers.items()), Fraction())
    return exact(deepest, float(mean), float(below), float(below ** len(WINNERS)))


def winners() -> list[Measured]:
    """Weighted layers and millions of parameters, network by network."""
    networks = [resnet(110), resnet(110, 32), *WINNERS.values()]
    return exact(*(n.depth for n in networks), *(n.parameters / 1e6 for n in networks))


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

    def most(filters: Sequence[int]) -> float:
        return max(
            ResidualNetwork(block, (18,) * 4, f, u, f // min(g, f)).parameters / 1e6
            for block, f, u, g in product(BLOCKS, filters, UPDATES, GROUP_SIZES)
        )

    return exact(most(FILTERS_RUN), most(FILTERS_TEXT))


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
