"""The checklist: each answer follows the records, and what they lack is unanswered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.benchmarks import open_benchmark
from harness.declared import DECLARABLE
from harness.experiment import Experiment
from reports.build import summarise
from reports.checklist import (
    NO,
    NOT_APPLICABLE,
    UNANSWERED,
    YES,
    Item,
    checklist,
)
from reports.origins import Origin, origin_of
from reports.records import describe_records
from reports.sections.checklist import checklist as section
from reports.summary import Summary
from tests.experiments import digests, refused

NUMBERS = ("1", "2, 3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Strategies of this package on the embedded benchmark."""
    out = tmp_path_factory.mktemp("ran")
    grid = Experiment(["tss-digits"], ["random_search", "local_search"], 3, {"evaluations": 9})
    return grid.run(out, inline=True)


@pytest.fixture(scope="module")
def summary(ran: Path) -> Summary:
    return summarise(ran)


def by_number(items: tuple[Item, ...]) -> dict[str, Item]:
    return {item.number: item for item in items}


def again(summary: Summary, origin: Origin | None = None, **changes: Any) -> dict[str, Item]:
    """The checklist of a changed summary."""
    table = open_benchmark("tss-digits").table.header  # type: ignore[attr-defined]
    known = Origin("tss-digits", "table", table.provenance, table.training_source)
    return by_number(checklist(replace(summary, **changes), [origin or known]))


def test_the_embedded_benchmark(summary: Summary) -> None:
    items = by_number(summary.checklist)
    assert tuple(items) == NUMBERS and items == again(summary)
    unanswered = {number for number, item in items.items() if item.answer == UNANSWERED}
    assert unanswered == {"5", "12", "13"}
    assert {item.answer for item in items.values()} == {YES, UNANSWERED}
    (benchmark,) = summary.benchmarks
    assert benchmark.exact is not None and benchmark.exact.curve.report[0] is not None
    for number, words in {
        "1": "harness.networks.nats:build_tss of this package trained the cells on digits",
        "2, 3": "random_search, local_search",
        "4": benchmark.checksum[:16],
        "5": "Declare `ablations`",
        "6": f"val8-test8 ({benchmark.protocol_hash}), selected on valid, reported on test",
        "7": "1 to 9 charged evaluations",
        "8": f"one random draw is worth {benchmark.exact.curve.report[0]:.4g} %",
        "9": "3 searches of each strategy, seeds 0 to 2.",
        "10": "tss-digits: a table.",
        "11": "share 3 seeds",
        "12": "options of all 2 strategies",
        "13": f"6 searches made {summary.evaluations} evaluations",
        "14": "x86_64",
    }.items():
        assert words in items[number].evidence
    assert f"numpy {summary.versions['numpy']}" in items["11"].evidence


def test_declarations_answer_what_the_records_cannot(summary: Summary) -> None:
    declared = {name: f"About {name}." for name in DECLARABLE}
    everywhere = again(summary, Origin("tss-digits", "table", {}, {}), declared=declared)
    assert {item.answer for item in everywhere.values()} == {YES}
    nowhere = again(summary, Origin("tss-digits", "table", {}, {}))
    unanswered = {number for number, item in nowhere.items() if item.answer == UNANSWERED}
    assert unanswered == {"1", "5", "12", "13", "14"}
    for number, name in {
        "1": "training_code", "5": "ablations", "12": "tuning", "13": "resources",
        "14": "hardware",
    }.items():  # fmt: skip
        assert f"The authors declare: About {name}." in everywhere[number].evidence
        assert f"Declare `{name}` in the experiment file." in nowhere[number].evidence


def test_strategies_of_others_need_a_declaration(summary: Summary) -> None:
    """Their code is nowhere that the records know of."""
    theirs = {"searcher": "Mine@0123abcd", "strategy": "file:m.py:Mine@0123abcd", "options": {}}
    searchers = (*summary.searchers, theirs)
    item = again(summary, searchers=searchers)["2, 3"]
    assert item.answer == UNANSWERED and "file:m.py:Mine@0123abcd" in item.evidence
    item = again(summary, searchers=searchers, declared={"code": "https://x.org/m"})["2, 3"]
    assert item.answer == YES and item.evidence.endswith("The authors declare: https://x.org/m")


def test_ablations_change_one_option(summary: Summary) -> None:
    def options(**changed: object) -> Mapping[str, object]:
        return {"a": 1, "b": 2, "c": 3, **changed}

    def searcher(label: str, strategy: str, **changed: object) -> dict[str, Any]:
        return {"searcher": label, "strategy": strategy, "options": options(**changed)}

    one, two = searcher("one", "reinforce"), searcher("two", "reinforce", b=9)
    item = again(summary, searchers=(one, two))["5"]
    assert (item.answer, item.evidence) == (YES, "one and two differ in b alone.")
    for other in (
        searcher("two", "reinforce", b=9, c=9),
        searcher("two", "local_search", b=9),
    ):
        assert again(summary, searchers=(one, other))["5"].answer == UNANSWERED
    chance = tuple(searcher(label, "random_search", a=label) for label in "xy")
    assert again(summary, searchers=chance)["5"].answer == UNANSWERED


