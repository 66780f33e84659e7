"""Where a benchmark's answers come from: a table, a function, or trainings of this project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.benchmarks import Benchmark, TableBenchmark, function_class, open_table
from harness.errors import HarnessError
from harness.live.question import LiveQuestion, is_live
from harness.spaces import get_space

if TYPE_CHECKING:
    from reports.records import Question


@dataclass(frozen=True)
class Origin:
    """Where a benchmark's answers come from.

    Attributes:
        name: The benchmark's label.
        kind: "table", "function", or "" if it is not at hand as it was.
        provenance: What the table says of itself.
        training: Data set, network and recipe by which this project can measure it again.
    """

    name: str
    kind: str
    provenance: Mapping[str, Any]
    training: Mapping[str, Any]


def origin_of(question: Question, tables: Mapping[str, Benchmark]) -> Origin:
    """Where a benchmark's answers come from, as far as it is at hand.

    Args:
        question: The benchmark and its protocol.
        tables: Benchmark name -> opened benchmark, instead of looking for the table.
    """
    given = tables.get(question.name)
    try:
        source = question.source.partition("#")[0]
        if is_live(question.source):
            return _live_origin(question)
        if given is None and function_class(source) is not None:
            return Origin(question.label, "function", {}, {})
        table = given.table if isinstance(given, TableBenchmark) else open_table(source)
    except HarnessError:
        return Origin(question.label, "", {}, {})
    if table.checksum != question.checksum:
        return Origin(question.label, "", {}, {})
    header = table.header
    return Origin(question.label, "table", header.provenance, header.training_source)


def _live_origin(question: Question) -> Origin:
    """What a live benchmark trains."""
    live = LiveQuestion.parse(question.source)
    network = get_space(live.space).network
    training = {"dataset": live.dataset, "recipe": live.recipe, "network": network}
    return Origin(question.label, "live", {}, training)
