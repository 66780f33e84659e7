"""Double deep Q-learning: targets, gradient, memory, options; and that it learns."""

from __future__ import annotations

import random
from math import inf
from typing import Any

import numpy as np
import pytest

from harness.benchmarks.covered import CoveredSpace
from harness.errors import UserError
from harness.searcher import Observation
from harness.spaces import Architecture, CategoricalSpace, SearchSpace, get_space
from harness.spec import SearcherSpec
from harness.testing.conversation import converse
from searchers.builders import Head
from searchers.double_dqn import DoubleDqn, double_q_targets
from searchers.q_network import QNetwork
from searchers.replay import Replay, Transition

CELLS = get_space("nasbench101")
TOY = CategoricalSpace("toy", [["a", "b"], ["1", "2", "3"], ["x", "y", "z", "w"]])


def search(
    space: SearchSpace, seed: int, value: Any, episodes: int = 500, **options: Any
) -> tuple[DoubleDqn, np.ndarray]:
    """A search with one worker, and the values of all proposals in order."""
    searcher = DoubleDqn(space, seed, **options)
    values = []
    for number in range(episodes):
        architecture = searcher.ask().architecture
        values.append(value(architecture))
        searcher.tell(Observation(number, architecture, None, values[-1], False))
    return searcher, np.array(values)


# --- targets ----------------------------------------------------------------------------------


def test_targets_worked_by_hand() -> None:
    """Two heads of 2 and 3 neurons; the second chooses two. The online network ranks the
    allowed neurons, the target network says what they are worth."""
    batch = Transition(
        state=None,
        chosen=None,
        following=None,
        allowed=np.array([[True, True, True, True, True], [False, True, True, False, True]]),
        reward=np.array([0.0, 0.25]),
        ended=np.array([False, False]),
    )
    online = np.array([[1.0, 2.0, 5.0, 3.0, 4.0], [9.0, 2.0, 1.0, 9.0, 0.0]])
    target = np.array([[0.1, 0.2, 0.3, 0.4, 0.7], [0.6, 0.8, 0.2, 0.9, 0.6]])
    found = double_q_targets((Head(2, 1), Head(3, 2)), batch, online, target, 0.5)
    # First row: the first head's second neuron, 0.2; the second's first and third, 0.3 and 0.7.
    # Second row: the larger values are not allowed; 0.8; 0.2 and 0.6.
    expected = [[0.5 * 0.2, 0.5 * 0.5, 0.5 * 0.5], [0.25 + 0.4, 0.25 + 0.2, 0.25 + 0.2]]
    assert found == pytest.approx(np.array(expected))


def test_the_last_step_is_worth_its_reward() -> None:
    allowed = np.zeros((1, 2), bool)
    batch = Transition(None, None, None, allowed, np.array([0.7]), np.array([True]))
    values = np.array([[3.0, 4.0]])
    assert double_q_targets((Head(2, 1),), batch, values, values, 0.9).tolist() == [[0.7]]


def test_values_that_differ_in_the_last_digits_are_equal() -> None:
    allowed = np.ones((1, 2), bool)
    batch = Transition(None, None, None, allowed, np.array([0.0]), np.array([False]))
    online = np.array([[1.0, 1.0 + 1e-12]])
    target = np.array([[5.0, 6.0]])
    assert double_q_targets((Head(2, 1),), batch, online, target, 1.0).tolist() == [[5.0]]


# --- network and memory -----------------------------------------------------------------------


