"""What searches found: read from an experiment's traces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.benchmarks import open_benchmark
from harness.benchmarks.base import OK, REPEAT
from harness.errors import HarnessError, UserError
from harness.protocol import Protocol
from harness.spaces import Architecture, SearchSpace, get_space
from harness.traces import Trace, read_batch, trace_files
from reports.records import Question, Records, describe_records

TAKE = ("winner", "top", "last")


@dataclass(frozen=True)
class Found:
    """What one search found.

    Attributes:
        searcher: The strategy's label.
        seed: The search's seed.
        architectures: What was taken of it, at least one.
        report: Reported result of its winner; NaN if there is none.
    """

    searcher: str
    seed: int
    architectures: tuple[Architecture, ...]
    report: float


def read_found(
    directory: str | Path, take: str, count: int, most: int
) -> tuple[Records, dict[tuple[str, str], tuple[SearchSpace, list[Found]]]]:
    """What every search of an experiment found; those without any success are left out.

    Args:
        directory: The experiment's ``--out`` directory.
        take: One of `TAKE`.
        count: How many architectures of a search at most.
        most: Searches of a strategy at most, those with the least seeds.

    Returns:
        What the directory says of itself; question's key -> space and findings, by searcher in
        the experiment's order and seed.

    Raises:
        UserError: If the directory holds no finished search, or a space is unknown.
        HarnessError: If a trace file is damaged.
    """
    records = describe_records(directory)
    questions = {question.key: question for question in records.questions}
    order = {identity["searcher"]: i for i, identity in enumerate(records.searchers)}
    by_cell: dict[tuple[str, tuple[str, str]], list[Found]] = defaultdict(list)
    spaces: dict[tuple[str, str], SearchSpace] = {}
    for path in trace_files(directory):
        for trace in read_batch(path):
            header = trace.header
            key = (header["benchmark"], header["protocol"])
            if header["searcher"] not in order or key not in questions:
                continue
            if key not in spaces:
                spaces[key] = _space(questions[key], header["space"])
            found = _found(trace, questions[key].protocol, spaces[key], take, count)
            if found is not None:
                by_cell[header["searcher"], key].append(found)
    if not by_cell:
        raise UserError(f"{directory} holds no finished search: run `nas-harness run` first")
    answers: dict[tuple[str, str], tuple[SearchSpace, list[Found]]] = {}
    for key, space in spaces.items():
        everything: list[Found] = []
        for searcher in order:
            own = sorted(by_cell[searcher, key], key=lambda found: found.seed)
            everything += own[:most]
        answers[key] = (space, everything)
    return records, answers


def _space(question: Question, name: str) -> SearchSpace:
    try:
        return open_benchmark(question.source, question.protocol).space
    except HarnessError as missing:
        try:
            return get_space(name)
        except UserError:
            raise UserError(
                f"the space '{name}' is its table's own, and the table is not there: {missing}"
            ) from None


def _found(
    trace: Trace, protocol: Protocol, space: SearchSpace, take: str, count: int
) -> Found | None:
    ranked = best_steps(trace, protocol)
    if not len(ranked):
        return None
    steps = np.sort(ranked)[-count:] if take == "last" else ranked
    parsed = map(space.from_string, (trace.architectures[step] for step in steps.tolist()))
    taken = list(parsed) if take == "last" else _distinct(parsed, space, count)
    header = trace.header
    return Found(
        searcher=header["searcher"],
        seed=header["seed"],
        architectures=tuple(taken),
        report=float(trace.columns["report"][ranked[0]]),
    )


def _distinct(
    architectures: Iterable[Architecture], space: SearchSpace, count: int
) -> list[Architecture]:
    """The first few networks; of isomorphic ones the first."""
    found: dict[Architecture, Architecture] = {}
    for architecture in architectures:
        found.setdefault(space.canonical(architecture), architecture)
        if len(found) == count:
            break
    return list(found.values())


def best_steps(trace: Trace, protocol: Protocol) -> np.ndarray:
    """Steps of the evaluations that can win, the best first; of equal ones the earlier.

    The first is the last incumbent. Where a search measures at several fidelities and selects by
    what it measured, only those at the highest one that it reached are compared. Of a one-shot
    method the last derivation is the first, and then those before it, the latest first.
    """
    columns = trace.columns
    usable = np.isin(columns["status"], (OK, REPEAT)) & ~np.isnan(columns["selection"])
    if "one_shot" in trace.header:
        return np.flatnonzero(usable)[::-1] if usable[-1:].any() else np.zeros(0, np.int64)
    if protocol.fidelities and protocol.select in (None, protocol.search) and usable.any():
        usable &= columns["epochs"] == columns["epochs"][usable].max()
    steps = np.flatnonzero(usable)
    values = columns["selection"][steps]
    return np.asarray(steps[np.argsort(-values if protocol.maximize else values, kind="stable")])
