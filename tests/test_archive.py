"""Archives: what is restored is what was run, bit for bit, and nothing else is accepted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.archive import METADATA_KEY, Archive, read_archive, write_archive
from harness.errors import HarnessError, UserError
from harness.experiment import BenchmarkSpec, Experiment
from harness.testing import synthetic_table
from harness.traces import trace_files
from tests.experiments import EVERYONE, EVOLUTION, digests, experiment, refused


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "synthetic.table"
    return synthetic_table(path, failing=0.1, coverage=0.3).path


@pytest.fixture(scope="module")
def ran(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment of five strategies with six seeds."""
    out = tmp_path_factory.mktemp("ran")
    spec = BenchmarkSpec(str(table), None, {"missing": "fail"})
    grid = experiment(table, benchmarks=[spec], searchers=EVERYONE, seeds=6)
    return grid.run(out, inline=True)


@pytest.fixture(scope="module")
def archive(ran: Path) -> Archive:
    write_archive(ran, ran / "a.parquet")
    return read_archive(ran / "a.parquet")


def record(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "experiment.json").read_text())
    return found


def test_restored_is_what_was_run(ran: Path, archive: Archive, tmp_path: Path) -> None:
    assert archive.restore(tmp_path) == 30
    assert digests(tmp_path) == digests(ran)
    assert record(tmp_path) == record(ran)
    names = [[path.parent.name for path in trace_files(out)] for out in (ran, tmp_path)]
    assert names[0] == names[1]
    assert archive.restore(tmp_path) == 0


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"missing": "resample"}, {}),
        ({"missing": "fail", "repeat": "fresh", "time_noise": 0.5}, {"workers": 3}),
        ({"missing": "fail", "charge_repeats": False}, {"searchers": [EVOLUTION]}),
        ({"missing": "fail"}, {"budget": {"seconds": 2000}}),
        ({"missing": "fail"}, {"budget": {"epochs": 100}, "seeds": [7, 3]}),
        ({"missing": "fail"}, {"searchers": ["random_search:replacement=false"]}),
    ],
)
def test_every_kind_of_search_is_restored(
    table: Path, tmp_path: Path, options: dict[str, Any], changes: dict[str, Any]
) -> None:
    spec = BenchmarkSpec(str(table), None, options)
    experiment(table, benchmarks=[spec], **changes).run(tmp_path / "ran", inline=True)
    write_archive(tmp_path / "ran", tmp_path / "a.parquet").restore(tmp_path / "out")
    assert digests(tmp_path / "out") == digests(tmp_path / "ran")


@pytest.mark.parametrize("searcher", ["asha", "hyperband", "successive_halving", "bohb"])
def test_searches_with_many_fidelities_are_restored(tmp_path: Path, searcher: str) -> None:
    """Partial trainings, and in this protocol continued ones."""
    spec = BenchmarkSpec("tss-digits", "curve8", {})
    grid = Experiment([spec], [searcher, "random_search"], 2, {"epochs": 400})
    grid.run(tmp_path / "ran", inline=True)
    write_archive(tmp_path / "ran", tmp_path / "a.parquet").restore(tmp_path / "out")
    assert digests(tmp_path / "out") == digests(tmp_path / "ran")


def test_a_part_is_restored(ran: Path, archive: Archive, tmp_path: Path) -> None:
    assert archive.restore(tmp_path, seeds=2, searchers=["reinforce", "local_search"]) == 4
    part = digests(tmp_path)
    assert set(part) == {(s, i) for s in ("local_search", "reinforce") for i in (0, 1)}
    assert part.items() <= digests(ran).items()
    # What is lacking is added, and what an ordinary run left is not made again.
    assert archive.restore(tmp_path) == 26
    assert digests(tmp_path) == digests(ran) and record(tmp_path) == record(ran)


def test_an_experiment_goes_on_from_what_was_restored(
    table: Path, archive: Archive, tmp_path: Path
) -> None:
    archive.restore(tmp_path, searchers=["random_search"])
    spec = BenchmarkSpec(str(table), None, {"missing": "fail"})
    grid = experiment(table, benchmarks=[spec], searchers=["random_search", "local_search"])
    assert [batch.cell.searcher.name for batch in grid.pending(tmp_path)] == ["local_search"]


