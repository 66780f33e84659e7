"""Trains supernets, scores architectures with them, and compares the order with a table's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np

from harness.benchmarks import open_benchmark
from harness.benchmarks.table import TableBenchmark
from harness.errors import UserError, unknown
from harness.one_shot.plan import evaluation_passes
from harness.one_shot.problem import Problem, problem_of
from harness.spaces import Architecture
from harness.spec import SearcherSpec
from harness.streams import key
from harness.tabulation.work import torch_version
from reports.genes import enumerated
from reports.intervals import Estimate, estimate_mean
from reports.rank_correlation import TOP_SHARE, spearman, tau_b
from reports.studies.one_shot_ranking.kept import Kept
from reports.studies.one_shot_ranking.result import Difference, OneShotRanking, ScoreRanking
from reports.studies.one_shot_ranking.scores import (
    CONTROLS,
    GIVES,
    SCORES,
    Train,
    trained_scores,
)
from reports.studies.rank_retention.subsets import sizes_of

TRAININGS = 10
"""Default budget of a supernet, in full trainings."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Settings:
    """What is asked.

    Attributes:
        methods: One-shot methods with their options, of those in `GIVES`.
        scores: Names of `SCORES`; () for all.
        seeds: Supernets of each method.
        passes: Image passes of each; None: `TRAININGS` full trainings.
        architectures: How many are scored, drawn uniformly from the table; 0: all.

    Raises:
        UserError: If a name is unknown, or a number out of range.
    """

    methods: tuple[str, ...] = ("bayesnas", "darts", "rsws")
    scores: tuple[str, ...] = ()
    seeds: int = 5
    passes: int | None = None
    architectures: int = 500

    def __post_init__(self) -> None:
        for name in self.scores:
            if name not in SCORES:
                raise unknown("score", name, SCORES)
        for spec in self.specs:
            if spec.name not in GIVES:
                raise UserError(
                    f"'{spec.name}' gives no score of architectures: {', '.join(GIVES)}"
                )
        given = [SearcherSpec.parse(text).name for text in self.methods]
        for name in self.scores:
            of = [method for method, own in GIVES.items() if name in own]
            if of and not set(of) & set(given):
                raise UserError(
                    f"score '{name}' comes from {' and '.join(of)}, not from"
                    f" {', '.join(dict.fromkeys(given))}: add --method {of[0]}"
                )
        if self.seeds < 1 or (self.passes or 1) < 1 or self.architectures < 0:
            raise UserError(
                f"seeds={self.seeds}, passes={self.passes}, architectures={self.architectures}:"
                " at least 1, 1 and 0"
            )

    @property
    def specs(self) -> list[SearcherSpec]:
        """The methods that give one of the scores."""
        every = [SearcherSpec.parse(text) for text in dict.fromkeys(self.methods)]
        return [s for s in every if s.name not in GIVES or any(map(self.asked, GIVES[s.name]))]

    def asked(self, score: str) -> bool:
        """Whether a score is asked for."""
        return not self.scores or score in self.scores


@dataclass(frozen=True, eq=False)
class Truth:
    """A sample of a table's architectures with their results.

    Attributes:
        benchmark: The table under its protocol.
        settings: How many are drawn.
    """

    benchmark: TableBenchmark
    settings: Settings

    @cached_property
    def places(self) -> np.ndarray:
        """int64 [architectures], where the sample stands in the table, ascending.

        Raises:
            UserError: If the table does not tell architectures from one another.
        """
        if enumerated(self.benchmark) is None:
            raise UserError(
                f"table '{self.benchmark.name}' does not give its architectures back: take one"
                " of a space such as tss"
            )
        usable = np.flatnonzero(~np.isnan(self._means[self.benchmark.table.row_of]))
        count = self.settings.architectures
        if count == 0 or count >= len(usable):
            return usable
        rng = np.random.default_rng(key(0, "one-shot ranking", self.benchmark.checksum))
        return np.asarray(np.sort(rng.choice(usable, count, replace=False)))

    @property
    def sign(self) -> float:
        """1 where larger reported results are better, else -1."""
        return 1.0 if self.benchmark.protocol.larger_report_is_better else -1.0

    @property
    def rows(self) -> np.ndarray:
        """int64 [architectures], their rows in the table."""
        return np.asarray(self.benchmark.table.row_of[self.places])

    @cached_property
    def architectures(self) -> list[Architecture]:
        """The sample."""
        keys = enumerated(self.benchmark)
        assert keys is not None
        return [tuple(decisions) for decisions in keys[self.places].tolist()]

    @cached_property
    def results(self) -> np.ndarray:
        """float64 [architectures], mean reported results over seeds, larger being better."""
        return np.asarray(self.sign * self._means[self.rows])

    @cached_property
    def top(self) -> np.ndarray:
        """bool [architectures], whether one is among the best `TOP_SHARE`, ties included."""
        best = max(2, round(TOP_SHARE * len(self.results)))
        return np.asarray(self.results >= np.sort(self.results)[-best])

    @property
    def usable(self) -> int:
        """Architectures in the table that have a result."""
        return int((~np.isnan(self._means[self.benchmark.table.row_of])).sum())

    @cached_property
    def _means(self) -> np.ndarray:
        return self.benchmark.means(self.benchmark.protocol.report)

    def trainings(self, most: int) -> list[np.ndarray]:
        """What single trainings reach by the search's measure, [architectures] each."""
        protocol = self.benchmark.protocol
        sign = 1.0 if protocol.maximize else -1.0
        runs = self.benchmark.runs(protocol.search)
        own = [runs[row] for row in self.rows.tolist()]
        count = min(most, max(map(len, own), default=0))
        # Where a training failed, the architecture has none of that number.
        return [
            sign * np.array([values[k] if k < len(values) else np.nan for values in own])
            for k in range(count)
        ]


