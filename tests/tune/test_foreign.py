"""Ray Tune searchers as searchers of ours: what is called, what is refused, what it is worth."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import optuna
import pytest
from ray.tune.search.optuna import OptunaSearch
from ray.tune.search.sample import Categorical, Integer

from harness.benchmarks.covered import CoveredSpace
from harness.errors import HarnessError, UserError
from harness.experiment import Experiment
from harness.searcher import Observation, Searcher
from harness.spaces import CategoricalSpace, SearchSpace, get_space
from harness.spec import SearcherSpec, searcher_options
from harness.streams import key, uniform
from harness.testing.conversation import converse
from harness.tune.foreign.adapter import TRIES, ForeignSearcher
from searchers import registry
from searchers.random_search import RandomSearch
from tests.tune import ray_searchers
from tests.tune.ray_searchers import Recorder

TSS = get_space("tss")
SMALL = CategoricalSpace("small", [["a", "b", "c"], ["only"], ["8", "16"]], [False, False, True])
HERE = "tune:tests.tune.ray_searchers"


def config(first: str, last: int) -> dict[str, Any]:
    """An architecture of the small space, as Tune writes it."""
    return {"decision_00": first, "decision_02": last}


def recorder(*proposals: Any, space: SearchSpace = SMALL) -> tuple[ForeignSearcher, Recorder]:
    searcher = ForeignSearcher(space, 0, "tune:recorder", lambda: Recorder(list(proposals)))
    wrapped: Recorder = searcher.wrapped
    return searcher, wrapped


def told(number: int, value: float) -> Observation:
    return Observation(number, None, None, value, value == -inf)


# --- what is called -------------------------------------------------------------------------


def test_asks_and_tells_become_trials_in_their_order() -> None:
    searcher, wrapped = recorder(config("c", 0), None, config("a", 1), "FINISHED", config("b", 1))
    assert wrapped.calls == [("space", "value", "max", {})]
    assert searcher.ask().architecture == (2, 0, 0)
    assert searcher.ask() is None
    assert searcher.ask().architecture == (0, 0, 1)
    searcher.tell(told(1, 55.5))
    searcher.tell(told(0, -inf))
    # FINISHED is for good.
    assert searcher.ask() is None
    assert searcher.ask() is None
    assert wrapped.calls[1:] == [
        ("suggest", "trial_000000"),
        ("suggest", "trial_000001"),
        ("suggest", "trial_000002"),
        ("complete", "trial_000002", 55.5, False),
        ("complete", "trial_000000", None, True),
        ("suggest", "trial_000003"),
    ]
    assert searcher.statistics() == {"outside": 0, "replaced": 0}


def test_decisions_keep_their_names_and_their_order() -> None:
    _, wrapped = recorder()
    assert list(wrapped.config) == ["decision_00", "decision_02"]
    unordered, ordered = wrapped.config.values()
    assert isinstance(unordered, Categorical) and unordered.categories == ["a", "b", "c"]
    assert isinstance(ordered, Integer) and (ordered.lower, ordered.upper) == (0, 2)


def test_proposals_outside_the_space_are_failed_trials() -> None:
    covered = CoveredSpace(SMALL, lambda architecture: architecture[0] == 1)
    searcher, wrapped = recorder(config("a", 0), config("c", 1), config("b", 1), space=covered)
    assert searcher.ask().architecture == (1, 0, 1)
    searcher.tell(told(0, 7.0))
    assert wrapped.calls[1:] == [
        ("suggest", "trial_000000"),
        ("complete", "trial_000000", None, True),
        ("suggest", "trial_000001"),
        ("complete", "trial_000001", None, True),
        ("suggest", "trial_000002"),
        ("complete", "trial_000002", 7.0, False),
    ]
    assert searcher.statistics() == {"outside": 2, "replaced": 0}


class Listener(Recorder):
    """Hears of evaluations that it did not propose."""

    def add_evaluated_point(self, parameters: dict[str, Any], value: float, **_: Any) -> None:
        self.calls.append(("point", parameters, value))


@pytest.mark.parametrize("kind", [Recorder, Listener])
def test_a_searcher_that_never_gets_inside_is_helped(kind: type[Recorder]) -> None:
    covered = CoveredSpace(SMALL, lambda architecture: architecture[0] == 1)
    proposals = [config("a", 0)] * (2 * TRIES) + [config("b", 0)]
    searcher = ForeignSearcher(covered, 0, "tune:x", lambda: kind(proposals))
    drawn = [searcher.ask().architecture for _ in range(3)]
    assert all(architecture in covered for architecture in drawn)
    assert searcher.statistics() == {"outside": 2 * TRIES, "replaced": 2}
    calls = searcher.wrapped.calls
    before = len(calls)
    for number, value in enumerate([3.0, -inf, 5.0]):
        searcher.tell(told(number, value)._replace(architecture=drawn[number]))
    point = ("point", config("b", drawn[0][2]), 3.0)
    own = ("complete", f"trial_{2 * TRIES:06d}", 5.0, False)
    assert calls[before:] == ([point, own] if kind is Listener else [own])


@pytest.mark.parametrize("name", ["sss", "nasbench101"])
@pytest.mark.parametrize("word", ["tune:optuna", "tune:hyperopt:n_initial_points=10"])
def test_other_spaces(word: str, name: str) -> None:
    """Ordered decisions, and a space in which a quarter of the combinations is not valid."""
    space = get_space(name)
    searcher = SearcherSpec.parse(word).build(space, 1)
    talk = converse(searcher, space, 25, workers=2)
    assert len(talk.proposals) == 25
    assert all(proposal.architecture in space for proposal in talk.proposals)
    assert bool(searcher.statistics()["outside"]) == (name == "nasbench101")


# --- what is refused ------------------------------------------------------------------------


class Growing(CategoricalSpace):
    """Stands for a space whose architectures have no fixed number of decisions."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sizes = None  # type: ignore[assignment]


