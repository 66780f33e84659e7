"""The growing spaces: genomes, their moves and notation, and how searchers do in them."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import cast

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.macro.genome import INPUT, OUTPUT, START, Connection, Genome
from harness.spaces import get_space
from harness.spaces.macro import GrowingSpace, MacroBlocksSpace, MacroSpace
from harness.spec import SearcherSpec
from harness.streams import shuffled, stream
from harness.testing.conversation import converse

REMNET = "C2N,C2N,C3N,C5N,P5A,C3H,C3H:ixo,i-1,1xo,1-2,2xo,2-3,3xo,3-4,4xo,4-5,5xo,5-6,6-o,5-7,7-o"
SPACES = ("macro", "macro-blocks")


def space_named(name: str) -> GrowingSpace:
    space = get_space(name)
    assert isinstance(space, GrowingSpace)
    return space


def wander(space: GrowingSpace, rng: Random, steps: int) -> Genome:
    """A genome after so many mutations."""
    genome = space.sample(rng)
    for _ in range(steps):
        genome = space.mutate(genome, rng)
    return genome


# --- genomes --------------------------------------------------------------------------------


def test_a_split_connection_is_kept_and_becomes_a_skip_when_switched_on() -> None:
    genome = START.split(0, "C3N")
    assert genome.connections == (
        Connection(INPUT, OUTPUT, enabled=False),
        Connection(INPUT, 1),
        Connection(1, OUTPUT),
    )
    assert genome.live == ((INPUT, 1), (1, OUTPUT))
    assert genome.toggle(0).live == ((INPUT, OUTPUT), (INPUT, 1), (1, OUTPUT))
    branched = genome.split(0, "P2M")
    assert branched.live == ((INPUT, 1), (1, OUTPUT), (INPUT, 2), (2, OUTPUT))


def test_the_published_best_network_is_a_genome() -> None:
    space = space_named("macro")
    graph = space.graph(space.from_string(REMNET))
    names = ["CONV_2.N", "CONV_2.N", "CONV_3.N", "CONV_5.N", "POOL_5.A", "CONV_3.H", "CONV_3.H"]
    assert graph.operations == ("input", *names, "output")
    assert graph.adjacency.sum() == 9


def test_initial_genomes_are_four_splits() -> None:
    """As many as are counted, each as likely: 105 arrangements of 12**4 layers."""
    space, rng = space_named("macro"), stream(1, "macro")
    assert len(space) == 1 * 3 * 5 * 7 * 12**4
    drawn = [space.sample(rng) for _ in range(21_00)]
    assert {len(genome.layers) for genome in drawn} == {4}
    arrangements = Counter(genome.connections for genome in drawn)
    assert len(arrangements) == 105
    excess = sum((n - 20) ** 2 for n in arrangements.values()) / 20
    assert excess < 104 + 4 * (2 * 104) ** 0.5


def test_published_mutation_has_its_rates() -> None:
    """A quarter grows; of the rest, seven tenths are halved between layers and switches."""
    space, rng = space_named("macro"), stream(2, "macro")
    parent = space.from_string(REMNET)
    trials = 4_000
    children = [space.mutate(parent, rng, new_value=False) for _ in range(trials)]
    grown = sum(len(child.layers) == 8 for child in children)
    switched = sum(
        child.layers == parent.layers and child.connections != parent.connections
        for child in children
    )
    # A redrawn layer is the input or the output in two of nine cases, the old one in one of 12.
    relayered = sum(len(child.layers) == 7 and child.layers != parent.layers for child in children)
    shares = {grown: 0.25, switched: 0.35, relayered: 0.35 * 7 / 9 * 11 / 12}
    for number, share in shares.items():
        assert abs(number / trials - share) < 4 * (share * (1 - share) / trials) ** 0.5
    assert all(space.mutate(parent, rng) != parent for _ in range(300))


@pytest.mark.parametrize("name", SPACES)
def test_growth_ends_at_the_largest_genome(name: str) -> None:
    space = MacroSpace(2, 3) if name == "macro" else MacroBlocksSpace(2, 3)
    rng = stream(3, "macro")
    genomes = [wander(space, rng, 30) for _ in range(20)]
    assert {len(genome.layers) for genome in genomes} == {3}
    assert all(genome in space for genome in genomes)
    around = space.neighbours(genomes[0])
    assert max(len(genome.layers) for genome in around) == 3


def test_sizes_that_cannot_be_are_refused() -> None:
    with pytest.raises(UserError, match=r"initial_layers=5, max_layers=4"):
        MacroSpace(5, 4)
    with pytest.raises(UserError, match="max_layers=99"):
        MacroSpace(max_layers=99)


@pytest.mark.parametrize("name", SPACES)
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), steps=st.integers(0, 25))
def test_genomes_stay_what_growth_can_make(name: str, seed: int, steps: int) -> None:
    """Moves and crossover keep a path, no cycle, and a notation that round-trips."""
    space, rng = space_named(name), stream(seed, "macro")
    genome, other = wander(space, rng, steps), wander(space, rng, steps // 2)
    child = space.crossover(genome, other, rng)
    for one in (genome, child):
        assert one in space
        every = nx.DiGraph([c.ends for c in one.connections])
        assert nx.is_directed_acyclic_graph(every)
        live = nx.DiGraph([c.ends for c in one.connections if c.enabled])
        paths = list(nx.all_simple_edge_paths(live, INPUT, OUTPUT))
        assert set(one.live) == {edge for path in paths for edge in path} and paths
        assert space.from_string(space.to_string(one)) == one
    for connection in child.connections:
        ends = {c.ends for c in (*genome.connections, *other.connections)}
        assert connection.ends in ends


def test_crossover_mixes_what_has_one_origin() -> None:
    """Layers of one number that split different connections are not exchanged."""
    space = space_named("macro")
    a = space.from_string("C2N,C2N,C2N:ixo,i-1,1xo,1-2,2-o,i-3,3-o")
    b = space.from_string("P2M,P2M,P2M:i-o,i-1,1xo,1-2,2xo,2-3,3-o")
    rng = stream(4, "macro")
    children = {space.crossover(a, b, rng) for _ in range(200)}
    assert {child.layers[2] for child in children if child.connections[5].source == INPUT} == {
        "C2N"
    }
    assert {child.layers[:2] for child in children} == {
        (one, two) for one in ("C2N", "P2M") for two in ("C2N", "P2M")
    }


def test_every_edit_is_a_neighbour() -> None:
    space = space_named("macro")
    around = space.neighbours(space.from_string("C3N:ixo,i-1,1-o"))
    texts = list(map(space.to_string, around))
    # 11 other layers, the one switch that leaves a path, and 12 layers on three connections.
    assert len(texts) == 11 + 1 + 3 * 12
    assert "C3N:i-o,i-1,1-o" in texts and "P5M:ixo,i-1,1-o" in texts
    assert "C3N,P2A:ixo,i-1,1-o,i-2,2-o" in texts


def test_blocks_gain_connections_that_never_were() -> None:
    space = space_named("macro-blocks")
    block = space.genes.starters[0]
    # A chain: the third block can be fed by the first, and nothing by a later one.
    chain = START.split(0, block).split(2, block).split(4, block)
    assert chain.unconnected() == [(INPUT, 2), (INPUT, 3), (1, 3)]
    assert chain.connect(1, 3) in space
    assert chain.connect(3, 1) not in space


# --- equal networks -------------------------------------------------------------------------


def labelled(genome: Genome) -> nx.DiGraph[int]:
    graph = nx.DiGraph(list(genome.live))
    for node in graph:
        graph.nodes[node]["gene"] = genome.layers[node - 1] if 0 < node < OUTPUT else node
    return graph


@pytest.mark.parametrize("name", SPACES)
def test_keys_are_equal_exactly_for_isomorphic_networks(name: str) -> None:
    """Over genomes of few kinds of layers, so that many are equal or nearly so."""
    space, rng = space_named(name), stream(5, "macro")
    kinds = ("C3N", "P2M") if name == "macro" else ("f32k3d0s100", "f40k1d5s90p")
    genomes = []
    for _ in range(70):
        genome = wander(space, rng, 14)
        layers = tuple(kinds[rng.random() < 0.1] for _ in genome.layers)
        genomes.append(Genome(layers, genome.connections))
    pairs = [(a, b) for i, a in enumerate(genomes) for b in genomes[:i]]
    isomorphic = [
        nx.is_isomorphic(labelled(a), labelled(b), lambda x, y: bool(x["gene"] == y["gene"]))
        for a, b in pairs
    ]
    keys = {genome: space.key(genome) for genome in genomes}
    assert isomorphic == [keys[a] == keys[b] for a, b in pairs]
    assert isomorphic == [space.canonical(a) == space.canonical(b) for a, b in pairs]
    assert (
        sum(
            same and a.connections != b.connections
            for same, (a, b) in zip(isomorphic, pairs, strict=True)
        )
        > 10
    )


@pytest.mark.parametrize("name", SPACES)
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32), steps=st.integers(0, 25))
def test_the_canonical_genome_is_the_same_network(name: str, seed: int, steps: int) -> None:
    """Isomorphic to the genome, and equal for the same network with its layers renumbered."""
    space, rng = space_named(name), stream(seed, "canonical")
    genome = wander(space, rng, steps)
    found = space.canonical(genome)
    assert found in space and space.canonical(found) == found
    assert nx.is_isomorphic(
        labelled(found), labelled(genome), lambda x, y: bool(x["gene"] == y["gene"])
    )
    ages = shuffled(rng, range(1, len(genome.layers) + 1))
    number = {INPUT: INPUT, OUTPUT: OUTPUT, **{age: i for i, age in enumerate(ages, 1)}}
    layers = tuple(genome.layers[age - 1] for age in ages)
    connections = [Connection(number[s], number[t], on) for s, t, on in genome.connections]
    other = Genome(layers, tuple(shuffled(rng, connections)))
    assert other in space and space.canonical(other) == found
    assert (space.features(other) == space.features(genome)).all()


def test_dead_layers_and_ages_do_not_count() -> None:
    space = space_named("macro")
    plain = space.from_string("C3N,P2M:ixo,i-1,1xo,1-2,2-o")
    other = space.from_string("P2M,C3N:ixo,ix1,1-o,i-2,2-1")
    # The same chain, with the later layer the older one, and beside it a layer that is dead.
    dead = space.from_string("C3N,P2M,C5H:ixo,i-1,1xo,1-2,2-o,ix3,3-o")
    assert space.key(plain) == space.key(other) == space.key(dead)
    assert (space.features(plain) == space.features(dead)).all()
    swapped = space.from_string("P2M,C3N:ixo,i-1,1xo,1-2,2-o")
    assert space.key(plain) != space.key(swapped)
    assert (space.features(plain) != space.features(swapped)).any()


def test_networks_can_be_written_down() -> None:
    """Without a past: it grows on from there."""
    space, rng = space_named("macro"), stream(7, "macro")
    typed = space.from_string("C2N,C2N,C3N,C5N,P5A,C3H,C3H:i-1,1-2,2-3,3-4,4-5,5-6,5-7,6-o,7-o")
    assert space.key(typed) == space.key(space.from_string(REMNET))
    assert space.canonical(typed) == typed
    empty = space.from_string(":i-o")
    for new_value in (True, False):
        child = space.mutate(empty, rng, new_value=new_value)
        assert child in space.neighbours(empty) and len(child.layers) == 1
    assert space.crossover(typed, empty, rng) in (typed, empty)


@pytest.mark.parametrize(
    "text",
    [
        "C3N:ixo,i-1,1xo",  # no path
        "C4N:ixo,i-1,1-o",  # no such layer
        "C3N:i-o",  # a layer without connections
        "C3N:i-o,i-1",  # one that leads nowhere
        "C3N,C3N:i-o,i-1,1-2,2-1,2-o",  # a cycle
        "C3N,C3N:ixo,i-1,1-o,i-2,2-2",  # a loop
        "C3N:ixo,i-01,1-o",
        "C3N:ixo,i-1,1-o,",
        "C3N:ixo,i-1,1-o,i-1",  # a connection twice
        "C3N:i-1,1-o,o-1",
        ",:i-o",
        ":ixo",
        ":",
        ",".join(["C3N"] * 17) + ":i-1,1-o",  # too many layers
    ],
)
def test_texts_that_are_no_genomes(text: str) -> None:
    with pytest.raises(
        UserError, match="architecture of the space 'macro': expected at most 16 layers"
    ):
        get_space("macro").from_string(text)


# --- searches -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize(
    "searcher",
    [
        "random_search",
        "random_search:replacement=false",
        "regularized_evolution:population_size=10,tournament_size=1",
        "regularized_evolution:population_size=10,tournament_size=5,new_value=false",
        "classic_evolution:population_size=10,tournament_size=5",
        "local_search",
        "local_search:improvement=first,initial_samples=5,starts=2",
    ],
)
def test_searchers_move_in_it(name: str, searcher: str) -> None:
    space = space_named(name)
    spec = SearcherSpec.parse(searcher)
    first = converse(spec.build(space, 1, ()), space, 120)
    again = converse(spec.build(space, 1, ()), space, 120, workers=1)
    assert all(proposal.architecture in space for proposal in first.proposals)
    assert len(first.proposals) == 120 and first.proposals == again.proposals


def test_evolution_grows_towards_what_is_rewarded() -> None:
    """And the control without selection, which the thesis calls random search, does not."""
    space = space_named("macro")

    def found(tournament: int) -> float:
        options = f"population_size=20,tournament_size={tournament},new_value=false"
        spec = SearcherSpec.parse(f"regularized_evolution:{options}")

        def score(text: str, visit: int) -> float:
            genome = space.from_string(text)
            return float(sum(genome.layers[n - 1][0] == "C" for n in genome.order))

        searches = [converse(spec.build(space, s, ()), space, 150, score=score) for s in range(2)]
        last = [search.proposals[-20:] for search in searches]
        texts = [space.to_string(cast(Genome, p.architecture)) for tail in last for p in tail]
        values = [score(text, 0) for text in texts]
        return sum(values) / len(values)

    assert found(10) > 1.5 * found(1)


def test_strategies_that_need_fixed_decisions_say_so() -> None:
    with pytest.raises(UserError):
        SearcherSpec.parse("reinforce").build(get_space("macro"), 1, ())
