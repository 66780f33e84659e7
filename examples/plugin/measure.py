"""Train every committee on scikit-learn's digits, write a CSV file and pack it as a table.

With the package installed::

    python measure.py

Accuracies repeat on one machine; seconds of processor time do not.
"""

from __future__ import annotations

import csv
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
from committees.space import MOST_MEMBERS, WIDTHS, Committees, Widths
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from harness.benchmarks.importers.tabular import import_csv

HERE = Path(__file__).parent
RUNS = (0, 1)
TRAIN, VALID, TEST = slice(0, 300), slice(300, 800), slice(800, None)


def main() -> None:
    """Write ``digits.csv`` and ``committees/digits.table``."""
    images, labels = load_digits(return_X_y=True)
    images = images / 16.0
    warnings.simplefilter("ignore", ConvergenceWarning)

    # A committee's members are independent: each width is trained as often as one can have it.
    votes: dict[tuple[int, int, int], np.ndarray] = {}
    seconds = dict.fromkeys(WIDTHS, 0.0)
    for width, run, number in product(WIDTHS, RUNS, range(MOST_MEMBERS)):
        began = time.process_time()
        network = MLPClassifier(
            [width],
            batch_size=30,
            learning_rate_init=0.01,
            max_iter=40,
            random_state=MOST_MEMBERS * run + number,
        )
        network.fit(images[TRAIN], labels[TRAIN])
        votes[width, run, number] = network.predict_proba(images)
        seconds[width] += (time.process_time() - began) / (len(RUNS) * MOST_MEMBERS)

    def accuracy(widths: Widths, run: int, part: slice) -> float:
        members = [votes[w, run, widths[:i].count(w)] for i, w in enumerate(widths)]
        right = np.mean(members, axis=0).argmax(axis=1) == labels
        return round(float(right[part].mean()), 4)

    space = Committees()
    with (HERE / "digits.csv").open("w", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        runs = [f"{split}_{run}" for split in ("valid", "test") for run in RUNS]
        out.writerow(["committee", *runs, "seconds"])
        for widths in networks(space):
            accuracies = [accuracy(widths, run, part) for part in (VALID, TEST) for run in RUNS]
            total = round(sum(seconds[width] for width in widths), 3)
            out.writerow([space.to_string(widths), *accuracies, total])
    import_csv(HERE / "digits.csv", HERE / "digits.yaml", HERE / "committees" / "digits.table")


def networks(space: Committees) -> list[Widths]:
    """Every network once, its members in canonical order."""
    lengths = range(1, MOST_MEMBERS + 1)
    every = [widths for n in lengths for widths in product(WIDTHS, repeat=n)]
    return [widths for widths in every if widths in space and space.canonical(widths) == widths]


if __name__ == "__main__":
    main()
