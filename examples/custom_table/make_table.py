"""Train every network of a small space of one's own and write the results as a plain CSV file.

The space: multilayer perceptrons on scikit-learn's digits, three decisions, 48 networks, each
trained with two seeds on 300 images for 40 epochs. Run it with the folder to write to::

    python examples/custom_table/make_table.py examples/custom_table

Accuracies repeat on one machine; seconds of processor time do not.
"""

from __future__ import annotations

import csv
import sys
import time
import warnings
from itertools import product
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

LAYERS = (1, 2, 3)
WIDTHS = (4, 8, 16, 32)
ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
SEEDS = (0, 1)
TRAIN, VALID = slice(0, 300), slice(300, 800)
TEST = slice(800, None)


def main(folder: Path) -> None:
    """Write ``mlp_digits.csv`` into the folder."""
    images, labels = load_digits(return_X_y=True)
    images = images / 16.0
    warnings.simplefilter("ignore", ConvergenceWarning)
    with (folder / "mlp_digits.csv").open("w", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(
            ["layers", "width", "activation"]
            + [f"{split}_{seed}" for split in ("valid", "test") for seed in SEEDS]
            + ["seconds", "parameters"]
        )
        for layers, width, activation in product(LAYERS, WIDTHS, ACTIVATIONS):
            valid, test = [], []
            start = time.process_time()
            for seed in SEEDS:
                network = MLPClassifier(
                    [width] * layers,
                    activation=activation,
                    batch_size=30,
                    learning_rate_init=0.01,
                    max_iter=40,
                    random_state=seed,
                )
                network.fit(images[TRAIN], labels[TRAIN])
                valid.append(round(network.score(images[VALID], labels[VALID]), 4))
                test.append(round(network.score(images[TEST], labels[TEST]), 4))
            seconds = round((time.process_time() - start) / len(SEEDS), 3)
            parameters = sum(w.size for w in network.coefs_ + network.intercepts_)
            out.writerow([layers, width, activation, *valid, *test, seconds, parameters])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
