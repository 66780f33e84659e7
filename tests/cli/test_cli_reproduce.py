"""`nas-harness reproduce`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import reports.ledger
from reports.ledger.entry import Entry, Measured, Published, exact
from tests.command_line import Command, mistake


def test_entries_are_shown_with_all_their_numbers(nas: Command) -> None:
    done = nas("reproduce", "era-table-8", "siegert-table-5.1", "era-table-1-errors")
    assert done.status == 0
    for shown in ("20 and 100 epochs", "hm-absn", "-0.15468", "contradicted by its own source"):
        assert shown in done.out
    assert "not run: needs a GPU" in done.out
    assert "Of 9 printed numbers, 8 agree. Not run: 1." in done.out


def test_json_is_all_that_is_printed(nas: Command, tmp_path: Path) -> None:
    done = nas("reproduce", "era-table-8", "--json", "--out", tmp_path / "page")
    document = json.loads(done.out)
    assert [outcome["id"] for outcome in document["outcomes"]] == ["era-table-8"]
    assert document["counts"]["reproduced"] == 1
    assert json.loads((tmp_path / "page" / "summary.json").read_text()) == document


def test_a_page_is_written(nas: Command, tmp_path: Path) -> None:
    done = nas("reproduce", "geada-table-4.13", "--out", tmp_path / "page")
    assert "written:" in done.out
    page = (tmp_path / "page" / "index.html").read_text()
    assert "geada-table-4.13" in page and "BonsaiNet against Random 2: p" in page
    table = tmp_path / "page" / "tables" / "source-1-all.csv"
    assert "0.002631" in table.read_text()


def test_the_list_runs_nothing(nas: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("an entry was run")

    monkeypatch.setattr("reports.ledger.run.judged", refuse)
    done = nas("reproduce", "--list")
    assert done.status == 0
    assert "bayesnas-invalid-graphs" in done.out


def test_mistakes(nas: Command, tmp_path: Path) -> None:
    mistake(nas("reproduce", "era-tabel-9"), "unknown ledger entry 'era-tabel-9': did you mean")
    mistake(nas("reproduce"), "give either ids of entries or --all")
    mistake(nas("reproduce", "era-table-8", "--all"), "give either ids of entries or --all")
    absent = tmp_path / "absent"
    mistake(nas("reproduce", "era-table-8", "--data", absent), "no such directory")


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"hash,val_ep4\nabc,0.5\n", mtime=0), b"", b"hash,val_ep4", b"\x1f\x8b"],
)
def test_a_file_that_is_something_else_is_refused(
    nas: Command, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "nb101_30k.csv.gz").write_bytes(content)
    done = nas("reproduce", "kyriakides-figure-5.9-slice", "--data", tmp_path)
    mistake(done, "expected the columns hash, val_ep4, val_ep12, val_ep36, val_ep108")


def test_the_entries_go_between_the_marks(nas: Command, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Before\n\n<!-- ledger -->\nold\n<!-- end -->\n\nafter\n")
    assert nas("reproduce", "era-table-8", "--markdown", page).status == 0
    once = page.read_text()
    assert once.startswith("# Before\n\n<!-- ledger -->\n")
    assert once.endswith("<!-- end -->\n\nafter\n")
    assert "| `era-table-8` |" in once and "old" not in once
    nas("reproduce", "era-table-8", "--markdown", page)
    assert page.read_text() == once
    page.write_text("no marks")
    done = nas("reproduce", "era-table-8", "--markdown", page)
    assert done.status == 2 and "the entries go between" in done.err


def test_a_lost_reproduction_is_the_one_failure(
    nas: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def entry(name: str, ours: float, published: str) -> Entry:
        def compute() -> Sequence[Measured]:
            return exact(ours)

        return Entry(name, "t", "s", "w", (Published("x", published),), compute)

    entries = (entry("kept", 1.0, "1"), entry("lost", 2.0, "1"))
    monkeypatch.setattr(reports.ledger, "all_entries", lambda: entries)
    done = nas("reproduce", "--all")
    assert done.status == 1
    assert "No longer reproduced: lost." in done.out
    assert done.err == (
        "nas-harness: no longer reproduced, though recorded so: lost; the code has changed\n"
    )
    assert nas("reproduce", "kept").status == 0
