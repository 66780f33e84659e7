"""Two nodes that share nothing: tables by content, traces through the driver, a node killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.experiment import BATCH_EVALUATIONS, Experiment
from harness.testing.tables import synthetic_table
from harness.traces import read_metadata, trace_files
from tests.tune.helpers import SEARCHERS, digests, finish, wait_for
from tests.tune.two_nodes import ROOT, TwoNodes

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "examples"
DRIVER_GROWTH = 25.0
"""MB by which the driver may grow from the first thousand of ten thousand searches to the last."""

SUMMARY = 300.0
"""MB that it may take for the table of results. `docs/running-on-a-cluster.md` states both."""

TRIAL = "_Inner"
"""What Tune calls a trainable with parameters; workers show it as their title."""

SEARCHER = """
from searchers.random_search import RandomSearch

class Mine(RandomSearch):
    pass
"""


@pytest.fixture(scope="module")
def nodes() -> Iterator[TwoNodes]:
    folder = Path(tempfile.mkdtemp(prefix="nh-", dir="/tmp"))
    try:
        with TwoNodes(folder) as cluster:
            synthetic_table(cluster.home("head") / "mine.table")
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def searches(cluster: TwoNodes, out: str, *extra: object, **size: int) -> subprocess.Popen[str]:
    """Start searches of a table that only the head node's directory holds."""
    words: list[object] = ["nas-harness", "run", "--benchmark", "mine.table", "--out", out]
    for searcher in SEARCHERS:
        words += ["--searcher", searcher]
    for name, value in size.items():
        words += [f"--{name}", value]
    return cluster.start(*words, "--address", cluster.address, *extra)


def inline(cluster: TwoNodes, folder: Path, **size: int) -> dict[tuple[str, int], str]:
    """The same searches in this process: their digests."""
    table = str(cluster.home("head") / "mine.table")
    seeds, evaluations = size["seeds"], size["evaluations"]
    grid = Experiment(
        [table], SEARCHERS, seeds, {"evaluations": evaluations}, size.get("workers", 1)
    )
    return digests(grid.run(folder / "inline", inline=True))


def succeed(process: subprocess.Popen[str]) -> str:
    status, out, err = finish(process)
    assert status == 0, out + err
    return out


def ran_on(out: Path) -> set[str]:
    """The nodes that wrote the traces of a directory, by Ray's identifiers."""
    return {read_metadata(path)["telemetry"]["node"] for path in trace_files(out)}


def test_a_table_arrives_by_content_and_traces_return_through_the_driver(nodes: TwoNodes) -> None:
    head, second = nodes.home("head"), nodes.home("second")
    assert not nodes.cached("second")
    before = {path.name for path in second.iterdir()}
    sweep = ["python", EXAMPLES / "cluster" / "sweep.py", "--benchmark", "mine.table"]
    sweep += ["--evaluations", 100]
    for seeds in (600, 1200, 2400):
        words = [*sweep, "--seeds", seeds]
        succeed(nodes.start(*words, "--out", "results", "--address", nodes.address))
        # On a busy machine one node may be done before the other has started.
        if ran_on(head / "results") == set(nodes.ids.values()):
            break
    assert ran_on(head / "results") == set(nodes.ids.values())
    succeed(nodes.start(*words, "--out", "inline", "--inline"))
    assert digests(head / "results") == digests(head / "inline")
    assert len(digests(head / "results")) == 10 * seeds
    (checksum,) = {
        header["checksum"]
        for path in trace_files(head / "results")
        for header in read_metadata(path)["headers"]
    }
    assert nodes.cached("second") == [f"{checksum}.table"]
    assert not nodes.cached("head"), "the driver's node has the table already"
    assert {path.name for path in second.iterdir()} - before == {".cache"}


def test_the_sweep_as_a_job_with_a_searcher_of_ones_own(nodes: TwoNodes, tmp_path: Path) -> None:
    """Submitted from where there is nothing but the token; the searcher travels along."""
    folder = tmp_path / "cluster"
    shutil.copytree(EXAMPLES / "cluster", folder)
    # As `pip install --no-deps --target .` leaves a package of one's own.
    (folder / "mine.py").write_text(SEARCHER)
    installed = folder / "mine-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 0.1.0\n")
    (installed / "entry_points.txt").write_text("[nas_harness.searchers]\nmine = mine:Mine\n")
    sweep = (folder / "sweep.yaml").read_text()
    (folder / "sweep.yaml").write_text(sweep.replace("seeds:", "  - mine\nseeds:"))
    with (folder / "runtime_env.yaml").open("a") as stream:
        # The harness sets it too: no conflict.
        stream.write('env_vars: {OMP_NUM_THREADS: "2"}\n')
    out = nodes.home("head") / "job"
    job = nodes.start(
        "sh", folder / "job.sh", out, node="second", RAY_API_SERVER_ADDRESS=nodes.dashboard
    )
    log = succeed(job)
    assert "succeeded" in log and "600 searches, 120,000 evaluations" in log
    words = ["nas-harness", "run", folder / "sweep.yaml", "--out", "job-inline", "--inline"]
    succeed(nodes.start(*words, PYTHONPATH=f"{folder}:{ROOT}"))
    assert digests(out) == digests(nodes.home("head") / "job-inline")
    assert len(digests(out)) == 6 * 100


