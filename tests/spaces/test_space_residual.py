"""The space of residual networks: the thesis' counts, equal networks, notation, strategies."""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.benchmarks.function import FunctionBenchmark
from harness.errors import UserError
from harness.loop import Budget, Search, run_search
from harness.spaces import Architecture, SearchSpace, get_space
from harness.spaces.residual import (
    GROUP_SIZES,
    UPDATES,
    ResidualSpace,
    TextResidualSpace,
    UnionResidualSpace,
)
from harness.spaces.residual_layers import LAYERS, ResidualConfiguration, resnet
from harness.spaces.resnet import ResNetSpace
from harness.spec import SearcherSpec
from harness.streams import stream
from searchers.local_search import near

SPACE = ResidualSpace()
seeds = st.integers(0, 2**32 - 1)

PRINTED = {
    "evolution": ("bottleneck:3,6,3,1:64x2:g1", 41, 6_760_202),
    "regularised evolution": ("bottleneck:7,9,9,1:64x2:g32", 80, 15_002_698),
    "crossover evolution": ("basic:1,10,1,5:32x2:g32", 36, 6_617_514),
    "random search": ("bottleneck:0,3,5,7:64x1:g32", 47, 920_650),
    "local search": ("basic:15,2,14,5:64x1:g32", 74, 1_351_498),
    "Bayesian optimisation": ("basic:5,2,17,1:64x2:g32", 52, 12_293_962),
}
"""Search -> its winner, the depth, and the number of parameters, which is printed rounded."""


