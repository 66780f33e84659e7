"""Experiment files: YAML checked by pydantic, errors in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import UserError
from harness.experiment import BenchmarkSpec, Experiment
from harness.loop import Budget

# Strict: a truth value or a quoted number where a number belongs is a mistake.
_STRICT = ConfigDict(extra="forbid", strict=True)


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


class _File(BaseModel):
    model_config = _STRICT
    benchmarks: list[str | _Benchmark]
    searchers: list[str | dict[str, dict[str, Any] | None]]
    seeds: int | list[int]
    budget: _Budget
    workers: int = 1


def read_experiment(path: Path) -> Experiment:
    """The experiment of a YAML file.

    Raises:
        UserError: If the file cannot be read or its content is wrong; one line says where.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot read the experiment {path}: {reason}") from None
    try:
        content = yaml.safe_load(text)
    except Exception as error:  # PyYAML raises whatever a malformed date or tag runs into
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{path}: {one_line(error)}") from None
    given = [_Benchmark(source=b) if isinstance(b, str) else b for b in file.benchmarks]
    benchmarks = [BenchmarkSpec(beside(path, b.source), b.protocol, b.options) for b in given]
    return Experiment(
        benchmarks, file.searchers, file.seeds, Budget(**file.budget.model_dump()), file.workers
    )


def beside(path: Path, source: str) -> str:
    """A table's path, relative to the file that names it if there is such a file."""
    near = path.parent / source.partition("#")[0]
    try:
        return str(path.parent / source) if near.is_file() else source
    except OSError:  # longer than a path may be
        return source


def one_line(error: ValidationError) -> str:
    """The first complaint of pydantic with its place."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"])) or "the file"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {first['msg']}{more}"
