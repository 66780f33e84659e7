"""Protocols: hashed questions, and the auditor that refuses those which leak test data."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.packed import Column
from harness.errors import UserError
from harness.protocol import CostTerm, LeakError, Measure, Protocol, audit, digest, leaks
from tests.small_table import COLUMNS, MIXED, ONCE, PER_EPOCH, TEST, VALID, protocol

TABLE = {column.name: column for column in COLUMNS}
NUMBERS = st.floats(0, 5) | st.integers(0, 5)
MEASURES = st.builds(
    Measure,
    st.text(),
    st.integers(0, 200),
    st.sampled_from(["random", "mean"]) | st.integers(0, 9),
)
TERMS = st.builds(
    CostTerm,
    st.text(),
    st.sampled_from(["epoch", "evaluation", "fidelity"]),
    NUMBERS,
    st.integers(0, 200),
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": st.text(),
    "search": MEASURES,
    "report": MEASURES,
    "select": st.none() | MEASURES,
    "maximize": st.booleans(),
    "maximize_report": st.none() | st.booleans(),
    "fidelities": st.lists(st.integers(1, 200), max_size=3).map(tuple),
    "promotion": st.sampled_from(["restart", "continue"]),
    "pause_seconds": NUMBERS,
    "cost": st.lists(TERMS, max_size=2).map(tuple),
    "repeat": st.sampled_from(["cached", "fresh"]),
    "charge_repeats": st.booleans(),
    "missing": st.sampled_from(["refuse", "resample", "fail"]),
    "time_noise": st.floats(0, 5),
    "allow_leak": st.booleans(),
    "note": st.text(),
}
PROTOCOLS = st.builds(Protocol, **FIELDS)


# --- the hash -------------------------------------------------------------------------------


def test_every_field_is_covered_by_these_tests() -> None:
    assert set(FIELDS) == {field.name for field in fields(Protocol)}


@settings(max_examples=60, deadline=None)
@given(st.data(), PROTOCOLS)
def test_the_hash_ignores_name_and_note_alone(data: st.DataObject, one: Protocol) -> None:
    name = data.draw(st.sampled_from(sorted(FIELDS)))
    other = replace(one, **{name: data.draw(FIELDS[name])})
    same = name in ("name", "note") or getattr(one, name) == getattr(other, name)
    assert (one.hash == other.hash) == same
    assert len(one.hash) == 16 and int(one.hash, 16) >= 0


@settings(max_examples=40, deadline=None)
@given(PROTOCOLS)
def test_plain_values_and_back(one: Protocol) -> None:
    again = Protocol.from_dict(json.loads(json.dumps(one.to_dict())))
    assert again == one
    assert again.hash == one.hash


def test_a_known_hash() -> None:
    """A change of this value would change the identity of every recorded experiment."""
    assert protocol().hash == protocol(name="other", note="for readers").hash
    assert protocol().hash == "edacaa1230131d23"


def test_defaults_are_part_of_the_hash() -> None:
    """A field spelled out at its default is the same question."""
    short = {"name": "p", "search": {"column": VALID}, "report": {"column": TEST}}
    long = {**short, "maximize": True, "cost": [], "select": None, "repeat": "cached"}
    assert Protocol.from_dict(short).hash == Protocol.from_dict(long).hash


def test_the_report_goes_the_way_of_the_search_unless_said_otherwise() -> None:
    for maximize in (True, False):
        assert protocol(maximize=maximize).larger_report_is_better == maximize
        other = protocol(maximize=maximize, maximize_report=not maximize)
        assert other.larger_report_is_better != maximize


def test_digest_is_independent_of_key_order() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})


# --- malformed protocols --------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_an_unknown_field_is_answered_with_the_nearest(name: str) -> None:
    wrong = name[:-1] + "_" if len(name) > 4 else name + "s"
    with pytest.raises(
        UserError, match=f"unknown protocol field '{wrong}': did you mean .*{name}"
    ):
        protocol().with_options(**{wrong: 1})


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_values_of_a_wrong_kind_are_refused_in_one_line(data: st.DataObject) -> None:
    """Whatever a file says where a protocol belongs, it is a protocol or a one-line error."""
    values = copy.deepcopy(protocol(select=Measure(VALID, 4, 7)).to_dict())
    name = data.draw(st.sampled_from(sorted(values)))
    weird: st.SearchStrategy[Any] = st.sampled_from(
        [None, True, -1, 0.5, math.nan, math.inf, 10**30, "x", [], {}, [{}], [None]]
    )
    target = values
    if isinstance(values[name], dict) and data.draw(st.booleans()):
        target, name = values[name], data.draw(st.sampled_from(sorted(values[name])))
    elif name == "cost" and data.draw(st.booleans()):
        target = values["cost"][0]
        name = data.draw(st.sampled_from(sorted(target)))
    target[name] = data.draw(weird)
    try:
        one = Protocol.from_dict(values)
        audit(one, TABLE)
    except UserError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert Protocol.from_dict(json.loads(json.dumps(one.to_dict()))) == one


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"repeat": "sometimes"}, "repeat='sometimes'; must be 'cached' or 'fresh'"),
        ({"missing": "skip"}, "missing='skip'; must be 'refuse' or 'resample' or 'fail'"),
        ({"time_noise": -0.1}, "time_noise=-0.1; 0 to 5"),
        ({"time_noise": math.inf}, "time_noise=inf; must be a finite number"),
        ({"maximize": "yes"}, "maximize='yes'; must be true or false"),
        ({"charge_repeats": 0}, "charge_repeats=0; must be true or false"),
        (
            {"search": {"column": VALID, "seeds": "first"}},
            "seeds='first'; must be 'random' or 'mean' or a whole number",
        ),
        ({"search": {"column": VALID, "seeds": True}}, "seeds=True"),
        ({"search": {"column": VALID, "epochs": 4}}, "epochs"),
        ({"search": VALID}, "mapping"),
        ({"cost": [{"column": ONCE, "per": "hour"}]}, "per='hour'"),
        ({"cost": {"column": ONCE}}, "mapping"),
        ({"fidelities": "12"}, "fidelities"),
    ],
)
def test_the_line_names_field_and_value(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        protocol().with_options(**changes)
    assert message in str(caught.value)


def test_a_required_field_is_missed() -> None:
    with pytest.raises(UserError, match=r"protocol 'p': .*'report'"):
        Protocol.from_dict({"name": "p", "search": {"column": VALID}})


# --- the auditor ----------------------------------------------------------------------------


def test_a_clean_protocol_passes() -> None:
    assert audit(protocol(), TABLE) == []
    assert audit(protocol(select=Measure(VALID, 4), fidelities=(1, 2, 4)), TABLE) == []


@pytest.mark.parametrize(
    ("changes", "roles"),
    [
        ({"search": Measure(TEST, 4)}, ["search", "selection"]),
        ({"search": Measure(MIXED, 4)}, ["search", "selection"]),
        ({"search": Measure(TEST, 4), "select": Measure(VALID, 4)}, ["search"]),
        ({"select": Measure(TEST, 4)}, ["selection"]),
        ({"select": Measure(MIXED, 4, "random")}, ["selection"]),
        ({"search": Measure(TEST, 4), "select": Measure(MIXED, 4)}, ["search", "selection"]),
    ],
)
def test_a_leak_is_refused_and_an_opt_in_is_listed(
    changes: dict[str, Any], roles: list[str]
) -> None:
    with pytest.raises(
        LeakError, match=r"'plain' is refused: .*opt in with allow_leak=true"
    ) as caught:
        audit(protocol(**changes), TABLE)
    found = audit(protocol(**changes, allow_leak=True), TABLE)
    assert found == leaks(protocol(**changes), TABLE)
    assert [
        role for role in ("search", "selection") if any(f"its {role} " in f for f in found)
    ] == roles
    for sentence in found:
        assert sentence in str(caught.value)
        assert ("validation and test images mixed" in sentence) == (MIXED in sentence)


@given(
    st.sampled_from(["train", "valid", "test", "valid+test", ""]),
    st.sampled_from(["train", "valid", "test", "valid+test", ""]),
    st.booleans(),
)
def test_exactly_the_splits_with_test_images_leak(search: str, select: str, opted: bool) -> None:
    table = {"s": Column("s", split=search), "w": Column("w", split=select), "r": Column("r")}
    one = Protocol("p", Measure("s"), Measure("r"), Measure("w"), allow_leak=opted)
    count = ("test" in search) + ("test" in select)
    if count and not opted:
        with pytest.raises(LeakError):
            audit(one, table)
    else:
        assert len(audit(one, table)) == count


def test_the_reported_metric_may_be_on_test_images() -> None:
    assert audit(protocol(report=Measure(TEST, 4, "random")), TABLE) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": Measure("d/valid_acuracy", 4)}, r"did you mean d/valid_accuracy"),
        ({"report": Measure("x", 4)}, "unknown column in protocol 'plain' 'x': known:"),
        ({"select": Measure("x", 4)}, "unknown column"),
        ({"cost": (CostTerm("x"),)}, "unknown column"),
        ({"search": Measure(VALID, 3)}, "has no epoch 3; it has 1, 2, 4"),
        ({"report": Measure(TEST, 0)}, "has no epoch 0"),
        ({"fidelities": (1, 3)}, "has no epoch 3"),
        ({"cost": (CostTerm(PER_EPOCH, epoch=3),)}, "has no epoch 3"),
        ({"search": Measure(VALID, 4, 5)}, "has no seed 5; it has 7, 8, 9"),
    ],
)
def test_what_the_table_lacks_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        audit(protocol(**changes), TABLE)
