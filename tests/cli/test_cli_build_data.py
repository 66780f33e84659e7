"""`nas-harness build-data`: what it writes, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.datasets import Part, Source, Split, load
from harness.datasets.npz import write_npz
from tests.command_line import Command, mistake


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("build") / "digits.npz"
    parts = []
    for count in (900, 200):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 1, 6, 6), np.uint8)
        parts.append(Part(pixels, np.arange(count) % 10))
    write_npz(Source(10, parts[0], parts[1]), path)
    return path


SIZES = ("--train", 200, "--valid", 40, "--test", 20)


@pytest.mark.parametrize(("name", "shape"), [("addnist", "3 x 6 x 6"), ("cifartile", "1 x 12")])
def test_it_writes_a_data_set(
    nas: Command, digits: Path, tmp_path: Path, name: str, shape: str
) -> None:
    out = tmp_path / "made.npz"
    said = nas("build-data", name, "--source", digits, *SIZES, "--out", out)
    assert said.status == 0 and said.err == ""
    assert "200 train + 40 valid + 20 test" in said.out and shape in said.out
    data = load(str(out), Split(None, 40, None))
    assert tuple(map(len, (data.train, data.valid, data.test))) == (200, 40, 20)
    before = out.read_bytes()
    for seed, same in ((0, True), (1, False)):
        nas("build-data", name, "--source", digits, *SIZES, "--out", out, "--seed", seed)
        assert (out.read_bytes() == before) == same
    assert [file.name for file in tmp_path.iterdir()] == ["made.npz"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("adnist",), "unknown generated data set 'adnist': did you mean addnist"),
        (("addnist", "--out", "made.npy"), "made.npy: its name must end in .npz"),
        (("addnist", "--train", 0), "train=0; must be at least 1"),
        (("addnist", "--valid", -1), "valid=-1; must be at least 0"),
        (("addnist", "--source", "nowhere.npz"), "there is no data set nowhere.npz"),
        (("multnist", "--source", "whole.npz"), "'whole' has not; take mnist"),
        (("cifartile", "--source", "few.npz", *SIZES), "images for train, at least 4 are needed"),
        (("language",), "give the folder with one text file a language by --source"),
        (("language", "--source", "nowhere"), "there is no folder nowhere"),
        (("language", "--source", "one"), "one has 1 word lists: at least two are needed"),
        (("language", "--source", "binary"), "b.txt is no text in UTF-8: convert it"),
        (("language", "--source", "twins"), "two word lists differ in their endings alone"),
        (
            ("language", "--source", "short"),
            "(a, train): 1 of the words are of 6 letters in a .. x, too few for 25000",
        ),
    ],
)
def test_mistakes(
    nas: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[object, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    part = Part(np.zeros((20, 1, 6, 6), np.uint8), np.arange(20) % 10)
    write_npz(Source(10, part, part), Path("few.npz"))
    write_npz(Source(10, part), Path("whole.npz"))  # without a test part
    for file, text in {
        "one/a.txt": b"little", "binary/a.txt": b"little", "binary/b.txt": b"\xff\xfe\xfd",
        "twins/a.txt": b"little", "twins/a.dic": b"little",
        "short/a.txt": b"little words", "short/b.txt": b"kleine Wort",
    }.items():  # fmt: skip
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).write_bytes(text)
    before = set(tmp_path.rglob("*"))
    out = () if "--out" in words else ("--out", "made.npz")
    mistake(nas("build-data", *words, *out), message)
    assert set(tmp_path.rglob("*")) == before
