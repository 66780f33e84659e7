"""What G. Kyriakides (PhD thesis, University of Macedonia, 2022, chapter 8) measured."""

from __future__ import annotations

SPEED: tuple[tuple[int, float, float, float], ...] = (
    (1, 26_708.0, 99.06, 93.19),
    (2, 14_659.0, 98.52, 92.99),
    (4, 8_393.0, 96.92, 92.63),
)
"""Table 8.2: GPUs, seconds of a search, best training and validation accuracy of the final
network (%). 1.82 and 3.18 times as fast, which is an efficiency of 91 % and 80 %."""

KS: tuple[tuple[str, float, float], ...] = (
    ("1 – 2 GPUs", 0.51, 0.71),
    ("1 – 4 GPUs", 0.08, 0.15),
    ("2 – 4 GPUs", 0.87, 0.88),
)
"""Table 8.3: pair, p of the Kolmogorov-Smirnov test of the final networks' validation accuracies
in epochs 10 to 100, and the p printed as corrected, which no correction of the three gives."""

KRUSKAL: tuple[tuple[str, float], ...] = (("normal cells", 0.40), ("reduction cells", 0.29))
"""Section 8.3: p of the Kruskal-Wallis test of graph edit distances within and between groups."""

MEAN_DISTANCE = 8.0
"""Figures 8.3 and 8.4: mean graph edit distance, about four operations."""

IMAGES, BATCH_SIZE = 60_000, 64
"""Of the searches, on Fashion-MNIST."""
