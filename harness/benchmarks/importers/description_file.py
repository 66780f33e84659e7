"""Description files: plain YAML, shipped or a user's own; a mistake gives one line.

The shipped ones lie in ``harness/benchmarks/descriptions`` and are known by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from harness.benchmarks.importers.description import Description
from harness.errors import UserError, unknown
from harness.protocol import CostTerm, Measure, Protocol

SHIPPED = Path(__file__).parent.parent / "descriptions"


class _Loader(yaml.SafeLoader):
    """Plain YAML in which a key given twice is a mistake, not a silent replacement."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                continue
            if key_node.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"'{key_node.value}' is given twice", problem_mark=key_node.start_mark
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def shipped() -> list[str]:
    """Names of the descriptions that this distribution brings, sorted."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load_description(spec: str | Path) -> tuple[Description, str]:
    """Read and check a description.

    Args:
        spec: Path of a YAML file, or the name of a shipped description.

    Returns:
        The description and the SHA-256 of its text.

    Raises:
        UserError: If there is no such description, or something in it is wrong.
    """
    path = Path(spec)
    if not path.is_file():
        if path.suffix or len(path.parts) != 1:
            raise UserError(
                f"no description {spec}: give a YAML file, or one of {', '.join(shipped())}"
            )
        if path.name not in shipped():
            raise unknown("description", path.name, shipped())
        path = SHIPPED / f"{path.name}.yaml"
    try:
        text = path.read_bytes()
        document = yaml.load(text, Loader=_Loader)
    except OSError as error:
        raise UserError(f"cannot read the description {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise UserError(f"{path.name} is no YAML: {_yaml_problem(error)}") from None
    if not isinstance(document, dict):
        raise UserError(f"{path.name}: a description is a mapping (name, space, columns, ...)")
    try:
        return Description.model_validate(document), hashlib.sha256(text).hexdigest()
    except ValidationError as error:
        raise UserError(f"{path.name}: {_first_problem(error)}") from None
    except UserError as error:
        raise UserError(f"{path.name}: {error}") from None


def _yaml_problem(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)


def _first_problem(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False)
    # Of the alternatives in a union, the one that came furthest names the mistake best; a
    # misspelt field names it better than the field that is missing for that.
    first = max(problems, key=lambda p: (len(p["loc"]), p["type"] != "missing"))
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "unexpected_keyword_argument":
        *parents, name = first["loc"]
        # Only protocols are dataclasses; the other parts name their fields themselves.
        owner: type = CostTerm if "cost" in parents[-2:] else Protocol
        if parents[-1] in ("search", "report", "select"):
            owner = Measure
        message = str(unknown("field", str(name), [f.name for f in fields(owner)]))
    return f"{place}: {message}" if place else message
