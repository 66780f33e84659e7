"""Experiment files: YAML checked by pydantic, errors in one line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import UserError
from harness.experiment import BenchmarkSpec, Experiment
from harness.loop import Budget
from harness.yaml_file import read_yaml

# Strict: a truth value or a quoted number where a number belongs is a mistake.
_STRICT = ConfigDict(extra="forbid", strict=True)

_ALTERNATIVE = re.compile(r"_Benchmark$|str$|int$|(dict|list)\[")


class _Benchmark(BaseModel):
    model_config = _STRICT
    source: str
    protocol: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)


class _Budget(BaseModel):
    model_config = _STRICT
    evaluations: int | None = None
    seconds: float | None = None
    epochs: int | None = None
    image_passes: int | None = None


class _File(BaseModel):
    model_config = _STRICT
    benchmarks: list[str | _Benchmark]
    searchers: list[str | dict[str, dict[str, Any] | None]]
    seeds: int | list[int]
    budget: _Budget
    workers: int = 1
    declared: dict[str, str] = Field(default_factory=dict)


def read_experiment(path: Path) -> Experiment:
    """The experiment of a YAML file.

    Raises:
        UserError: If the file cannot be read or its content is wrong; one line says where.
    """
    content, _ = read_yaml(path, "experiment")
    if not isinstance(content, dict):
        raise UserError(
            f"{path}: an experiment is a mapping (benchmarks, searchers, seeds, budget)"
        )
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{path}: {one_line(error)}") from None
    given = [_Benchmark(source=b) if isinstance(b, str) else b for b in file.benchmarks]
    benchmarks = [BenchmarkSpec(beside(path, b.source), b.protocol, b.options) for b in given]
    return Experiment(
        benchmarks,
        file.searchers,
        file.seeds,
        Budget(**file.budget.model_dump()),
        file.workers,
        file.declared,
    )


def beside(path: Path, source: str) -> str:
    """A table's path, relative to the file that names it if there is such a file."""
    near = path.parent / source.partition("#")[0]
    try:
        return str(path.parent / source) if near.is_file() else source
    except OSError:  # longer than a path may be
        return source


def one_line(error: ValidationError) -> str:
    """A complaint of pydantic with its place.

    Of the alternatives in a union, the one that came furthest names the mistake best.
    """
    problems = error.errors(include_url=False, include_context=False)
    first = max(problems, key=lambda problem: len(problem["loc"]))
    # Pydantic's names of the alternatives are no places in the file.
    place = ".".join(str(part) for part in first["loc"] if not _ALTERNATIVE.match(str(part)))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {first['msg']}{more}"