def test_searches_survive_a_killed_node(nodes: TwoNodes, tmp_path: Path) -> None:
    """And another node that joins in its place works too."""
    out = nodes.home("head") / "killed"
    size = {"seeds": 5000, "evaluations": 100}
    process = searches(nodes, "killed", **size)
    first = set(nodes.ids.values())
    wait_for(lambda: ran_on(out) == first, process)
    nodes.kill_second()
    assert len(trace_files(out)) < 40, "the kill came too late: nothing was tested"
    # Else a fast machine is done before a further worker has started.
    resting = nodes.workers("head", TRIAL)
    assert resting, "no worker is to be seen on the first node"
    for worker in resting:
        os.kill(worker, signal.SIGSTOP)
    nodes.add_second()
    wait_for(lambda: nodes.ids["second"] in ran_on(out), process)
    for worker in resting:
        os.kill(worker, signal.SIGCONT)
    succeed(process)
    assert digests(out) == inline(nodes, tmp_path, **size)


def test_evaluations_survive_a_killed_node(nodes: TwoNodes, tmp_path: Path) -> None:
    out = nodes.home("head") / "killed-evaluations"
    shutil.rmtree(nodes.home("second") / ".cache", ignore_errors=True)
    size = {"seeds": 1, "evaluations": 200, "workers": 4}
    process = searches(nodes, out.name, "--trials", "evaluation", **size)

    def measured() -> int:
        lines = [path.read_text().count("\n") for path in out.glob("journal/*/*.jsonl")]
        return max(lines, default=0)

    # The second node has fetched the table: it measures too.
    wait_for(lambda: bool(nodes.cached("second")) and measured() >= 20, process)
    nodes.kill_second()
    assert len(trace_files(out)) < 2, "the kill came too late: nothing was tested"
    succeed(process)
    assert digests(out) == inline(nodes, tmp_path, **size)
    nodes.add_second()


def test_the_driver_does_not_grow_with_the_searches(nodes: TwoNodes) -> None:
    """Ten thousand searches: its memory after the first thousand, and its largest after that."""
    out, files = nodes.home("head") / "many", 2 * 5000 * 100 // BATCH_EVALUATIONS
    process = searches(nodes, "many", seeds=5000, evaluations=100)
    wait_for(lambda: len(trace_files(out)) >= files // 10, process)
    first = largest = at_the_end = resident(process.pid)

    def finished() -> bool:
        nonlocal largest, at_the_end
        now = resident(process.pid)
        if len(trace_files(out)) < files:
            largest = max(largest, now)
        at_the_end = max(at_the_end, now)
        return process.poll() is not None

    wait_for(finished, process, running=False)
    assert "10,000 searches, 1,000,000 evaluations" in succeed(process)
    assert len(digests(out)) == 10_000
    print(
        f"driver: {first:.1f} MB after 1,000 searches, at most {largest:.1f} MB until the last,"
        f" {at_the_end:.1f} MB for the table of results"
    )
    assert largest - first < DRIVER_GROWTH
    assert at_the_end - first < SUMMARY


def resident(pid: int) -> float:
    """A process's memory in MB; 0 if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(found[0]) / 1000 if found else 0.0


ASKS = "asks for its token, or for another: set RAY_AUTH_MODE=token"


@pytest.mark.parametrize(
    ("environment", "code", "message"),
    [
        ({"RAY_AUTH_TOKEN": "0" * 64}, "", ASKS),
        ({"RAY_AUTH_MODE": "disabled"}, "", ASKS),
        ({"HOME": "/nowhere"}, "", ASKS),
        ({}, "import ray; ray.__version__ = '2.1.0'", "runs other versions (The cluster was"),
    ],
    ids=["another token", "without tokens", "no token", "another Ray"],
)
def test_a_stranger_is_told_what_to_mend(
    nodes: TwoNodes, environment: dict[str, str], code: str, message: str
) -> None:
    # Ray tries twenty times, a second apart.
    few = {"RAY_NUM_REDIS_GET_RETRIES": "2"}
    words = ["run", "--benchmark", "mine.table", "--searcher", "random_search", "--seeds", 1]
    words += ["--evaluations", 1, "--out", "stranger", "--address", nodes.address]
    main = f"{code}\nfrom harness.cli import main; main()"
    status, out, err = finish(nodes.start("python", "-c", main, *words, **few, **environment))
    assert (status, out) == (2, ""), err
    assert err.startswith("nas-harness: the Ray cluster at") and message in err
    assert err.count("\n") == 1
