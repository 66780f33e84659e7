"""The reproduction ledger: each entry's verdict is the recorded one, and the docs show it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import UserError
from reports.ledger import THESES, all_entries, find
from reports.ledger.entry import Entry, Outcome, Verdict
from reports.ledger.page import ledger_document
from reports.ledger.run import reproduce
from reports.rendering.markdown import to_markdown

DOCS = Path(__file__).resolve().parents[2] / "docs" / "ledger.md"
SIMULATED = re.compile(r"kyriakides-(table-4\.[34]|table-5\.4|equal-cost)")
"""Entries that share the simulation of a genetic algorithm, which takes ten seconds."""

QUICK = [entry for entry in all_entries() if not SIMULATED.match(entry.id)]
LONG = [entry for entry in all_entries() if SIMULATED.match(entry.id)]


@pytest.fixture(scope="module")
def outcomes() -> tuple[Outcome, ...]:
    """The quick entries, run without a user's files."""
    return reproduce(QUICK).outcomes


def markdown(entries: tuple[Entry, ...] | list[Entry]) -> str:
    text = to_markdown(ledger_document(reproduce(entries), details=False))
    return text.split("\n", 2)[2].strip()


def shown() -> str:
    """What the docs hold between their marks."""
    found = re.search(r"<!-- ledger -->\n(.*?)<!-- end -->", DOCS.read_text(), re.DOTALL)
    assert found
    return found[1].strip()


# --- the entries as they are written ----------------------------------------------------------


def test_ids_are_distinct_and_begin_with_their_thesis() -> None:
    ids = [entry.id for entry in all_entries()]
    assert len(set(ids)) == len(ids) > 100
    for name in ids:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9.]+)+", name)
        assert name.split("-")[0] in THESES


@pytest.mark.parametrize("entry", all_entries(), ids=lambda entry: entry.id)
def test_an_entry_says_what_a_reader_needs(entry: Entry) -> None:
    assert any(published.printed for published in entry.published)
    names = [published.what for published in entry.published]
    assert len(set(names)) == len(names)
    assert entry.title and "\n" not in entry.title and not entry.title.endswith(".")
    assert entry.source and entry.where
    if entry.compute is None:
        assert entry.needs and entry.recorded is Verdict.NOT_RUN
    if entry.data:
        assert entry.needs and entry.compute is not None
    if entry.recorded in (Verdict.DIFFERS, Verdict.CONTRADICTED):
        assert entry.explanation.endswith(".")


def test_names_lead_to_entries_and_unknown_ones_to_their_neighbours() -> None:
    names = ["siegert-table-5.1", "era-table-9", "siegert-table-5.1"]
    assert [entry.id for entry in find(names)] == names[:2]
    with pytest.raises(UserError, match=r"'era-table-99': did you mean era-table-9"):
        find(["era-table-99"])


# --- verdicts ---------------------------------------------------------------------------------


def test_verdicts_are_the_recorded_ones(outcomes: tuple[Outcome, ...]) -> None:
    changed = {
        o.id: o.verdict
        for o, entry in zip(outcomes, QUICK, strict=True)
        if o.verdict is not o.recorded and not entry.data
    }
    assert changed == {}


def test_entries_without_their_data_are_not_run(outcomes: tuple[Outcome, ...]) -> None:
    for outcome, entry in zip(outcomes, QUICK, strict=True):
        if entry.data:
            assert (outcome.verdict, outcome.needs) == (Verdict.NOT_RUN, entry.needs)


def test_results_are_the_same_when_computed_again(outcomes: tuple[Outcome, ...]) -> None:
    assert reproduce(QUICK).outcomes == outcomes


@pytest.mark.slow
def test_verdicts_of_the_simulations_are_the_recorded_ones() -> None:
    for outcome in reproduce(LONG).outcomes:
        assert outcome.verdict is outcome.recorded, outcome.id


@pytest.mark.data
@pytest.mark.slow
def test_verdicts_with_data_and_what_the_docs_say_of_them(data_dir: Path) -> None:
    figure, study = reproduce(
        find(["kyriakides-figure-5.9-slice", "kyriakides-ageing-study"]), data_dir
    ).outcomes
    assert figure.verdict is figure.recorded is Verdict.DIFFERS
    text = " ".join(DOCS.read_text().split())
    raw, rounded = figure.rows[:2]
    assert raw.ours is not None and rounded.ours is not None
    assert f"tau-b of {raw.ours:.3f} ± {raw.error:.3f} between 36 and 108" in text
    assert f"where 0.76 is printed, and {rounded.ours:.3f} rounded" in text
    held = re.search(r"holds (\d+) of them", study.needs)
    assert held and f"the part holds {held[1]} of them and no test accuracies" in text


# --- the table in the docs --------------------------------------------------------------------


def test_the_docs_show_every_entry_as_it_comes_out() -> None:
    def entries_in(text: str) -> list[str]:
        return [line for line in text.splitlines() if line.startswith("| `")]

    lines = entries_in(shown())
    ids = [line.split("`")[1] for line in lines]
    assert sorted(ids) == sorted(entry.id for entry in all_entries())
    assert set(entries_in(markdown(QUICK))) <= set(lines)


@pytest.mark.slow
def test_the_docs_are_what_the_command_writes() -> None:
    assert markdown(all_entries()) == shown()
