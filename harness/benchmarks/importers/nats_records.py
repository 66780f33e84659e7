"""One official NATS-Bench record (an architecture's pickled results) as measurements.

What a record holds is told here; that every number is the one that `nats_bench` answers is tested.

* A record has one entry a schedule ("12" and "200" in the topology space; "01", "12" and "90" in
  the size space). Each is a set of trainings of its own: the 12-epoch schedule is not the first
  12 epochs of the 200, because the learning rate falls to zero within it.
* Four training sets: ``cifar10-valid`` is trained on half of CIFAR-10's training images and
  validated on the other half; ``cifar10`` is trained on all of them. Both are tested on the
  10,000 test images. CIFAR-100 and ImageNet16-120 are trained on all training images, and split
  their test images into validation ("x-valid") and test ("x-test") halves; what the records call
  "ori-test" is both halves mixed, named ``valtest`` here.
* At 200 epochs CIFAR-100 and ImageNet16-120 have ``valid`` and ``test`` after the last epoch
  only, and ``cifar10-valid`` its ``test``; before, there is only ``valtest``, with test images.
* Times are imputed: one measurement an architecture, the same in all epochs and for all seeds.
* Which seeds there are differs from record to record (one to three).

Top-5 training accuracies, which no question to the official API reaches, are left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from harness.benchmarks.packed import Column

SCHEDULES = {"tss": {"12": 12, "200": 200}, "sss": {"01": 1, "12": 12, "90": 90}}
"""Space -> the records' names of its schedules and their numbers of epochs."""

_SPLITS = {
    "cifar10-valid": {"x-valid": "valid", "ori-test": "test"},
    "cifar10": {"ori-test": "test"},
    "cifar100": {"x-valid": "valid", "x-test": "test", "ori-test": "valtest"},
    "ImageNet16-120": {"x-valid": "valid", "x-test": "test", "ori-test": "valtest"},
}
"""Training set -> the records' names of what it is evaluated on, and ours."""

_FIELDS = {
    "train": {"accuracy": "train_acc1es", "loss": "train_losses", "seconds": "train_times"},
    "eval": {"accuracy": "eval_acc1es", "loss": "eval_losses", "seconds": "eval_times"},
}
"""Where a training's record has them: by epoch, and for evaluations by ``x-valid@<epoch>``."""

_COSTS = {"params": "params", "flops": "flop", "latency": "latency"}
"""Where a training's record has what does not depend on epochs."""

_METRICS = {
    # Within float32, accuracies in percent are exact to 4e-6 and losses to 6e-8 of their size.
    "accuracy": ("%", "float32"),
    "loss": ("", "float32"),
    "seconds": ("s", "float64"),
    "params": ("M", "float64"),
    "flops": ("M", "float64"),
    "latency": ("s", "float64"),
}
"""Metric -> unit and how it is stored. Seconds are those of one pass over the split."""

_LARGEST = {"accuracy": 100.001, "loss": 3.4e38}
"""Metric -> the largest value that makes sense, or can be stored."""

_NO_SEED = 0
_NO_EPOCH = (0,)


class RecordError(Exception):
    """A record that does not have the official form; the text says where."""


class Quantity(NamedTuple):
    """What one column of the table holds.

    Attributes:
        training_set: "cifar10-valid", "cifar10", "cifar100" or "ImageNet16-120".
        schedule: Its number of epochs.
        split: "train", "valid", "test", "valtest", or "" where no image enters.
        metric: "accuracy", "loss", "seconds", "params", "flops" or "latency".
    """

    training_set: str
    schedule: int
    split: str
    metric: str

    @property
    def name(self) -> str:
        """The column's name: ``cifar10/ep200/test_accuracy``, ``cifar10/ep200/params``."""
        what = f"{self.split}_{self.metric}" if self.split else self.metric
        return f"{self.training_set}/ep{self.schedule}/{what}"

    @property
    def dtype(self) -> str:
        """How its numbers are stored."""
        return _METRICS[self.metric][1]

    def column(self, seeds: tuple[int, ...], epochs: tuple[int, ...]) -> Column:
        """The description of the column with these seeds and epochs."""
        seen = self.split if self.metric in ("accuracy", "loss") else ""
        return Column(
            name=self.name,
            unit=_METRICS[self.metric][0],
            split="valid+test" if seen == "valtest" else seen,
            seeds=seeds,
            epochs=epochs,
            dtype=self.dtype,
            aggregate="run" if self.split else "mean",
        )


class Measurement(NamedTuple):
    """Values of one quantity in one training, one an epoch; NaN where a loss diverged."""

    quantity: Quantity
    seed: int
    epochs: tuple[int, ...]
    values: list[float]


