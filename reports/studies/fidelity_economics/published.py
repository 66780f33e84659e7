"""The published example: measured seconds of shorter trainings, and what was assumed of them.

Kyriakides (PhD thesis, University of Macedonia, 2022): Table 4.2 has seconds an architecture on
CIFAR-10 by optimizer and epochs, Table 5.4 what a genetic algorithm finds on Rastrigin's function
when it sees values whose ranks agree with the true ones to a Kendall tau. Its text compares equal
costs by assuming that a tau of .75 is 10 times cheaper than the exact value (5 of 50 epochs).
"""

from __future__ import annotations

EPOCHS = (1, 5, 10, 20, 50)

SECONDS = {
    "Adadelta": (36.1, 158.6, 312.3, 622.1, 1701.5),
    "Adam": (35.9, 157.5, 311.7, 617.4, 1724.8),
    "Adamax": (35.8, 157.1, 310.3, 617.8, 1718.6),
    "RMSprop": (35.4, 156.5, 310.2, 614.6, 1687.6),
    "SGD": (36.0, 157.1, 308.3, 613.2, 1687.3),
    "SGD-M": (35.7, 157.2, 309.3, 613.5, 1709.5),
    "SGD-NM": (35.5, 156.6, 311.2, 617.7, 1707.4),
}
"""Table 4.2: seconds an architecture after each of `EPOCHS`."""

GENERATIONS = (10, 100, 1000)

RASTRIGIN = {
    2: ((0.131, 0.042, 0.002), (0.180, 0.085, 0.033)),
    3: ((0.161, 0.043, 0.002), (0.199, 0.091, 0.038)),
    4: ((0.177, 0.044, 0.004), (0.220, 0.098, 0.043)),
}
"""Table 5.4: dimensions -> the result (lower is better) after each of `GENERATIONS`, with exact
values and with a tau of .75."""

ASSUMED_SPEEDUP = 10.0


def speedups() -> dict[str, tuple[float, ...]]:
    """Optimizer -> seconds of 50 epochs divided by those of each of `EPOCHS`."""
    return {name: tuple(row[-1] / s for s in row) for name, row in SECONDS.items()}


def iso_cost() -> list[tuple[int, int, float, int, float]]:
    """The published comparisons at the assumed equal cost.

    Returns:
        Dimensions, generations and result with exact values, generations and result with a tau
        of .75 and ten times as many of them.
    """
    return [
        (dimensions, GENERATIONS[i], exact[i], GENERATIONS[i + 1], proxy[i + 1])
        for dimensions, (exact, proxy) in RASTRIGIN.items()
        for i in range(len(GENERATIONS) - 1)
    ]