def one_shot_ranking(
    source: str,
    settings: Settings,
    out: Path,
    *,
    protocol: str | None = None,
    train: Train = trained_scores,
    progress: Progress | None = None,
) -> OneShotRanking:
    """How far the scores of one-shot methods order architectures as a table does.

    Args:
        source: A table that says what it was trained on.
        settings: What is asked.
        out: Scores of finished supernets are kept in its folder ``supernets``.
        protocol: One of the table's protocols; None: its default.
        train: Trains a supernet and scores architectures.
        progress: Called with the numbers of finished and of all supernets.

    Raises:
        UserError: If the benchmark is no such table, or a method does not fit.
    """
    benchmark = open_benchmark(source, protocol, {})
    if not isinstance(benchmark, TableBenchmark):
        raise UserError(f"'{source}' holds no results of all architectures: give a table")
    problem = problem_of(benchmark)
    truth = Truth(benchmark, settings)
    passes = settings.passes or TRAININGS * evaluation_passes(problem, benchmark)
    # Fail at once, not after the first supernets.
    for spec in settings.specs:
        method = spec.build_one_shot(problem, 0)
        step: int = getattr(method, "step_passes", problem.recipe.batch_size)
        if passes < step:
            raise UserError(f"--passes {passes}: one step of {spec.label} takes {step:,}")
        method.check(passes)
    versions = {"nas-harness": version("nas-harness"), "torch": torch_version()}
    common = {
        "benchmark": benchmark.checksum,
        "protocol": benchmark.protocol.hash,
        "passes": passes,
        "architectures": len(truth.places),
        "trained": "epoch by epoch",
        **versions,
    }
    kept = Kept(out / "supernets", common)
    supernets = _supernets(problem, truth, settings, passes, kept, train, progress or _silent)
    values = {**supernets, **dict(_controls(truth, settings))}
    # A method's scores are of the same supernets.
    methods = {label.rpartition(": ")[0]: own for label, own in supernets.items()}
    diverged = sum(bool(np.isnan(scores).all()) for own in methods.values() for scores in own)
    found = {label: _Ranked(own, truth) for label, own in values.items()}
    return OneShotRanking(
        benchmark=benchmark.name,
        checksum=benchmark.checksum,
        dataset=benchmark.dataset,
        report=benchmark.protocol.report.column,
        unit=benchmark.unit_of(benchmark.protocol.report),
        space=truth.usable,
        sample=len(truth.places),
        top=int(truth.top.sum()),
        best=truth.sign * float(truth.results.max()),
        seeds=settings.seeds,
        passes=passes,
        evaluation_passes=evaluation_passes(problem, benchmark),
        methods={spec.label: dict(spec.options) for spec in settings.specs},
        scores=tuple(ranked.summary(label) for label, ranked in found.items()),
        differences=tuple(_differences(found)),
        versions=versions,
        diverged=diverged,
    )


def _silent(done: int, total: int) -> None:
    pass


