"""The reproduction ledger: how a verdict follows from numbers, and what a reader sees of it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from reports.ledger.entry import (
    Basis,
    Entry,
    Measured,
    Missing,
    Outcome,
    Published,
    Relation,
    Verdict,
    exact,
    from_printed,
    judged,
)
from reports.ledger.figures import ALONE, WITHIN, verdict_bars
from reports.ledger.page import ledger_document, number_cells, printed_text
from reports.ledger.run import find_file, reproduce

GIVEN = "given.csv"


def entry(*published: Published, basis: Basis = Basis.OWN, **changes: object) -> Entry:
    made = Entry("some-entry", "something", "someone", "somewhere", published, basis=basis)
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def outcome(printed: str, ours: float, **changes: object) -> Outcome:
    return judged(entry(Published("x", printed), **changes), exact(ours))


# --- one number -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "printed, value, room",
    [
        ("13,296,960", 13_296_960, 0.5),
        ("0.71", 0.71, 0.005),
        ("-1.0", -1.0, 0.05),
        ("6.8e11", 6.8e11, 5e9),
        ("50", 50.0, 0.5),
    ],
)
def test_the_tolerance_is_half_a_unit_of_the_last_printed_digit(
    printed: str, value: float, room: float
) -> None:
    published = Published("x", printed)
    assert published.value == value
    assert published.room == pytest.approx(room)


@given(st.integers(-10_000, 10_000), st.integers(0, 4))
def test_a_number_agrees_with_what_rounds_to_it_and_with_nothing_else(
    units: int, decimals: int
) -> None:
    printed = f"{units / 10**decimals:.{decimals}f}"
    value, half = float(printed), 0.5 / 10**decimals
    for side in (-1, 1):
        assert outcome(printed, value + side * 0.99 * half).verdict is Verdict.REPRODUCED
        assert outcome(printed, value + side * 1.01 * half).verdict is Verdict.DIFFERS


def test_a_boundary_counts_as_agreement_whatever_the_last_bits() -> None:
    assert outcome("0.07", 0.065).verdict is Verdict.REPRODUCED
    assert outcome("0.3", 0.1 + 0.25).verdict is Verdict.REPRODUCED


@pytest.mark.parametrize(
    "relation, ours, agrees",
    [
        (Relation.AT_MOST, 79.9, False),
        (Relation.AT_MOST, 80.1, True),
        (Relation.AT_LEAST, 80.1, False),
        (Relation.AT_LEAST, 79.9, True),
    ],
)
def test_a_bound_is_about_one_side(relation: Relation, ours: float, agrees: bool) -> None:
    made = entry(Published("x", "80", 0.0, relation))
    assert judged(made, exact(ours)).rows[0].agrees is agrees


def test_the_error_of_a_simulation_does_not_widen_the_tolerance_but_rounding_does() -> None:
    made = entry(Published("x", "1.0"))
    assert judged(made, [Measured(1.2, error=1.0)]).verdict is Verdict.DIFFERS
    assert judged(made, [Measured(1.2, rounding=0.2)]).verdict is Verdict.REPRODUCED


def test_a_number_that_does_not_exist_is_a_disagreement() -> None:
    assert judged(entry(Published("x", "1")), [Measured(None)]).verdict is Verdict.DIFFERS


# --- an entry ---------------------------------------------------------------------------------


def test_one_disagreement_decides_and_the_basis_says_what_it_means() -> None:
    published = (Published("a", "1"), Published("b", "2"), Published("c"))
    for basis, verdict in (
        (Basis.OWN, Verdict.DIFFERS),
        (Basis.SOURCE, Verdict.CONTRADICTED),
    ):
        made = entry(*published, basis=basis)
        found = judged(made, exact(1, 3, 4))
        assert (found.verdict, found.agreeing, found.compared) == (verdict, 1, 2)
        assert judged(made, exact(1, 2, 99)).verdict is Verdict.REPRODUCED


def test_an_entry_needs_as_many_numbers_as_are_published_and_one_to_compare() -> None:
    with pytest.raises(ValueError):
        judged(entry(Published("x", "1")), exact(1, 2))
    with pytest.raises(ValueError, match="no number to compare"):
        judged(entry(Published("x")), exact(1))


def test_only_the_loss_of_a_reproduction_is_a_loss() -> None:
    assert outcome("1", 3.0).lost
    assert not outcome("1", 1.0).lost
    assert not outcome("1", 3.0, recorded=Verdict.DIFFERS).lost
    assert not outcome("1", 1.0, recorded=Verdict.DIFFERS).lost


@given(st.integers(1, 999), st.integers(1, 999))
def test_rounding_of_printed_inputs_reaches_as_far_as_their_corners(a: int, b: int) -> None:
    ratio = from_printed(lambda x, y: x / y, f"{a / 10:.1f}", f"{b:d}.0")
    assert ratio.value is not None
    furthest = (a / 10 + 0.05) / (b - 0.05) - (a / 10) / b
    assert ratio.value == pytest.approx((a / 10) / b)
    assert ratio.rounding == pytest.approx(furthest)
    assert ratio.error == 0.0


def test_exact_inputs_are_not_rounded() -> None:
    assert from_printed(lambda a, b: a * b, 24, 800) == Measured(19_200.0)
    assert from_printed(lambda a, b: a * b, 24, "800").rounding == 12.0
    with pytest.raises(ValueError, match="too many corners"):
        from_printed(lambda *numbers: sum(numbers), *["1"] * 13)


# --- running ----------------------------------------------------------------------------------


def test_entries_without_a_computation_or_its_file_are_not_run(tmp_path: Path) -> None:
    def compute(path: Path) -> list[Measured]:
        return exact(float(path.read_text()))

    def refuse() -> list[Measured]:
        raise Missing("the rest")

    published = Published("x", "5")
    entries = [
        entry(published, id="none", needs="a GPU"),
        entry(published, id="file", compute=compute, data=GIVEN, needs="a file"),
        entry(published, id="partly", compute=refuse),
    ]
    ledger = reproduce(entries)
    assert [o.verdict for o in ledger.outcomes] == [Verdict.NOT_RUN] * 3
    assert [o.needs for o in ledger.outcomes] == ["a GPU", "a file", "the rest"]
    assert all(o.rows[0].ours is None and o.rows[0].agrees is None for o in ledger.outcomes)
    assert ledger.lost == ()

    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / GIVEN).write_text("5.2")
    steps: list[tuple[int, int]] = []
    ledger = reproduce(entries, tmp_path, lambda *step: steps.append(step))
    assert ledger.outcomes[1].verdict is Verdict.REPRODUCED
    assert steps == [(1, 1)] * 3
    assert ledger.counts == {
        "reproduced": 1, "differs": 0, "contradicted by its own source": 0, "not run": 2,
    }  # fmt: skip


def test_files_of_the_folder_itself_come_first(tmp_path: Path) -> None:
    assert find_file(GIVEN, None) is None
    assert find_file(GIVEN, tmp_path) is None
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / GIVEN).touch()
    assert find_file(GIVEN, tmp_path) == tmp_path / "b" / GIVEN
    (tmp_path / GIVEN).touch()
    assert find_file(GIVEN, tmp_path) == tmp_path / GIVEN


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such directory"):
        reproduce([], tmp_path / "absent")


def test_json_has_every_number_and_null_where_there_is_none() -> None:
    made = entry(
        Published("a", "1.0", unit="%"), Published("b"), compute=lambda: exact(1.2, 1 / 3)
    )
    document = json.loads(reproduce([made, dataclasses.replace(made, compute=None)]).to_json())
    assert set(document) == {"outcomes", "counts", "lost", "versions"}
    first, second = document["outcomes"]
    assert set(first) == {field.name for field in dataclasses.fields(Outcome)}
    assert first["verdict"] == "differs" and first["lost"] is True
    assert first["rows"][0] == {
        "what": "a", "printed": "1.0", "unit": "%", "published": 1.0, "ours": 1.2,
        "error": 0.0, "rounding": 0.0, "tolerance": 0.05, "relation": "equals", "agrees": False,
    }  # fmt: skip
    assert first["rows"][1]["published"] is None and first["rows"][1]["ours"] == 0.3333333333
    assert second["rows"][0]["ours"] is None


# --- what a reader sees -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "printed, ours, cell",
    [
        ("0.71", 0.765, "0.765"),
        ("0.8", 1.0, "1.00"),
        ("423,624", 423_624.0, "423,624"),
        ("1.2e30", 2.0**100, "1.268e+30"),
        ("", 0.0023081912, "0.002308"),
        ("30", 14.99, "15.0"),
        ("0.002", 2.7e-5, "2.7e-05"),
        ("1.0", -0.0, "0.00"),
    ],
)
def test_ours_is_shown_with_one_digit_more(printed: str, ours: float, cell: str) -> None:
    published = (Published("x", printed), Published("other", "1"))
    row = judged(entry(*published), exact(ours, 1)).rows[0]
    assert number_cells(row)[2] == cell


def test_bounds_and_units_stand_beside_the_printed_number() -> None:
    made = entry(Published("x", "80", 0.0, Relation.AT_MOST, "M"), Published("y"))
    rows = judged(made, exact(90, 1)).rows
    assert printed_text(rows[0]) == "80 M, at most ours"
    assert printed_text(rows[1]) == "–"
    assert number_cells(rows[1])[-1] == "–"


def test_the_page_has_each_entry_once_and_every_number() -> None:
    ran = entry(Published("a", "1"), Published("b", "2"), compute=lambda: exact(1, 2))
    waiting = entry(Published("c", "3"), id="waiting", needs="a GPU")
    other = dataclasses.replace(ran, id="other", source="another")
    document = ledger_document(reproduce([ran, waiting, other]))
    tables = [table for section in document for table in section.tables]
    assert len({table.name for table in tables}) == len(tables)
    shown = [row[0] for t in tables if not t.name.endswith("-all") for row in t.rows]
    assert sorted(shown) == ["`other`", "`some-entry`", "`waiting`"]
    numbers = [row[1] for t in tables if t.name.endswith("-all") for row in t.rows]
    assert numbers == ["a", "b", "c", "a", "b"]
    assert "Entries that ran: 2; 2 reproduced" in document.lead[0]
    assert "Not run: 1" in document.lead[0]


def test_a_lost_reproduction_is_named_on_the_page() -> None:
    lost = entry(Published("a", "1"), compute=lambda: exact(5))
    assert ledger_document(reproduce([lost])).lead[-1] == "No longer reproduced: some-entry."


def test_the_figure_counts_each_entry_once() -> None:
    made = entry(Published("a", "1"), compute=lambda: exact(1))
    several = [
        made,
        dataclasses.replace(made, id="within", basis=Basis.SOURCE),
        dataclasses.replace(made, id="off", compute=lambda: exact(2)),
        dataclasses.replace(made, id="elsewhere", source="another, longer", compute=None),
    ]
    figure = verdict_bars(reproduce(several).outcomes)
    assert figure.data.rows == (
        ("someone", ALONE, 1),
        ("someone", WITHIN, 1),
        ("someone", "differs", 1),
        ("another", "not run", 1),
    )
    (drawn,) = figure.spec["datasets"].values()
    assert [(r["source"], r["verdict"], r["entries"]) for r in drawn] == list(figure.data.rows)