def test_declarations_stay_with_their_experiment(table: Path, tmp_path: Path) -> None:
    grid = experiment(
        table, benchmarks=[BenchmarkSpec(str(table), None, {"missing": "fail"})],
        declared={"tuning": "none"},
    )  # fmt: skip
    grid.run(tmp_path / "ran", inline=True)
    found = write_archive(tmp_path / "ran", tmp_path / "a.parquet")
    found.restore(tmp_path / "out")
    assert found.document["declared"] == {"tuning": "none"}
    assert "declared" not in record(tmp_path / "out")


# --- what is refused ------------------------------------------------------------------------


def altered(archive: Archive, path: Path, change: Callable[[dict[str, Any]], object]) -> Archive:
    """A copy whose document is changed."""
    document = json.loads(json.dumps(archive.document))
    change(document)
    metadata = {METADATA_KEY: json.dumps(document).encode()}
    pq.write_table(archive.searches.replace_schema_metadata(metadata), path)
    return read_archive(path)


def test_another_table_or_protocol_is_refused(archive: Archive, tmp_path: Path) -> None:
    def other_table(document: dict[str, Any]) -> None:
        document["benchmarks"][0]["checksum"] = "0123456789abcdef" * 4

    def other_protocol(document: dict[str, Any]) -> None:
        document["benchmarks"][0]["options"] = {"missing": "resample"}

    for change, words in (
        (other_table, "with the checksum 0123456789abcdef, the one here has"),
        (other_protocol, "with the protocol hash"),
    ):
        other = altered(archive, tmp_path / "other.parquet", change)
        line = refused(lambda found=other: found.restore(tmp_path / "out"))  # type: ignore[misc]
        assert words in line and "make the archive anew" in line
    assert not (tmp_path / "out").exists()


def test_an_altered_search_is_refused(archive: Archive, tmp_path: Path) -> None:
    rows = archive.searches.to_pylist()
    rows[3]["architecture"][5] = rows[3]["architecture"][4]
    table = pa.Table.from_pylist(rows, schema=archive.searches.schema)
    pq.write_table(table, tmp_path / "other.parquet")
    with pytest.raises(HarnessError, match="differs from its digest"):
        read_archive(tmp_path / "other.parquet").restore(tmp_path / "out")


def test_another_budget_is_refused(table: Path, archive: Archive, tmp_path: Path) -> None:
    spec = BenchmarkSpec(str(table), None, {"missing": "fail"})
    experiment(table, benchmarks=[spec], budget={"evaluations": 5}).run(tmp_path, inline=True)
    assert "another --out" in refused(lambda: archive.restore(tmp_path))


def test_unknown_strategies_are_refused(archive: Archive, tmp_path: Path) -> None:
    line = refused(lambda: archive.restore(tmp_path / "out", searchers=["local_serch"]))
    assert "did you mean local_search" in line


def test_what_is_no_archive(tmp_path: Path, ran: Path) -> None:
    (tmp_path / "text.parquet").write_text("no")
    paths = [tmp_path / "absent.parquet", tmp_path / "text.parquet", trace_files(ran)[0]]
    for path in paths:
        assert "is no archive" in refused(lambda path=path: read_archive(path))  # type: ignore[misc]


def test_what_cannot_be_archived(tmp_path: Path, table: Path) -> None:
    assert "no intact experiment" in refused(lambda: write_archive(tmp_path, tmp_path / "a"))
    # Its workers wait for one another, which proposals do not show.
    spec = BenchmarkSpec(str(table), None, {"missing": "fail"})
    grid = experiment(table, benchmarks=[spec], searchers=["local_search"], workers=40)
    grid.run(tmp_path / "ran", inline=True)
    with pytest.raises(UserError, match="does not follow from its proposals alone"):
        write_archive(tmp_path / "ran", tmp_path / "a.parquet")
    assert not (tmp_path / "a.parquet").exists()
