"""What all measurements share: sizes, a scratch directory, and the table that all search."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from perf.fresh import ROOT


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        repeats: Repetitions of short measurements.
        sweeps: Repetitions of the sweep and of the report on it.
        searches: Searches a repetition.
        evaluations: Evaluations a search, everywhere.
        lookups: Our look-ups a repetition.
        peer_lookups: A peer's look-ups a repetition.
        seeds: Seeds of the sweep.
        cells: Cells of the full-shape table.
        epochs: Epochs of its long curves.
        trials: Repetitions of a training trial.
        trial_images: Training images of a trial on the CPU.
        trial_held_out: Its validation images.
        trial_epochs: Epochs of a trial.
        trial_batch: Images a step.
        trial_width: Channels of its network's first stack.
        trial_overlap: Share of their time that trials at once must have in common. (Tiny ones are
            over before the next interpreter has started.)
    """

    repeats: int
    sweeps: int
    searches: int
    evaluations: int
    lookups: int
    peer_lookups: int
    seeds: int
    cells: int
    epochs: int
    trials: int
    trial_images: int
    trial_held_out: int
    trial_epochs: int
    trial_batch: int
    trial_width: int
    trial_overlap: float


FULL = Sizes(
    repeats=7,
    sweeps=3,
    searches=500,
    evaluations=200,
    lookups=30_000,
    peer_lookups=300,
    seeds=500,
    cells=15_625,
    epochs=200,
    trials=3,
    trial_images=1_024,
    trial_held_out=500,
    trial_epochs=3,
    trial_batch=128,
    trial_width=16,
    trial_overlap=0.7,
)
QUICK = Sizes(
    repeats=2,
    sweeps=1,
    searches=2,
    evaluations=60,
    lookups=30,
    peer_lookups=3,
    seeds=2,
    cells=50,
    epochs=12,
    trials=1,
    trial_images=32,
    trial_held_out=16,
    trial_epochs=2,
    trial_batch=16,
    trial_width=4,
    trial_overlap=float("-inf"),
)


@dataclass(frozen=True)
class Table:
    """The table that the searches, the sweep and the peers share.

    Attributes:
        path: The packed file.
        datasets: Its data sets.
        protocol: The protocol of all measurements; it gives one value an architecture, because
            not all peers draw among several.
        words: What the table is.
    """

    path: str
    datasets: tuple[str, ...]
    protocol: str
    words: str

    @property
    def source(self) -> str:
        """Its first data set, as the command line names it."""
        return f"{self.path}#{self.datasets[0]}"


@dataclass(frozen=True)
class Bench:
    """What a measurement is given.

    Attributes:
        sizes: How much is measured.
        scratch: A directory for anything; removed at the end.
        data: The folder of real benchmark tables, if there is one.
        table: The table that all search.
    """

    sizes: Sizes
    scratch: Path
    data: Path | None
    table: Table


def data_folder() -> Path | None:
    """The folder of real tables: $NAS_HARNESS_TEST_DATA, or ``shared/data`` beside the project."""
    beside = ROOT.parent / "shared" / "data"
    folder = Path(os.environ.get("NAS_HARNESS_TEST_DATA", beside))
    return folder if folder.is_dir() else None


def make_table(scratch: Path, data: Path | None) -> Table:
    """The real NAS-Bench-201 table where its file is, else a synthetic one of the same space."""
    path = str(scratch / "main.table")
    source = data / "nasbench201" / "nb201_main.csv.gz" if data else None
    if source is not None and source.exists():
        from harness.benchmarks.importers.tabular import import_csv

        import_csv(source, "nasbench201", path)
        datasets = ("cifar10", "cifar100", "ImageNet16-120")
        return Table(path, datasets, "val12-test200", "NAS-Bench-201 (real, all 15,625 cells)")
    from harness.testing import synthetic_table

    names = ("synthetic-a", "synthetic-b", "synthetic-c")
    synthetic_table(path, "tss", datasets=names)
    return Table(path, names, "mean", "a synthetic table of NAS-Bench-201's 15,625 cells")
