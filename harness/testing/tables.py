"""Synthetic packed tables, for tests and examples that need no data.

The measured numbers are a documented function of the architecture, computed with sums, products
and quotients alone and stored rounded, so that a table has the same bytes on every machine.

With q in [0, 1] the quality of an architecture (one effect for each decision's option, and one
for each pair of options of neighbouring decisions, all drawn from a hash of the data set's name)::

    final    = 10 + 84 (1 - (1 - q)^2)                          percent at the last epoch
    curve(e) = 10 + (final - 10) (e / (e + h)) ((E + h) / E)    h: slowness, E: last epoch
    value    = curve(e) + noise(architecture, seed)             standard deviation about 0.6

The slowness depends on the architecture, so that early epochs rank differently from late ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np

from harness.benchmarks.packed import Column, PackedTable, TableHeader, write_table
from harness.errors import UserError
from harness.protocol import CostTerm, Measure, Protocol
from harness.spaces import Architecture, CategoricalSpace, get_space
from harness.streams import key, uniform

SEEDS = (777, 888, 999)
EPOCHS = 12
_PAIR_WEIGHT = 0.7
_CHANCE, _SPAN = 10.0, 84.0
_NOISE = 0.6


@dataclass(frozen=True)
class SyntheticTable:
    """The function that a synthetic table is filled with.

    Attributes:
        space: A registered categorical space or its name, or a plain `CategoricalSpace`.
        datasets: Names of its data sets; each has a landscape of its own.
        failing: Share of architectures whose training failed (no value at all).
        coverage: Share of architectures that the table holds.

    Raises:
        UserError: If the space is not categorical, or a share is outside [0, 1].
    """

    space: str | CategoricalSpace = "tss"
    datasets: tuple[str, ...] = ("synthetic",)
    failing: float = 0.0
    coverage: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.resolved, CategoricalSpace):
            raise UserError(f"synthetic table: the space '{self.space}' is not categorical")
        for name, share in (("failing", self.failing), ("coverage", self.coverage)):
            if not 0.0 <= share <= 1.0:
                raise UserError(f"synthetic table: {name}={share}; must be within 0 and 1")

    @property
    def resolved(self) -> CategoricalSpace:
        """The space as an object."""
        return get_space(self.space) if isinstance(self.space, str) else self.space  # type: ignore[return-value]

    def architectures(self) -> list[Architecture]:
        """All architectures that the table holds, in lexicographic order."""
        space = self.resolved
        everything = filter(space.valid, product(*map(range, space.sizes)))
        if self.coverage == 1.0:
            return list(everything)
        covered = key(0, "synthetic", "coverage")
        return [a for i, a in enumerate(everything) if uniform(covered, i, 0) < self.coverage]

    def quality(self, cells: np.ndarray, dataset: str) -> np.ndarray:
        """Quality of architectures [n, decisions] -> [n]; 0 and 1 are the bounds of the space."""
        return self._landscape(cells, key(0, "synthetic", "quality", dataset), _PAIR_WEIGHT)

    def slowness(self, cells: np.ndarray, dataset: str) -> np.ndarray:
        """Epochs to half the asymptote, [n, decisions] -> [n], within 0.5 and 4.5."""
        effects = self._landscape(cells, key(0, "synthetic", "slowness", dataset), 0.0)
        return 0.5 + 4.0 * effects

    def seconds(self, cells: np.ndarray) -> np.ndarray:
        """Seconds an epoch [n, decisions] -> [n], within 2 and 10; independent of the data set."""
        return 2.0 + 8.0 * self._landscape(cells, key(0, "synthetic", "seconds"), 0.0)

    def _landscape(self, cells: np.ndarray, stream_key: int, pair_weight: float) -> np.ndarray:
        """Sum of hashed effects of options and neighbouring pairs, scaled to [0, 1]."""
        sizes = self.resolved.sizes
        single = [[uniform(stream_key, d, v) for v in range(n)] for d, n in enumerate(sizes)]
        pairs = [
            [[uniform(stream_key + 1, d, 256 * v + w) for w in range(m)] for v in range(n)]
            for d, (n, m) in enumerate(pairwise(sizes))
        ]
        total = np.zeros(len(cells))
        for d, effects in enumerate(single):
            total += np.array(effects)[cells[:, d]]
        for d, table in enumerate(pairs):
            total += pair_weight * np.array(table)[cells[:, d], cells[:, d + 1]]
        low = sum(map(min, single)) + pair_weight * sum(min(map(min, t)) for t in pairs)
        high = sum(map(max, single)) + pair_weight * sum(max(map(max, t)) for t in pairs)
        return (total - low) / (high - low if high > low else 1.0)

    def accuracies(self, cells: np.ndarray, dataset: str) -> tuple[np.ndarray, np.ndarray]:
        """Validation [n, seeds, epochs] and test [n, seeds, 1] accuracies in percent.

        Seeds are ragged: every architecture has the first, about 5 in 6 the second and 2 in 3
        the third. NaN where there is none.
        """
        rows = np.arange(len(cells), dtype=np.uint64)
        quality = self.quality(cells, dataset)[:, None]
        half = self.slowness(cells, dataset)[:, None]
        epochs = np.arange(1, EPOCHS + 1)
        final = _SPAN * (1.0 - (1.0 - quality) * (1.0 - quality))
        curve = _CHANCE + final * (epochs / (epochs + half)) * ((EPOCHS + half) / EPOCHS)
        valid = np.empty((len(cells), len(SEEDS), EPOCHS))
        test = np.empty((len(cells), len(SEEDS), 1))
        for i, seed in enumerate(SEEDS):
            luck = _noise(key(0, "synthetic", "valid", dataset, seed), rows)[:, None]
            valid[:, i] = curve + luck
            own = _noise(key(0, "synthetic", "test", dataset, seed), rows)[:, None]
            # Test follows validation with a gap; half of a training's luck is in both.
            test[:, i] = curve[:, -1:] - 0.5 + 0.5 * luck + 0.5 * own
        absent = _draws(key(0, "synthetic", "ragged"), rows)
        valid[absent < 1 / 6, 1], test[absent < 1 / 6, 1] = np.nan, np.nan
        valid[absent < 1 / 3, 2], test[absent < 1 / 3, 2] = np.nan, np.nan
        failed = _draws(key(0, "synthetic", "failing"), rows) < self.failing
        valid[failed], test[failed] = np.nan, np.nan
        return np.clip(valid, 0.0, 100.0), np.clip(test, 0.0, 100.0)

    def write(self, path: str | Path) -> PackedTable:
        """Write the table and open it.

        Every data set has columns ``<dataset>/ep12/valid_accuracy`` (12 epochs of one curve) and
        ``<dataset>/ep12/test_accuracy`` (epoch 12), each for three ragged seeds, and
        ``<dataset>/time/train_seconds`` (seconds an epoch); and these protocols:

        * ``val-test`` (default): search a random seed's last validation accuracy, report the
          mean test accuracy;
        * ``mean``: search the seeds' mean instead;
        * ``multi-fidelity``: as the default, at any number of epochs; trainings may be paused;
        * ``leaky``: search test accuracy; refused without an opt-in.

        Args:
            path: The new file.

        Returns:
            The opened table.
        """
        space = self.resolved
        architectures = self.architectures()
        cells = np.array(architectures, dtype=np.int64).reshape(len(architectures), -1)
        keys = np.frombuffer(b"".join(map(space.key, architectures)), dtype=np.uint8)
        columns: list[Column] = []
        values: dict[str, np.ndarray] = {}
        for name in self.datasets:
            valid, test, seconds = columns_of(name)
            columns += [valid, test, seconds]
            values[valid.name], values[test.name] = self.accuracies(cells, name)
            values[seconds.name] = self.seconds(cells)[:, None, None]
        header = TableHeader(
            name="synthetic",
            # A subclass is more than its options: the table names it.
            space=_description(space) if type(space) is CategoricalSpace else space.name,
            columns=tuple(columns),
            protocols={name: protocols_of(name) for name in self.datasets},
            defaults=dict.fromkeys(self.datasets, "val-test"),
            default_dataset=self.datasets[0],
            provenance={"source": "computed by harness.testing.tables, not measured"},
        )
        count = len(architectures)
        write_table(path, header, keys.reshape(count, -1), np.arange(count), values)
        return PackedTable(path)


def columns_of(dataset: str) -> tuple[Column, Column, Column]:
    """The columns of a data set: validation accuracy, test accuracy, seconds an epoch."""
    curve = tuple(range(1, EPOCHS + 1))
    fixed: dict[str, Any] = {"scale": 0.01, "dtype": "uint16"}
    folder = f"{dataset}/ep{EPOCHS}"
    return (
        Column(f"{folder}/valid_accuracy", "%", "valid", SEEDS, curve, **fixed),
        Column(f"{folder}/test_accuracy", "%", "test", SEEDS, (EPOCHS,), **fixed),
        Column(f"{dataset}/time/train_seconds", "s", "", **fixed),
    )


def protocols_of(dataset: str) -> dict[str, dict[str, Any]]:
    """The protocols of a data set, by name, as plain values."""
    valid, test, seconds = columns_of(dataset)
    cost = (CostTerm(seconds.name),)
    validation = Measure(valid.name, EPOCHS, "random")
    report = Measure(test.name, EPOCHS, "mean")
    protocols = (
        Protocol("val-test", validation, report, cost=cost),
        Protocol("mean", Measure(valid.name, EPOCHS, "mean"), report, cost=cost),
        Protocol(
            "multi-fidelity",
            validation,
            report,
            fidelities=valid.epochs,
            promotion="continue",
            cost=cost,
        ),
        Protocol("leaky", Measure(test.name, EPOCHS, "random"), report, cost=cost),
    )
    return {protocol.name: protocol.to_dict() for protocol in protocols}


def synthetic_table(
    path: str | Path,
    space: str | CategoricalSpace = "tss",
    *,
    datasets: Sequence[str] = ("synthetic",),
    failing: float = 0.0,
    coverage: float = 1.0,
) -> PackedTable:
    """Write a synthetic table in one call; see `SyntheticTable`.

    Args:
        path: The new file.
        space: A registered categorical space or its name, or a plain `CategoricalSpace`.
        datasets: Names of the data sets.
        failing: Share of architectures whose training failed.
        coverage: Share of architectures that the table holds.

    Returns:
        The opened table.
    """
    return SyntheticTable(space, tuple(datasets), failing, coverage).write(path)


def _description(space: CategoricalSpace) -> dict[str, Any]:
    return {
        "name": space.name,
        "options": [list(names) for names in space.options],
        "ordinal": list(space.ordinal),
    }


def _draws(stream_key: int, rows: np.ndarray, visit: int = 0) -> np.ndarray:
    """Uniform draws in [0, 1) for rows uint64 [n]: `uniform`, which arrays wrap like its mask."""
    visits = np.full(len(rows), visit, dtype=np.uint64)
    return np.asarray(uniform(stream_key, rows, visits))  # type: ignore[arg-type]


def _noise(stream_key: int, rows: np.ndarray) -> np.ndarray:
    """Bell-shaped noise: four uniform draws, centred, of standard deviation `_NOISE`."""
    total = np.zeros(len(rows))
    for visit in range(4):
        total += _draws(stream_key, rows, visit)
    return (total - 2.0) * (_NOISE * 1.7320508075688772)
