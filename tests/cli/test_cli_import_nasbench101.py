"""`nas-harness import nasbench101`, from the official file to a search."""

from __future__ import annotations

from pathlib import Path

from tests.command_line import Command, flags, mistake
from tests.official_nasbench101 import payload, runs, write


def test_import_and_search(nas: Command, tmp_path: Path) -> None:
    path = write(tmp_path / "nb.tfrecord", map(payload, runs(30)))
    out = tmp_path / "nb.table"
    done = nas("import", "nasbench101", path, "--out", out)
    assert (done.status, done.err) == (0, "")
    assert "30" in done.out and "optimum, cifar10 val108-test108" in done.out
    assert nas("info", out, "--verify").status == 0
    assert nas("run", *flags(out, tmp_path / "results"), "--inline").status == 0


def test_mistakes(nas: Command, tmp_path: Path) -> None:
    (tmp_path / "nb.tfrecord").write_bytes(b"not a record")
    words = ["--out", tmp_path / "nb.table"]
    mistake(nas("import", "nasbench101", tmp_path / "nb.tfrecord", *words), "no TFRecord file")
    mistake(nas("import", "nasbench101", tmp_path / "none", *words), "cannot read")
    mistake(nas("import", "nasbench101", tmp_path / "nb.tfrecord"), "Missing option '--out'")
    assert not (tmp_path / "nb.table").exists()