def measurements(
    record: Any, space: str, index: int, architecture: str, notes: Counter[str]
) -> Iterator[Measurement]:
    """Everything that a record holds.

    Args:
        record: The content of the file ``<index>.pickle.pbz2``.
        space: "tss" or "sss".
        index: The official index of the architecture.
        architecture: Its official string.
        notes: Counts oddities that are no reason to refuse the record.

    Raises:
        RecordError: If the record does not have the official form, or is another's.
    """
    try:
        for schedule, result in record.items():
            epochs = SCHEDULES[space].get(schedule)
            if epochs is None:
                raise RecordError(f"a schedule that is none of {', '.join(SCHEDULES[space])}")
            if result["arch_index"] != index or result["arch_str"] != architecture:
                raise RecordError(f"not architecture {index} of the index ({architecture})")
            for training_set, seeds in result["dataset_seed"].items():
                if training_set not in _SPLITS:
                    raise RecordError(f"a training set that is none of {', '.join(_SPLITS)}")
                runs = {_seed(seed): result["all_results"][training_set, seed] for seed in seeds}
                yield from _costs(training_set, epochs, runs, notes)
                for seed, run in runs.items():
                    yield from _run(training_set, epochs, seed, run, notes)
    except KeyError as error:
        raise RecordError(f"no {error}") from None
    except (AttributeError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise RecordError(f"an entry of a wrong kind ({type(error).__name__})") from None


def _seed(seed: Any) -> int:
    if type(seed) is not int or seed < 0:
        raise RecordError("a seed that is no number")
    return seed


def _run(
    training_set: str, epochs: int, seed: int, run: Mapping[str, Any], notes: Counter[str]
) -> Iterator[Measurement]:
    """What one training holds: accuracy, loss and time of all splits."""
    if run["epochs"] != epochs:
        raise RecordError(f"a training whose number of epochs is not {epochs}")
    splits = _SPLITS[training_set]
    # No set of these: they are values, and hashing a hostile one may never end.
    if any(type(name) is not str or name not in splits for name in run["eval_names"]):
        notes["evaluations on unknown images (left out)"] += 1
    keys_of: dict[str, tuple[str, ...] | tuple[int, ...]] = {"train": tuple(range(epochs))}
    keys_of |= {split: _labels(name, epochs) for name, split in splits.items()}
    for split, keys in keys_of.items():
        for metric, field in _FIELDS["train" if split == "train" else "eval"].items():
            entries = {} if run[field] is None else run[field]
            if type(entries) is not dict:
                raise RecordError(f"a {field} that is no dict")
            found = [key in entries for key in keys]
            if not any(found):
                continue
            at = tuple(i for i, there in enumerate(found, start=1) if there)
            values = [entries[keys[i - 1]] for i in at]
            quantity = Quantity(training_set, epochs, split, metric)
            _check(values, quantity, notes)
            if metric == "seconds":
                at, values = _NO_EPOCH, [_constant(values, notes)]
            yield Measurement(quantity, seed, at, values)


def _costs(
    training_set: str, epochs: int, runs: Mapping[int, Mapping[str, Any]], notes: Counter[str]
) -> Iterator[Measurement]:
    """Parameters, operations and latency of the network, one value for all seeds."""
    for metric, field in _COSTS.items():
        quantity = Quantity(training_set, epochs, "", metric)
        values = {seed: run[field] for seed, run in runs.items()}
        if metric == "latency":
            values = {seed: _mean(times) for seed, times in values.items() if times}
        _check(list(values.values()), quantity, notes)
        if metric == "latency":
            # As in the official API: what is not positive was not measured.
            values = {seed: latency for seed, latency in values.items() if latency > 0}
        elif len({f"{value:.5f}" for value in values.values()}) > 1:
            # As in the official API: where seeds disagree, 888 is right.
            if 888 not in values:
                notes["parameter or operation counts that differ between seeds (left out)"] += 1
            values = {seed: count for seed, count in values.items() if seed == 888}
        if values:
            yield Measurement(quantity, _NO_SEED, _NO_EPOCH, [_mean(list(values.values()))])


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _constant(values: list[float], notes: Counter[str]) -> float:
    """The seconds of one epoch: imputed, and so the same in all."""
    if min(values) == max(values):
        return values[0]
    notes["trainings whose seconds differ between epochs (their mean is stored)"] += 1
    return _mean(values)


def _check(values: list[float], quantity: Quantity, notes: Counter[str]) -> None:
    """Let only sensible numbers pass; a loss that is not finite becomes NaN, and is counted."""
    if not set(map(type, values)) <= {float, int}:
        raise RecordError(f"a value of {quantity.name} that is no number")
    if all(map(math.isfinite, values)):
        # A latency below zero stands for "not measured".
        low = -math.inf if quantity.metric == "latency" else 0.0
        high = _LARGEST.get(quantity.metric, math.inf)
        if values and not (low <= min(values) and max(values) <= high):
            raise RecordError(f"a value of {quantity.name} that is out of range")
    elif quantity.metric == "loss":
        notes["losses that are not finite (stored as missing)"] += 1
        values[:] = [value if math.isfinite(value) else math.nan for value in values]
    else:
        raise RecordError(f"a value of {quantity.name} that is not finite")


@cache
def _labels(name: str, epochs: int) -> tuple[str, ...]:
    return tuple(f"{name}@{i}" for i in range(epochs))
