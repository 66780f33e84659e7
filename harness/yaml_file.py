"""YAML as this project reads it: plain data of a bounded size, every key once, errors in one line.

Experiments, table descriptions and training recipes are YAML files that travel between people. A
few lines of aliases can stand for more data than any memory holds, and YAML lets the last of two
equal keys win without a word; both are refused here.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import Reader

from harness.errors import UserError

_LONGEST = 10_000_000
"""Characters of all values, each alias counted as what it stands for."""

_BITS = 64
_DIGITS = 100
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class _Mistake(yaml.MarkedYAMLError):
    """YAML, but not of the kind that this project reads."""

    def __init__(self, node: yaml.Node, problem: str) -> None:
        super().__init__(problem=problem, problem_mark=node.start_mark)


class _Loader(yaml.SafeLoader):
    """Plain data in which a key given twice, or a number too large for any use, is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise _Mistake(key, f"'{key.value}' is given twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        number: int = super().construct_yaml_int(node)
        if number.bit_length() > _BITS:
            # Python refuses to print integers of thousands of digits, in messages too.
            raise _Mistake(node, f"a whole number of more than {_BITS} bits")
        return number


# 3e-4, which is text in YAML 1.1, and a number in YAML 1.2, JSON and everybody's fingers.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)


def read_yaml(path: Path, what: str) -> tuple[Any, bytes]:
    """The content of a YAML file, and its bytes.

    Args:
        path: The file.
        what: What it is, for the error message ("experiment").

    Raises:
        UserError: If it cannot be read or is no YAML; one line says where.
    """
    try:
        text = path.read_bytes()
    except (OSError, ValueError) as error:  # a null character in the path
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot read the {what} {path}: {reason}") from None
    return parse_yaml(text, str(path)), text


def parse_yaml(text: str | bytes, origin: str) -> Any:
    """The content of a YAML text; None if it is empty.

    Args:
        text: Bytes are UTF-8, or UTF-16 with a mark.
        origin: Where it comes from, for the error message.

    Raises:
        UserError: If it is no YAML, or not of the kind that this project reads.
    """
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is None:
            return None
        _length(root, {})
        return loader.construct_document(root)
    except _Mistake as error:
        raise UserError(f"{origin}, {_problem(error)}") from None
    except Exception as error:  # PyYAML raises whatever a malformed date or tag runs into
        raise UserError(f"{origin} is no YAML: {_problem(error)}") from None


def _length(node: yaml.Node, known: dict[yaml.Node, int | None]) -> int:
    """Characters that a node stands for, with its aliases written out.

    Raises:
        _Mistake: If they are too many, or a value is not text.
    """
    if node in known:
        length = known[node]
        if length is None:
            raise _Mistake(node, "a value that contains itself")
        return length
    known[node] = None
    length = 1
    if isinstance(node, yaml.ScalarNode):
        length += len(node.value)
        if node.tag in _NUMBERS and length > _DIGITS:
            # PyYAML takes minutes for 1:59:59:59...
            raise _Mistake(node, f"a number of more than {_DIGITS} characters")
        # Written as an escape, for PyYAML refuses the characters themselves.
        odd = Reader.NON_PRINTABLE.search(node.value)
        if odd:
            raise _Mistake(node, f"a value with the character {odd.group()!a}")
    for item in node.value if isinstance(node, yaml.CollectionNode) else ():
        for part in item if isinstance(item, tuple) else (item,):
            length += _length(part, known)
    if length > _LONGEST:
        raise _Mistake(node, f"its aliases stand for more than {_LONGEST:,} characters")
    known[node] = length
    return length


def _problem(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or error
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)
