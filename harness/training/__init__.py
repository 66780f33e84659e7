"""The training loop: a recipe, images, a network and a seed give a learning curve.

It is made for many small networks: the data set lies on the device as bytes, a batch is one
gather, augmentation is arithmetic on whole batches, and nothing waits for the device before an
epoch's end. On one CPU thread a curve depends on nothing but its inputs, bit for bit: weights,
order, augmentation and dropout come from generators seeded by (seed, architecture). (On a GPU it
is repeatable within the seed spread.)
"""

from harness.training.cells import train, train_cell
from harness.training.curves import Curve
from harness.training.data import Tensors, tensors
from harness.training.loop import Reducer, Training
from harness.training.repeatable import one_thread

__all__ = [
    "Curve",
    "Reducer",
    "Tensors",
    "Training",
    "one_thread",
    "tensors",
    "train",
    "train_cell",
]