@pytest.mark.parametrize("word", ["tune:optuna", "tune:hyperopt", f"{HERE}:Climber"])
@pytest.mark.parametrize(
    ("space", "message"),
    [
        (Growing("growing", [["x", "y"]]), "the space 'growing' has no fixed decisions"),
        (CategoricalSpace("one", [["x"], ["y"]]), "the space 'one' holds a single architecture"),
    ],
)
def test_spaces_that_do_not_suit(word: str, space: SearchSpace, message: str) -> None:
    with pytest.raises(UserError, match=f"^{word}: {message}"):
        SearcherSpec.parse(word).build(space, 0)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("tune:optuna:sampler=tpo", "tune:optuna: sampler='tpo': Input should be 'tpe', 'random'"),
        ("tune:optuna:sampler", "write options as name:option=value"),
        ("tune:optuna:samplr=tpe", "unknown option of tune:optuna 'samplr': did you mean sampler"),
        ("tune:optuna:n_startup_trials=2.5", "n_startup_trials=2.5: Input should be a valid int"),
        ("tune:optuna:n_startup_trials=-1", "tune:optuna: n_startup_trials=-1; must be at least"),
        ("tune:optuna:sampler=random,multivariate=true", "sampler=random has no option multivar"),
        ("tune:optuna:sampler=nsgaii,population_size=1", "population_size=1; must be at least 2"),
        (
            "tune:hyperopt:n_initial_points=0",
            "tune:hyperopt: n_initial_points=0; must be at least",
        ),
        ("tune:hyperopt:gamma=0.0", "tune:hyperopt: gamma=0.0; must be above 0"),
        ("tune:optunaa:sampler=tpe", "unknown searcher 'tune:optunaa': did you mean tune:optuna"),
        ("tune", "unknown searcher 'tune'"),
        ("tune:no_such_module:Thing", "No module named 'no_such_module'; install it, or add its"),
        ("tune:tests.no:Thing", "No module named 'tests.no'; install it"),
        (
            f"{HERE}:Climbr",
            "unknown name in the module tests.tune.ray_searchers 'Climbr': did you",
        ),
        (f"{HERE}:number", f"{HERE}:number is neither a class nor a function"),
        (f"{HERE}:make_nothing", f"{HERE}:make_nothing makes a NoneType, which is no ray.tune"),
        (f"{HERE}:Stubborn", f"{HERE}:Stubborn takes no search space"),
        (f"{HERE}:Broken:at_once=true", f"{HERE}:Broken: ValueError: not today"),
        (f"{HERE}:Seeded", f"{HERE}:Seeded needs the option size"),
        (f"{HERE}:Seeded:size=1,random_state_seed=2", "unknown option of .* 'random_state_seed'"),
        (f"{HERE}:Climber:restart=often", "restart='often': Input should be a valid number"),
    ],
)
def test_mistakes_are_one_line(word: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        SearcherSpec.parse(word).build(TSS, 0)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("package", ["optuna", "hyperopt"])
def test_a_missing_package_is_named_with_the_mend(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    spec = SearcherSpec.parse(f"tune:{package}")
    with pytest.raises(
        UserError, match=f"^tune:{package} needs {package}, .*: pip install {package}$"
    ):
        spec.build(TSS, 0)


def test_foreign_failures_are_no_mistakes_of_the_user() -> None:
    searcher = SearcherSpec.parse(f"{HERE}:Broken").build(TSS, 0)
    with pytest.raises(HarnessError, match=r"Broken: RuntimeError: lost the thread") as caught:
        searcher.ask()
    assert not isinstance(caught.value, UserError)
    searcher, _ = recorder(config("d", 0))
    with pytest.raises(HarnessError, match="which is not in the search space it was given"):
        searcher.ask()


# --- names and options ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("random_search", ("random_search", "")),
        ("random_search:replacement=false", ("random_search", "replacement=false")),
        ("unheard_of:a=b:c", ("unheard_of", "a=b:c")),
        ("a=b", ("a=b", "")),
        ("", ("", "")),
        ("tune:optuna", ("tune:optuna", "")),
        ("tune:optuna:sampler=a:b", ("tune:optuna", "sampler=a:b")),
        ("tune:optuna:sampler", ("tune:optuna", "sampler")),
        ("tune:optunaa:sampler=tpe", ("tune:optunaa", "sampler=tpe")),
        ("tune:module:Class", ("tune:module:Class", "")),
        ("tune:module:Class:a=b:c,d=e", ("tune:module:Class", "a=b:c,d=e")),
        ("tune:module:Class:a", ("tune:module:Class", "a")),
    ],
)
def test_names_may_hold_colons(word: str, parts: tuple[str, str]) -> None:
    assert registry.split(word) == parts


