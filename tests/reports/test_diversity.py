"""The study of diversity: tests by permutation, operations, drawings, and what is read."""

from __future__ import annotations

import random
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.benchmarks import open_benchmark
from harness.errors import UserError
from harness.experiment import Experiment
from harness.loop import Budget
from harness.spaces import CategoricalSpace, get_space
from harness.spec import SearcherSpec
from harness.testing.tables import synthetic_table
from reports.records import cell_of
from reports.rendering import write_document
from reports.rounding import to_json
from reports.studies.diversity import Diversity, diversity, document
from reports.studies.diversity.distance import distances
from reports.studies.diversity.found import best_steps, read_found
from reports.studies.diversity.graphs import base_architectures, cell_graph, operation_names
from reports.studies.diversity.label_tests import (
    Labelled,
    benjamini_hochberg,
    ks_test,
    label_test,
)
from reports.studies.diversity.means import between, within
from reports.studies.diversity.operations import counted, operation_use, together
from reports.studies.diversity.overlay import overlay
from reports.studies.traced import of_incumbents, question_of, run_searches

TSS = get_space("tss")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("diversity") / "out"
    evolution = "regularized_evolution:population_size=5,tournament_size=3"
    strategies = ["random_search", evolution, "local_search"]
    Experiment(["tss-digits"], strategies, 8, {"evaluations": 30}).run(out, inline=True)
    return out


@pytest.fixture(scope="module")
def study(experiment: Path) -> Diversity:
    return diversity(experiment, take="top", count=3)


def labelled(rng: np.random.Generator, groups: int, seeds: int, shift: float = 0.0) -> Labelled:
    """Points in a plane, one of each group a seed, distances rounded so that some tie."""
    label = np.repeat(np.arange(groups), seeds)
    points = rng.normal(size=(groups * seeds, 2)) + shift * label[:, None]
    distance = np.abs(points[:, None] - points[None]).sum(axis=2).round(1)
    return Labelled(distance, label, np.tile(np.arange(seeds), groups))