def test_gradient_is_that_of_the_huber_loss() -> None:
    rng = random.Random(1)
    network = QNetwork((4, 5, 3, 6), rng.random)
    states = np.array([[rng.random() for _ in range(4)] for _ in range(7)])
    chosen = np.array([[i % 3, 3 + i % 3] for i in range(7)])
    # Some errors are beyond the threshold.
    targets = np.array([[3.0 * rng.random() for _ in range(2)] for _ in range(7)])

    def loss() -> float:
        error = np.abs(np.take_along_axis(network(states), chosen, axis=1) - targets)
        return float(np.where(error < 1.0, error**2 / 2, error - 0.5).mean())

    found = network.gradient(states, chosen, targets).copy()
    errors = np.abs(np.take_along_axis(network(states), chosen, axis=1) - targets)
    assert (errors > 1.0).any()
    assert (errors < 1.0).any()
    for i in range(len(found)):
        slopes = []
        for nudge in (1e-6, -2e-6):
            network.parameters[i] += nudge
            slopes.append(loss())
        network.parameters[i] += 1e-6
        assert found[i] == pytest.approx((slopes[0] - slopes[1]) / 2e-6, rel=1e-4, abs=1e-8)


def test_the_first_step_of_adam_has_the_size_of_the_learning_rate() -> None:
    network = QNetwork((2, 2), lambda: 0.5)
    gradient = np.array([3.0, -0.01, 5.0, 1.0, -2.0, 7.0])
    network.descend(gradient, 0.1)
    assert network.parameters == pytest.approx(-0.1 * np.sign(gradient), rel=1e-5)
    before = network.parameters.copy()
    network.descend(gradient, 0.1)
    assert network.parameters - before == pytest.approx(-0.1 * np.sign(gradient), rel=1e-5)


def test_parameters_are_what_the_layers_show() -> None:
    network = QNetwork((2, 3, 1), random.Random(1).random)
    (weights, biases), _ = network.layers
    assert weights.shape == (2, 3)
    assert biases.shape == (3,)
    assert np.abs(weights).max() <= 2**-0.5
    network.parameters[:] = 0.0
    assert not weights.any()
    assert network(np.ones(2)).tolist() == [0.0]


def test_the_oldest_step_makes_room() -> None:
    memory = Replay(3, 1, 2, 1)
    for number in range(5):
        memory.add(Transition([number], [0], [number], [True, False], float(number), False))
    assert len(memory) == 3
    draws = iter([0.0, 0.4, 0.99, 0.4])
    batch = memory.sample(4, lambda: next(draws))
    assert batch.reward.tolist() == [3.0, 4.0, 2.0, 4.0]
    assert batch.state.tolist() == [[3.0], [4.0], [2.0], [4.0]]
    assert batch.chosen.shape == (4, 1)
    assert batch.allowed.shape == (4, 2)


# --- what is told -----------------------------------------------------------------------------


def test_steps_enter_the_memory_when_their_result_is_told() -> None:
    searcher = DoubleDqn(TOY, 1)
    proposals = [searcher.ask().architecture for _ in range(3)]
    assert len(searcher.memory) == 0
    searcher.tell(Observation(2, proposals[2], None, 50.0, False))
    assert len(searcher.memory) == 3
    assert sorted(searcher.episodes) == [0, 1]
    batch = searcher.memory.sample(100, random.Random(1).random)
    assert set(batch.reward[batch.ended]) == {50.0}
    assert set(batch.reward[~batch.ended]) == {0.0}
    # The chosen neurons are those of the third proposal, in the order of the decisions.
    assert searcher.memory._columns.chosen[:3, 0].tolist() == list(proposals[2])  # type: ignore[call-overload]


def test_a_step_of_the_optimizer_for_every_step_of_the_episode() -> None:
    searcher = DoubleDqn(TOY, 1, batch_size=6)
    learnt = []
    searcher._learn = lambda: learnt.append(len(searcher.memory))  # type: ignore[method-assign]
    for number in range(4):
        architecture = searcher.ask().architecture
        searcher.tell(Observation(number, architecture, None, 1.0, False))
    # Learning begins with as many steps in memory as there are in a batch.
    assert learnt == [6, 6, 6, 9, 9, 9, 12, 12, 12]