def test_arguments_of_a_constructor_become_options() -> None:
    assert list(searcher_options(f"{HERE}:Climber")) == ["restart", "style"]
    spec = SearcherSpec.parse(f"{HERE}:Climber:restart=0.5")
    assert spec.configuration == {"restart": 0.5, "style": "plain"}
    assert json.loads(json.dumps(spec.identity))["strategy"] == f"{HERE}:Climber"
    assert spec.build(TSS, 0).wrapped.restart == 0.5  # type: ignore[attr-defined]
    assert SearcherSpec(f"{HERE}:Climber", {"restart": 0.5}).hash == spec.hash


@pytest.mark.parametrize(("seed", "passed"), [(0, 0), (7, 7), ((1 << 40) + 3, 3)])
def test_the_seed_is_passed_on(seed: int, passed: int) -> None:
    searcher = SearcherSpec.parse(f"{HERE}:Seeded:size=2").build(TSS, seed)
    assert searcher.wrapped.seen == (2, passed)  # type: ignore[attr-defined]


def test_a_function_may_make_the_searcher(monkeypatch: pytest.MonkeyPatch) -> None:
    def sampler(seed: int, startup: int = 5) -> OptunaSearch:
        return OptunaSearch(
            sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup)
        )

    monkeypatch.setattr(ray_searchers, "sampler", sampler, raising=False)
    theirs = SearcherSpec.parse(f"{HERE}:sampler:startup=10").build(TSS, 4)
    ours = SearcherSpec.parse("tune:optuna:n_startup_trials=10").build(TSS, 4)
    assert converse(theirs, TSS, 25).proposals == converse(ours, TSS, 25).proposals


