"""REINFORCE: the gradient, the policy, and what a failure teaches."""

from __future__ import annotations

from collections import Counter
from math import exp, inf, log

import numpy as np
import pytest

from harness.errors import UserError
from harness.searcher import Observation
from harness.spaces import CategoricalSpace
from harness.spec import SearcherSpec
from harness.testing.conversation import converse
from searchers.reinforce import Reinforce

TOY = CategoricalSpace("toy", [["a", "b"], ["1", "2", "3"], ["x", "y", "z", "w"]])


def probability(searcher: Reinforce, architecture: tuple[int, ...]) -> float:
    product = 1.0
    for start, value in zip(searcher.offsets, architecture, strict=True):
        product *= searcher.probabilities[start + value]
    return product


def test_policy_starts_uniform() -> None:
    searcher = Reinforce(TOY, 1)
    counts = Counter(searcher.ask().architecture for _ in range(24_000))
    observed = np.array(list(counts.values()))
    assert len(observed) == 24
    # Chi-square with 23 degrees of freedom; 56 has a probability of 1e-4.
    assert ((observed - 1_000) ** 2 / 1_000).sum() < 56


def test_policy_converges_on_a_separable_function() -> None:
    searcher = Reinforce(TOY, 1, learning_rate=0.1)
    value = {"a": 3.0, "2": 2.0, "3": 1.0, "z": 4.0, "w": 1.0}
    converse(
        searcher,
        TOY,
        800,
        score=lambda text, visit: sum(value.get(name, 0.0) for name in text.split(",")),
    )
    assert probability(searcher, (0, 1, 2)) > 0.8


def test_draws_follow_the_policy() -> None:
    searcher = Reinforce(TOY, 1)
    searcher.logits = [0.0, 1.0, 0.5, -0.5, 2.0, 0.0, -3.0, 1.0, 0.3]
    searcher._update_policy()
    n = 20_000
    counts = Counter(searcher.ask().architecture for _ in range(n))
    for architecture, count in counts.items():
        expected = n * probability(searcher, architecture)  # type: ignore[arg-type]
        assert abs(count - expected) < 5 * expected**0.5 + 1


@pytest.mark.parametrize("bonus", [0.0, 0.7])
def test_gradient_is_that_of_the_objective(bonus: float) -> None:
    """The update's gradient against finite differences of the documented objective."""
    searcher = Reinforce(TOY, 1, entropy_bonus=bonus)
    searcher.logits = [0.1, -0.4, 0.5, -0.5, 0.2, 0.0, -1.0, 1.0, 0.3]
    searcher._update_policy()
    searcher.reward_sum, searcher.reward_weight = 20.0, 0.5
    logits = list(searcher.logits)
    seen: list[list[float]] = []
    searcher._ascend = seen.append  # type: ignore[method-assign, assignment]
    searcher.tell(Observation(0, (1, 2, 0), None, 70.0, False))
    baseline = (0.9 * 20.0 + 0.1 * 70.0) / (0.9 * 0.5 + 0.1)

    def objective(w: list[float]) -> float:
        total = 0.0
        for start, size, value in zip([0, 2, 5], TOY.sizes, (1, 2, 0), strict=True):
            weights = [exp(x) for x in w[start : start + size]]
            p = [x / sum(weights) for x in weights]
            total += (70.0 - baseline) * log(p[value]) - bonus * sum(x * log(x) for x in p)
        return total

    for i, gradient in enumerate(seen[0]):
        nudged = [[x + (h if i == j else 0) for j, x in enumerate(logits)] for h in (1e-5, -1e-5)]
        slope = (objective(nudged[0]) - objective(nudged[1])) / 2e-5
        assert gradient == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_first_step_of_adam_has_the_size_of_the_learning_rate() -> None:
    """Adam divides by the gradient's size, so the scale of rewards does not matter."""
    for scale in (1.0, 100.0):
        searcher = Reinforce(TOY, 1, learning_rate=0.05)
        searcher.tell(Observation(0, (0, 0, 0), None, scale * 1.0, False))
        # The baseline hears the reward first: a first reward has no advantage.
        assert searcher.logits == [0.0] * 9
        searcher.tell(Observation(1, (0, 0, 0), None, scale * 2.0, False))
        moves = np.abs(searcher.logits)
        # Bias correction at the second step: (0.1 / 0.19) / sqrt(0.001 / 0.001999).
        assert moves == pytest.approx(0.05 * (0.1 / 0.19) * 1.999**0.5, rel=1e-3)


def test_failures_count_as_the_worst_reward() -> None:
    searcher = Reinforce(TOY, 1, learning_rate=0.1)
    searcher.tell(Observation(0, (0, 0, 0), None, -inf, True))
    assert searcher.logits == [0.0] * 9
    # Every architecture with the first option of the last decision fails.
    for number in range(1, 400):
        architecture = searcher.ask().architecture
        failed = architecture[2] == 0  # type: ignore[index]
        value = -inf if failed else 50.0 + architecture[1]  # type: ignore[index]
        searcher.tell(Observation(number, architecture, None, value, failed))
    assert searcher.probabilities[5] < 0.1
    assert searcher.worst == 50.0


def test_only_valid_architectures_of_a_restricted_space() -> None:
    class Restricted(CategoricalSpace):
        def valid(self, architecture: tuple[int, ...]) -> bool:
            return sum(architecture) % 3 != 0

    space = Restricted("restricted", TOY.options)
    talk = converse(Reinforce(space, 1, learning_rate=0.2), space, 300)
    assert len(talk.proposals) == 300
    assert all(p.architecture in space for p in talk.proposals)


def test_a_very_large_learning_rate_does_no_harm() -> None:
    searcher = Reinforce(TOY, 1, learning_rate=1e6, entropy_bonus=1e6)
    assert len(converse(searcher, TOY, 100).proposals) == 100
    assert all(0.0 <= p <= 1.0 for p in searcher.probabilities)


def test_a_space_without_fixed_decisions_is_refused() -> None:
    class Growing(CategoricalSpace):
        sizes = None  # type: ignore[assignment]

        def __init__(self) -> None:
            self.name = "growing"

    with pytest.raises(UserError, match="'growing' has no fixed decisions"):
        Reinforce(Growing(), 1)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("reinforce:learning_rate=-0.1", "learning_rate=-0.1; must be at least 0"),
        ("reinforce:baseline_momentum=1.0", "baseline_momentum=1.0; must be at most 0.999"),
        ("reinforce:learning_rate=fast", "learning_rate='fast'"),
    ],
)
def test_options_are_checked(word: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        SearcherSpec.parse(word).build(TOY, 1)
