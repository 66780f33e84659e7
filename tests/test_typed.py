"""Do values conform to annotations?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from harness.errors import UserError
from harness.typed import check_types, conforms


@pytest.mark.parametrize(
    ("value", "kind", "fits"),
    [
        (1, int, True), (True, int, False), (1.0, int, False), (1 << 63, int, False),
        (-(1 << 63), int, True), ("1", int, False), (1, float, True), (math.nan, float, False),
        (math.inf, float, False), (10**400, float, False), (True, float, False),
        (True, bool, True), (1, bool, False), (None, int | None, True), (None, int, False),
        ("a", Literal["a", "b"], True), ("c", Literal["a", "b"], False),
        ([], Literal["a"], False), (True, Literal[1], False),
        ((1, 2), tuple[int, ...], True), ((1, "2"), tuple[int, ...], False),
        ([1], tuple[int, ...], False), ([["a"]], list[list[str]], True),
        (["ab"], list[list[str]], False),
        ({"a": 1}, Mapping[str, int], True), ({1: 1}, Mapping[str, int], False),
        ({"a": {"b": object()}}, dict[str, dict[str, Any]], True), ([], Mapping[str, Any], False),
        ("x", Literal["a"] | int, False), (7, Literal["a"] | int, True), (object(), Any, True),
    ],
)  # fmt: skip
def test_conforms(value: object, kind: Any, fits: bool) -> None:
    assert conforms(value, kind) == fits


@dataclass(frozen=True)
class Thing:
    name: str
    sizes: tuple[int, ...] = ()


def test_the_first_wrong_field_is_named() -> None:
    check_types(Thing("a", (1, 2)), "a thing")
    with pytest.raises(
        UserError, match=r"a thing: sizes=\[1\]; must be a list, each a whole number"
    ):
        check_types(Thing("a", [1]), "a thing")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"name=.{77}\.\.\.; must be text") as caught:
        check_types(Thing([0] * 1000), "a thing")  # type: ignore[arg-type]
    assert len(str(caught.value)) < 120


def test_values_too_odd_to_show() -> None:
    nested: Any = 0
    for _ in range(100_000):
        nested = [nested]
    odd: list[tuple[Any, str]] = [(nested, "list"), (10**5000, "int")]
    for value, shown in odd:
        with pytest.raises(UserError, match=f"name={shown}; must be text"):
            check_types(Thing(value), "a thing")
