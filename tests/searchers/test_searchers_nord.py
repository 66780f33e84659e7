"""The evolution of NORD's descriptors: its rules by counting, and against the listing."""

from __future__ import annotations

import random
from collections import Counter
from math import inf
from pathlib import Path

import numpy as np
import pytest
from nord_listing import NB101, SPACES, TSS, Listing, chain, fresh

import searchers.nord_evolution as module
from harness.benchmarks.covered import CoveredSpace
from harness.benchmarks.importers.tabular import import_csv
from harness.errors import UserError
from harness.experiment import BenchmarkSpec
from harness.loop import Budget, Search, run_search
from harness.searcher import Observation, Proposal
from harness.spaces import SearchSpace, get_space, tss
from harness.spec import SearcherSpec
from harness.streams import stream
from harness.testing.conversation import Score, converse, hashed_score
from searchers.nord_descriptor import Descriptor, Layer
from searchers.nord_evolution import with_random_edge

# Used edges of the chains 0->1->3 and 0->1->2->3, in the order of `tss.EDGES`.
CHAINS = {(1, 0, 0, 0, 1, 0), (1, 0, 1, 0, 0, 1)}

# --- the rules, by counting -------------------------------------------------------------------


def near(count: int, n: int, probability: float) -> bool:
    """Within four and a half standard errors of the expected share."""
    return abs(count - n * probability) < 4.5 * (n * probability * (1 - probability)) ** 0.5


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)
@pytest.mark.parametrize("max_layers", [2, 5, 7])
def test_initial_descriptors(
    space: SearchSpace, max_layers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = []

    def counted(descriptor: Descriptor, rng: random.Random) -> Descriptor:
        extra.append(descriptor)
        return with_random_edge(descriptor, rng)

    monkeypatch.setattr(module, "with_random_edge", counted)
    searcher, n = fresh(space, 3, max_layers=max_layers), 6_000
    descriptors = [searcher.initialise() for _ in range(n)]
    # 1 + uniform(0 .. max_layers - 2), and one more.
    hidden = Counter(len(descriptor.layers) - 2 for descriptor in descriptors)
    assert sorted(hidden) == list(range(2, max_layers + 1))
    assert max_layers == 2 or all(near(c, n, 1 / (max_layers - 1)) for c in hidden.values())
    layers = sum(count * size for size, count in hidden.items())
    assert near(len(extra), layers, 1 / 7)
    used = Counter(layer.operation for d in descriptors for layer in d.layers[1:-1])
    assert set(used) == set(searcher.operations)
    assert all(near(count, layers, 1 / len(used)) for count in used.values())


def test_operations_are_those_of_the_space_without_none() -> None:
    assert set(fresh(TSS).operations) == set(tss.OPERATIONS) - {"none"}
    assert len(fresh(NB101).operations) == 3


def test_extra_edges_are_uniform_over_layers_and_later_ones() -> None:
    rng, n = stream(1, "test"), 30_000
    plain = chain("a", "b")
    counts = Counter(with_random_edge(plain, rng).edges for _ in range(n))
    # From the input: one of three; from the first layer: one of two; the others have no two.
    new = {(0, 2): 1 / 12, (0, 3): 1 / 12, (1, 3): 1 / 8}
    for edge, probability in new.items():
        assert near(counts[plain.connect(*edge).edges], n, probability)
    assert near(counts[plain.edges], n, 1 - 7 / 24)


def test_mutations() -> None:
    searcher = fresh(TSS, 1, add_connection_prob=0.3, add_node_prob=0.5)
    parent, n = chain("nor_conv_1x1", "nor_conv_3x3"), 30_000
    children = [searcher.mutate(parent) for _ in range(n)]
    inserted = [child for child in children if len(child.layers) == 5]
    assert near(len(inserted), n, 0.5)
    connected = [child for child in children if len(child.edges) == 4 and len(child.layers) == 4]
    assert near(len(connected), n, 0.3 * 7 / 24)
    assert near(sum(child == parent for child in children), n, 0.2 + 0.3 * 17 / 24)
    # Each of the three edges with one third, each of the four operations with one quarter.
    prefixes = {0.5: 1 / 3, 1.5: 1 / 3, 5000.5: 1 / 3}
    new = Counter(
        layer for child in inserted for layer in child.layers if layer not in parent.layers
    )
    for prefix, share in prefixes.items():
        for operation in searcher.operations:
            assert near(new[Layer(prefix, operation)], len(inserted), share / 4)


def test_sources_are_uniform_and_then_their_edges() -> None:
    searcher = fresh(TSS, 1, add_connection_prob=0, add_node_prob=1)
    parent, n = chain("nor_conv_1x1").connect(0, 2), 20_000
    children = [searcher.mutate(parent) for _ in range(n)]
    old = {layer.prefix for layer in parent.layers}
    new = Counter(layer.prefix for c in children for layer in c.layers if layer.prefix not in old)
    # Input -> layer, input -> output, layer -> output.
    assert set(new) == {0.5, 4999.5, 5000.0}
    for prefix, share in {0.5: 1 / 4, 4999.5: 1 / 4, 5000.0: 1 / 2}.items():
        assert near(new[prefix], n, share)


def test_a_full_descriptor_only_gets_edges() -> None:
    searcher = fresh(TSS, 1, max_layers=2, add_connection_prob=0, add_node_prob=0.1)
    parent, n = chain("nor_conv_1x1", "nor_conv_3x3"), 20_000
    children = [searcher.mutate(parent) for _ in range(n)]
    assert all(child.layers == parent.layers for child in children)
    assert near(sum(child != parent for child in children), n, 7 / 24)


# --- the evolution ------------------------------------------------------------------------------


def many_edges(text: str, visit: int) -> float:
    """A value that leads to full cells of NAS-Bench-101: their number of edges."""
    return float(text.partition(":")[0].count("1"))


@pytest.mark.parametrize(
    ("space", "score", "invalid"), [(TSS, hashed_score, 150), (NB101, many_edges, 50)]
)
def test_proposals_are_those_of_the_listing(
    space: SearchSpace, score: Score, invalid: int
) -> None:
    listing = Listing(space, 7, 50, 10, score)
    steps = [listing.step() for _ in range(500)]
    searcher = fresh(space, 7, max_descriptors=500)
    talk = converse(searcher, space, 1_000, score=score)
    expected = [cell for cell in steps if cell is not None]
    assert [proposal.architecture for proposal in talk.proposals] == expected
    assert searcher.statistics()["invalid"] == steps.count(None) > invalid


def test_many_initial_descriptors_are_invalid_in_tss_and_none_in_nasbench101() -> None:
    searchers = [fresh(space, 5) for space in SPACES]
    invalid = [
        sum(searcher.cell_of(searcher.initialise()) is None for _ in range(4_000))
        for searcher in searchers
    ]
    # Half have four or five layers; a few of the others have an extra edge.
    assert 0.50 < invalid[0] / 4_000 < 0.55
    assert invalid[1] == 0


# --- endings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_max_descriptors_counts_invalid_ones(workers: int) -> None:
    searcher = fresh(TSS, 1, max_descriptors=200)
    talk = converse(searcher, TSS, 1_000, workers=workers)
    assert talk.over
    assert searcher.ask() is None
    assert len(talk.proposals) + searcher.statistics()["invalid"] == 200


def test_a_population_without_valid_children_ends_the_search() -> None:
    """One member that only grows: soon it has four layers in a chain, and never fewer."""
    searcher = fresh(
        TSS, 1, population_size=1, tournament_size=1, add_connection_prob=0, add_node_prob=1
    )
    talk = converse(searcher, TSS, 100)
    assert talk.over
    assert searcher.ask() is None
    assert searcher.statistics()["invalid"] >= module.TRIES


def test_evolution_begins_with_an_evaluated_member() -> None:
    """With many workers the invalid ones alone would fill the population."""
    searcher = fresh(TSS, 1, population_size=20, add_connection_prob=0, add_node_prob=0)
    *_, proposal = [searcher.ask() for _ in range(64)]
    assert proposal is not None
    assert searcher.remaining < 0
    assert all(member.value == -inf for member in searcher.population)
    searcher.initialise = None  # type: ignore[assignment, method-assign]
    searcher.tell(Observation(63, proposal.architecture, None, 1.0, False))
    assert searcher.ask() == proposal  # a child that is equal to its parent


def test_a_result_in_flight_wakes_the_search_up() -> None:
    searcher = fresh(TSS, 1, population_size=2, add_connection_prob=0, add_node_prob=0)
    searcher.initialise = lambda: chain("skip_connect", "nor_conv_3x3")  # type: ignore[method-assign]
    first, second = searcher.ask(), searcher.ask()
    assert first == second == Proposal((1, 0, 0, 0, 3, 0))
    # All other members are chains of four.
    searcher.remaining, searcher.evaluated = 0, True
    searcher.join(chain(*["skip_connect"] * 4), -inf)
    searcher.join(chain(*["skip_connect"] * 4), -inf)
    assert searcher.ask() is None
    for number in range(2):
        searcher.tell(Observation(number, (1, 0, 0, 0, 3, 0), None, 1.0, False))
    assert searcher.ask() is not None


def test_cells_outside_a_partial_table_are_discarded_and_counted() -> None:
    space = CoveredSpace(TSS, lambda cell: sum(cell) % 3 == 0)  # type: ignore[arg-type]
    searcher = fresh(space, 1, max_descriptors=300)
    talk = converse(searcher, space, 1_000)
    assert all(proposal.architecture in space for proposal in talk.proposals)
    figures = searcher.statistics()
    assert figures["uncovered"] > 20
    # They take no place in the population and no part of the limit.
    assert len(talk.proposals) + figures["invalid"] == 300


def test_a_table_without_any_of_its_cells_ends_the_search() -> None:
    space = CoveredSpace(TSS, {(1, 1, 1, 1, 1, 1)}.__contains__)
    searcher = fresh(space, 1, population_size=5, tournament_size=1)
    assert converse(searcher, space, 10).over
    assert searcher.ask() is None


# --- refusals ---------------------------------------------------------------------------------


def test_other_spaces_are_refused() -> None:
    with pytest.raises(UserError, match="'sss' cannot read NORD's descriptors; use a benchmark"):
        fresh(get_space("sss"))


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("nord_evolution:population_size=0", "population_size=0; must be at least 1"),
        ("nord_evolution:tournament_size=0", "tournament_size=0; must be at least 1"),
        ("nord_evolution:max_layers=1", "max_layers=1; must be at least 2"),
        ("nord_evolution:max_layers=31", "max_layers=31; must be at most 30"),
        ("nord_evolution:add_node_prob=1.5", "add_node_prob=1.5; must be at most 1"),
        ("nord_evolution:add_connection_prob=-1", "add_connection_prob=-1; must be at least 0"),
        ("nord_evolution:max_descriptors=0", "max_descriptors=0; must be at least 1"),
    ],
)
def test_options_are_checked(word: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        SearcherSpec.parse(word).build(TSS, 1)


# --- on the real table ------------------------------------------------------------------------


@pytest.mark.data
def test_on_nasbench201_hardly_more_than_chains_are_reached(
    data_dir: Path, tmp_path: Path
) -> None:
    """200 evaluations end at the best chain of two or three operations, below random search."""
    path = tmp_path / "nb201.table"
    import_csv(data_dir / "nasbench201" / "nb201_main.csv.gz", "nasbench201", path)
    table = BenchmarkSpec(f"{path}#cifar10").open()
    spec, seeds = SearcherSpec.parse("nord_evolution"), 40
    traces = []
    for seed in range(seeds):
        searcher = spec.build(table.search_space(), seed)
        budget = Budget(evaluations=200)
        traces.append(run_search(Search(searcher, table, budget, seed, spec.identity)))
    cells = [TSS.from_string(text) for trace in traces for text in trace.architectures]
    chains = sum(tuple(value > 0 for value in cell) in CHAINS for cell in cells)
    assert chains > 0.99 * len(cells)
    invalid = sum(trace.header["statistics"]["invalid"] for trace in traces)
    assert 0.60 < invalid / (invalid + len(cells)) < 0.69
    bests = [int(np.argmax(trace.columns["value"])) for trace in traces]
    report = np.mean([trace.columns["report"][i] for trace, i in zip(traces, bests)])
    # Random search: 93.88.
    assert report == pytest.approx(91.6, abs=0.6)
