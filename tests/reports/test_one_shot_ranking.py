"""The study of whether one-shot scores rank architectures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau

from harness.benchmarks import open_benchmark
from harness.benchmarks.table import TableBenchmark
from harness.errors import UserError
from harness.one_shot import Problem
from harness.spaces import Architecture, get_space
from harness.spec import SearcherSpec
from reports.rounding import to_json
from reports.studies.one_shot_ranking import Settings, document, one_shot_ranking
from reports.studies.one_shot_ranking.scores import GIVES, SCORES
from reports.studies.one_shot_ranking.study import Truth, compared

pytest.importorskip("torch", reason="scores come from supernets, by torch")


@cache
def results() -> dict[Architecture, float]:
    """The table's mean results of all architectures."""
    benchmark = open_benchmark("tss-digits")
    assert isinstance(benchmark, TableBenchmark)
    means = benchmark.means(benchmark.protocol.report)[benchmark.table.row_of]
    return dict(zip(map(tuple, benchmark.table.keys.tolist()), means.tolist(), strict=True))


def truth_of(architectures: Sequence[Architecture]) -> np.ndarray:
    return np.array([results()[architecture] for architecture in architectures])


class Fake:
    """Trains nothing: gamma is the truth, s the opposite of it, and w noise of the seed."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, int]] = []

    def __call__(
        self,
        spec: SearcherSpec,
        problem: Problem,
        seed: int,
        passes: int,
        architectures: Sequence[Architecture],
    ) -> dict[str, np.ndarray]:
        self.calls.append((spec.name, seed, passes))
        truth = truth_of(architectures)
        noise = np.random.default_rng(seed).standard_normal(len(truth))
        found = {"gamma": truth, "s": -truth, "w": noise, "H": np.zeros(len(truth))}
        found |= {"alpha": truth + 30.0 * noise, "accuracy": truth}
        return {name: found[name] for name in GIVES[spec.name]}


QUICK: dict[str, Any] = {"methods": ("bayesnas", "darts"), "seeds": 3, "architectures": 80}


def test_scores_are_compared_with_the_table(tmp_path: Path) -> None:
    fake = Fake()
    result = one_shot_ranking("tss-digits", Settings(**QUICK), tmp_path, train=fake)
    assert result.sample == 80
    assert result.space == 15_625
    assert result.passes == 10 * result.evaluation_passes == 10 * 2_048
    gamma, s = result.score("bayesnas: gamma"), result.score("bayesnas: s")
    assert gamma.taus == pytest.approx((1.0, 1.0, 1.0))
    assert (gamma.tau.mean, gamma.top_tau.mean, gamma.regret.mean) == pytest.approx((1, 1, 0))
    assert s.tau.mean == pytest.approx(-1.0)
    assert result.score("bayesnas: H").taus == (None, None, None)
    # A constant score picks any of them: half are worse.
    assert result.score("bayesnas: H").percentile.mean == pytest.approx(50.0)
    taus = [
        kendalltau(np.random.default_rng(seed).standard_normal(80), truth).statistic
        for truth in [truth_of(sampled())]
        for seed in range(3)
    ]
    assert result.score("bayesnas: w").taus == pytest.approx(taus)
    assert result.score("bayesnas: w").tau.mean == pytest.approx(np.mean(taus))
    alpha = result.score("darts: alpha")
    assert alpha.tau.low is not None and alpha.tau.mean is not None
    assert 0.0 < alpha.tau.low < alpha.tau.mean < 1.0
    assert result.score("parameters").seeds == 1
    assert result.score("training").seeds == 2
    training = result.score("training").tau.mean
    assert training is not None and training > 0.5
    assert abs(result.score("random").tau.mean or 1.0) < 0.2
    beside = {(d.first, d.second): d for d in result.differences}
    assert beside["bayesnas: gamma", "bayesnas: s"].tau.mean == pytest.approx(2.0)
    parameters = result.score("parameters").tau.mean
    assert parameters is not None
    assert beside["darts: alpha", "parameters"].tau.mean == pytest.approx(
        (alpha.tau.mean or 0.0) - parameters
    )


def sampled() -> list[Architecture]:
    benchmark = open_benchmark("tss-digits")
    assert isinstance(benchmark, TableBenchmark)
    return Truth(benchmark, Settings(**QUICK)).architectures


def test_finished_supernets_are_kept(tmp_path: Path) -> None:
    settings = Settings(**QUICK, scores=("gamma", "random"))
    first = Fake()
    result = one_shot_ranking("tss-digits", settings, tmp_path, train=first)
    # Methods without one of the scores train nothing.
    assert [call[:2] for call in first.calls] == [("bayesnas", s) for s in range(3)]
    assert [score.label for score in result.scores] == ["bayesnas: gamma", "random"]
    lost = sorted((tmp_path / "supernets").glob("bayesnas-seed-1-*.json"))
    assert len(lost) == 1
    lost[0].unlink()
    again = Fake()
    steps: list[tuple[int, int]] = []
    resumed = one_shot_ranking(
        "tss-digits", settings, tmp_path, train=again, progress=lambda *s: steps.append(s)
    )
    assert [call[1] for call in again.calls] == [1]
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert to_json(resumed) == to_json(result)
    # Another budget is another supernet.
    other = Fake()
    longer = Settings(**QUICK, scores=("gamma",), passes=9_000)
    one_shot_ranking("tss-digits", longer, tmp_path, train=other)
    assert [call[2] for call in other.calls] == [9_000] * 3


def test_the_page(tmp_path: Path) -> None:
    result = one_shot_ranking("tss-digits", Settings(**QUICK), tmp_path, train=Fake())
    page = document(result)
    assert "`bayesnas: gamma`: tau-b 1.000 [1.000, 1.000]" in page.lead[1]
    assert "3 supernets of each method, 20,480 image passes each, which is 10" in page.lead[0]
    ranking, differences, method = page.sections
    assert [row[0] for row in ranking.tables[0].rows] == [s.label for s in result.scores]
    assert len(result.scores) == len(SCORES) - 1  # no rsws
    assert len(differences.tables[0].rows) == 3 + 5
    # A mean and the seeds of each, but for the constant score.
    drawn = [row[0] for row in ranking.figures[0].data.rows]
    assert drawn.count("darts: alpha") == 1 + 3
    assert drawn.count("bayesnas: H") == 0
    assert all(f"`{name}`" in method.text[0] for name in SCORES if name != "accuracy")
    assert json.loads(to_json(result))["scores"][0]["tau"]["mean"] == 1.0


def test_what_is_compared() -> None:
    results = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    top = np.array([False, False, False, True, True])
    score = np.array([0.0, 7.0, 7.0, np.nan, 1.0])
    tau, top_tau, rho, percentile, regret = compared(score, results, top)
    known = [0, 1, 2, 4]
    assert tau == pytest.approx(kendalltau(score[known], results[known]).statistic)
    # One of the best is left with a score; two are picked, of which 30% and 50% are worse.
    assert top_tau is None
    assert rho is not None
    assert percentile == pytest.approx(40.0)
    assert regret == pytest.approx(5.0 - 2.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": ("gama",)}, "gama"),
        ({"methods": ("random_search",)}, "gives no score"),
        ({"seeds": 0}, "at least 1"),
        ({"scores": ("gamma",), "methods": ("darts",)}, "comes from bayesnas, not from darts"),
        ({"scores": ("accuracy",)}, "comes from rsws and enas, not from bayesnas, darts"),
    ],
)
def test_mistakes(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Settings(**{**QUICK, **changes})


def test_only_tables_have_an_order(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no results"):
        one_shot_ranking("rastrigin-2d", Settings(**QUICK), tmp_path, train=Fake())


def test_sums_over_the_operations_that_are_kept() -> None:
    from reports.studies.one_shot_ranking.scores import summed

    class Network:
        def choices(self, architecture: Any) -> list[Any]:
            return [tuple((o - 1,) if o else () for o in architecture)]

    rng = np.random.default_rng(1)
    scores = rng.standard_normal((6, 5))
    space = get_space("tss")
    cells = [(0, 0, 0, 0, 0, 0), (1, 2, 3, 4, 0, 1), (4, 4, 4, 4, 4, 4)]
    expected = [sum(scores[e, o] for e, o in enumerate(cell)) for cell in cells]
    found = summed(Network(), [scores], cells)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, expected)
    assert space.sizes == (5,) * 6


def test_less_than_a_step_is_refused(tmp_path: Path) -> None:
    settings = Settings(**{**QUICK, "methods": ("darts:order=2",)}, passes=100)
    fake = Fake()
    with pytest.raises(UserError, match="--passes 100: one step of darts:order=2 takes"):
        one_shot_ranking("tss-digits", settings, tmp_path, train=fake)
    assert not fake.calls


def test_supernets_that_diverge_give_no_score(tmp_path: Path) -> None:
    class Diverging(Fake):
        def __call__(self, *args: Any) -> dict[str, np.ndarray]:
            found = super().__call__(*args)
            return {n: np.full_like(v, np.nan) if args[2] == 1 else v for n, v in found.items()}

    result = one_shot_ranking("tss-digits", Settings(**QUICK), tmp_path, train=Diverging())
    assert result.diverged == 2
    assert result.score("bayesnas: gamma").taus[1] is None
    assert result.score("bayesnas: gamma").tau.mean == pytest.approx(1.0)
    assert "Diverged, and without a score: 2 supernets" in document(result).lead[0]
    assert json.loads(to_json(result))["diverged"] == 2


def test_without_zero_no_operation_is_as_its_edge_s_weakest() -> None:
    torch = pytest.importorskip("torch")
    from reports.studies.one_shot_ranking.scores import operation_scores

    class Trained:
        zero = False
        alphas = (torch.tensor([[[0.0, 1.0, -2.0], [3.0, 0.0, 0.5]]]),)

    (edges,) = operation_scores("darts", Trained())["alpha"]  # type: ignore[arg-type]
    assert edges.shape == (2, 4)
    np.testing.assert_array_equal(edges[:, 0], edges[:, 1:].min(axis=1))
    np.testing.assert_allclose(np.exp(edges[:, 1:]).sum(axis=1), 1.0)


@pytest.mark.parametrize(("epochs", "expected"), [(None, 3), (5, 5)])
def test_supernets_are_trained_epoch_by_epoch(
    epochs: int | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reports.studies.one_shot_ranking.scores import trained

    calls: list[Any] = []

    class Method:
        natural_epoch = 330

        def start(self, passes: int) -> None:
            calls.append(("start", passes))

        def epoch(self, passes: int) -> int:
            calls.append(passes)
            self.updates = ["update"] if len(calls) < 4 else []
            return passes - passes % 16  # whole steps

        def derive(self) -> None:
            calls.append("derive")

    Method.epochs = epochs  # type: ignore[attr-defined]
    monkeypatch.setattr(SearcherSpec, "build_one_shot", lambda *_: Method())
    _, updates = trained(SearcherSpec.parse("enas"), None, 0, 1_000)  # type: ignore[arg-type]
    assert updates == ["update"]
    assert calls[0] == ("start", 1_000)
    assert calls[2::2] == ["derive"] * expected
    used = 0
    for number, passes in enumerate(calls[1::2], start=1):
        assert used + passes == 1_000 * number // expected
        used += passes - passes % 16


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    """Controls alone: nothing is trained."""
    from typer.testing import CliRunner

    from harness.cli import app

    words = ["study", "one-shot-ranking", "--out", str(tmp_path), "--seeds", "2"]
    words += ["--architectures", "50", "--scores"]
    done = CliRunner().invoke(app, [*words, "parameters, random"])
    assert done.exit_code == 0, done.output
    assert "`parameters`: tau-b" in done.output
    assert {path.name for path in tmp_path.iterdir()} >= {"index.html", "summary.json", "tables"}
    assert not (tmp_path / "supernets").exists()
    refused = CliRunner().invoke(app, [*words, "gama"])
    assert isinstance(refused.exception, UserError)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["bayesnas:curvature_batches=1", "darts", "rsws", "enas"])
def test_scores_of_real_supernets(method: str) -> None:
    """Sums for BayesNAS and DARTS agree with the edges' own numbers; all depend on the seed."""
    from harness.one_shot.problem import problem_of
    from reports.studies.one_shot_ranking.scores import operation_scores, trained_scores
    from reports.studies.one_shot_ranking.scores import trained as train

    problem = problem_of(open_benchmark("tss-digits"))
    spec = SearcherSpec.parse(method)
    cells = [(0, 0, 0, 0, 0, 0), (1, 2, 3, 4, 0, 1), (3, 3, 3, 3, 3, 3), (0, 0, 0, 1, 0, 0)]
    found = trained_scores(spec, problem, 0, 2_560, cells)
    assert set(found) == set(GIVES[spec.name])
    again = trained_scores(spec, problem, 0, 2_560, cells)
    other = trained_scores(spec, problem, 1, 2_560, cells)
    for name, values in found.items():
        np.testing.assert_array_equal(values, again[name])
        assert np.isfinite(values).all()
        assert not np.array_equal(values, other[name])
    supernet, updates = train(spec, problem, 0, 2_560)
    for name, (edges,) in operation_scores(spec.name, supernet, updates).items():
        assert edges.shape == (6, 5)
        expected = [sum(edges[e, o] for e, o in enumerate(cell)) for cell in cells]
        np.testing.assert_allclose(found[name], expected)
        if spec.name == "bayesnas":
            assert found[name][0] == 0.0
            assert (edges[:, 1:] >= 0.0).all()
    if "accuracy" in found:
        assert ((found["accuracy"] >= 0.0) & (found["accuracy"] <= 1.0)).all()
