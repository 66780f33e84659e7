"""Description files: plain YAML, shipped or a user's own; a mistake gives one line.

The shipped ones lie in ``harness/benchmarks/descriptions`` and are known by name.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields
from pathlib import Path

from pydantic import ValidationError

from harness.benchmarks.importers.description import Description
from harness.errors import UserError, unknown
from harness.protocol import CostTerm, Measure, Protocol
from harness.yaml_file import read_yaml

SHIPPED = Path(__file__).parent.parent / "descriptions"


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
    document, text = read_yaml(path, "description")
    if not isinstance(document, dict):
        raise UserError(f"{path.name}: a description is a mapping (name, space, columns, ...)")
    try:
        return Description.model_validate(document), hashlib.sha256(text).hexdigest()
    except ValidationError as error:
        raise UserError(f"{path.name}: {_first_problem(error)}") from None
    except UserError as error:
        raise UserError(f"{path.name}: {error}") from None


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
