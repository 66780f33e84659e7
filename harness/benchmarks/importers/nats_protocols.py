"""The questions that a NATS-Bench table can answer, as protocols.

For each data set, with ``n`` a schedule's number of epochs and ``full`` the longest one's:

* ``val<n>-test<full>``: search on the validation accuracy after the schedule of ``n`` epochs, one
  random seed an architecture; report the mean test accuracy of the full schedule over its seeds.
  The default is ``val12-test<full>``.
* ``curve<full>``: the same with the full schedule's whole curve as fidelities, where all of it
  was measured on validation images.
* ``curve<full>-leaks``: where the curve holds test images mixed with validation images (CIFAR-100
  and ImageNet16-120 in the topology space). The leak auditor refuses it without an opt-in.

On ``cifar10`` the search sees trainings on half of the training images (``cifar10-valid``), and
the report is of trainings on all of them, tested on the 10,000 test images. An evaluation costs
what `simulate_train_eval` of `nats_bench` says: its epochs' training time, and one validation.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.benchmarks.importers.nats_records import Quantity
from harness.benchmarks.packed import Column
from harness.protocol import CostTerm, Measure, Protocol

DATASETS = {
    "cifar10": "cifar10-valid",
    "cifar100": "cifar100",
    "ImageNet16-120": "ImageNet16-120",
}
"""Data set -> the training set that the search sees."""

_DEFAULT_SCHEDULE = 12


def protocols(
    columns: Mapping[str, Column], schedules: tuple[int, ...]
) -> dict[str, dict[str, Protocol]]:
    """Data set -> name -> protocol, the default first; only those that the columns can answer.

    Args:
        columns: The table's columns.
        schedules: The numbers of epochs of the space's schedules.
    """
    ordered = sorted(schedules, key=lambda epochs: (epochs != _DEFAULT_SCHEDULE, epochs))
    found = {}
    for dataset in DATASETS:
        candidates = [_single(dataset, epochs, max(schedules), columns) for epochs in ordered]
        candidates.append(_curve(dataset, max(schedules), columns))
        answerable = {p.name: p for p in candidates if p is not None}
        if answerable:
            found[dataset] = answerable
    return found


def _single(
    dataset: str, epochs: int, full: int, columns: Mapping[str, Column]
) -> Protocol | None:
    """Search on the last epoch of one schedule."""
    search = Quantity(DATASETS[dataset], epochs, "valid", "accuracy")
    return _protocol(f"val{epochs}-test{full}", dataset, search, full, columns)


def _curve(dataset: str, full: int, columns: Mapping[str, Column]) -> Protocol | None:
    """Search on all epochs of the full schedule."""
    clean = Quantity(DATASETS[dataset], full, "valid", "accuracy")
    if clean.name in columns and len(columns[clean.name].epochs) > 1:
        return _protocol(f"curve{full}", dataset, clean, full, columns, curve=True)
    mixed = clean._replace(split="valtest")
    return _protocol(f"curve{full}-leaks", dataset, mixed, full, columns, curve=True)


def _protocol(
    name: str,
    dataset: str,
    search: Quantity,
    full: int,
    columns: Mapping[str, Column],
    *,
    curve: bool = False,
) -> Protocol | None:
    """The protocol, or None if a column or an epoch that it needs is not there."""
    report = Quantity(dataset, full, "test", "accuracy")
    train = search._replace(split="train", metric="seconds")
    validate = search._replace(split="valid", metric="seconds")
    for quantity in (search, report):
        known = columns.get(quantity.name)
        if known is None or quantity.schedule not in known.epochs:
            return None
    cost = (CostTerm(train.name), CostTerm(validate.name, per="evaluation"))
    return Protocol(
        name=name,
        search=Measure(search.name, search.schedule, "random"),
        report=Measure(report.name, full, "mean"),
        fidelities=columns[search.name].epochs if curve else (),
        promotion="continue" if curve else "restart",
        cost=tuple(term for term in cost if term.column in columns),
        note="one random seed guides the search; reported is the mean over seeds",
    )
