"""ENAS: a policy learns by REINFORCE which architectures do well with shared weights.

Source: Pham, Guan, Zoph, Le and Dean, "Efficient Neural Architecture Search via Parameter Sharing"
(ICML 2018), section 2.2.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from harness.one_shot import Diverged, OneShot, Problem
from harness.spaces import Architecture
from harness.streams import key
from searchers.checks import at_least, at_most
from searchers.one_shot.supernets import require_supernet

if TYPE_CHECKING:
    from searchers.one_shot.coding import Decisions


class Enas(OneShot):
    """Alternates between training shared weights and training the policy that draws from them.

    In an epoch every training step goes to one architecture that the policy draws. Then the
    policy takes its steps of Adam: it draws `samples` architectures, a reward is
    the share of a batch of validation images that one classifies rightly with the shared weights,
    plus `entropy_bonus` times the entropy of the decisions on the way to it, and the baseline a
    moving average of the steps' mean rewards, which hears a step before it is subtracted. Images
    that only give rewards are classified and nothing else: they are no image passes.

    The answer is the best of `candidates` drawn architectures: all are tried on one batch of
    validation images, the best of them on all.

    Args:
        problem: Space, images and recipe. What the policy decides is said at
            `searchers.one_shot.coding.Coding`. Where not every combination of decisions is in
            the space, draws outside are redrawn, and the gradient ignores that.
        seed: The search's seed.
        epochs: How often an architecture is derived.
        learning_rate: Adam's for the policy. This, `samples`, the momentum and the bonus are those
            of the authors' code for cells; the paper has a rate of 0.00035 and a bonus of 0.1.
        controller_steps: Steps of the policy an epoch; None: as many as training steps.
        samples: Architectures drawn for a step.
        baseline_momentum: Share of the old value in the moving average.
        entropy_bonus: Weight of the entropy, in shares of images a nat.
        candidates: Architectures drawn for each answer.
        finalists: How many of them are tried on all validation images.
        batch_statistics: Whether batch normalisations use each batch's own statistics when an
            architecture is tried. Those tracked in training are a mean over all architectures.

    Raises:
        UserError: If an option is out of range, or the space has no supernet.
    """

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        epochs: int | None = None,
        learning_rate: float = 3.5e-3,
        controller_steps: int | None = None,
        samples: int = 10,
        baseline_momentum: float = 0.99,
        entropy_bonus: float = 1e-4,
        candidates: int = 100,
        finalists: int = 10,
        batch_statistics: bool = True,
    ) -> None:
        super().__init__(problem, seed, epochs=epochs)
        require_supernet(problem.space.name)
        at_least(self, 0, learning_rate=learning_rate)
        at_most(self, 1e6, learning_rate=learning_rate, entropy_bonus=entropy_bonus)
        at_least(self, 0, controller_steps=controller_steps or 0)
        at_least(self, 0, baseline_momentum=baseline_momentum, entropy_bonus=entropy_bonus)
        at_most(self, 0.9999, baseline_momentum=baseline_momentum)
        at_least(self, 1, samples=samples, finalists=finalists)
        at_most(self, candidates, "candidates", finalists=finalists)
        self.learning_rate, self.entropy_bonus = learning_rate, entropy_bonus
        self.controller_steps, self.samples = controller_steps, samples
        self.momentum = baseline_momentum
        self.candidates, self.finalists = candidates, finalists
        self.batch_statistics = batch_statistics
        self.baseline: float | None = None
        self.accuracy: float | None = None

    def start(self, passes: int) -> None:
        import torch

        from searchers.one_shot.coding import Coding
        from searchers.one_shot.policy import Policy
        from searchers.one_shot.weights import SharedWeights

        self.weights = SharedWeights(self.problem, self.seed, passes)
        self.coding = Coding(self.problem.space, self.weights.network)
        self.policy = Policy(self.coding.sizes, key(self.seed, "enas", "policy"))
        self.controller = torch.optim.Adam(
            self.policy.parameters(), lr=self.learning_rate, betas=(0.0, 0.999), eps=1e-3
        )
        self.generator = torch.Generator().manual_seed(key(self.seed, "enas", "draws"))

    @property
    def classified(self) -> int:  # type: ignore[override]  # which is the weights'
        """Images that gave rewards, or that candidates were tried on."""
        return self.weights.classified if hasattr(self, "weights") else 0

    def epoch(self, passes: int) -> int:
        weights, size = self.weights, self.problem.recipe.batch_size
        start, steps = weights.used, passes // size
        with weights.training():
            for _, architecture in self.drawn(steps):
                weights.step_path(architecture)
            for _ in range(steps if self.controller_steps is None else self.controller_steps):
                self.step_policy()
        return weights.used - start

    def step_policy(self) -> None:
        """Draw, try, and follow the gradient of the expected reward."""
        import torch

        batch = [self.weights.valid.batch()]
        drawn = self.drawn(self.samples)
        architectures = [architecture for _, architecture in drawn]
        tried = self.weights.accuracies(architectures, batch, self.batch_statistics)
        log_p, entropy = self.policy([decisions for decisions, _ in drawn])
        rewards = torch.tensor([tried[architecture] for architecture in architectures])
        rewards += self.entropy_bonus * entropy.detach()
        mean = float(rewards.mean())
        before = mean if self.baseline is None else self.baseline
        self.baseline = self.momentum * before + (1 - self.momentum) * mean
        self.controller.zero_grad()
        (-(rewards - self.baseline) * log_p).mean().backward()
        self.controller.step()
        if not all(bool(p.isfinite().all()) for p in self.policy.parameters()):
            raise Diverged("the policy's parameters are no finite numbers any more")

    def drawn(self, count: int) -> list[tuple[Decisions, Architecture]]:
        """Decisions from the policy, and the architectures of the space that they stand for."""
        found: list[tuple[Decisions, Architecture]] = []
        while len(found) < count:
            for decisions in self.policy.sample(count - len(found), self.generator):
                architecture = self.coding.architecture(decisions)
                if architecture is not None:
                    found.append((decisions, architecture))
        return found

    def derive(self) -> Architecture:
        drawn = [architecture for _, architecture in self.drawn(self.candidates)]
        answer, self.accuracy = self.weights.best(drawn, self.finalists, self.batch_statistics)
        return answer

    def log(self) -> dict[str, Any]:
        """The answer's share of the validation images and the baseline, beside the weights'."""
        found = {"shared_accuracy": self.accuracy, "baseline": self.baseline}
        return {**self.weights.log(), **found}

    def state(self) -> dict[str, Any]:
        return {
            "weights": self.weights.state(),
            "policy": copy.deepcopy(self.policy.state_dict()),
            "controller": copy.deepcopy(self.controller.state_dict()),
            "generator": self.generator.get_state(),
            "baseline": self.baseline,
            "accuracy": self.accuracy,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.weights.restore(state["weights"])
        self.policy.load_state_dict(state["policy"])
        self.controller.load_state_dict(copy.deepcopy(state["controller"]))
        self.generator.set_state(state["generator"].cpu())
        self.baseline, self.accuracy = state["baseline"], state["accuracy"]
