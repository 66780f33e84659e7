"""What an experiment's directory holds, as arrays: one cell a searcher and benchmark."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.benchmarks.base import FAILED, OK, REPEAT, STATUS
from harness.errors import HarnessError, UserError
from harness.experiment_document import read_document
from harness.protocol import Protocol
from harness.traces import Trace, read_batch, trace_files

_COLUMNS = ("row", "end", "epochs", "continued", "status", "selection", "true", "report")

NEVER = np.iinfo(np.int64).max
"""Image passes of derivations that there are not."""

Key = tuple[str, tuple[str, str]]
"""A searcher's label and a question's key."""


@dataclass(frozen=True)
class Question:
    """A benchmark under a protocol, as `experiment.json` describes it.

    Attributes:
        name: The benchmark's name.
        label: The name, with the protocol's where the experiment has two of one benchmark.
        source: Registered name or path of its table.
        checksum: The table's.
        dataset: The table's data set.
        protocol: The protocol.
        leaks: How the search uses test images, in sentences; () if it does not.
        split: Role (search, selection, report) -> images it is measured on.
        units: Role -> unit.
        images_per_epoch: Image passes of an epoch of an evaluation; None where nobody says so.
    """

    name: str
    label: str
    source: str
    checksum: str
    dataset: str
    protocol: Protocol
    leaks: tuple[str, ...]
    split: dict[str, str]
    units: dict[str, str]
    images_per_epoch: int | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What a trace's header says of the benchmark: its name and the protocol's hash."""
        return self.name, self.protocol.hash


@dataclass(frozen=True, eq=False)
class Derivations:
    """What one-shot searches trained: their rows are derivations, the latest of which counts.

    Attributes:
        passes: int64 [searches, longest], image passes of the supernet up to each derivation and
            of one full training, never falling; beyond a search's end `NEVER`.
        evaluation: Image passes of one full training.
        classified: Images that each search only classified, mean over searches; None where
            traces do not say it.
    """

    passes: np.ndarray
    evaluation: int
    classified: float | None = None


