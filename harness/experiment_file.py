"""Experiment files: YAML checked by pydantic, errors in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import UserError
from harness.experiment import BenchmarkSpec, Experiment
from harness.search import Budget


class _Benchmark(BaseModel):
    model_config = ConfigDict(extra="forbid")
    source: str
    protocol: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)


class _Budget(BaseModel):
    model_config = ConfigDict(extra="forbid")
    evaluations: int | None = None
    seconds: float | None = None
    epochs: int | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
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
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the experiment {path}: {error}") from None
    except yaml.YAMLError as error:
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
    return str(path.parent / source) if near.is_file() else source


def one_line(error: ValidationError) -> str:
    """The first complaint of pydantic with its place."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"])) or "the file"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {first['msg']}{more}"
