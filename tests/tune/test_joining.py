"""A cluster that cannot be joined, a directory that traces would not outlive: one line each."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.experiment import Experiment
from harness.experiment_record import check_directory
from harness.tune import sources
from harness.tune.joining import check_address, mend
from tests.experiments import refused


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))


def test_somebody_answers(port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    check_address(f"127.0.0.1:{port}")
    check_address("auto")  # only Ray knows
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text(f"127.0.0.1:{port}")
    check_address("auto")
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    check_address("auto")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:9", "no Ray cluster answers at 127.0.0.1:9 (--address 127.0.0.1:9): Conn"),
        ("no-such-host.invalid:6379", "start one with `ray start --head`, or give another"),
        ("127.0.0.1:123456", "no Ray cluster answers at 127.0.0.1:123456"),
        ("somewhere", "--address somewhere: give the cluster's HOST:PORT, or auto"),
        ("local", "give the cluster's HOST:PORT, or auto"),
        ("ray://head:10001", "or send it there with `ray job submit`"),
    ],
)
def test_nobody_answers(address: str, message: str) -> None:
    assert message in refused(lambda: check_address(address))


def test_an_old_address_is_named_with_its_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A head node that crashed leaves its address behind; Ray would wait for two minutes."""
    file = tmp_path / "ray" / "ray_current_cluster"
    file.parent.mkdir()
    file.write_text("127.0.0.1:9")
    assert f"at 127.0.0.1:9 ({file})" in refused(lambda: check_address("auto"))
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:8")
    assert "at 127.0.0.1:8 (RAY_ADDRESS=" in refused(lambda: check_address("auto"))


def test_a_run_says_so_before_it_starts_anything(table: Path, tmp_path: Path) -> None:
    grid = Experiment([str(table)], ["random_search"], 1, {"evaluations": 1})
    line = refused(lambda: grid.run(tmp_path / "out", address="127.0.0.1:9"))
    assert "no Ray cluster answers" in line


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ConnectionError("Could not find any running Ray instance."), "no Ray cluster runs on"),
        (RuntimeError("Version mismatch: The cluster was started with:\n  Ray: 2.60.0"),
         "runs other versions (The cluster was started with: Ray: 2.60.0): install the same"),
        (ValueError("first line\nsecond line"), "cannot join the Ray cluster at HEAD:1: first li"),
        (RuntimeError(), "cannot join the Ray cluster at HEAD:1: RuntimeError"),
    ],
)  # fmt: skip
def test_what_ray_raises_becomes_one_line(error: Exception, message: str) -> None:
    line = mend("HEAD:1", error)
    assert message in line and "\n" not in line


def test_the_reason_is_found_in_the_cause() -> None:
    try:
        raise ConnectionError("Failed to connect") from RuntimeError(
            "Authentication token is missing"
        )
    except ConnectionError as error:
        assert "asks for its token" in mend("HEAD:1", error)


@pytest.mark.parametrize("url", ["s3://bucket/results", "gs://bucket", "file:///data/results"])
def test_a_url_is_no_directory(url: str) -> None:
    assert "traces are written to a directory" in refused(lambda: check_directory(Path(url)))


def test_a_job_does_not_write_where_ray_cleans_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "working_dir_files" / "_ray_pkg_1"
    place.mkdir(parents=True)
    monkeypatch.chdir(place)
    check_directory(Path("results"))
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    assert "which Ray deletes" in refused(lambda: check_directory(Path("results")))
    check_directory(tmp_path / "results")


def test_a_worker_that_started_later_compares_its_own_code() -> None:
    here = sources.fingerprint(sources.PACKAGES)
    sources.refuse_other_code(here)
    other = {**here, "searchers": ("/elsewhere/searchers/__init__.py", "0")}
    assert "install the same version" in refused(lambda: sources.refuse_other_code(other))


def test_a_node_without_the_package_is_named() -> None:
    here = sources.fingerprint(sources.PACKAGES)
    lacking = {**here, "harness": ("nowhere", "")}
    line = sources.mismatch(here, lacking, "node-7")
    assert line == "node node-7 has no package 'harness': install nas-harness there"
