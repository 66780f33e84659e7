"""`nas-harness show-data`, and data sets in `nas-harness list`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.command_line import Command


def test_show_data(nas: Command, tmp_path: Path) -> None:
    pixels = np.zeros((6, 2, 4, 3), np.float32)
    pixels[:, 1] = np.arange(6)[:, None, None]
    np.savez(tmp_path / "a.npz", images=pixels, labels=[0, 1, 0, 1, 0, 0])
    (tmp_path / "mine.yaml").write_text("path: a.npz\nlayout: nchw\ntest: 2\nmean: [1, 2.5]\n")
    done = nas("show-data", tmp_path / "mine.yaml")
    assert (done.status, done.err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert lines["shape"].startswith("2 x 4 x 3")
    assert lines["train"].startswith("4 (") and lines["test"].startswith("2 (")
    assert "1, 2.5" in done.out


def test_show_data_refuses_in_one_line(nas: Command) -> None:
    done = nas("show-data", "digit")
    assert done.status == 2
    assert done.err == "nas-harness: unknown data set 'digit': did you mean digits?\n"


def test_data_sets_are_listed(
    nas: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / "shapes.npz", images=np.zeros((2, 3, 3)), labels=[0, 1])
    monkeypatch.setenv("NAS_HARNESS_DATA", str(tmp_path))
    listed = nas("list").out
    assert "imagenet16-120" in listed
    assert "1,797 handwritten digits" in listed
    (line,) = (line for line in listed.splitlines() if " shapes " in line)
    assert "your own" in line
