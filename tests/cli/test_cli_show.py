"""`nas-harness show`: an architecture's decisions, its network's size, and a drawing."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.command_line import Command, mistake

CELL = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


def _lines(text: str) -> dict[str, str]:
    """What stands behind each name."""
    pairs = (line.split("  ", 1) for line in text.splitlines())
    return {name: value.strip() for name, value in pairs}


@needs_torch
def test_show_a_cell(nas: Command) -> None:
    done = nas("show", "tss", CELL)
    assert (done.status, done.err) == (0, "")
    assert _lines(done.out) == {
        "space": "tss: 15,625 architectures",
        "architecture": CELL,
        "decisions": "nor_conv_3x3, none, nor_conv_1x1, skip_connect, none, avg_pool_3x3",
        "depth": "3 operations on the longest path",
        "images": "3 x 32 x 32, 10 classes",
        "network": "width=16, depth=5",
        "parameters": "344,346",
        "multiply-adds": f"{7_783_050 + 3_932_160 + 35_389_440:,} for one image",
    }


@needs_torch
def test_show_with_options_for_a_data_set(nas: Command) -> None:
    done = nas(
        "show", "tss", CELL, "--dataset", "digits", "--option", "width=4", "--option", "depth=1"
    )
    lines = _lines(done.out)
    assert lines["images"] == "1 x 8 x 8, 10 classes"
    assert lines["network"] == "width=4, depth=1"
    by_hand = _lines(
        nas("show", "tss", CELL, "--shape", "1,8,8", "--option", "width=4,depth=1").out
    )
    assert by_hand == lines


@needs_torch
def test_show_what_cannot_be_built(nas: Command) -> None:
    cell = f"000001{'0' * 15}:{','.join(['maxpool3x3'] * 5)}"
    done = nas("show", "nasbench101", cell, "--shape", "1,2,2")
    assert done.status == 0
    assert _lines(done.out)["network"].startswith("cannot be built: images of 2x2 pixels are too")


def test_show_draws(nas: Command, tmp_path: Path) -> None:
    starts = {".svg": b"<svg ", ".png": b"\x89PNG", ".pdf": b"%PDF"}
    for suffix, start in starts.items():
        out = tmp_path / f"cell{suffix}"
        done = nas("show", "sss", "8:16:8:16:64", "--out", out)
        assert done.status == 0 and str(out) in done.out
        assert out.read_bytes().startswith(start)
    root = ElementTree.fromstring((tmp_path / "cell.svg").read_text())
    assert root[0].text == "sss 8:16:8:16:64"


def test_show_without_torch(nas: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for module in [name for name in sys.modules if name.startswith("harness.networks.")]:
        monkeypatch.delitem(sys.modules, module)
    done = nas("show", "tss", CELL, "--out", tmp_path / "cell.svg")
    assert (done.status, done.err) == (0, "")
    assert _lines(done.out)["depth"].startswith("3 operations")
    for name in ("parameters", "multiply-adds"):
        assert _lines(done.out)[name] == "networks need torch: pip install 'nas-harness[live]'"
    assert (tmp_path / "cell.svg").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tsss", CELL], "unknown space 'tsss': did you mean tss"),
        (["sss", "8:16"], "'8:16' is not an architecture of the space 'sss'"),
        (["tss", CELL, "--out", "cell.jpg"], "--out cell.jpg: the drawing needs a name that ends"),
        (["tss", CELL, "--shape", "3,32"], "--shape 3,32: write channels,rows,columns"),
        (["tss", CELL, "--shape", "3,0,32"], "--shape 3,0,32: write channels,rows,columns"),
        (["tss", CELL, "--dataset", "digit"], "unknown data set 'digit': did you mean digits"),
        (["tss", CELL, "--option", "width"], "--option width: write it as name=value"),
    ],
)
def test_mistakes_are_one_line(nas: Command, words: list[str], message: str) -> None:
    mistake(nas("show", *words), message)


@needs_torch
def test_an_unknown_option_is_one_line(nas: Command) -> None:
    done = nas("show", "tss", CELL, "--option", "widht=4")
    mistake(done, "unknown tss network option 'widht': did you mean width?")