def _supernets(
    problem: Problem,
    truth: Truth,
    settings: Settings,
    passes: int,
    kept: Kept,
    train: Train,
    progress: Progress,
) -> dict[str, list[np.ndarray]]:
    """Label -> scores of each seed's supernet; seed by seed, and all methods in turn."""
    specs = settings.specs
    total = settings.seeds * len(specs)
    values: dict[str, list[np.ndarray]] = {
        f"{spec.label}: {name}": []
        for spec in specs
        for name in GIVES[spec.name]
        if settings.asked(name)
    }
    done = 0
    progress(done, total)
    for seed in range(settings.seeds):
        for spec in specs:
            scores = kept.get(spec.identity, seed)
            if scores is None:
                scores = dict(train(spec, problem, seed, passes, truth.architectures))
                kept.keep(spec.identity, seed, scores)
            for name in filter(settings.asked, GIVES[spec.name]):
                values[f"{spec.label}: {name}"].append(scores[name])
            done += 1
            progress(done, total)
    return values


def _controls(truth: Truth, settings: Settings) -> Iterator[tuple[str, list[np.ndarray]]]:
    for name in filter(settings.asked, CONTROLS):
        if name == "parameters":
            sizes = sizes_of(truth.benchmark.table, None)
            if sizes is not None:
                yield name, [sizes.values[truth.rows]]
        elif name == "training":
            yield name, truth.trainings(settings.seeds)
        else:
            seeds = [key(seed, "random score") for seed in range(settings.seeds)]
            n = len(truth.places)
            yield name, [np.random.default_rng(seed).standard_normal(n) for seed in seeds]


class _Ranked:
    """A score's agreement with the truth, seed by seed: arrays [seeds], NaN where there is none.

    Args:
        values: Scores [architectures] of each seed; NaN where an architecture has none.
        truth: What they are compared with.
    """

    def __init__(self, values: Sequence[np.ndarray], truth: Truth) -> None:
        found = [compared(own, truth.results, truth.top) for own in values]
        columns = np.array(found, dtype=np.float64).reshape(-1, 5).T
        self.tau, self.top_tau, self.spearman, self.percentile, self.regret = columns

    def summary(self, label: str) -> ScoreRanking:
        return ScoreRanking(
            label=label,
            score=label.rpartition(": ")[2],
            seeds=len(self.tau),
            taus=tuple(None if np.isnan(tau) else tau for tau in self.tau.tolist()),
            tau=estimate_mean(self.tau).clipped(-1.0, 1.0),
            top_tau=estimate_mean(self.top_tau).clipped(-1.0, 1.0),
            spearman=estimate_mean(self.spearman).clipped(-1.0, 1.0),
            percentile=estimate_mean(self.percentile).clipped(0.0, 100.0),
            regret=estimate_mean(self.regret),
        )


def compared(
    score: np.ndarray, results: np.ndarray, top: np.ndarray
) -> tuple[float | None, float | None, float | None, float | None, float | None]:
    """One order of architectures against the true one; larger is better in both.

    Args:
        score: float64 [architectures]; NaN where there is none.
        results: float64 [architectures].
        top: bool [architectures], which are the best by their results.

    Returns:
        Tau-b, tau-b among the best, Spearman's rho; percentile and regret of the best score, over
        equal ones the mean. None without a score.
    """
    known = ~np.isnan(score)
    if not known.any():
        return None, None, None, None, None
    best = known & (score == score[known].max())
    below = np.array([(results < r).mean() + (results == r).mean() / 2 for r in results[best]])
    regret = results.max() - results[best].mean()
    x, y, among = score[known], results[known], top[known]
    top_tau = tau_b(x[among], y[among], 0).value if among.sum() > 1 else None
    tau = tau_b(x, y, 0).value
    return tau, top_tau, spearman(x, y), float(100.0 * below.mean()), float(regret)


def _differences(found: Mapping[str, _Ranked]) -> Iterator[Difference]:
    """A method's first score beside its others, and every supernet's score beside a count."""
    supernets = [label for label in found if label not in CONTROLS]
    first: dict[str, str] = {}
    for label in supernets:
        before = first.setdefault(label.rpartition(": ")[0], label)
        if before != label:
            yield _difference(before, label, found)
    if "parameters" in found:
        for label in supernets:
            yield _difference(label, "parameters", found)


def _difference(first: str, second: str, found: Mapping[str, _Ranked]) -> Difference:
    one, other = found[first], found[second]

    def mean(a: np.ndarray, b: np.ndarray) -> Estimate:
        return estimate_mean(a - b)

    return Difference(first, second, mean(one.tau, other.tau), mean(one.top_tau, other.top_tau))
