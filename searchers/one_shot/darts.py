"""DARTS: gradient descent on a softmax over the operations of every edge.

Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search" (ICLR 2019),
algorithm 1.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from harness.errors import UserError
from harness.one_shot import Diverged, OneShot, Problem
from harness.spaces import Architecture
from searchers.checks import at_least, at_most, one_of
from searchers.one_shot.supernets import require_supernet

if TYPE_CHECKING:
    from torch import Tensor

    from harness.training.reducers import Averaging
    from searchers.one_shot.weights import Batch

RULES = ("argmax", "strongest", "top2")
"""See `searchers.one_shot.mixing.discretised`."""


class Darts(OneShot):
    """Relaxes the choice on every edge to a softmax, and alternates two gradient steps.

    A step takes a training and a validation batch. First the architecture's parameters alpha
    descend the validation loss by Adam, then the shared weights w descend the training loss as
    the recipe says. The validation loss is the one at w (first order: two image passes an image
    and step), or the one at the weights of w's next step, which depend on alpha (second order:
    five; see `searchers.one_shot.unrolled`).

    Args:
        problem: Space, images and recipe.
        seed: The search's seed.
        epochs: How often an architecture is derived; None: once for every time that the training
            images have been seen.
        order: 1 or 2, see above.
        architecture_rate: Adam's learning rate for alpha; its betas are 0.5 and 0.999.
        architecture_decay: L2 penalty on alpha.
        zero: Whether "no operation" takes part in every softmax.
        rule: How alpha becomes an architecture. "argmax": the strongest option of every edge,
            be it no operation; "strongest": the strongest operation of every edge, so that no
            pair of nodes is disconnected; "top2": the same on the two strongest edges into every
            node (DARTS' own). None: "argmax" where the space has an operation "none", as `tss`
            has, else "top2".
        random_weights: A control: w stays as it was drawn, and alpha alone is trained (one image
            pass less an image and step).

    Raises:
        UserError: If an option is out of range, the space has no supernet, or the second order is
            asked for and the recipe's optimizer is not plain SGD.
    """

    reducer: Averaging | None = None
    """Where several workers train together, each sets what brings it together with the others
    before `start`; see `searchers.one_shot.parallel`."""

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        epochs: int | None = None,
        order: int = 1,
        architecture_rate: float = 3e-4,
        architecture_decay: float = 1e-3,
        zero: bool = True,
        rule: str | None = None,
        random_weights: bool = False,
    ) -> None:
        super().__init__(problem, seed, epochs=epochs)
        require_supernet(problem.space.name)
        rates = {"architecture_rate": architecture_rate, "architecture_decay": architecture_decay}
        at_least(self, 0, **rates)
        at_most(self, 1e6, "", **rates)
        if order not in (1, 2):
            raise UserError(f"Darts: order={order}; must be 1 or 2")
        recipe = problem.recipe
        if order == 2 and (recipe.optimizer != "SGD" or recipe.options):
            raise UserError("Darts: order=2 unrolls a step of plain SGD: take order=1 or a recipe")
        self.rule = rule or ("argmax" if _has_none(problem) else "top2")
        one_of(self, RULES, rule=self.rule)
        if self.rule == "argmax" and not zero:
            raise UserError("Darts: zero=false leaves no zero to choose: set rule to strongest")
        self.order, self.zero, self.random_weights = order, zero, random_weights
        self.rate, self.decay = architecture_rate, architecture_decay
        batches = (2 if order == 1 else 5) - random_weights
        self.step_passes = batches * recipe.batch_size

    @property
    def natural_epoch(self) -> int:
        """Image passes in which all training images are seen once: a step has others beside."""
        return self.problem.train_images * self.step_passes // self.problem.recipe.batch_size

    def start(self, passes: int) -> None:
        import torch

        from searchers.one_shot import mixing
        from searchers.one_shot.supernets import mixture_cost
        from searchers.one_shot.weights import SharedWeights

        self.cost_factor = mixture_cost(self.problem)
        self.weights = SharedWeights(self.problem, self.seed, passes)
        self.weights.reducer = self.reducer
        self.alphas = mixing.initial_alphas(self.weights.network, self.zero, self.seed)
        self.architect = torch.optim.Adam(
            self.alphas, lr=self.rate, betas=(0.5, 0.999), weight_decay=self.decay
        )

    def mixtures(self) -> list[Tensor]:
        """The operations' weights, a tensor [1, edges, operations] for each type of cell."""
        from searchers.one_shot import mixing

        return mixing.mixtures(self.alphas, self.zero)

    def epoch(self, passes: int) -> int:
        weights = self.weights
        start = weights.used
        with weights.training():
            while weights.used + self.step_passes <= start + passes:
                train, valid = weights.train.batch(), weights.valid.batch()
                self._step_architecture(train, valid)
                if not self.random_weights:
                    self._step_weights(train)
            if self.reducer is not None:
                self.reducer.epoch(weights.beside(self.alphas), weights.optimizer)
        if not all(bool(alpha.isfinite().all()) for alpha in self.alphas):
            raise Diverged("the architecture's parameters are no finite numbers any more")
        return weights.used - start

    def _step_architecture(self, train: Batch, valid: Batch) -> None:
        for alpha, gradient in zip(self.alphas, self.gradient(train, valid), strict=True):
            alpha.grad = gradient
        if self.reducer is not None:
            self.reducer.gradients(self.alphas)
        self.architect.step()

    def gradient(self, train: Batch, valid: Batch) -> list[Tensor]:
        """The gradient of the validation loss by alpha."""
        from torch.autograd import grad

        from searchers.one_shot.unrolled import unrolled_gradient

        weights = self.weights
        if self.order == 2:
            return unrolled_gradient(weights, self.alphas, self.mixtures, train, valid)
        mixtures = self.mixtures()
        loss = weights.loss(lambda images: weights.network(images, mixtures), valid)
        return list(grad(loss, self.alphas, materialize_grads=True))

    def _step_weights(self, train: Batch) -> None:
        weights = self.weights
        mixtures = [mixture.detach() for mixture in self.mixtures()]
        weights.step(lambda: weights.loss(lambda images: weights.network(images, mixtures), train))

    def derive(self) -> Architecture:
        from searchers.one_shot.mixing import discretised

        network = self.weights.network
        pairs = zip(network.cells, self.alphas, strict=True)
        return network.architecture(
            [discretised(cell.dag, alpha, self.zero, self.rule) for cell, alpha in pairs]
        )

    def log(self) -> dict[str, Any]:
        """The mean weight of every operation, by type of cell, beside the weights' figures."""
        found = self.weights.log()
        for cell, mixture in zip(self.weights.network.cells, self.mixtures(), strict=True):
            means = mixture.detach().mean((0, 1)).tolist()
            found[cell.name] = dict(zip(cell.dag.operations, means, strict=True))
        return found

    def state(self) -> dict[str, Any]:
        return {
            "weights": self.weights.state(),
            "alphas": [alpha.detach().clone() for alpha in self.alphas],
            "architect": copy.deepcopy(self.architect.state_dict()),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.weights.restore(state["weights"])
        for alpha, saved in zip(self.alphas, state["alphas"], strict=True):
            alpha.data.copy_(saved)
        self.architect.load_state_dict(copy.deepcopy(state["architect"]))


def _has_none(problem: Problem) -> bool:
    """Whether "no operation" is an option of the space's decisions."""
    return any("none" in names for names in getattr(problem.space, "options", ()))
