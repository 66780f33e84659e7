"""Double deep Q-learning: an agent that builds architectures step by step.

Sources: Kyriakides, "Parallel and Distributed Methods for Autonomous Design of Artificial Neural
Networks" (PhD thesis, University of Macedonia, 2022), chapter 3, for the agent, its states and
its two heads; Mnih et al., "Human-level control through deep reinforcement learning" (Nature 518,
2015), for the replay memory and the target network; van Hasselt, Guez and Silver, "Deep
Reinforcement Learning with Double Q-learning" (AAAI 2016), for the targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Literal

import numpy as np

from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import Architecture, SearchSpace
from harness.streams import distinct
from searchers.builders import Builder, Head, builder_of
from searchers.checks import at_least, at_most, one_of
from searchers.q_network import QNetwork
from searchers.replay import Replay, Transition

TRIES = 100
"""Builds that cannot be proposed before a random architecture is proposed instead."""

DECIMALS = 6
"""Values that agree in these are equal: the last digits differ between machines."""


class DoubleDqn(Searcher):
    """Learns the values of building steps, and builds by the largest ones.

    An episode builds one architecture and proposes it. Every step chooses neurons on each head of
    the network (`searchers.builders`): with probability epsilon random ones, else those of the
    largest values; of equal values the first neuron wins. In NAS-Bench-101 the heads choose a
    vertex and its inputs; in other spaces one head makes one decision after the other.

    When an episode's result is told, its steps enter the memory: the last one with the reward, the
    others with zero. Then the network learns from as many batches as the episode had steps: the
    neurons that a step chose on a head should be worth its reward plus the discounted mean value
    of those that the network would choose on that head next, as the target network values them.
    With several workers, episodes begin with what was learnt from the results told so far.

    A failed evaluation counts as the worst value heard so far; before there is one it teaches
    nothing. Neither does what cannot be proposed, because it is outside the space (a table lacks
    it) or, on request, a duplicate: the agent builds anew with epsilon growing to one, and after
    100 attempts proposes a sample of the space, which has no steps to learn from. `statistics`
    counts all three.

    The thesis gives none of the options' values.

    Args:
        space: Where to search.
        seed: The search's seed.
        avoid_duplicates: Whether nothing is built that was proposed before, isomorphic networks
            included. (A sample may have been.)
        reward: "rank" is the share of the values heard so far that are lower (of equal ones half
            count), whatever their unit; "value" is the value as told, which the thesis has as a
            fraction.
        discount: Worth of a reward one step later, gamma.
        epsilon_start: Probability that a head's choice is random, in the first episode.
        epsilon_end: The same when it no longer falls.
        epsilon_episodes: Episodes over which it falls, linearly.
        hidden_width: Units of each of the two hidden layers.
        learning_rate: Adam's step.
        batch_size: Steps that are learnt from at once; learning begins with so many in memory.
        memory_size: Steps remembered.
        target_update: Episodes told between two copies of the network into the target network.

    Raises:
        UserError: If an option is out of range, or the space has no fixed decisions.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        avoid_duplicates: bool = False,
        reward: Literal["rank", "value"] = "rank",
        discount: float = 1.0,
        epsilon_start: float = 1.0,
        epsilon_end: float = 0.05,
        epsilon_episodes: int = 200,
        hidden_width: int = 64,
        learning_rate: float = 0.001,
        batch_size: int = 32,
        memory_size: int = 10_000,
        target_update: int = 10,
    ) -> None:
        super().__init__(space, seed)
        one_of(self, ("rank", "value"), reward=reward)
        at_least(self, 0, discount=discount, learning_rate=learning_rate)
        at_least(self, 0, epsilon_start=epsilon_start, epsilon_end=epsilon_end)
        at_most(self, 1, discount=discount, learning_rate=learning_rate)
        at_most(self, 1, epsilon_start=epsilon_start, epsilon_end=epsilon_end)
        at_least(self, 1, epsilon_episodes=epsilon_episodes, hidden_width=hidden_width)
        at_least(self, 1, batch_size=batch_size, target_update=target_update)
        at_least(self, batch_size, memory_size=memory_size)
        at_most(self, 1_000, hidden_width=hidden_width, batch_size=batch_size)
        at_most(self, 1_000_000, memory_size=memory_size)
        self.avoid_duplicates = avoid_duplicates
        self.by_rank = reward == "rank"
        self.discount = discount
        self.epsilons = epsilon_start, epsilon_end
        self.epsilon_episodes = epsilon_episodes
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.target_update = target_update
        self.builder: Builder[Any] = builder_of(space)
        self.heads = self.builder.heads
        # The neurons of all heads in one row; those of head h begin at offsets[h].
        *self.offsets, neurons = accumulate((head.size for head in self.heads), initial=0)
        widths = (self.builder.width, hidden_width, hidden_width, neurons)
        self.online = QNetwork(widths, self.rng.random)
        self.target = QNetwork(widths, lambda: 0.5)
        self._copy_to_target()
        choices = sum(head.picks for head in self.heads)
        self.memory = Replay(memory_size, self.builder.width, neurons, choices)
        self.values = np.empty(0)  # all values heard, ascending
        self.episodes: dict[int, list[Transition]] = {}  # those in flight
        self.asked = self.told = 0
        self.proposed: set[Architecture] = set()  # canonical ones, if duplicates are avoided
        self.outside = self.duplicates = self.samples = 0

    # --- acting -------------------------------------------------------------------------------

    def ask(self) -> Proposal:
        number, self.asked = self.asked, self.asked + 1
        epsilon = self.epsilon(number)
        for attempt in range(TRIES):
            steps, architecture = self._build(epsilon + (1.0 - epsilon) * attempt / TRIES)
            if self._can_propose(architecture):
                self.episodes[number] = steps
                return Proposal(architecture)
        self.samples += 1
        return Proposal(self.space.sample(self.rng))

    def _can_propose(self, architecture: Architecture) -> bool:
        if architecture not in self.space:
            self.outside += 1
            return False
        if self.avoid_duplicates:
            network = self.space.canonical(architecture)
            if network in self.proposed:
                self.duplicates += 1
                return False
            self.proposed.add(network)
        return True

    def epsilon(self, episode: int) -> float:
        """The probability of random choices in an episode."""
        start, end = self.epsilons
        return end + (start - end) * max(0.0, 1.0 - episode / self.epsilon_episodes)

    def _build(self, epsilon: float) -> tuple[list[Transition], Architecture]:
        """An episode: its steps, still without the reward, and what it built."""
        builder, steps = self.builder, []
        state = builder.start
        code, allowed = builder.encode(state), builder.allowed(state)
        while True:
            chosen = self._choose(code, allowed, epsilon)
            state = builder.step(state, chosen)
            architecture = builder.finished(state)
            ended = architecture is not None
            allowed = [()] * len(allowed) if ended else builder.allowed(state)
            before, code = code, builder.encode(state)
            neurons = [o + n for o, picks in zip(self.offsets, chosen) for n in picks]
            steps.append(Transition(before, neurons, code, self._mask(allowed), 0.0, ended))
            if architecture is not None:
                return steps, architecture

    def _choose(
        self, code: list[int], allowed: list[Sequence[int]], epsilon: float
    ) -> list[list[int]]:
        """Neurons for every head: random ones, or the best first."""
        chosen, values = [], None
        for head, offset, neurons in zip(self.heads, self.offsets, allowed):
            if self.rng.random() < epsilon:
                picks = distinct(self.rng, len(neurons), head.picks)
                chosen.append([neurons[pick] for pick in picks])
                continue
            if values is None:
                values = self.online(np.array(code, float)).round(DECIMALS).tolist()
            worth = values[offset : offset + head.size]
            chosen.append(sorted(neurons, key=lambda n: -worth[n])[: head.picks])
        return chosen

    def _mask(self, allowed: list[Sequence[int]]) -> list[bool]:
        places = zip(self.heads, allowed)
        return [n in neurons for head, neurons in places for n in range(head.size)]

    # --- learning -----------------------------------------------------------------------------

    def tell(self, observation: Observation) -> None:
        steps = self.episodes.pop(observation.number, [])
        value = observation.value
        if observation.failed:
            if not len(self.values):
                return
            value = self.values[0]
        self.values = np.insert(self.values, self.values.searchsorted(value), value)
        self.told += 1
        for step in steps:
            self.memory.add(step._replace(reward=value if step.ended else 0.0))
        for _ in steps:
            if len(self.memory) >= self.batch_size:
                self._learn()
        if self.told % self.target_update == 0:
            self._copy_to_target()

    def _learn(self) -> None:
        """One step of the optimizer, on one batch."""
        batch = self.memory.sample(self.batch_size, self.rng.random)
        if self.by_rank:
            batch = batch._replace(reward=self._ranks(batch.reward) * batch.ended)
        online, target = self.online(batch.following), self.target(batch.following)
        targets = double_q_targets(self.heads, batch, online, target, self.discount)
        gradient = self.online.gradient(batch.state, batch.chosen, targets)
        self.online.descend(gradient, self.learning_rate)

    def _ranks(self, values: np.ndarray) -> np.ndarray:
        """The share of all values heard that are lower; of equal ones half count."""
        heard = self.values
        below, upto = heard.searchsorted(values), heard.searchsorted(values, side="right")
        return (below + upto) / (2.0 * len(heard))

    def _copy_to_target(self) -> None:
        self.target.parameters[:] = self.online.parameters

    def statistics(self) -> dict[str, Any]:
        """How many builds could not be proposed, and how many samples stood in for them."""
        return {
            "built_outside": self.outside,
            "built_again": self.duplicates,
            "sampled_instead": self.samples,
        }


def double_q_targets(
    heads: Sequence[Head],
    batch: Transition,
    online: np.ndarray,
    target: np.ndarray,
    discount: float,
) -> np.ndarray:
    """What the neurons that each step chose should be worth.

    Args:
        heads: The network's heads.
        batch: The steps.
        online: The network's values where they led, [batch, neurons].
        target: The target network's, likewise.
        discount: Worth of a reward one step later.

    Returns:
        [batch, choices]; the choices on one head share a target.
    """
    ranking = np.where(batch.allowed, online.round(DECIMALS), -np.inf)
    rows = np.arange(len(ranking))
    columns, start = [], 0
    for size, picks in heads:
        part = ranking[:, start : start + size]
        value = np.zeros(len(ranking))
        for _ in range(picks):
            best = part.argmax(axis=1)
            part[rows, best] = -np.inf
            value += target[rows, start + best] / picks
        columns += [batch.reward + discount * value * ~batch.ended] * picks
        start += size
    return np.stack(columns, axis=1)
