"""Words of command lines and what comes of them, for the tests of the commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from harness.traces import read_batch, trace_files

EVOLUTION = "regularized_evolution:population_size=4,tournament_size=2"
INTERRUPTED = "nas-harness: interrupted; run the same command again to resume\n"


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


Command = Callable[..., Outcome]


def flags(table: Path | str, to: Path | None = None, **changes: object) -> list[object]:
    given: dict[str, object] = {
        "benchmark": table, "searcher": "random_search", "seeds": 3, "evaluations": 8, "out": to,
    } | changes  # fmt: skip
    return [
        word
        for name, value in given.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", value)
    ]


def digests(out: Path) -> set[str]:
    return {trace.digest for path in trace_files(out) for trace in read_batch(path)}


def mistake(outcome: Outcome, message: str, status: int = 2) -> None:
    """One line on the error stream, which names the thing; nothing on the other."""
    assert outcome.err.count("\n") == 1 and outcome.err.startswith("nas-harness: "), outcome
    assert message in outcome.err
    assert outcome.status == status
    assert outcome.out == ""
