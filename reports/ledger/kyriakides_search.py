"""Published numbers of Kyriakides' thesis about evolution and the networks that it found.

Source: Kyriakides, "Parallel and Distributed Methods for Autonomous Design of Artificial Neural
Networks" (PhD thesis, University of Macedonia, 2022), chapters 3 and 5 to 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

from harness.searcher import Observation
from reports.ledger.entry import Entry, Measured, Published, Verdict, exact
from reports.ledger.kyriakides import SOURCE

POPULATION, TOURNAMENT = 100, 25


def selections(workers: int, evaluations: int = 20_000) -> tuple[Measured, Measured]:
    """Mean and deviation of how often a member is drawn into tournaments in its life.

    Each cycle has one tournament a worker, one child of each, and as many of the oldest die. The
    first and last generations are left out: their lives are not whole.
    """
    import numpy as np

    from harness.spaces import get_space
    from harness.streams import stream
    from searchers.evolution import RegularizedEvolution

    searcher = RegularizedEvolution(
        get_space("tss"),
        0,
        population_size=POPULATION,
        tournament_size=TOURNAMENT,
        tournament_replacement=False,
    )
    draw, values = searcher.contestants, stream(0, "ledger", "values")
    drawn = np.zeros(evaluations, dtype=int)

    def counted(rng: Random, population: Sequence[Observation], size: int) -> list[Observation]:
        sample = draw(rng, population, size)
        drawn[[member.number for member in sample]] += 1
        return sample

    searcher.contestants = counted
    for start in range(0, evaluations, workers):
        batch = [searcher.ask() for _ in range(workers)]
        for number, proposal in enumerate(batch, start):
            told = Observation(number, proposal.architecture, None, values.random(), False)
            searcher.tell(told)
    lives = drawn[POPULATION:-POPULATION]
    spread = float(lives.std(ddof=1))
    error = 1.96 * spread / len(lives) ** 0.5
    return Measured(float(lives.mean()), error), Measured(spread, error / 2**0.5)


def remnet(channels: int) -> float:
    """Parameters of REMNet for 28 x 28 images of one channel and ten classes.

    Unpadded convolutions with biases, each with batch normalisation: 2x2, 2x2, 3x3, 5x5, then
    average pooling by five, and two of 3x3 with half the channels, side by side and summed. Three
    fully connected layers, of a quarter and an eighth of the features.
    """
    side, before, total = 28, 1, 0
    for kernel in (2, 2, 3, 5):
        total += _convolution(before, channels, kernel)
        side, before = side - kernel + 1, channels
    side = side // 5 - 2
    total += 2 * _convolution(channels, channels // 2, 3)
    features = side * side * (channels // 2)
    widths = (features, features // 4, features // 8, 10)
    return total + sum((a + 1) * b for a, b in pairwise(widths))


def _convolution(inputs: int, outputs: int, kernel: int) -> int:
    """Weights and biases of a convolution, scales and shifts of its normalisation."""
    return (inputs * kernel * kernel + 1) * outputs + 2 * outputs


ENTRIES = (
    Entry(
        "kyriakides-selections",
        "How often a member is drawn into tournaments in its life, by our regularized evolution",
        SOURCE,
        "Figure 6.2: P = 100, N = 25",
        (
            Published("1 worker, mean", "25.0"),
            Published("1 worker, deviation", "4.34", 0.1),
            Published("4 workers, mean", "25.0"),
            Published("4 workers, deviation", "4.34", 0.1),
        ),
        lambda: [*selections(1), *selections(4)],
        explanation=(
            "The figure prints no numbers; these are those of an earlier simulation of its"
            " setting. The law is binomial: 100 tournaments, a chance of one quarter in each, a"
            " deviation of 4.33."
        ),
    ),
    Entry(
        "kyriakides-remnet",
        "Parameters of REMNet",
        SOURCE,
        "chapter 6",
        (
            Published("128 channels", "791,338"),
            Published("256 channels", "3.1", unit="M"),
        ),
        lambda: exact(remnet(128), remnet(256) / 1e6),
        explanation="3.16 million with 256 channels: cut off in print, not rounded.",
        recorded=Verdict.DIFFERS,
    ),
    Entry(
        "kyriakides-table-5.3",
        "Mean test accuracies of 140 networks after 50 epochs",
        SOURCE,
        "Table 5.3",
        (
            Published("Adam", "42.90", unit="%"),
            Published("Adamax", "42.45", unit="%"),
            Published("SGD, Nesterov momentum", "44.03", unit="%"),
        ),
        needs="a GPU: 140 networks, seven optimizers, 50 epochs on CIFAR-10",
        recorded=Verdict.NOT_RUN,
    ),
    Entry(
        "kyriakides-table-6.2",
        "Test accuracies of REMNet on Fashion-MNIST",
        SOURCE,
        "Table 6.2",
        (
            Published("128 channels", "94.26", unit="%"),
            Published("256 channels", "94.46", unit="%"),
        ),
        needs="a GPU and Fashion-MNIST: a search of 500 networks, then 20 epochs",
        recorded=Verdict.NOT_RUN,
    ),
    Entry(
        "kyriakides-table-7.4",
        "Rank correlation of learned predictors on NAS-Bench-101",
        SOURCE,
        "Table 7.4",
        (
            Published("ReNAS, batch 1024", "0.856"),
            Published("EGraph", "0.907"),
            Published("EGraph, 5 epochs", "0.922"),
        ),
        needs="the predictors, which this harness does not have, and about 10 GPU-hours",
        recorded=Verdict.NOT_RUN,
    ),
    Entry(
        "kyriakides-table-8.2-accuracies",
        "Validation accuracies of DARTS on one, two and four GPUs",
        SOURCE,
        "Table 8.2",
        (
            Published("1 GPU", "93.19", unit="%"),
            Published("2 GPUs", "92.99", unit="%"),
            Published("4 GPUs", "92.63", unit="%"),
        ),
        needs="four GPUs and Fashion-MNIST: twelve searches of 50 epochs",
        recorded=Verdict.NOT_RUN,
    ),
    Entry(
        "kyriakides-overhead",
        "Seconds of search logic, of evolution and of reinforcement learning",
        SOURCE,
        "cost of a pipeline, chapter 3",
        (Published("evolution", "0.8", unit="s"), Published("double DQN", "34.1", unit="s")),
        needs="the author's machine; `nas-harness study overhead` measures ours",
        recorded=Verdict.NOT_RUN,
    ),
)