@dataclass(frozen=True, eq=False)
class Cell:
    """All searches of one searcher on one benchmark.

    Attributes:
        searcher: The searcher's label.
        question: The benchmark and its protocol.
        seeds: int64 [searches], ascending.
        lengths: int64 [searches], recorded evaluations of each.
        columns: Name -> [searches, longest], rows in order of completion: those of traces, and
            `architecture`, a place in `architectures`. Beyond a search's end values are NaN, and
            `status` is that of an uncharged repeat.
        stopped: Why searches ended -> how many.
        digest: SHA-256 over the digests of its traces in the order of the seeds.
        architectures: The architectures that were evaluated, each once, in the space's notation.
        one_shot: How many image passes stand behind the rows of a one-shot method; None for
            strategies that evaluate architectures one by one.
    """

    searcher: str
    question: Question
    seeds: np.ndarray
    lengths: np.ndarray
    columns: dict[str, np.ndarray]
    stopped: dict[str, int]
    digest: str
    architectures: tuple[str, ...] = ()
    one_shot: Derivations | None = None

    @property
    def image_passes(self) -> float | None:
        """Mean over searches of the image passes that each used; None where nobody says so."""
        if self.one_shot is not None:
            passes = self.one_shot.passes
            return float(np.where(passes == NEVER, 0, passes).max(axis=1).mean())
        images = self.question.images_per_epoch
        if images is None:
            return None
        return float(self.epochs.sum(axis=1, dtype=np.int64).mean() * images)

    @property
    def epochs(self) -> np.ndarray:
        """Epochs that each evaluation trained, int [searches, longest]; 0 where nothing did."""
        trained = np.isin(self.columns["status"], (OK, FAILED))
        epochs = self.columns["epochs"] - self.columns["continued"]
        return np.where(trained, epochs, 0)

    @property
    def trainings(self) -> np.ndarray:
        """Full trainings that each evaluation amounts to, float64 [searches, longest]."""
        shape = self.columns["status"].shape
        protocol = self.question.protocol
        if not protocol.fidelities or not protocol.search.epoch or self.one_shot is not None:
            return np.ones(shape)
        return np.asarray(self.epochs / protocol.search.epoch)

    @property
    def short(self) -> bool:
        """Whether some evaluations trained for less than a full training."""
        trained = np.isin(self.columns["status"], (OK, FAILED))
        return bool((self.trainings[trained] < 1.0).any())

    @property
    def statuses(self) -> dict[str, int]:
        """Name of each status -> number of evaluations."""
        within = np.arange(self.columns["status"].shape[1]) < self.lengths[:, None]
        counts = np.bincount(self.columns["status"][within], minlength=len(STATUS))
        return dict(zip(STATUS, counts.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class Records:
    """An experiment's directory, read.

    Attributes:
        document: `experiment.json`.
        questions: Its benchmarks, in its order.
        cells: (searcher, question's key) -> cell; only those with at least one search.
    """

    document: dict[str, Any]
    questions: tuple[Question, ...]
    cells: dict[tuple[str, tuple[str, str]], Cell]

    @property
    def searchers(self) -> list[dict[str, Any]]:
        """The experiment's searchers, random search first: label, strategy and options."""
        everyone: list[dict[str, Any]] = self.document["searchers"]
        return sorted(everyone, key=lambda s: s["strategy"] != "random_search")


def read_records(directory: str | Path) -> Records:
    """Read an experiment's directory.

    Raises:
        UserError: If it holds no experiment or no finished search.
        HarnessError: If a trace file is damaged, or holds a search twice.
    """
    empty = describe_records(directory)
    parts: dict[Key, list[_Part]] = defaultdict(list)
    for key, part in _parts(empty, directory):
        parts[key].append(part)
    if not parts:
        raise UserError(f"{directory} holds no finished search: run `nas-harness run` first")
    known = {question.key: question for question in empty.questions}
    cells = {key: _joined(known[key[1]], found) for key, found in sorted(parts.items())}
    return replace(empty, cells=cells)


def iterate_cells(empty: Records, directory: str | Path) -> Iterator[tuple[Key, Cell]]:
    """Cells of one trace file each, for what looks at every search by itself.

    A directory of a hundred million evaluations fits into no memory, a file always does.

    Args:
        empty: What `describe_records` says of the directory.
        directory: The experiment's directory.

    Raises:
        HarnessError: If a trace file is damaged.
    """
    known = {question.key: question for question in empty.questions}
    for key, part in _parts(empty, directory):
        yield key, _joined(known[key[1]], [part])


def describe_records(directory: str | Path) -> Records:
    """What an experiment's directory says of itself, without its cells.

    Raises:
        UserError: If it holds no experiment.
    """
    directory = Path(directory)
    try:
        document = read_document(directory / "experiment.json")
        return Records(document, _questions(document), {})
    except OSError as error:
        raise UserError(
            f"{directory} holds no experiment ({error.strerror}): run `nas-harness run ... --out"
            f" {directory}` first"
        ) from None
    except ValueError as error:
        raise UserError(
            f"{directory}/experiment.json is damaged ({error}): restore it or run again"
        ) from None


def cell_of(question: Question, traces: Sequence[Trace]) -> Cell:
    """A cell of searches that were run in this process.

    Args:
        question: What they answer.
        traces: At least one, all of one searcher, with distinct seeds.
    """
    return _joined(question, [_part(Path(), traces)])


def _parts(empty: Records, directory: str | Path) -> Iterator[tuple[Key, _Part]]:
    known = {question.key for question in empty.questions}
    labels = {searcher["searcher"] for searcher in empty.document["searchers"]}
    for path in trace_files(directory):
        part = _read(path)
        if part is None:
            continue
        first = part.headers[0]
        key = (first["searcher"], (first["benchmark"], first["protocol"]))
        # A search that `experiment.json` does not list belongs to another experiment.
        if key[0] in labels and key[1] in known:
            yield key, part


def _questions(document: dict[str, Any]) -> tuple[Question, ...]:
    names = [entry["name"] for entry in document["benchmarks"]]
    questions = []
    for entry in document["benchmarks"]:
        protocol = Protocol.from_dict(entry["protocol"])
        alone = names.count(entry["name"]) == 1
        questions.append(
            Question(
                name=entry["name"],
                label=entry["name"] if alone else f"{entry['name']} ({protocol.name})",
                source=entry["source"],
                checksum=entry["checksum"],
                dataset=entry["dataset"],
                protocol=protocol,
                leaks=tuple(entry["leaks"]),
                split=dict(entry["split"]),
                units=dict(entry["units"]),
                images_per_epoch=entry.get("images_per_epoch"),
            )
        )
    return tuple(questions)


@dataclass(frozen=True, eq=False)
class _Part:
    """One trace file: headers and digests of its searches, and its columns, flat.

    Attributes:
        architectures: Architecture -> its code in the column `architecture`, in ascending order.
    """

    path: Path
    headers: list[dict[str, Any]]
    digests: list[str]
    search: np.ndarray
    step: np.ndarray
    columns: dict[str, np.ndarray]
    architectures: dict[str, int]


def _read(path: Path) -> _Part | None:
    traces = read_batch(path)
    return _part(path, traces) if traces else None


def _part(path: Path, traces: Sequence[Trace]) -> _Part:
    lengths = [len(trace) for trace in traces]
    codes: dict[str, int] = {}
    known = [codes.setdefault(a, len(codes)) for trace in traces for a in trace.architectures]
    columns = {name: np.concatenate([t.columns[name] for t in traces]) for name in _COLUMNS}
    return _Part(
        path,
        headers=[trace.header for trace in traces],
        digests=[trace.digest for trace in traces],
        search=np.repeat(np.arange(len(traces)), lengths),
        step=np.concatenate(list(map(np.arange, lengths))),
        columns=columns | {"architecture": np.array(known, dtype=np.int32)},
        architectures=codes,
    )


def _joined(question: Question, parts: list[_Part]) -> Cell:
    headers = [header for part in parts for header in part.headers]
    digests = [digest for part in parts for digest in part.digests]
    seeds = np.array([header["seed"] for header in headers], dtype=np.int64)
    order = np.argsort(seeds)
    repeated = np.flatnonzero(np.diff(seeds[order]) == 0)
    if repeated.size:
        places = ", ".join(str(part.path) for part in parts)
        seed = seeds[order][repeated[0]]
        raise HarnessError(f"seed {seed} occurs twice in {places}: delete one of the files")
    # Where each search goes: its rank by seed.
    rank = np.empty(len(seeds), dtype=np.int64)
    rank[order] = np.arange(len(seeds))
    offsets = np.cumsum([0, *(len(part.headers) for part in parts)])[:-1]
    search = np.concatenate([rank[p.search + o] for p, o in zip(parts, offsets, strict=True)])
    step = np.concatenate([part.step for part in parts])
    shape = (len(seeds), int(step.max()) + 1 if step.size else 1)
    architectures: dict[str, int] = {}
    for part in parts:
        # From the file's codes to the cell's.
        codes = [architectures.setdefault(a, len(architectures)) for a in part.architectures]
        part.columns["architecture"] = np.array(codes, np.int32)[part.columns["architecture"]]
    columns = {}
    for name in parts[0].columns:
        flat = np.concatenate([part.columns[name] for part in parts])
        empty = REPEAT if name == "status" else np.nan if flat.dtype.kind == "f" else 0
        columns[name] = np.full(shape, empty, dtype=flat.dtype)
        columns[name][search, step] = flat
    stopped: dict[str, int] = defaultdict(int)
    for header in headers:
        stopped[header["stopped"]] += 1
    ordered = "\n".join(digests[i] for i in order)
    return Cell(
        searcher=headers[0]["searcher"],
        question=question,
        seeds=seeds[order],
        lengths=np.bincount(search, minlength=len(seeds)),
        columns=columns,
        stopped=dict(sorted(stopped.items())),
        digest=hashlib.sha256(ordered.encode()).hexdigest(),
        architectures=tuple(architectures),
        one_shot=_derivations([headers[i] for i in order], shape[1]),
    )


def _derivations(headers: Sequence[dict[str, Any]], longest: int) -> Derivations | None:
    """What the headers of a cell's traces say of their supernets, in the order of the seeds."""
    told = [header["one_shot"] for header in headers if "one_shot" in header]
    if not told:
        return None
    passes = np.full((len(told), longest), NEVER, dtype=np.int64)
    for row, one in zip(passes, told, strict=True):
        row[: len(one["passes"])] = one["passes"]
    classified = [max(one["classified"], default=0) for one in told if "classified" in one]
    mean = float(np.mean(classified)) if len(classified) == len(told) else None
    return Derivations(passes, int(told[0]["evaluation_passes"]), mean)
