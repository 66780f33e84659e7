"""The study of DARTS on several workers: what it computes, keeps and shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import ks_2samp

from harness.benchmarks import open_benchmark
from harness.cli import main
from harness.errors import UserError
from harness.spaces import get_space
from harness.spaces.tss import OPERATIONS
from reports.rendering import write_document
from reports.rounding import to_json
from reports.studies.diversity.distance import distances
from reports.studies.diversity.graphs import cell_graph
from reports.studies.diversity.label_tests import benjamini_hochberg
from reports.studies.parallel_darts import Settings, document, parallel_darts, published

pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from searchers.one_shot.parallel import ParallelFound, ParallelSearch

CELLS = [(3, 3, 1, 4, 3, 3), (2, 3, 1, 4, 3, 3), (3, 3, 1, 4, 2, 3), (1, 3, 0, 3, 3, 3)]
SETTINGS = Settings(workers=(1, 2), seeds=3, epochs=5)


@contextmanager
def silent(what: str) -> Iterator[Callable[[int, int], None]]:
    yield lambda done, total: None


class Launcher:
    """Gives back what a search might find, and notes what it is asked."""

    def __init__(self) -> None:
        self.jobs: list[ParallelSearch] = []

    def __call__(self, job: ParallelSearch, body: Any) -> ParallelFound:
        self.jobs.append(job)
        return ParallelFound(
            architecture=CELLS[(job.seed + job.workers) % len(CELLS)],
            seconds=(10.0 + job.seed) / (1.0 if job.workers == 1 else 1.6),
            waited=0.0 if job.workers == 1 else 0.25,
            passes=512 * job.epochs,
            communications=0 if job.workers == 1 else job.epochs,
            sent=0 if job.workers == 1 else 1000 * job.epochs,
        )


def studied(out: Path, settings: Settings = SETTINGS, launch: Any = None) -> Any:
    return parallel_darts(
        "tss-digits",
        settings,
        out,
        launch=launch or Launcher(),
        launcher="processes",
        bar=silent,
    )


def test_published_values() -> None:
    """Speed-ups and efficiencies follow from the printed seconds; the printed corrections do not
    follow from the printed p values."""
    alone = published.SPEED[0][1]
    speedups = [alone / seconds for _, seconds, _, _ in published.SPEED]
    assert [round(s, 2) for s in speedups] == [1.0, 1.82, 3.18]
    efficiencies = [s / n for s, (n, *_) in zip(speedups, published.SPEED, strict=True)]
    assert [round(100 * e) for e in efficiencies] == [100, 91, 80]
    assert benjamini_hochberg([p for _, p, _ in published.KS]) == pytest.approx(
        [0.765, 0.24, 0.87]
    )
    assert [printed for _, _, printed in published.KS] == [0.71, 0.15, 0.88]


def test_one_substituted_operation_is_a_distance_of_two() -> None:
    tss = get_space("tss")
    cell = (3, 3, 1, 4, 3, 3)
    others = [(2, 3, 1, 4, 3, 3), (2, 2, 1, 4, 3, 3), (0, 3, 1, 4, 3, 3), (2, 2, 3, 1, 3, 3)]
    assert OPERATIONS[0] == "none"
    found = distances([cell_graph(tss, a) for a in [cell, *others]])[0].tolist()
    # The third one lacks an edge: a deletion; the last has four other operations.
    assert found == [0, 2, 4, 1, 8]


def test_what_is_computed(tmp_path: Path) -> None:
    result = studied(tmp_path)
    alone, two = result.teams
    assert (alone.workers, alone.searches, alone.seconds.mean) == (1, 3, 11.0)
    assert alone.speedup.mean == 1.0
    assert two.speedup.mean == pytest.approx(1.6)
    assert two.efficiency.mean == pytest.approx(80.0)
    assert two.waited.mean == 25.0
    assert (two.communications, two.expected, two.sent) == (1.0, 1.0, 1000.0)
    assert result.steps == {"1": 4, "2": 2}  # 256 images in batches of 64
    table: Any = open_benchmark("tss-digits")
    means = table.means(table.protocol.selection)
    for one in result.searches:
        architecture = table.space.from_string(one.architecture)
        assert architecture == CELLS[(one.seed + one.workers) % 4]
        assert one.accuracy == pytest.approx(means[table.row(architecture)])
    [pair] = result.diversity.benchmarks[0].pairs
    groups = [[o.accuracy for o in result.searches if o.workers == n] for n in (1, 2)]
    assert pair.ks_p == pytest.approx(ks_2samp(*groups).pvalue)
    # Of three searches each, three pairs within each group and nine between.
    kept = [
        cell_graph(table.space, table.space.from_string(o.architecture)) for o in result.searches
    ]
    matrix = distances(kept)
    workers = [o.workers for o in result.searches]
    between = [matrix[i, j] for i in range(6) for j in range(6) if workers[i] < workers[j]]
    assert pair.between.mean == pytest.approx(sum(between) / 9)
    within = [matrix[i, j] for i in range(6) for j in range(i) if workers[i] == workers[j] == 1]
    assert result.diversity.benchmarks[0].groups[0].within.mean == pytest.approx(sum(within) / 3)


@pytest.mark.slow
def test_finished_searches_are_kept(tmp_path: Path) -> None:
    first = Launcher()
    studied(tmp_path, launch=first)
    # Seed by seed, so that what disturbs the machine disturbs all numbers of workers.
    grid = [(job.seed, job.workers) for job in first.jobs]
    assert grid == [(seed, workers) for seed in range(3) for workers in (1, 2)]
    more = Launcher()
    result = studied(tmp_path, replace(SETTINGS, seeds=4), more)
    assert [(job.seed, job.workers) for job in more.jobs] == [(3, 1), (3, 2)]
    assert [team.searches for team in result.teams] == [4, 4]
    others: list[dict[str, Any]] = [{"mode": "batch"}, {"method": "darts:order=2"}]
    for changes in others:
        other = Launcher()
        studied(tmp_path, replace(SETTINGS, **changes), other)
        assert len(other.jobs) == 6


@pytest.mark.slow
def test_an_interrupted_study_goes_on(tmp_path: Path) -> None:
    class Dying(Launcher):
        def __call__(self, job: ParallelSearch, body: Any) -> ParallelFound:
            if len(self.jobs) == 4:
                raise KeyboardInterrupt
            return super().__call__(job, body)

    with pytest.raises(KeyboardInterrupt):
        studied(tmp_path, launch=Dying())
    rest = Launcher()
    assert studied(tmp_path, launch=rest) == studied(tmp_path / "whole")
    assert len(rest.jobs) == 2


@pytest.mark.slow
def test_the_page(tmp_path: Path) -> None:
    result = studied(tmp_path, replace(SETTINGS, workers=(1, 2, 4)))
    shown = document(result)
    assert "2 workers: 6.88" in shown.lead[1]
    assert "1.60 [1.60, 1.60] times as fast" in shown.lead[1]
    assert any("are not shown to differ" in sentence for sentence in shown.lead)
    page = write_document(shown, tmp_path / "page", summary=to_json(result), formats=("md",))
    text = (page.parent / "report.md").read_text()
    for number in ("937.5", "0.765", "1.82", "3.18", "26,708"):
        assert number in text
    # Without searches on one worker there is no speed-up, and without seeds no test.
    lonely = document(studied(tmp_path, Settings(workers=(2,), seeds=1, epochs=5)))
    assert "times as fast" not in " ".join(lonely.lead)


@pytest.mark.slow
def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher = Launcher()
    monkeypatch.setattr("harness.training.processes.run_in_processes", launcher)
    words = "nas-harness study parallel-darts --workers 2,1 --seeds 2 --epochs 3"
    more = ["--average", "batch", "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", [*words.split(), *more])
    main()
    assert {job.mode for job in launcher.jobs} == {"batch"}
    assert [job.workers for job in launcher.jobs] == [1, 2, 1, 2]
    assert "2 workers: " in capsys.readouterr().out
    assert (tmp_path / "out" / "index.html").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"workers": (0, 1)}, "each at least 1"),
        ({"workers": ()}, "each at least 1"),
        ({"method": "random_search"}, "trains no supernet"),
        ({"method": "darts:ordr=2"}, "unknown option of darts 'ordr': did you mean order"),
        ({"method": "darts:order=3"}, "order=3; must be 1 or 2"),
        ({"method": "rsws"}, "trained by one worker alone"),
        ({"workers": (1, 8)}, "8 workers with 32 training images each have no batch of 64"),
    ],
)
def test_mistakes_are_refused_before_anything_starts(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    launcher = Launcher()
    with pytest.raises(UserError, match=message):
        studied(tmp_path, replace(SETTINGS, **changes), launcher)
    assert not launcher.jobs


@pytest.mark.slow
def test_what_is_derived_is_trained_where_there_is_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(live: Any, cell: tuple[int, ...], fidelity: None, seed: int, visit: int) -> float:
        return 50.0 + 10.0 * cell[0] + seed

    monkeypatch.setattr("harness.benchmarks.live.LiveBenchmark.read", read)

    def study(trainings: int) -> Any:
        return parallel_darts(
            "live:tss/digits:quick-tss",
            Settings(workers=(1, 2), seeds=2, epochs=1),
            tmp_path,
            launch=Launcher(),
            launcher="processes",
            trainings=trainings,
            bar=silent,
        )

    unknown, known = study(0), study(3)
    assert {one.accuracy for one in unknown.searches} == {None}
    assert not any("accuracy" in sentence for sentence in document(unknown).lead)
    space = get_space("tss")
    cells: Any = [space.from_string(one.architecture) for one in known.searches]
    assert [one.accuracy for one in known.searches] == [51.0 + 10.0 * cell[0] for cell in cells]
    assert known.trained
