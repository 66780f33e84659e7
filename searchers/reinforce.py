"""REINFORCE with one softmax a decision.

Sources: Williams, "Simple statistical gradient-following algorithms for connectionist
reinforcement learning" (Machine Learning 8, 1992); Dong et al., "NATS-Bench" (TPAMI 2021), whose
baseline this is: Adam with learning rate 0.01, a bias-corrected moving average of the rewards
with momentum 0.9 as baseline, no entropy bonus.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from math import exp, sqrt

from harness.errors import UserError
from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import SearchSpace
from searchers.checks import at_least, at_most

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's constants (Kingma and Ba, ICLR 2015)."""

TRIES = 10_000


class Reinforce(Searcher):
    """Samples every decision from a softmax of its own, and follows the policy gradient.

    The policy starts uniform. Every result is one step of Adam on
    ``(reward - baseline) * log p(architecture) + entropy_bonus * entropy``; Adam makes the step
    independent of the rewards' scale. The reward is the value as told (percent, for one), and
    the bonus is in the same unit. The baseline hears a reward before it is subtracted.

    A failed evaluation counts as the worst reward heard so far; before there is one it teaches
    nothing. With several workers a result moves the policy as it then stands, not the one that
    proposed it.

    Args:
        space: Where to search; must be categorical. Where not every combination is in the
            space, draws outside are redrawn, and the gradient ignores that.
        seed: The search's seed.
        learning_rate: Adam's step.
        baseline_momentum: Share of the old value in the moving average.
        entropy_bonus: Weight of the policy's entropy.

    Raises:
        UserError: If an option is out of range or the space is not categorical.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        learning_rate: float = 0.01,
        baseline_momentum: float = 0.9,
        entropy_bonus: float = 0.0,
    ) -> None:
        super().__init__(space, seed)
        if space.sizes is None:
            raise UserError(
                f"reinforce: the space '{space.name}' has no fixed decisions; use another searcher"
            )
        at_least(self, 0, learning_rate=learning_rate, baseline_momentum=baseline_momentum)
        at_least(self, 0, entropy_bonus=entropy_bonus)
        at_most(self, 1e6, learning_rate=learning_rate, entropy_bonus=entropy_bonus)
        at_most(self, 0.999, baseline_momentum=baseline_momentum)
        self.learning_rate = learning_rate
        self.momentum = baseline_momentum
        self.entropy_bonus = entropy_bonus
        self.sizes = space.sizes
        # The parameters of all decisions in one list; decision d begins at offsets[d].
        self.offsets = [0, *accumulate(self.sizes)][:-1]
        n = sum(self.sizes)
        self.logits = [0.0] * n
        self.first_moment = [0.0] * n
        self.second_moment = [0.0] * n
        self.unbias1 = self.unbias2 = 1.0
        self.reward_sum = self.reward_weight = 0.0
        self.worst: float | None = None
        self._update_policy()

    def _update_policy(self) -> None:
        """Probabilities of all options, and for sampling their running sums in each decision."""
        self.probabilities: list[float] = []
        self.sums: list[list[float]] = []
        for start, size in zip(self.offsets, self.sizes, strict=True):
            logits = self.logits[start : start + size]
            largest = max(logits)
            weights = [exp(w - largest) for w in logits]
            total = sum(weights)
            probabilities = [weight / total for weight in weights]
            self.probabilities += probabilities
            self.sums.append(list(accumulate(probabilities)))

    def ask(self) -> Proposal:
        draw, space = self.rng.random, self.space
        for _ in range(TRIES):
            # The last bound keeps a rounded sum below 1 from running over the end.
            architecture = tuple(
                [bisect_right(sums, draw(), 0, len(sums) - 1) for sums in self.sums]
            )
            if architecture in space:
                return Proposal(architecture)
        return Proposal(space.sample(self.rng))

    def tell(self, observation: Observation) -> None:
        reward = self._reward(observation)
        if reward is None:
            return
        self.reward_sum = self.momentum * self.reward_sum + (1 - self.momentum) * reward
        self.reward_weight = self.momentum * self.reward_weight + (1 - self.momentum)
        advantage = reward - self.reward_sum / self.reward_weight
        # Gradient of log p: one at each chosen option, less all probabilities.
        gradient = [-advantage * p for p in self.probabilities]
        for start, value in zip(self.offsets, observation.architecture, strict=True):  # type: ignore[call-overload]
            gradient[start + value] += advantage
        if self.entropy_bonus:
            bonus = self.entropy_bonus
            gradient = [
                g + bonus * e for g, e in zip(gradient, self._entropy_gradient(), strict=True)
            ]
        self._ascend(gradient)
        self._update_policy()

    def _reward(self, observation: Observation) -> float | None:
        if observation.failed:
            return self.worst
        if self.worst is None or observation.value < self.worst:
            self.worst = observation.value
        return observation.value

    def _entropy_gradient(self) -> list[float]:
        """The gradient of the entropy: p times (the decision's mean logit less the logit)."""
        gradient: list[float] = []
        for start, size in zip(self.offsets, self.sizes, strict=True):
            probabilities = self.probabilities[start : start + size]
            logits = self.logits[start : start + size]
            mean = sum([p * w for p, w in zip(probabilities, logits, strict=True)])
            gradient += [p * (mean - w) for p, w in zip(probabilities, logits, strict=True)]
        return gradient

    def _ascend(self, gradient: list[float]) -> None:
        """One step of Adam."""
        old1, new1, old2, new2 = BETA1, 1 - BETA1, BETA2, 1 - BETA2
        self.unbias1 *= old1
        self.unbias2 *= old2
        rate = self.learning_rate / (1 - self.unbias1)
        scale = 1 / (1 - self.unbias2)
        small, root = EPSILON, sqrt
        first = [old1 * m + new1 * g for m, g in zip(self.first_moment, gradient)]
        second = [old2 * v + new2 * g * g for v, g in zip(self.second_moment, gradient)]
        self.logits = [
            w + rate * m / (root(v * scale) + small) for w, m, v in zip(self.logits, first, second)
        ]
        self.first_moment, self.second_moment = first, second
