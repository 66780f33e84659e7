"""Registries: lazy, open to third parties, and helpful about unknown names."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from harness.errors import HarnessError, UserError, unknown
from harness.registry import Registry
from searchers import registry as searchers


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry with a built-in part, and parts of third parties, most of them broken."""
    (tmp_path / "lazy_part.py").write_text("import sys\nvalue = 'built in'\n")
    (tmp_path / "their_part.py").write_text(
        "value = 'theirs'\nbuiltin = 'shadow'\nfail = lambda: 1 / 0\n"
    )
    (tmp_path / "broken_part.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("lazy_part", "their_part", "broken_part"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    group = "nas_harness.secret_parts"
    entries = [
        EntryPoint("theirs", "their_part:value", group),
        EntryPoint("mine", "their_part:builtin", group),
        EntryPoint("broken", "broken_part:value", group),
        EntryPoint("failing", "their_part:fail", group),
        EntryPoint("twice", "their_part:value", group),
        EntryPoint("twice", "their_part:builtin", group),
    ]
    asked = {"group": group}

    def entry_points(**params: str) -> list[EntryPoint]:
        assert params == asked
        return entries

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    return Registry("secret part", {"mine": "lazy_part:value"})


def test_a_part_is_imported_when_it_is_asked_for(package: Registry) -> None:
    assert package.names() == ["broken", "failing", "mine", "theirs", "twice"]
    assert not {"lazy_part", "their_part", "broken_part"} & set(sys.modules)
    assert package.load("theirs") == "theirs"
    assert "lazy_part" not in sys.modules


def test_built_in_names_cannot_be_taken_over(package: Registry) -> None:
    assert package.load("mine") == "built in"
    assert package.origin("mine") == "nas-harness"
    assert package.origin("theirs") == "unknown"


def test_a_broken_third_party_is_named(package: Registry) -> None:
    with pytest.raises(HarnessError, match=r"secret part 'broken' .*no_such_module") as caught:
        package.load("broken")
    assert not isinstance(caught.value, UserError)


def test_a_third_party_that_fails_is_named(package: Registry) -> None:
    with pytest.raises(HarnessError, match=r"secret part 'failing' .* fails: ZeroDivisionError"):
        package.make("failing")
    with pytest.raises(TypeError):
        package.make("mine")  # ours: a mistake of this project, with its traceback


def test_a_name_that_two_bring_is_refused(package: Registry) -> None:
    with pytest.raises(UserError, match="'twice' is brought by unknown and unknown"):
        package.load("twice")


def test_clashes_are_told(package: Registry) -> None:
    hidden, ambiguous = package.clashes()
    assert "'mine' of unknown is hidden by the built-in one" in hidden
    assert "'twice'" in ambiguous and "uninstall all but one" in ambiguous


def test_an_unknown_name_is_answered_with_the_nearest(package: Registry) -> None:
    with pytest.raises(UserError, match="unknown secret part 'their': did you mean theirs"):
        package.load("their")
    with pytest.raises(UserError, match=r"known: broken, failing, mine, theirs, twice$"):
        package.load("zzzzzz")


def test_unknown_without_any_known() -> None:
    assert str(unknown("thing", "x", [])) == "unknown thing 'x': known: none"


def test_errors_are_one_line() -> None:
    error = UserError("a name\nwith\r\nbreaks\x0b, and\u2028more")
    assert len(str(error).splitlines()) == 1
    assert (HarnessError.exit_status, UserError.exit_status) == (1, 2)


@pytest.mark.parametrize("name", sorted(searchers.builtin))
def test_every_built_in_searcher_loads(name: str) -> None:
    assert callable(searchers.load(name))