def test_random_generators_are_a_search_s_own() -> None:
    """Two searches that take turns propose what each proposes alone."""
    spec = SearcherSpec.parse(f"{HERE}:Climber")
    alone = [[spec.build(TSS, seed)] for seed in (1, 2)]
    expected = [[s.ask() for _ in range(20)] for (s,) in alone]
    assert expected[0] != expected[1]
    first, second = spec.build(TSS, 1), spec.build(TSS, 2)
    mixed = [(first.ask(), second.ask()) for _ in range(20)]
    assert [list(proposals) for proposals in zip(*mixed, strict=True)] == expected


# --- what it is worth -----------------------------------------------------------------------


def bare_optuna(seed: int, evaluations: int, score: Callable[[str, int], float]) -> list[Any]:
    """Optuna's own loop, without Ray and without the harness."""
    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    names = {f"decision_{i:02d}": options for i, options in enumerate(TSS.options)}
    found = []
    for _ in range(evaluations):
        trial = study.ask()
        chosen = [trial.suggest_categorical(name, options) for name, options in names.items()]
        architecture = tuple(TSS.options[i].index(name) for i, name in enumerate(chosen))
        found.append(architecture)
        study.tell(trial, score(TSS.to_string(architecture), 0))
    return found


def separable(text: str, visit: int = 0) -> float:
    """A sum of one hashed effect a decision, in [0, 6)."""
    architecture = TSS.from_string(text)
    stream = key(0, "separable")
    return sum(uniform(stream, place, value) for place, value in enumerate(architecture))


def proposals_of(searcher: Searcher, evaluations: int) -> list[Any]:
    talk = converse(searcher, TSS, evaluations, score=separable)
    return [proposal.architecture for proposal in talk.proposals]


@pytest.mark.parametrize("seed", [0, 3])
def test_a_search_is_that_of_bare_optuna_under_its_seed(seed: int) -> None:
    ours = proposals_of(SearcherSpec.parse("tune:optuna").build(TSS, seed), 60)
    assert ours == bare_optuna(seed, 60, separable)


@pytest.mark.parametrize("word", ["tune:optuna", "tune:hyperopt"])
def test_the_libraries_beat_random_search_on_a_separable_function(
    word: str,
) -> None:
    """Twenty seeds, 60 evaluations; one-sided Wilcoxon signed-rank test of the best, p < 0.01."""
    from scipy.stats import wilcoxon

    def best(searcher: Searcher) -> float:
        return max(separable(TSS.to_string(found)) for found in proposals_of(searcher, 60))

    spec = SearcherSpec.parse(word)
    theirs = [best(spec.build(TSS, seed)) for seed in range(20)]
    random = [best(RandomSearch(TSS, seed)) for seed in range(20)]
    assert wilcoxon(theirs, random, alternative="greater").pvalue < 0.01


def test_the_versions_of_libraries_are_recorded(table: Path, tmp_path: Path) -> None:
    """And stay when the next run uses none; batches are small."""
    budget = {"evaluations": 500}
    grid = Experiment([str(table)], ["tune:optuna"], 4, budget)
    assert [batch.seeds for batch in grid.pending()] == [(0, 1), (2, 3)]
    grid.record(tmp_path)
    Experiment([str(table)], ["random_search"], 4, budget).record(tmp_path)
    versions = json.loads((tmp_path / "experiment.json").read_text())["versions"]
    assert versions["optuna"] == optuna.__version__
    assert "hyperopt" not in versions


def test_the_libraries_are_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    for word in ("tune:optuna", "tune:optuna:sampler=nsgaii,population_size=5", "tune:hyperopt"):
        converse(SearcherSpec.parse(word).build(TSS, 0), TSS, 30, failing=lambda n: n % 3 == 0)
    assert capfd.readouterr() == ("", "")