def slow_statistics(distance: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Pseudo-F from squared distances one by one, Kruskal-Wallis by scipy."""
    n, groups = len(label), len(set(label.tolist()))
    total = sum(distance[i, j] ** 2 for i in range(n) for j in range(i)) / n
    inner = 0.0
    sets: dict[tuple[int, int], list[float]] = {}
    for i in range(n):
        for j in range(i):
            pair = (min(label[i], label[j]), max(label[i], label[j]))
            sets.setdefault(pair, []).append(distance[i, j])
            if label[i] == label[j]:
                inner += distance[i, j] ** 2 / (label == label[i]).sum()
    pseudo_f = ((total - inner) / (groups - 1)) / (inner / (n - groups))
    return pseudo_f, stats.kruskal(*sets.values()).statistic


@pytest.mark.parametrize("groups", [2, 3])
def test_statistics_and_exact_permutations(groups: int) -> None:
    data = labelled(np.random.default_rng(groups), groups, 4, shift=0.7)
    found = label_test(data)
    pseudo_f, kruskal = slow_statistics(data.distance, data.label)
    assert found.pseudo_f == pytest.approx(pseudo_f)
    assert found.kruskal == pytest.approx(kruskal)
    sets = groups * (groups + 1) // 2
    assert found.kruskal_naive == pytest.approx(stats.chi2.sf(kruskal, sets - 1))
    assert found.blocked
    # All ways to permute labels within the four seeds.
    orders = list(permutations(range(groups)))
    everything = []
    for chosen in product(orders, repeat=4):
        label = np.array([chosen[seed][group] for group in range(groups) for seed in range(4)])
        everything.append(slow_statistics(data.distance, label))
    far, large = np.array(everything).T
    for p, exact in (
        (found.p, (far >= pseudo_f - 1e-9).mean()),
        (found.kruskal_p, (large >= kruskal - 1e-9).mean()),
    ):
        assert p is not None
        assert p == pytest.approx(exact, abs=5.0 * (exact * (1 - exact) / 9_999) ** 0.5 + 2e-4)
    assert found.least == pytest.approx(max(len(orders) / len(everything), 1e-4))


def test_permutations_without_blocks() -> None:
    rng = np.random.default_rng(8)
    data = labelled(rng, 2, 4)
    apart = Labelled(data.distance, data.label, np.arange(8))
    found = label_test(apart)
    assert not found.blocked
    exact = []
    for chosen in product(range(2), repeat=8):
        if sum(chosen) == 4:
            exact.append(slow_statistics(data.distance, np.array(chosen))[0])
    assert len(exact) == 70 and found.least == pytest.approx(2 / 70)
    share = np.mean(np.array(exact) >= slow_statistics(data.distance, data.label)[0] - 1e-9)
    assert found.p == pytest.approx(share, abs=0.03)


def test_a_true_null_is_rejected_at_the_level() -> None:
    rng = np.random.default_rng(9)
    found = [label_test(labelled(rng, 2, 10), permutations=199) for _ in range(200)]
    for ps in ([f.p for f in found], [f.kruskal_p for f in found]):
        rejected = sum(p <= 0.05 for p in ps if p is not None)
        # 99.9% of the binomial distribution of 200 tests at 5%.
        assert rejected <= stats.binom.ppf(0.999, 200, 0.05)
    # Pairs taken for independent do not keep it.
    naive = sum(f.kruskal_naive <= 0.05 for f in found if f.kruskal_naive is not None)
    assert naive > stats.binom.ppf(0.999, 200, 0.05)


def test_what_cannot_be_tested() -> None:
    same = Labelled(np.zeros((4, 4)), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    found = label_test(same)
    assert found.p is None and found.kruskal is None and found.pseudo_f is None


def test_the_published_corrections() -> None:
    """Kyriakides 2022, Table 8.3: standard Benjamini-Hochberg; the printed ones differ."""
    found = benjamini_hochberg([0.51, 0.08, 0.87])
    assert found == pytest.approx([0.765, 0.24, 0.87])
    assert benjamini_hochberg([None, 0.02, None]) == [None, 0.02, None]
    assert benjamini_hochberg([None]) == [None]
    assert not np.allclose(np.array(found, dtype=float), [0.71, 0.15, 0.88], atol=0.01)


def test_results_are_compared_without_those_that_are_missing() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=20), rng.normal(0.5, size=15)
    expected = stats.ks_2samp(a, b)
    found = ks_test(np.append(a, np.nan), b)
    assert found == pytest.approx((expected.statistic, expected.pvalue))
    assert ks_test(np.array([np.nan]), b) == (None, None)


def test_mean_distances() -> None:
    rng = np.random.default_rng(2)
    data = labelled(rng, 2, 9)
    a, b = data.distance[:9, :9], data.distance[:9, 9:]
    pairs = [a[i, j] for i in range(9) for j in range(i)]
    assert within(a).mean == pytest.approx(np.mean(pairs))
    assert between(b, paired=True).mean == pytest.approx(b.mean())
    assert within(a[:1, :1]).mean is None and within(a[:2, :2]).low is None


@pytest.mark.slow
def test_intervals_of_mean_distances_cover() -> None:
    """Two searches of one group are on average 2 / sqrt(pi) apart, those of two groups too."""
    rng = np.random.default_rng(3)
    covered = np.zeros(2)
    for _ in range(400):
        points = rng.normal(size=60)
        distance = np.abs(points[:, None] - points[None])
        for i, found in enumerate(
            (within(distance[:30, :30]), between(distance[:30, 30:], paired=False))
        ):
            assert found.low is not None and found.high is not None
            covered[i] += found.low <= 2 / np.pi**0.5 <= found.high
    assert ((covered / 400 >= 0.90) & (covered / 400 <= 0.98)).all()


def test_the_first_of_the_best_is_the_incumbent() -> None:
    for protocol, name in (("val8-test8", "random_search"), ("curve8", "asha")):
        benchmark = open_benchmark("tss-digits", protocol)
        spec = SearcherSpec(name)
        traces = run_searches(benchmark, spec, range(6), Budget(evaluations=60))
        cell = cell_of(question_of(benchmark), traces)
        shape = cell.columns["end"].shape
        steps = np.broadcast_to(np.arange(float(shape[1])), shape)
        last = of_incumbents(cell, steps)[:, -1]
        assert [best_steps(t, benchmark.protocol)[0] for t in traces] == last.tolist()


def test_what_is_taken(experiment: Path) -> None:
    _, winners = read_found(experiment, "winner", 1, 5)
    _, top = read_found(experiment, "top", 4, 5)
    _, last = read_found(experiment, "last", 4, 5)
    for (_, one), (_, best), (_, final) in zip(
        winners.values(), top.values(), last.values(), strict=True
    ):
        assert len(one) == len(best) == len(final) == 15
        for a, b, c in zip(one, best, final, strict=True):
            assert len(a.architectures) == 1 and a.architectures[0] == b.architectures[0]
            assert len(set(map(TSS.canonical, b.architectures))) == len(b.architectures) <= 4
            assert len(c.architectures) == 4
            assert a.report == b.report == c.report


def test_distances_between_searches_are_means(experiment: Path, study: Diversity) -> None:
    _, found = read_found(experiment, "top", 3, 100)
    ((space, searches),) = found.values()
    groups = {g.name: g for g in study.benchmarks[0].groups}
    for name, group in groups.items():
        own = [s for s in searches if s.searcher == name]
        values = []
        for i, a in enumerate(own):
            for b in own[:i]:
                graphs = [[cell_graph(space, x) for x in s.architectures] for s in (a, b)]
                pairs = [distances(pair)[0, 1] for pair in product(*graphs)]
                values.append(np.mean(pairs))
        assert group.within.mean == pytest.approx(np.mean(values))
        assert group.searches == len(own) == 8


def test_operations_against_counting() -> None:
    rng = random.Random(5)
    searches = [[TSS.sample(rng) for _ in range(3)] for _ in range(6)]
    names = operation_names(TSS)
    graphs = [[cell_graph(TSS, cell) for cell in cells] for cells in searches]
    base, whole = base_architectures(TSS)
    assert whole and len(base) == 15_625
    of_space = counted([cell_graph(TSS, cell) for cell in base], names)
    use = operation_use("g", names, [counted(g, names) for g in graphs], of_space)
    # Six edges, each of the five options equally often.
    assert [u.base for u in use] == pytest.approx([1.2] * 4 + [4.8])
    options = ("none", *names)
    every = [cell for cells in searches for cell in cells]
    for found in use[:-1]:
        value = options.index(found.operation)
        assert found.mean.mean == pytest.approx(np.mean([cell.count(value) for cell in every]))  # type: ignore[attr-defined]
    both = together("g", names, [counted(g, names) for g in graphs], of_space)
    assert len(both) == 10
    for pair in both:
        i, j = options.index(pair.first), options.index(pair.second)
        has = [
            c.count(i) > 1 if i == j else (i in c and j in c)  # type: ignore[attr-defined,operator]
            for c in every
        ]
        assert pair.share == pytest.approx(np.mean(has))
    same = next(p for p in both if p.first == p.second)
    assert same.base == pytest.approx(1 - 0.8**6 - 6 * 0.2 * 0.8**5)


def test_base_rates_of_a_large_space() -> None:
    cells, whole = base_architectures(get_space("nasbench101"))
    assert not whole and len(cells) == 5_000


def test_overlay() -> None:
    cells = [(1, 0, 0, 0, 0, 0), (1, 0, 0, 2, 0, 0), (0, 0, 0, 0, 0, 0)]
    dots, lines = overlay("g", [cell_graph(TSS, c) for c in cells], operation_names(TSS))
    assert len(dots) == 4 and {dot.share for dot in dots} == {1.0}
    assert {(line.operation, round(line.share, 6)) for line in lines} == {
        ("skip_connect", round(2 / 3, 6)),
        ("nor_conv_1x1", round(1 / 3, 6)),
    }
    skip = next(line for line in lines if line.operation == "skip_connect")
    # Two layers of opacity 1/3 let (2/3)^2 through.
    assert skip.opacity == pytest.approx(1 - (2 / 3) ** 2)
    space = get_space("nasbench101")
    graphs = [cell_graph(space, space.sample(random.Random(i))) for i in range(20)]
    names = sorted({o for g in graphs for o in g.operations})
    dots, lines = overlay("g", graphs, names)
    ends = [dot for dot in dots if dot.name in ("input", "output")]
    assert [dot.share for dot in ends] == [1.0, 1.0]
    places = {(dot.x, dot.y) for dot in dots}
    for line in lines:
        assert {(line.x, line.y), (line.x2, line.y2)} <= places and line.x < line.x2


def test_the_page(study: Diversity, tmp_path: Path) -> None:
    write_document(document(study), tmp_path, summary=to_json(study), formats=("html", "md"))
    text = (tmp_path / "report.md").read_text()
    test = study.benchmarks[0].test
    assert test is not None and test.p is not None
    assert f"p = {test.p:.4f} for the pseudo-F" in text
    assert ("no difference between groups is shown" in text) == (test.p >= 0.05)


def test_groups_by_seed(experiment: Path) -> None:
    found = diversity(experiment, by="seed").benchmarks[0]
    assert [group.name for group in found.groups] == [f"seed {i}" for i in range(8)]
    assert found.test is not None and found.test.blocked
    assert len(found.pairs) == 28 and all(pair.ks is None for pair in found.pairs)


def test_leaks_and_failures_are_shown(results: Path, tmp_path: Path) -> None:
    found = diversity(results)
    leaky = next(b for b in found.benchmarks if b.leaks)
    assert any(section.warnings == leaky.leaks for section in document(found))
    write_document(document(found), tmp_path, summary=to_json(found), formats=("md",))


def test_a_table_that_is_gone(tmp_path: Path) -> None:
    space = CategoricalSpace("own", [list("abc")] * 3)
    synthetic_table(tmp_path / "own.table", space)
    source = str(tmp_path / "own.table")
    Experiment([source], ["random_search"], 3, {"evaluations": 4}).run(
        tmp_path / "out", inline=True
    )
    alone = diversity(tmp_path / "out")
    assert alone.benchmarks[0].test is None and not alone.benchmarks[0].pairs
    write_document(document(alone), tmp_path / "p", summary=to_json(alone), formats=("md",))
    (tmp_path / "own.table").unlink()
    with pytest.raises(UserError, match="table's own"):
        diversity(tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [({"by": "sedd"}, "seed"), ({"take": "winer"}, "winner"), ({"count": 0}, "at least 1")],
)
def test_mistakes(experiment: Path, arguments: dict[str, object], mend: str) -> None:
    with pytest.raises(UserError, match=mend):
        diversity(experiment, **arguments)  # type: ignore[arg-type]


def test_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no experiment"):
        diversity(tmp_path)
