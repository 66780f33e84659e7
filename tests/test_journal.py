"""Journals: what was appended survives a kill; a torn end is dropped, other damage is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.experiment import Experiment
from harness.journal import Journal, journal_line, journal_path, remove_finished
from tests.function_benchmark import NAME

VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ENTRIES = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=6)


def filled(path: Path, entries: list[dict[str, Any]]) -> None:
    journal = Journal(path)
    for entry in entries:
        journal.append(entry)
    journal.close()


@settings(max_examples=20, deadline=None)
@given(ENTRIES, ENTRIES)
def test_entries_come_back_and_more_can_be_added(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[dict[str, Any]],
    after: list[dict[str, Any]],
) -> None:
    path = tmp_path_factory.mktemp("journal") / "new" / "seed.jsonl"
    filled(path, before)
    filled(path, after)
    journal = Journal(path)
    assert journal.entries == before + after
    journal.remove()
    assert not path.exists()


def test_a_torn_end_is_dropped_wherever_it_is_torn(tmp_path: Path) -> None:
    entries = [{"number": i, "text": "ö\n" * i} for i in range(3)]
    path = tmp_path / "seed.jsonl"
    filled(path, entries)
    content = path.read_bytes()
    for cut in range(len(content)):
        path.write_bytes(content[:cut])
        whole = content[:cut].count(b"\n")
        filled(path, [{"next": cut}])
        journal = Journal(path)
        journal.close()
        assert journal.entries == [*entries[:whole], {"next": cut}]


DAMAGE = [b"{", b"", b"\xff\xfe", b"12", b"null", b'"text"', b'{"number":1}', b"[" * 9_999]


@pytest.mark.parametrize("damage", [*DAMAGE, b"\0" * 40 + b'"value":1}', b"\r{"])
def test_a_damaged_last_line_is_dropped(tmp_path: Path, damage: bytes) -> None:
    """A power cut may leave the end of a line without its beginning."""
    path = tmp_path / "seed.jsonl"
    lines = [journal_line({"number": number}) + b"\n" for number in range(2)]
    path.write_bytes(lines[0] + damage + b"\n")
    filled(path, [{"number": 1}])
    assert path.read_bytes() == b"".join(lines)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_before_the_end_is_an_error(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "seed.jsonl"
    lines = [journal_line({"number": number}) for number in (0, 2)]
    path.write_bytes(b"\n".join([lines[0], damage, lines[1], b""]))
    with pytest.raises(HarnessError, match=r"seed\.jsonl, line 2 is damaged"):
        Journal(path)
    assert path.read_bytes().endswith(lines[1] + b"\n")


def test_an_entry_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "seed.jsonl"
    program = (
        "import os, pathlib, signal; from harness.journal import Journal\n"
        f"journal = Journal(pathlib.Path({str(path)!r}))\n"
        "for number in range(3): journal.append({'number': number})\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    journal = Journal(path)
    journal.close()
    assert journal.entries == [{"number": number} for number in range(3)]


def test_content_and_name_are_on_the_disk_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, int]] = []

    def fsync(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        synced.append((str(path.relative_to(tmp_path)), path.stat().st_size))

    path = tmp_path / "journal" / "cell" / "seed.jsonl"
    monkeypatch.setattr(os, "fsync", fsync)
    journal = Journal(path)
    assert [name for name, _ in synced] == [
        ".",
        "journal",
        "journal/cell/seed.jsonl",
        "journal/cell",
    ]
    for number in range(2):
        journal.append({"number": number})
        assert synced[-1] == ("journal/cell/seed.jsonl", path.stat().st_size)
    journal.close()
    # What is read back may have been written just before a kill.
    synced.clear()
    Journal(path).close()
    assert ("journal/cell/seed.jsonl", path.stat().st_size) in synced


def test_journals_of_finished_searches_are_removed(tmp_path: Path) -> None:
    """A kill came after the trace had been written and before its journal was deleted."""
    experiment = Experiment([NAME], ["random_search"], 2, {"evaluations": 5})
    (cell,) = experiment.cells
    left = [journal_path(tmp_path, cell.directory, seed) for seed in (0, 1)]
    for path in left:
        filled(path, [{"number": 0}])
    other = journal_path(tmp_path, "other", 0)
    filled(other, [{"number": 0}])
    Experiment([NAME], ["random_search"], 1, {"evaluations": 5}).run(tmp_path, inline=True)
    assert [path.exists() for path in (*left, other)] == [True, True, True]
    remove_finished(tmp_path)
    assert [path.exists() for path in (*left, other)] == [False, True, True]
    experiment.run(tmp_path, inline=True)
    experiment.run(tmp_path, inline=True)
    assert [path.exists() for path in (*left, other)] == [False, False, True]
