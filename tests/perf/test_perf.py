"""`python -m perf`: everything runs at tiny size, and the page tells the truth. No timings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

# `perf` is run from the project's root and is no part of the distribution.
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from harness.benchmarks import open_benchmark  # noqa: E402
from harness.errors import HarnessError  # noqa: E402
from harness.testing import synthetic_table  # noqa: E402
from perf import __main__ as command  # noqa: E402
from perf import lookups, simulator  # noqa: E402
from perf.bench import Bench  # noqa: E402
from perf.figures import Bar, Row, Sample  # noqa: E402
from perf.fresh import fresh  # noqa: E402
from perf.page import render, verdict  # noqa: E402


def perf(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perf", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def lines_with(page: str, text: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("|") and text in line]


@pytest.mark.parametrize("real", [pytest.param(True, marks=pytest.mark.data), False])
def test_all_that_is_short_runs(
    real: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = request.getfixturevalue("data_dir") if real else tmp_path / "absent"
    out = tmp_path / "RESULTS.md"
    short = set(command.MEASUREMENTS) - {"sweep", "studies", "training"}
    only = [word for name in sorted(short) for word in ("--only", name)]
    done = perf("--quick", "--out", str(out), *only, NAS_HARNESS_TEST_DATA=str(folder))
    assert done.returncode == 0, done.stderr
    page = out.read_text()
    assert "A quick run at tiny sizes" in page
    assert "failed" not in page
    # A peer is measured, or the page says how to install it.
    for line in lines_with(page, "full accounting"):
        assert "ours / theirs" in line or "not measured: pip install" in line
        assert "evaluations/CPU-s | not judged |" in line
    assert len(lines_with(page, "full accounting")) == 2
    assert len(lines_with(page, "open a packed table")) == 2
    assert len(lines_with(page, "import harness, searchers")) == 1
    found = lines_with(page, "official record")
    if real:
        assert len(found) == 4
        assert all("nats_bench" in line for line in found)
    else:
        assert "not measured: no data" in found[0]


@pytest.mark.slow
def test_what_takes_longer_runs() -> None:
    done = perf(
        "--quick", "--only", "sweep", "--only", "studies", NAS_HARNESS_TEST_DATA="/nonexistent"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(lines_with(done.stdout, "nas-harness run")) == 1
    assert len(lines_with(done.stdout, "nas-harness report")) == 1
    assert len(lines_with(done.stdout, "Rastrigin")) == 1
    assert "made-up values" in done.stdout


@pytest.mark.slow
def test_training_trials_run_beside_the_peer() -> None:
    pytest.importorskip("nasbench_pytorch", reason="needs the extra 'live'")
    done = perf("--quick", "--only", "training", NAS_HARNESS_TEST_DATA="/nonexistent")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout
    assert len(lines_with(done.stdout, "images/s | ")) == 3
    assert len(lines_with(done.stdout, "ours / theirs |")) == 3
    assert len(lines_with(done.stdout, "trials/h")) == 4
    assert "random images of CIFAR-10's shape" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "lookup"), "perf: unknown measurement 'lookup': did you mean lookups?\n"),
        (("--out", "/nonexistent/x.md"), "perf: --out /nonexistent/x.md: there is no directory"),
    ],
)
def test_a_users_mistake_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = perf(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == 1


def test_a_failed_measurement_is_a_row_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(bench: Bench) -> list[Row]:
        raise HarnessError("broken")

    kept = [Row("kept", "s", Sample((1.0,)))]
    monkeypatch.setattr(command, "MEASUREMENTS", {"bad": fails, "good": lambda bench: kept})
    out = tmp_path / "page.md"
    with pytest.raises(typer.Exit) as stopped:
        command.main(out=out, quick=True)
    assert stopped.value.exit_code == 1
    assert "failed: broken" in out.read_text()
    assert len(lines_with(out.read_text(), "| kept |")) == 1


def test_what_fails_in_a_fresh_interpreter_says_why() -> None:
    with pytest.raises(HarnessError, match="there is no table /nonexistent"):
        fresh("perf.opening:probe", path="/nonexistent")


def test_verdicts_say_plainly_what_is_missed() -> None:
    def row(ours: Sample | str, bar: Bar | None) -> Row:
        return Row("w", "s", ours, bar=bar)

    sample = Sample((1.0, 5.0, 3.0))
    assert verdict(row(sample, Bar(3.0, at_least=True))) == "yes"
    assert verdict(row(sample, Bar(3.0, at_least=False))) == "yes"
    assert verdict(row(sample, Bar(3.1, at_least=True))) == "**NO**"
    assert verdict(row(sample, Bar(2.9, at_least=False))) == "**NO**"
    assert verdict(row(sample, Bar(2.9, at_least=False)), judged=False) == "not judged"
    assert verdict(row("failed: x", Bar(3.0, at_least=True))) == "not measured"
    assert verdict(row(sample, None)) == "–"


def test_the_page_holds_medians_spreads_ratios_and_notes() -> None:
    rows = [
        Row("a", "x/s", Sample((1000.0, 3000.0, 2000.0)), (("peer 1", Sample((500.0,))),)),
        Row("b", "s", Sample((0.25,)), (("peer 2", "not measured: pip install it"),), note="how"),
        Row("c", "s", Sample((0.5,)), note="how"),
    ]
    page = render(rows, [("processor", "one")])
    assert "2,000 [1,000 … 3,000], n=3 | peer 1: 500, n=1 (ours / theirs = 4.0)" in page
    assert "0.25, n=1 | peer 2: not measured: pip install it | – | – |" in page
    assert "- **2, 3:** how" in page
    assert "- processor: one" in page
    assert "quick" not in page


@pytest.mark.data
def test_a_difference_from_nats_bench_is_noticed(data_dir: Path, tmp_path: Path) -> None:
    nats_bench = pytest.importorskip("nats_bench")
    from harness.benchmarks.importers.nats import import_nats

    directory = data_dir / "nats_official" / lookups.DIRECTORY
    import_nats(directory, tmp_path / "t.table")
    api = nats_bench.create(str(directory), "tss", fast_mode=True, verbose=False)
    for seeds in ("random", "mean"):
        benchmark = lookups._benchmark(str(tmp_path / "t.table"), 12, seeds)
        architectures = lookups._architectures(benchmark)
        indices = [
            api.query_index_by_arch(benchmark.space.to_string(architecture))
            for architecture in architectures
        ]
        lookups.check(api, indices, benchmark, 12)
        level = benchmark.level(None)
        level.costs[-1] += 1_000_000
        with pytest.raises(HarnessError, match="nats_bench"):
            lookups.check(api, indices, benchmark, 12)
        level.costs[-1] -= 1_000_000
        level.runs[-1] = (*level.runs[-1][:-1], 1.0)
        with pytest.raises(HarnessError, match="nats_bench"):
            lookups.check(api, indices, benchmark, 12)


def test_a_difference_from_syne_tune_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("syne_tune.blackbox_repository", exc_type=ImportError)
    monkeypatch.setenv("SYNETUNE_FOLDER", str(tmp_path))
    synthetic_table(tmp_path / "s.table")
    peer = simulator.Simulator(open_benchmark(tmp_path / "s.table", "mean"))
    records = peer.search("random_search", 3, seed=0)
    assert len(records) >= 3
    for record in records:
        peer.check(record)
        for name in ("value", "seconds"):
            with pytest.raises(HarnessError, match="Syne Tune"):
                peer.check({**record, name: record[name] + 1e-6})