# --- counts ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "architectures", "networks", "widths"),
    [
        (TextResidualSpace(), 13_296_960, 8_864_640, 20),
        (SPACE, 13_296_960, 10_637_568, 24),
        (UnionResidualSpace(), 15_513_120, 11_080_800, 25),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_sizes(space: ResidualSpace, architectures: int, networks: int, widths: int) -> None:
    assert len(space) == architectures
    assert space.distinct() == networks
    assert len(space.widths()) == widths
    # Canonical forms are as many as there are widths, over all filters and group sizes.
    pairs = product(range(len(space.filters)), range(5))
    assert len({space.canonical((0, 3, 3, 3, 3, f, 0, g)) for f, g in pairs}) == widths


def test_listed_genes() -> None:
    """By listing: the widths, and the depths of all sections."""
    for space in (SPACE, TextResidualSpace(), UnionResidualSpace()):
        genes = list(product(LAYERS, space.filters, UPDATES, GROUP_SIZES))
        different = {(block, f, u, min(g, f)) for block, f, u, g in genes}
        sections = 19 * 18**3
        assert len(space) == len(genes) * sections
        assert space.distinct() == len(different) * sections
    blocks = np.add.outer(np.arange(19), np.add.outer(np.arange(1, 19), np.arange(1, 19)))
    blocks = np.add.outer(blocks, np.arange(1, 19)).ravel()
    layers, count = np.unique([2 + 2 * blocks, 2 + 3 * blocks], return_counts=True)
    others = 6 * 2 * 5
    assert SPACE.depths() == dict(zip(layers.tolist(), (others * count).tolist(), strict=True))


def test_depths() -> None:
    depths = SPACE.depths()
    assert (min(depths), max(depths)) == (8, 218)
    assert sum(depths.values()) == len(SPACE)
    assert sum(depth * n for depth, n in depths.items()) / len(SPACE) == pytest.approx(95.75)
    rng = stream(0, "depths")
    drawn = [SPACE.depth(SPACE.sample(rng)) for _ in range(2_000)]
    assert set(drawn) <= set(depths)
    assert np.mean(drawn) == pytest.approx(95.75, abs=4 * np.std(drawn) / 2_000**0.5)


@pytest.mark.parametrize("search", PRINTED)
def test_winners(search: str) -> None:
    text, depth, parameters = PRINTED[search]
    winner = SPACE.from_string(text)
    assert SPACE.depth(winner) == depth
    assert SPACE.parameters(winner) == parameters
    assert SPACE.canonical(winner) == winner


def test_text_and_results_contradict_each_other() -> None:
    """Five winners are outside the space of the text, one is inside all spaces."""
    text, union = get_space("residual-text"), get_space("residual-union")
    for notation, _, parameters in PRINTED.values():
        assert isinstance(union, UnionResidualSpace)
        assert union.parameters(union.from_string(notation)) == parameters
        if ":64x" in notation:
            with pytest.raises(UserError, match="number of filters must be 1, 2, 4, 8, 16, 32"):
                text.from_string(notation)
        else:
            assert text.to_string(text.from_string(notation)) == notation


@pytest.mark.parametrize(
    ("depth", "filters", "parameters"),
    [
        (110, 16, 1_727_962),
        (110, 32, 6_893_482),
        (14, 16, 172_506),
        (32, 16, 464_154),
        (56, 16, 853_018),
        (56, 8, 214_546),
        (56, 32, 3_401_770),
        (56, 64, 13_586_506),
    ],
)
def test_resnets(depth: int, filters: int, parameters: int) -> None:
    assert resnet(depth, filters).depth == depth
    assert resnet(depth, filters).parameters() == parameters


def test_no_such_resnet() -> None:
    for depth, near_ones in ((111, "110 or 116"), (2, "8 or 14"), (-4, "8 or 14")):
        with pytest.raises(UserError, match=f"has {depth} layers.*{near_ones}"):
            resnet(depth)


def test_the_space_of_resnets() -> None:
    space = ResNetSpace()
    assert (len(space), space.options[0][0], space.options[0][-1]) == (80, "8", "1202")
    he = space.from_string("110x16")
    assert (space.to_string(he), space.depth(he)) == ("110x16", 110)
    assert space.configuration(he) == resnet(110)
    assert space.graph(he).operations == (
        "input", "stem 16", "18 x basic 16", "basic 32 /2", "17 x basic 32", "basic 64 /2",
        "17 x basic 64", "output",
    )  # fmt: skip
    for text in ("111x16", "110x15", "110", "0110x16", "110x16x2", "602x16 "):
        with pytest.raises(UserError, match="layers x filters, as in '110x16'"):
            space.from_string(text)
    with pytest.raises(UserError, match="two option numbers"):
        space.to_string((0, 0, 0))


def test_an_empty_first_section() -> None:
    """It leaves a ResNet-110 with projections only if the second section takes its place."""
    text = "basic:0,18,18,18:16x2:g32"
    kept = SPACE.configuration(SPACE.from_string(text))
    skipped = SPACE.configuration(SPACE.from_string(text), skip_empty=True)
    three = ResidualConfiguration("basic", (18, 18, 18), 16)
    assert list(skipped.blocks()) == list(three.blocks())
    assert skipped.depth == kept.depth == 110
    assert [block.stride for block in kept.blocks()].count(2) == 3
    assert [block.stride for block in skipped.blocks()].count(2) == 2
    assert next(kept.blocks()).outputs == 2 * next(skipped.blocks()).outputs == 32
    # The one that the thesis reports is no witness: it has the same parameters either way, for
    # its bottlenecks need a projection anyway.
    witness = SPACE.from_string(PRINTED["random search"][0])
    assert SPACE.parameters(witness, skip_empty=True) == SPACE.parameters(witness) == 920_650
    # Without an empty section there is nothing to choose.
    full = SPACE.from_string("basic:1,18,18,18:16x2:g32")
    assert SPACE.parameters(full, skip_empty=True) == SPACE.parameters(full)


# --- equal networks --------------------------------------------------------------------------


@given(seeds)
def test_canonical_is_the_same_network(seed: int) -> None:
    architecture = SPACE.sample(Random(seed))
    canonical = SPACE.canonical(architecture)
    assert SPACE.configuration(canonical) == SPACE.configuration(architecture)
    equal = [
        other
        for other in ((*architecture[:7], size) for size in range(5))
        if SPACE.configuration(other) == SPACE.configuration(architecture)
    ]
    assert canonical == min(equal)
    assert {SPACE.canonical(other) for other in equal} == {canonical}
    assert {SPACE.key(other) for other in equal} == {SPACE.key(canonical)}
    others = SPACE.neighbours(architecture)
    assert sum(SPACE.key(other) == SPACE.key(architecture) for other in others) == len(equal) - 1


def test_group_sizes_above_the_filters() -> None:
    def least(text: str) -> str:
        return SPACE.to_string(SPACE.canonical(SPACE.from_string(text)))

    assert least("basic:1,1,1,1:4x2:g32") == "basic:1,1,1,1:4x2:g4"
    assert least("basic:1,1,1,1:2x2:g4") == "basic:1,1,1,1:2x2:g2"
    # There is no group size of 16, so that 32 alone stands for one group of 16 filters.
    assert least("basic:1,1,1,1:16x2:g32") == "basic:1,1,1,1:16x2:g32"
    assert least("basic:1,1,1,1:64x2:g32") == "basic:1,1,1,1:64x2:g32"


# --- notation and structure ------------------------------------------------------------------


def test_notation() -> None:
    assert SPACE.to_string((1, 0, 2, 4, 6, 5, 0, 4)) == "bottleneck:0,3,5,7:64x1:g32"
    assert SPACE.from_string("bottleneck:0,3,5,7:64x1:g32") == (1, 0, 2, 4, 6, 5, 0, 4)
    for text, reason in {
        "basic:1,1,1:64x2:g1": "expected block:sections:filters x update:group size",
        "basic:1,1,1,1:64x2": "as in 'bottleneck:3,6,3,1:64x2:g1'",
        "wide:1,1,1,1:64x2:g1": "its block must be basic, bottleneck",
        "basic:19,1,1,1:64x2:g1": "blocks of section 1 must be 0 to 18",
        "basic:1,0,1,1:64x2:g1": "blocks of section 2 must be 1 to 18",
        "basic:1,01,1,1:64x2:g1": "blocks of section 2 must be 1 to 18",
        "basic:1,1,1,1:1x2:g1": "filters must be 2, 4, 8, 16, 32, 64",
        "basic:1,1,1,1:64x3:g1": "update must be 1, 2",
        "basic:1,1,1,1:64x2:g16": "group size must be 1, 2, 4, 8, 32",
        "basic:1,1,1,1:64x2:g1\n": "group size must be 1, 2, 4, 8, 32",
    }.items():
        with pytest.raises(UserError, match=reason) as found:
            SPACE.from_string(text)
        assert str(found.value).startswith("'") and "\n" not in str(found.value)


def test_graph_is_a_chain_of_runs_of_equal_blocks() -> None:
    adjacency, operations = SPACE.graph(SPACE.from_string("bottleneck:3,6,3,1:64x2:g1"))
    assert operations == (
        "input",
        "stem 64",
        "bottleneck 64 in 64 groups",  # its input has another width than that of the next two
        "2 x bottleneck 64 in 64 groups",
        "bottleneck 128 in 64 groups /2",
        "5 x bottleneck 128 in 64 groups",
        "bottleneck 256 in 64 groups /2",
        "2 x bottleneck 256 in 64 groups",
        "bottleneck 512 in 64 groups /2",
        "output",
    )
    assert (adjacency == np.eye(10, k=1, dtype=bool)).all()
    chain = SPACE.graph(SPACE.from_string("basic:0,1,3,2:8x1:g8")).operations
    assert chain[2:-1] == (
        "basic 8 /2", "basic 8 /2", "2 x basic 8", "basic 8 /2", "basic 8"
    )  # fmt: skip


def test_parameters_of_other_images() -> None:
    winner = SPACE.from_string(PRINTED["crossover evolution"][0])
    # A 3x3 kernel less for each of 32 filters and two channels; 90 more classes of 256 features.
    assert SPACE.parameters(winner, channels=1) == 6_617_514 - 2 * 9 * 32
    assert SPACE.parameters(winner, classes=100) == 6_617_514 + 90 * 257


# --- strategies ------------------------------------------------------------------------------


def test_smac_neighbourhood_has_at_most_26() -> None:
    """What the thesis' local search looks at: 1 + 4 * 4 + 4 + 1 + 4 of 76 neighbours."""
    for architecture in (SPACE.sample(stream(n, "near")) for n in range(20)):
        assert len(SPACE.neighbours(architecture)) == sum(SPACE.sizes) - 8
        assert len(near(SPACE, architecture)) == 26


class Shallow(FunctionBenchmark):
    """Fewer layers and parameters are better; genomes of one network score the same."""

    name = "shallow"

    def make_space(self) -> SearchSpace:
        return get_space("residual")

    def value(self, architecture: Architecture, epochs: int, rng: Random) -> float:
        return self.report(architecture)

    def report(self, architecture: Architecture) -> float:
        space = self.space
        assert isinstance(space, ResidualSpace)
        configuration = space.configuration(architecture)
        return -configuration.depth - float(np.log10(configuration.filters))


@pytest.mark.parametrize(
    "word",
    [
        "regularized_evolution:population_size=20,tournament_size=5",
        "era_evolution:form=basic",
        "era_evolution:form=regularized",
        "era_evolution:form=crossover",
        "local_search:initial_samples=50,starts=10",
        "local_search:improvement=first",
        "random_search:replacement=false",
        "reinforce:learning_rate=0.1",
    ],
)
def test_strategies_search(word: str) -> None:
    """200 evaluations, as in the thesis: every guided strategy beats its own random beginning."""
    spec = SearcherSpec.parse(word)
    benchmark: Any = Shallow()
    searcher = spec.build(benchmark.space, 3)
    trace = run_search(Search(searcher, benchmark, Budget(200), 3, spec.identity))
    values = np.asarray(trace.columns["value"])
    assert len(values) == 200
    if not word.startswith("random"):
        assert values[-50:].mean() > values[:20].mean() + 20.0


def test_era_mutation_redraws_one_decision_without_locality() -> None:
    """One decision of eight, each as likely; its value is uniform among the others."""
    rng = stream(1, "mutations")
    parent = SPACE.from_string("basic:1,10,1,5:32x2:g32")
    children = [SPACE.mutate(parent, rng) for _ in range(8_000)]
    places = [[i for i in range(8) if child[i] != parent[i]] for child in children]
    assert all(len(place) == 1 for place in places)
    counts = np.bincount([place[0] for place in places], minlength=8)
    # Chi-square with 7 degrees of freedom; 29.9 has a probability of 1e-4.
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 29.9
    jumps = [child[2] for child in children if child[2] != parent[2]]
    assert set(jumps) == set(range(18)) - {parent[2]}
