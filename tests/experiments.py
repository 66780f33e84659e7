"""Small experiments, for the tests of several files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness import Experiment
from harness.errors import UserError
from harness.traces import read_batch, trace_files

EVOLUTION = "regularized_evolution:population_size=4,tournament_size=2"
EVERYONE = (
    "random_search",
    EVOLUTION,
    "local_search",
    "reinforce",
    "classic_evolution:population_size=5,tournament_size=5",
)


def experiment(table: Path, **changes: Any) -> Experiment:
    given: dict[str, Any] = {
        "benchmarks": [str(table)],
        "searchers": ["random_search", EVOLUTION],
        "seeds": 3,
        "budget": {"evaluations": 10},
    }
    return Experiment(**(given | changes))


def digests(out: Path) -> dict[tuple[str, int], str]:
    """(searcher, seed) -> digest, each search once."""
    found: dict[tuple[str, int], str] = {}
    for path in trace_files(out):
        for trace in read_batch(path):
            key = (trace.header["searcher"], trace.header["seed"])
            assert key not in found
            found[key] = trace.digest
    return found


def refused(make: Callable[[], object]) -> str:
    """The one line with which a user's mistake is answered."""
    with pytest.raises(UserError) as caught:
        make()
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    return line
