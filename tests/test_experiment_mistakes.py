"""Experiments by arguments and by files, right and wrong."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import harness
from harness import Experiment
from harness.errors import HarnessError, UserError
from harness.experiment import MAX_SEEDS, BenchmarkSpec, as_searcher
from harness.spec import SearcherSpec
from searchers import registry as searchers
from tests.experiments import EVOLUTION, digests, experiment, refused
from tests.small_table import small_table


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_table(tmp_path_factory.mktemp("experiment") / "small.table").table.path


# --- arguments ------------------------------------------------------------------------------


def test_labels(table: Path, tmp_path: Path) -> None:
    grid = experiment(
        table,
        searchers=[
            "random_search",
            {"random_search": {"replacement": False, "label": "distinct"}},
        ],
    )
    grid.run(tmp_path, inline=True)
    assert {name for name, _ in digests(tmp_path)} == {"random_search", "distinct"}
    label = SearcherSpec.parse("random_search:replacement=false").label
    assert label == "random_search:replacement=False"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"searchers": ["random_serch"]}, "unknown searcher 'random_serch': did you mean"),
        ({"searchers": ["random_search:replace=true"]}, "did you mean replacement"),
        ({"searchers": ["random_search:replacement"]}, "write options as name:option=value"),
        ({"searchers": ["random_search:replacement=["]}, "write options as name:option=value"),
        ({"searchers": ["random_search:replacement=2001-99-99"]}, "write options as"),
        ({"searchers": ["random_search:replacement=maybe"]}, "replacement='maybe'"),
        ({"searchers": [f"{EVOLUTION},initial_samples=1.5"]}, "initial_samples=1.5"),
        ({"searchers": ["random_search", "random_search"]}, "'random_search' is given twice"),
        ({"searchers": [{"random_search": {"label": 5}}]}, "label=5; must be text"),
        ({"searchers": [{"random_search": {}, "local_search": {}}]}, "write one name"),
        ({"searchers": [{}]}, "write one name"),
        ({"searchers": [{"random_search": [1]}]}, "write its options as names and values"),
        ({"searchers": []}, "at least one of its searchers"),
        ({"benchmarks": []}, "at least one of its benchmarks"),
        ({"seeds": 0}, "at least one of its seeds"),
        ({"seeds": -1}, "at least one of its seeds"),
        ({"seeds": []}, "at least one of its seeds"),
        ({"seeds": [1, 1]}, "distinct and not negative"),
        ({"seeds": [-1, 1]}, "distinct and not negative"),
        ({"seeds": 10**12}, f"at most {MAX_SEEDS:,}"),
        ({"seeds": [1 << 63]}, "more than 63 bits"),
        ({"workers": 0}, "workers=0; 1 to"),
        ({"workers": 10**12}, "workers=1000000000000; 1 to"),
        ({"budget": {}}, "a budget needs"),
        ({"budget": {"evaluations": "5"}}, "evaluations='5'; must be a number"),
        ({"budget": {"evaluations": 5.5}}, "evaluations=5.5; must be a number"),
        ({"budget": {"evaluations": -5}}, "evaluations=-5; must be positive"),
    ],
)  # fmt: skip
def test_mistakes_in_arguments(table: Path, changes: dict[str, Any], message: str) -> None:
    assert message in refused(lambda: experiment(table, **changes))


def test_numbers_of_numpy_are_numbers(table: Path, tmp_path: Path) -> None:
    budget = {"evaluations": np.int64(10)}
    experiment(table, seeds=np.arange(3), budget=budget).run(tmp_path, inline=True)
    assert experiment(table).pending(tmp_path) == []
    one = harness.search(table, "random_search", seed=np.int64(2), evaluations=np.int32(10))  # type: ignore[arg-type]
    assert one.digest == digests(tmp_path)["random_search", 2]


def test_out_of_range_options_are_told_when_a_search_is_built(table: Path, tmp_path: Path) -> None:
    grid = experiment(table, searchers=["regularized_evolution:tournament_size=0"])
    line = refused(lambda: grid.run(tmp_path, inline=True))
    assert "tournament_size=0; must be at least 1" in line


def test_one_benchmark_twice_is_refused(table: Path) -> None:
    twice = experiment(table, benchmarks=[str(table), BenchmarkSpec(str(table), "plain")])
    assert "'small' is given twice with one protocol" in refused(lambda: twice.cells)


@pytest.mark.parametrize("name", sorted(searchers.builtin))
def test_every_searcher_by_its_name(name: str) -> None:
    spec = as_searcher(name)
    assert spec.label == name
    assert spec == SearcherSpec.parse(name) == as_searcher({name: None})
    assert json.loads(json.dumps(spec.identity)) == spec.identity
    assert len(spec.hash) == 16


# --- files ----------------------------------------------------------------------------------


def document(source: str, **changes: Any) -> dict[str, Any]:
    given = {
        "benchmarks": [source, {"source": source, "options": {"repeat": "fresh"}}],
        "searchers": ["random_search", {"regularized_evolution": {"population_size": 20}}],
        "seeds": [3, 1],
        "budget": {"evaluations": 5, "seconds": 100},
        "workers": 2,
    }
    return {**given, **changes}


def test_a_file_and_arguments_are_the_same_experiment(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(yaml.safe_dump(document(str(table))))
    given = document(str(table))
    given["benchmarks"] = [str(table), BenchmarkSpec(str(table), options={"repeat": "fresh"})]
    assert Experiment.from_yaml(path).describe() == Experiment(**given).describe()
    assert Experiment.from_yaml(str(path)).seeds == (1, 3)


def test_a_table_is_found_beside_the_file(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "mine.table").write_bytes(table.read_bytes())
    (folder / "e.yaml").write_text(yaml.safe_dump(document("mine.table#d")))
    monkeypatch.chdir(tmp_path)
    grid = Experiment.from_yaml(Path("there") / "e.yaml")
    assert {cell.benchmark.source for cell in grid.cells} == {"there/mine.table#d"}
    assert grid.opened[0].dataset == "d"
    # Where there is no such file beside it, the path counts from where the command is run.
    (tmp_path / "elsewhere.yaml").write_text(yaml.safe_dump(document("there/mine.table")))
    assert len(Experiment.from_yaml(tmp_path / "elsewhere.yaml").cells) == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 3}, "seed: Extra inputs are not permitted"),
        ({"seeds": None}, "seeds"),
        ({"seeds": "3"}, "seeds"),
        ({"seeds": True}, "seeds"),
        ({"seeds": 2.5}, "seeds"),
        ({"budget": 5}, "budget"),
        ({"budget": {"evaluation": 5}}, "budget.evaluation"),
        ({"budget": {"evaluations": "5"}}, "budget.evaluations"),
        ({"budget": {"seconds": float("inf")}}, "seconds=inf; must be positive and finite"),
        ({"budget": {}}, "a budget needs at least one of"),
        ({"workers": 1.5}, "workers"),
        ({"benchmarks": "tss-digits"}, "benchmarks: Input should be a valid list"),
        ({"benchmarks": [{"sources": "x"}]}, "benchmarks.0"),
        ({"searchers": {"random_search": None}}, "searchers: Input should be a valid list"),
        ({"searchers": [{"random_search": 5}]}, "searchers.0"),
        ({"searchers": [{"random_search": {"replacement": "yes"}}]}, "replacement='yes'"),
    ],
)
def test_mistakes_in_a_file(
    tmp_path: Path, table: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(yaml.safe_dump(document(str(table), **changes)))
    assert message in refused(lambda: Experiment.from_yaml(path))


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"5", b"text", b"a: [", b"a: b: c", b"\xff\xfe\xfa", b"\x00", b"{" * 400,
        b"seeds: 2001-99-99", b"seeds: !!python/object/apply:os.system [ls]", b"!!bool x",
        b"seeds: !!timestamp x", b"&a [*a]", b"? [1]\n: 2", b"- " * 1500, b"a: &x [*x]",
    ],
    ids=range(17),
)  # fmt: skip
def test_what_is_no_experiment_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "e.yaml"
    path.write_bytes(content)
    assert str(path) in refused(lambda: Experiment.from_yaml(path))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert "No such file" in refused(lambda: Experiment.from_yaml(tmp_path / "none.yaml"))
    assert "Is a directory" in refused(lambda: Experiment.from_yaml(tmp_path))


WEIRD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, 0, -1, 1, 3, 2.5, 10**30, float("nan"), float("inf"), "", "x", "random_search",
        "random_search:a=b", "a#b", "a" * 400, "\ud800", "nul\0", "a\nb", [], {}, [[]], [0, 0],
        [-1], ["x"], {"x": {}}, {"x": None}, {"random_search": {"replacement": []}},
        {"source": "x", "protocol": "y"}, {"source": "x", "options": {"missing": 5}}, {"label": 5},
    ]
)  # fmt: skip
TEXTS = st.text(st.sampled_from("[]{}:,-&*!|>'\"%@# \n\tabe015.~<=\\")) | st.text() | st.binary()


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_file_is_an_experiment_or_a_one_line_error(
    table: Path, tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "e.yaml"
    if data.draw(st.booleans()):
        content = document(str(table))
        for _ in range(data.draw(st.integers(1, 2))):
            target: Any = content
            name: Any = data.draw(st.sampled_from(sorted(content)))
            while (
                isinstance(target[name], dict | list) and target[name] and data.draw(st.booleans())
            ):
                target = target[name]
                keys = sorted(target) if isinstance(target, dict) else list(range(len(target)))
                name = data.draw(st.sampled_from(keys))
            target[name] = copy.deepcopy(data.draw(WEIRD))
        path.write_text(yaml.safe_dump(content))
    else:
        text = data.draw(TEXTS)
        path.write_bytes(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"))
    try:
        grid = Experiment.from_yaml(path)
        assert grid.pending(tmp_path)
        grid.describe()
    except HarnessError as error:
        assert isinstance(error, UserError)
        assert len(str(error).splitlines()) == 1
