"""Journals: what was appended survives a kill; a torn end is dropped, other damage is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.journal import Journal

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


@pytest.mark.parametrize("damage", [b"{", b"", b"\xff\xfe", b"12", b"null", b'"text"'])
def test_damage_before_the_end_is_an_error(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "seed.jsonl"
    path.write_bytes(b'{"number":0}\n' + damage + b'\n{"number":2}\n')
    with pytest.raises(HarnessError, match=r"seed\.jsonl, line 2 is damaged"):
        Journal(path)
    assert path.read_bytes().endswith(b'{"number":2}\n')


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