def test_what_is_plainly_not_done(summary: Summary) -> None:
    (benchmark,) = summary.benchmarks
    alone = replace(benchmark, exact=None, exact_missing="the table is gone")
    leaky = replace(benchmark, leaks=("The search uses test images.",))
    once = replace(benchmark, finals=tuple(replace(f, n=1) for f in benchmark.finals))
    fewer = replace(benchmark, finals=benchmark.finals[:1])
    for number, changes, words in (
        ("4", {"benchmarks": (fewer,)}, "local_search has no search on tss-digits."),
        ("6", {"benchmarks": (leaky,)}, "it leaks: The search uses test images."),
        ("8", {"benchmarks": (alone,), "random_search": None}, "(the table is gone)"),
        ("9", {"benchmarks": (once,)}, "1 searches of each"),
        ("11", {"finished": 5}, "1 of 6 searches are missing"),
    ):
        item = again(summary, **changes)[number]
        assert item.answer == NO and words in item.evidence
    for seeds, words in (((3, 7, 8), "seeds 3, 7, 8."), ((4,), "seeds 4."), ((4, 5), "4 to 5.")):
        assert words in again(summary, seeds=seeds)["9"].evidence
    sampled = again(summary, benchmarks=(alone,))["8"]
    assert sampled.answer == YES and "random_search ran with the same seeds" in sampled.evidence


def test_functions_train_nothing(summary: Summary) -> None:
    items = again(summary, Origin("tss-digits", "function", {}, {}))
    assert [items[n].answer for n in ("1", "10", "14")] == [NOT_APPLICABLE, NOT_APPLICABLE, YES]


def test_origins(ran: Path, results: Path, tmp_path: Path) -> None:
    (question,) = describe_records(ran).questions
    table = open_benchmark("tss-digits")
    found = origin_of(question, {})
    assert found.kind == "table" and found.training["dataset"] == "digits"
    assert found == origin_of(replace(question, source="absent.table"), {question.name: table})
    for lost in (
        replace(question, source=str(tmp_path / "absent.table")),
        replace(question, checksum="0" * 64),
    ):
        assert origin_of(lost, {}) == Origin("tss-digits", "", {}, {})
    gone = by_number(checklist(summarise(ran), [origin_of(lost, {})]))
    assert [gone[n].answer for n in ("10", "11")] == [UNANSWERED, UNANSWERED]
    computed = replace(question, source="tests.function_benchmark:Slopes", label="slopes")
    assert origin_of(computed, {}) == Origin("slopes", "function", {}, {})
    # Another experiment: a table without provenance, and one whose protocol leaks.
    items = by_number(summarise(results).checklist)
    assert items["6"].answer == NO and items["1"].answer == UNANSWERED


def test_the_section_shows_every_item(summary: Summary) -> None:
    shown = section(summary)
    assert shown is not None and "Here: 10 yes, 3 unanswered." in shown.text[0]
    (table,) = shown.tables
    assert [row[0] for row in table.rows] == list(NUMBERS)
    assert {row[2] for row in table.rows} == {"▲ yes", "○ unanswered"}
    assert section(replace(summary, checklist=())) is None


# --- declarations in experiments ------------------------------------------------------------


def test_declarations_travel_with_the_experiment(ran: Path, tmp_path: Path) -> None:
    """From the file into the record, the report and its experiment file; no search changes."""
    content = {
        "benchmarks": ["tss-digits"],
        "searchers": ["random_search", "local_search"],
        "seeds": 3,
        "budget": {"evaluations": 9},
        "declared": {"tuning": "None:\nall options have\ntheir defaults."},
    }
    (tmp_path / "e.yaml").write_text(yaml.safe_dump(content))
    grid = Experiment.from_yaml(tmp_path / "e.yaml")
    grid.run(tmp_path / "out", inline=True)
    assert digests(tmp_path / "out") == digests(ran)
    assert [cell.directory for cell in grid.cells] == describe_records(ran).document["cells"]
    found = summarise(tmp_path / "out")
    assert found.declared == {"tuning": "None: all options have their defaults."}
    assert by_number(found.checklist)["12"].answer == YES
    (tmp_path / "again.yaml").write_text(found.experiment)
    repeated = Experiment.from_yaml(tmp_path / "again.yaml")
    assert (repeated.declared, repeated.cells[0].directory) == (
        grid.declared,
        grid.cells[0].directory,
    )
    # A later run adds to what is declared.
    more = Experiment(
        ["tss-digits"], ["reinforce"], 3, {"evaluations": 9}, declared={"code": "here"}
    )
    more.run(tmp_path / "out", inline=True)
    document = describe_records(tmp_path / "out").document
    assert document["declared"] == {**found.declared, "code": "here"}


def test_mistakes_in_declarations(tmp_path: Path) -> None:
    def declaring(declared: object) -> str:
        content = {
            "benchmarks": ["tss-digits"], "searchers": ["random_search"], "seeds": 1,
            "budget": {"evaluations": 1}, "declared": declared,
        }  # fmt: skip
        (tmp_path / "e.yaml").write_text(yaml.safe_dump(content))
        return refused(lambda: Experiment.from_yaml(tmp_path / "e.yaml"))

    assert "unknown declaration 'tunning': did you mean tuning" in declaring({"tunning": "no"})
    assert "declared tuning: say how the strategies' options" in declaring({"tuning": " "})
    assert "declared.tuning: Input should be a valid string" in declaring({"tuning": 3})
    assert "declared: Input should be a valid dictionary" in declaring("none")
