"""The reproduction ledger: its computations against others of the same thing."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from itertools import combinations, permutations, product

import networkx
import numpy as np
import pandas as pd
import pytest
import scipy.stats

from harness.spaces.nasbench101 import OPERATIONS, module_hash
from reports.ledger import (
    bayesnas,
    bayesnas_compression,
    cells,
    era,
    era_ranks,
    geada,
    geada_results,
    kyriakides,
    kyriakides_search,
    siegert,
)
from reports.ledger.entry import Measured
from reports.ledger.live_paths import INPUTS, Network, convolutional, fully_connected


def values(measured: Sequence[Measured]) -> list[float]:
    return [m.value for m in measured if m.value is not None]


# --- operations, counted -----------------------------------------------------------------------


def test_operations_are_those_of_the_layers_and_the_rectifiers() -> None:
    """Layer by layer for the uncompressed networks, by the rule with the size of the input."""
    layers = 2 * 28**2 * 26 * 20 + 2 * 12**2 * (20 * 25 + 1) * 50
    layers += (2 * 800 - 1) * 500 + (2 * 500 - 1) * 10
    rectifiers = 20 * 24 * 24 + 50 * 8 * 8 + 500
    found = bayesnas_compression.convolutional_operations("20-50-800-500")
    assert found == pytest.approx((layers + rectifiers) / 1e6)
    dense = (2 * 784 - 1) * 300 + (2 * 300 - 1) * 100 + (2 * 100 - 1) * 10 + 400
    assert bayesnas_compression.dense_operations("784-300-100") == pytest.approx(dense / 1e6)


# --- spaces, listed -----------------------------------------------------------------------------


def test_depths_of_era_are_what_listing_all_sections_gives() -> None:
    blocks = np.add.outer(np.arange(19), np.add.outer(np.arange(1, 19), np.arange(1, 19)))
    blocks = np.add.outer(blocks, np.arange(1, 19)).ravel()
    layers = np.concatenate([2 + 2 * blocks, 2 + 3 * blocks])
    deepest, mean, below, together = values(era.depth_null())
    assert deepest == 80
    assert mean == pytest.approx(layers.mean())
    assert below == pytest.approx(np.mean(layers <= 80))
    assert together == pytest.approx(below**6)


@pytest.mark.parametrize("vertices", [2, 3, 4, 5])
def test_counted_cells_are_the_listed_ones(vertices: int) -> None:
    """By the official hash, of all graphs on so many vertices that pruning leaves as they are."""
    edges = list(combinations(range(vertices), 2))
    hashes = set()
    for bits in product((0, 1), repeat=len(edges)):
        matrix = np.zeros((vertices, vertices), int)
        for (x, y), bit in zip(edges, bits, strict=True):
            matrix[x, y] = bit
        graph = networkx.from_numpy_array(matrix, create_using=networkx.DiGraph)
        last = vertices - 1
        after = networkx.descendants(graph, 0) | {0}
        before = networkx.ancestors(graph, last) | {last}
        if sum(bits) > 9 or len(after & before) < vertices:
            continue
        for operations in product(range(len(OPERATIONS)), repeat=vertices - 2):
            hashes.add(module_hash(matrix, [-1, *operations, -2]))
    assert cells._cells_of(vertices) == len(hashes)


@pytest.mark.parametrize("order", list(permutations((1, 2, 3, 4))))
def test_cycles_of_a_permutation(order: tuple[int, ...]) -> None:
    graph = networkx.DiGraph(enumerate(order, 1))
    assert cells._cycles(order) == networkx.number_strongly_connected_components(graph)


def test_invalid_graphs_are_those_with_a_source_or_a_sink_too_many() -> None:
    edges = list(combinations(range(4), 2))
    chance = 0.0
    for present in product((0, 1), repeat=6):
        graph = networkx.DiGraph()
        graph.add_nodes_from(range(4))
        graph.add_edges_from(e for e, p in zip(edges, present, strict=True) if p)
        sources = [v for v, degree in graph.in_degree if degree == 0]
        sinks = [v for v, degree in graph.out_degree if degree == 0]
        if (sources, sinks) != ([0], [3]):
            chance += 0.75 ** sum(present) * 0.25 ** (6 - sum(present))
    assert values(bayesnas.invalid_graphs())[0] == pytest.approx(1024 * chance)
    assert values(bayesnas.invalid_graphs())[1:] == [6345, 341]


@pytest.mark.parametrize("nodes, depth, count", [(4, 4, 14), (8, 4, 30), (12, 4, 46), (7, 3, 21)])
def test_edges_of_bonsai_cells(nodes: int, depth: int, count: int) -> None:
    assert geada.edges(nodes, depth) == count
    # Two inputs, both first in the order; each node feeds the next `depth` ones, no input another.
    assert count == sum(
        1 for a, b in combinations(range(nodes + 2), 2) if b > 1 and b - max(a, 1) <= depth
    )


# --- statistics ---------------------------------------------------------------------------------


@pytest.mark.parametrize("networks", [era_ranks.in_space(), list(era_ranks.DEPTH.values())])
def test_rank_correlations_are_those_of_pandas(networks: list[tuple[float, ...]]) -> None:
    matrix = pd.DataFrame(networks).corr(method="spearman").to_numpy()
    expected = [matrix[a, b] for a, b in era_ranks.PAIRS]
    assert values(era_ranks.spearman(networks)) == pytest.approx(expected)


def test_pearson_is_that_of_scipy() -> None:
    rng = random.Random(5)
    x, y = [[rng.random() for _ in range(6)] for _ in range(2)]
    assert siegert.pearson(*x, *y) == pytest.approx(scipy.stats.pearsonr(x, y).statistic)


def test_the_correction_of_p_values_is_that_of_scipy() -> None:
    p = [value for _, value, _ in kyriakides.KOLMOGOROV_SMIRNOV]
    expected = scipy.stats.false_discovery_control(p)
    assert values(kyriakides.corrected()) == pytest.approx(expected.tolist())


@pytest.mark.parametrize("first, second", geada_results.PAIRS)
def test_welch_is_that_of_samples_with_these_moments(first: str, second: str) -> None:
    samples = []
    for mean, error, runs in (geada_results.TABLE_4_13[name] for name in (first, second)):
        shape = np.arange(runs, dtype=float)
        shape = (shape - shape.mean()) / shape.std(ddof=1)
        samples.append(mean + error * math.sqrt(runs) * shape)
    test = scipy.stats.ttest_ind(*samples, equal_var=False)
    expected = (test.statistic, test.df, test.pvalue)
    assert geada_results.welch(first, second) == pytest.approx(expected)


def test_random_models_have_the_moments_of_drawn_ones() -> None:
    rng = np.random.default_rng(8)
    totals = np.zeros(40_000)
    for channels, count in ((64, 15), (128, 21), (256, 21)):
        sizes = [geada.separable(channels, k) for k in (3, 5)]
        sizes += [geada.dilated(channels, k) for k in (3, 5)]
        drawn = rng.integers(7, size=(len(totals), count))
        totals += np.array([*sizes, 0, 0, 0])[drawn].sum(axis=1) / 1e6
    mean, spread, *_ = values(geada.random_parameters())
    assert mean == pytest.approx(totals.mean(), abs=5 * spread / 200)
    assert spread == pytest.approx(totals.std(), rel=0.02)


def test_scores_of_the_competition() -> None:
    assert values(geada_results.unseen())[4:] == pytest.approx([0, 9.070, 9.298, 8.383], abs=5e-4)
    assert geada_results.score(0.0, 0.0, 0.0) == -30 + sum(
        10 - 10 * float(r) / (100 - float(r))
        for r in geada_results.UNSEEN["ResNet-18"]
        if float(r) < 50
    )


@pytest.mark.parametrize("workers", [1, 4])
def test_selections_have_the_binomial_law(workers: int) -> None:
    mean, spread = kyriakides_search.selections(workers)
    law = scipy.stats.binom(100, 0.25)
    assert mean.value == pytest.approx(law.mean(), abs=0.05)
    assert spread.value == pytest.approx(law.std(), abs=0.1)


def test_taus_of_so_many_items_are_what_all_rankings_give() -> None:
    taus = {
        round(scipy.stats.kendalltau(range(5), order).statistic, 9)
        for order in permutations(range(5))
    }
    for near in np.linspace(-1, 1, 41):
        found = kyriakides.attainable_tau(5, near)
        assert abs(found - near) == pytest.approx(min(abs(tau - near) for tau in taus))


def test_selection_probabilities_sum_to_one_with_the_other_signs() -> None:
    for rate, ranks in ((0.3, 10), (0.05, 3), (2.0, 7)):
        assert bayesnas.boltzmann(False, rate, ranks) == pytest.approx(1.0)
        weights = [math.exp(-rate * rank) for rank in range(ranks)]
        factor = (1 - math.exp(rate)) / (1 - math.exp(rate * ranks))
        assert bayesnas.boltzmann(True, rate, ranks) == pytest.approx(factor * sum(weights))


# --- live paths ---------------------------------------------------------------------------------


def gradients(network: Network, weights: dict[int, float], dead: set[str]) -> list[float]:
    """The derivative of the output by each input where the live units are linear."""
    order = ["y", *(f"h2{u}" for u in range(9)), *(f"h1{u}" for u in range(9))]
    order += [f"x{n}" for n in range(1, INPUTS + 1)]
    flow = {"y": 1.0}
    for vertex in order[1:]:
        flow[vertex] = sum(
            weights[parameter] * flow.get(target, 0.0)
            for (source, target), parameter in network.edges.items()
            if source == vertex and vertex not in dead
        )
    return [flow[f"x{n}"] for n in range(1, INPUTS + 1)]


@pytest.mark.parametrize("make", [fully_connected, convolutional])
def test_live_parameters_are_those_that_the_gradient_depends_on(
    make: Callable[[], Network],
) -> None:
    network = make()
    rng = random.Random(3)
    units = sorted({v for edge in network.edges for v in edge if v.startswith("h")})
    for _ in range(20):
        dead = {unit for unit in units if rng.random() < 0.4}
        weights = {parameter: rng.uniform(0.5, 2.0) for parameter in network.edges.values()}
        before = gradients(network, weights, dead)
        depends: list[set[int]] = [set() for _ in range(INPUTS)]
        for parameter in weights:
            after = gradients(network, {**weights, parameter: 7.0}, dead)
            for place in range(INPUTS):
                if abs(after[place] - before[place]) > 1e-9:
                    depends[place].add(parameter)
        for place in range(INPUTS):
            assert network.parameters(place + 1, dead) == depends[place]