def test_the_target_network_is_copied_every_few_episodes() -> None:
    searcher = DoubleDqn(TOY, 1, batch_size=3, target_update=4)
    copies = []
    for number in range(12):
        before = searcher.target.parameters.copy()
        architecture = searcher.ask().architecture
        searcher.tell(Observation(number, architecture, None, float(number % 5), False))
        if (searcher.target.parameters != before).any():
            copies.append(number)
            assert (searcher.target.parameters == searcher.online.parameters).all()
        elif number > 0:
            assert (searcher.target.parameters != searcher.online.parameters).any()
    assert copies == [3, 7, 11]


def test_failures_count_as_the_worst_value() -> None:
    searcher = DoubleDqn(TOY, 1)
    told = [(-inf, True), (70.0, False), (60.0, False), (-inf, True)]
    for number, (value, failed) in enumerate(told):
        architecture = searcher.ask().architecture
        searcher.tell(Observation(number, architecture, None, value, failed))
    # The first failure taught nothing.
    assert searcher.values.tolist() == [60.0, 60.0, 70.0]
    assert searcher.memory._columns.reward[2:9:3].tolist() == [70.0, 60.0, 60.0]
    assert searcher.told == 3


def test_ranks() -> None:
    searcher = DoubleDqn(TOY, 1)
    searcher.values = np.array([1.0, 2.0, 2.0, 9.0])
    assert searcher._ranks(np.array([1.0, 2.0, 9.0])).tolist() == [0.125, 0.5, 0.875]


def test_the_unit_of_the_values_does_not_matter() -> None:
    def value(architecture: Any) -> float:
        return float(sum((d + 1) * v for d, v in enumerate(architecture)))

    percent, fraction = (
        search(TOY, 1, lambda a, unit=unit: unit * value(a), 60)[0] for unit in (1.0, 2.0**-7)
    )
    assert (percent.online.parameters == fraction.online.parameters).all()


def test_epsilon_falls_linearly() -> None:
    searcher = DoubleDqn(TOY, 1, epsilon_start=0.9, epsilon_end=0.1, epsilon_episodes=8)
    found = [searcher.epsilon(episode) for episode in (0, 1, 4, 8, 100)]
    assert found == pytest.approx([0.9, 0.8, 0.5, 0.1, 0.1])


# --- what cannot be proposed ------------------------------------------------------------------


def test_builds_outside_the_space_are_counted() -> None:
    class Restricted(CategoricalSpace):
        def valid(self, architecture: tuple[int, ...]) -> bool:
            return sum(architecture) % 3 == 0

    space = Restricted("restricted", TOY.options)
    talk = converse(DoubleDqn(space, 1), space, 200)
    assert all(p.architecture in space for p in talk.proposals)
    statistics = talk.searcher.statistics()
    assert statistics["built_outside"] > 0
    assert statistics["built_again"] == statistics["sampled_instead"] == 0


def test_a_sample_where_nothing_can_be_built() -> None:
    """Cells whose output has three inputs or more cannot be built."""
    covered = CoveredSpace(CELLS, lambda cell: sum(cell[i] for i in (5, 10, 14, 17, 19, 20)) > 2)  # type: ignore[index]
    searcher = DoubleDqn(covered, 1)
    for number in range(2):
        architecture = searcher.ask().architecture
        assert architecture in covered
        searcher.tell(Observation(number, architecture, None, 90.0, False))
    assert searcher.statistics() == {
        "built_outside": 200,
        "built_again": 0,
        "sampled_instead": 2,
    }
    assert len(searcher.memory) == 0


def test_duplicates_can_be_avoided() -> None:
    searcher = DoubleDqn(TOY, 1, avoid_duplicates=True, epsilon_episodes=1)
    proposals = [p.architecture for p in converse(searcher, TOY, 15).proposals]
    assert len(set(proposals)) == 15
    assert searcher.statistics()["built_again"] > 0
    # The whole space was proposed: samples follow.
    assert len(converse(DoubleDqn(TOY, 1, avoid_duplicates=True), TOY, 40).proposals) == 40


# --- learning ---------------------------------------------------------------------------------


def cell_value(cell: Architecture) -> float:
    """A made-up accuracy: 3 points a 3x3 convolution, 1.5 a 1x1 convolution, -1 a pooling, 0.8
    for each step of the longest path up to four, and 2 for an edge from input to output."""
    adjacency, operations = CELLS.graph(cell)
    depth = [0] * len(operations)
    for y in range(1, len(operations)):
        depth[y] = 1 + max(depth[x] for x in range(y) if adjacency[x, y])
    worth = {"conv3x3-bn-relu": 3.0, "conv1x1-bn-relu": 1.5, "maxpool3x3": -1.0}
    total = sum(worth.get(name, 0.0) for name in operations)
    return 70.0 + total + 0.8 * min(depth[-1], 4) + 2.0 * float(adjacency[0, -1])


@pytest.mark.parametrize("seeds", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_learns_to_build_cells(seeds: int) -> None:
    """In each of ten searches of 500 episodes, the last 100 have a larger mean than random
    building and than random search under the same seed: were they no better, that had a
    probability of 0.001 (sign test). Also the best cells are better on average."""
    found, building, sampling = [], [], []
    for seed in range(seeds):
        found.append(search(CELLS, seed, cell_value)[1])
        builder, rng = DoubleDqn(CELLS, seed), random.Random(seed)
        building.append([cell_value(builder._build(1.0)[1]) for _ in range(500)])
        sampling.append([cell_value(CELLS.sample(rng)) for _ in range(500)])
    last = np.array(found)[:, 400:].mean(axis=1)
    assert (last > np.mean(building, axis=1) + 5.0).all()
    assert (last > np.mean(sampling, axis=1) + 4.0).all()
    best = np.max(found, axis=1).mean()
    assert best > max(np.max(building, axis=1).mean(), np.max(sampling, axis=1).mean())


def test_learns_to_make_decisions() -> None:
    space = get_space("tss")
    worth = (-8.0, -1.0, 1.0, 4.0, 0.0)

    def value(cell: Any) -> float:
        return 80.0 + sum([worth[v] for v in cell])

    _, values = search(space, 1, value, 300)
    assert values[:50].mean() < 80.0
    assert values[-50:].mean() > 94.0


def test_learns_from_values_as_told() -> None:
    _, values = search(CELLS, 1, lambda cell: cell_value(cell) / 100.0, reward="value")
    assert values[400:].mean() > values[:100].mean() + 0.05


# --- options ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("reward=percent", "reward='percent'"),
        ("discount=1.1", "discount=1.1; must be at most 1"),
        ("epsilon_start=-0.1", "epsilon_start=-0.1; must be at least 0"),
        ("epsilon_end=2.0", "epsilon_end=2.0; must be at most 1"),
        ("epsilon_episodes=0", "epsilon_episodes=0; must be at least 1"),
        ("hidden_width=5000", "hidden_width=5000; must be at most 1000"),
        ("learning_rate=.nan", "learning_rate=nan; must be"),
        ("batch_size=64,memory_size=32", "memory_size=32; must be at least 64"),
        ("target_update=0", "target_update=0; must be at least 1"),
        ("batch_size=many", "batch_size='many'"),
    ],
)
def test_options_are_checked(word: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        SearcherSpec.parse(f"double_dqn:{word}").build(TOY, 1)


def test_a_space_without_fixed_decisions_is_refused() -> None:
    class Growing(CategoricalSpace):
        sizes = None  # type: ignore[assignment]

        def __init__(self) -> None:
            self.name = "growing"

    with pytest.raises(UserError, match="'growing' has no fixed decisions"):
        DoubleDqn(Growing(), 1)


def test_extreme_options_do_no_harm() -> None:
    searcher = DoubleDqn(TOY, 1, learning_rate=1.0, batch_size=1, memory_size=1, hidden_width=1)
    assert len(converse(searcher, TOY, 100).proposals) == 100
    assert np.isfinite(searcher.online.parameters).all()
