"""BayesNAS: sparse architecture weights by automatic relevance determination.

Source: M. Yang, "Efficient Neural Network Architecture Search" (master's thesis, TU Delft, 2019),
chapters 3 and 4, Algorithm 1; Zhou, Yang, Wang and Pan, "BayesNAS" (ICML 2019). docs/bayesnas.md
says where the source is silent or in error, and which option keeps what it prints.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Literal

from harness.one_shot import Diverged, OneShot, Problem
from harness.spaces import Architecture
from searchers.one_shot import bayesnas_checks as checks
from searchers.one_shot.curvature import Engine
from searchers.one_shot.curvature import passes as curvature_passes
from searchers.one_shot.dag import Mode
from searchers.one_shot.logged import as_json
from searchers.one_shot.relevance import Negative
from searchers.one_shot.supernets import require_supernet

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

Scalars = Literal["shared", "grouped", "independent"]
Scale = Literal["1/lambda", "1"]
Score = Literal["gamma", "magnitude", "curvature"]
Rule = Literal["argmax", "threshold"]
Topology = Literal["full", "bayesnas"]


class BayesNas(OneShot):
    """Trains a supernet whose operations are multiplied by scalars w, and makes those sparse.

    Each of T iterations trains network weights W and scalars w together, takes the curvature H of
    the loss with respect to each w, re-estimates from both the variance gamma of each one's
    Gaussian prior, and prunes operations whose prior has an entropy of at most 0. The variances
    also weigh the next iteration's penalty on w, and the largest say which architecture is left.

    Iterations are spread evenly over the budget. The image passes of the curvature are part of it.

    Args:
        problem: Space, images and recipe. W is trained as the recipe says, over the whole search.
        seed: The search's seed.
        epochs: How often an architecture is derived. It changes where an update has been made;
            before the first one the largest scalars decide.
        iterations: T, the number of updates; 1 in the published experiments.
        warmup: Share of the budget in which W alone is trained, at the beginning.
        scalars: "shared": cells of one type have the same scalars; "grouped": each has its own,
            and those at the same place are penalised, and pruned, together (section 2.6 of the
            documentation); "independent": the same as shared, in spaces only where every cell has
            a structure of its own (the published proxyless search).
        sparsity: lambda_w, the penalty on operations' scalars, 1e-12 to 1e6.
        gate_sparsity: The same of edges' gates; None: as `sparsity`.
        dependency: How an operation's relevance depends on others', see
            `searchers.one_shot.dag.combined`. "gate", "zero" and "zero-own" give each edge a gate.
        sweep: Whether irrelevance spreads through whole chains at once, see there.
        hessian_scale: "1/lambda": curvature in the penalty's units; "1": as (4-2) is printed.
        curvature: How H is computed, see `searchers.one_shot.curvature`.
        curvature_batches: H is a mean over so many of the latest training batches (the authors'
            code takes one, too); None: over all training images, not augmented.
        negative: What is made of negative curvature, see `searchers.one_shot.relevance.update`.
        score: What ranks unpruned operations when an architecture is derived: "gamma", the
            scalars' "magnitude", or the "curvature" alone. For comparisons; training and pruning
            are the same.
        rule: "argmax": the best unpruned operation of each edge, none if all are pruned;
            "threshold": all unpruned ones, in spaces that allow several on an edge.
        edges: How many edges into a node "argmax" keeps; None: all.
        topology: Which edges the space `darts` has: "full", all fourteen, or "bayesnas", the
            eight that the authors' code searches.
        learning_rate: Of W; None: the recipe's. The published one is 0.1.
        weight_decay: lambda of (4-1) on W, whose gradient is 2 lambda W; None: the recipe's, which
            torch takes for 2 lambda. Printed 0.01, the authors' code has 0.5e-4.
        architecture_rate: Learning rate of w, constant; None: at every step the one of W. With
            that, long searches diverge where the recipe's is 0.2; see docs/bayesnas.md.
        momentum: Of w.

    Raises:
        UserError: If an option is out of range.
    """

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        epochs: int | None = None,
        iterations: int = 1,
        warmup: float = 0.0,
        scalars: Scalars = "shared",
        sparsity: float = 0.01,
        gate_sparsity: float | None = None,
        dependency: Mode = "predecessors",
        sweep: bool = False,
        hessian_scale: Scale = "1/lambda",
        curvature: Engine = "exact",
        curvature_batches: int | None = 1,
        negative: Negative = "floor",
        score: Score = "gamma",
        rule: Rule = "argmax",
        edges: int | None = None,
        topology: Topology = "full",
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        architecture_rate: float | None = 0.05,
        momentum: float = 0.9,
    ) -> None:
        super().__init__(problem, seed, epochs=epochs)
        require_supernet(problem.space.name)
        gate_sparsity = sparsity if gate_sparsity is None else gate_sparsity
        checks.check_numbers(
            self,
            iterations=iterations,
            warmup=warmup,
            momentum=momentum,
            sparsity=sparsity,
            gate_sparsity=gate_sparsity,
            curvature_batches=curvature_batches,
            edges=edges,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            architecture_rate=architecture_rate,
        )
        words = {
            "scalars": (scalars, Scalars),
            "dependency": (dependency, Mode),
            "hessian_scale": (hessian_scale, Scale),
            "curvature": (curvature, Engine),
            "negative": (negative, Negative),
            "score": (score, Score),
            "rule": (rule, Rule),
            "topology": (topology, Topology),
        }
        checks.check_words(self, words)
        self.iterations, self.warmup, self.scalars = iterations, warmup, scalars
        self.sparsity, self.gate_sparsity = sparsity, gate_sparsity
        self.dependency, self.sweep, self.negative = dependency, sweep, negative
        self.scaled = hessian_scale == "1/lambda"
        self.engine, self.curvature_batches = curvature, curvature_batches
        self.score, self.rule, self.edges = score, rule, edges
        self.topology: Topology = topology
        self.supernet = {} if topology == "full" else {"topology": topology}
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.architecture_rate, self.momentum = architecture_rate, momentum

    def check(self, passes: int) -> None:
        checks.check_fit(self, passes)

    def start(self, passes: int) -> None:
        import torch

        from searchers.one_shot.bayesnas_scalars import CellScalars, Sparsity
        from searchers.one_shot.supernets import mixture_cost
        from searchers.one_shot.weights import SharedWeights

        self.cost_factor = mixture_cost(self.problem, **self.supernet)
        self.weights = SharedWeights(self._problem(), self.seed, passes, **self.supernet)
        strengths = self.sparsity, self.gate_sparsity, self.scaled
        sparsity = Sparsity(*strengths, self.dependency, self.sweep, self.negative)
        grouped = self.scalars == "grouped"
        cells = self.weights.network.cells
        if self.scalars == "independent" and any(cell.repeats > 1 for cell in cells):
            checks.refuse_independent(self.problem.space.name)
        self.cells = [CellScalars(c, sparsity, grouped, self.weights.device) for c in cells]
        self.parameters = [p for cell in self.cells for p in cell.parameters]
        self.architect = torch.optim.SGD(self.parameters, momentum=self.momentum)
        self.iteration = 0
        self.recent: deque[tuple[Tensor, Tensor]] = deque(maxlen=self.curvature_batches or 0)
        self.losses: list[Tensor] = []
        self.updates: list[dict[str, Any]] = []
        checks.check_budget(self, passes, self.update_passes)

    # --- Algorithm 1 ----------------------------------------------------------------------------

    def epoch(self, passes: int) -> int:
        weights, size = self.weights, self.problem.recipe.batch_size
        begin, until = weights.used, weights.used + passes
        self.losses, self.updates = [], []
        with weights.training():
            while True:
                due = self._update_due()
                if weights.used + size <= min(due, until):
                    self._step()
                elif weights.used + size > due and weights.used + self.update_passes <= until:
                    self._update()
                else:
                    break
        if not all(p.isfinite().all() for p in self.parameters):
            raise Diverged("the scalars of the supernet are no finite numbers any more")
        return weights.used - begin

    def _update_due(self) -> float:
        """Image passes of training after which the next update comes; inf after the last one."""
        if self.iteration == self.iterations:
            return inf
        share = self.weights.passes * (self.iteration + 1) // self.iterations
        return share - self.update_passes

    def _step(self) -> None:
        """Steps 1: W and w go down L_D together, W alone during the warm-up."""
        weights, rate = self.weights, self.weights.rate
        warm = weights.used < self.warmup * weights.passes
        batch = weights.train.batch()
        self.architect.zero_grad(set_to_none=True)
        weights.step(lambda: self.objective(batch, fixed=warm))
        self.recent.append(batch)
        if warm:
            return
        for group in self.architect.param_groups:
            group["lr"] = rate if self.architecture_rate is None else self.architecture_rate
        self.architect.step()
        for cell in self.cells:
            cell.clear()

    def objective(self, batch: tuple[Tensor, Tensor], *, fixed: bool = False) -> Tensor:
        """L_D of (4-1), but for the decay of W, which the optimizer adds; E_D with fixed w."""
        parameters = [p.detach() for p in self.parameters] if fixed else self.parameters
        loss = self.weights.loss(lambda images: self.forward(images, parameters), batch)
        self.losses.append(loss.detach())
        return loss if fixed else loss + sum(cell.penalty() for cell in self.cells)

    def forward(self, images: Tensor, parameters: Sequence[Tensor]) -> Tensor:
        """Logits of the supernet with its scalars and gates, in the order of `parameters`."""
        rest = iter(parameters)
        weights = [cell.weights([next(rest) for _ in cell.parameters]) for cell in self.cells]
        return self.weights.network(images, weights)  # type: ignore[no-any-return]

    def _update(self) -> None:
        """Steps 2 to 4: curvature, relevances, pruning."""
        self.iteration += 1
        found = self._curvatures()
        if not all(isfinite(h.sum()) for h in found):
            raise Diverged("the curvature of the supernet's loss is no finite number")
        curvatures = iter(found)
        told = {
            cell.cell.name: cell.update([next(curvatures) for _ in cell.parameters])
            for cell in self.cells
        }
        self.updates.append({"iteration": self.iteration, "passes": self.weights.used, **told})

    def derive(self) -> Architecture:
        choices = [cell.derive(self.score, self.rule, self.edges) for cell in self.cells]
        return self.weights.network.architecture(choices)

    # --- curvature ------------------------------------------------------------------------------

    @property
    def classified(self) -> int:  # type: ignore[override]  # which is the weights'
        """Images that went forward alone, to renew the statistics."""
        return self.weights.classified if hasattr(self, "weights") else 0

    @property
    def update_passes(self) -> int:
        """Image passes of one update, at most."""
        return self.passes_of(sum(p.numel() for p in self.parameters))

    def passes_of(self, scalars: int) -> int:
        """The same for so many scalars."""
        images = self.problem.train_images
        if self.curvature_batches is not None:
            images = self.curvature_batches * self.problem.recipe.batch_size
        return curvature_passes(self.engine, images, scalars)

    def _curvatures(self) -> list[np.ndarray]:
        """The curvature of the mean loss with respect to each tensor of `parameters`."""
        import torch

        from searchers.one_shot.bayesnas_scalars import renew_statistics
        from searchers.one_shot.curvature import curvature

        weights, fixed = self.weights, [p.detach() for p in self.parameters]
        # With all scalars at 1 features grow from cell to cell, which statistics long remember.
        renew_statistics(
            weights.network,
            (lambda x=x: self.forward(x, fixed) for x, _ in weights.train.plain()),  # type: ignore[misc]
        )
        weights.classified += self.problem.train_images
        batches = weights.train.plain() if self.curvature_batches is None else self.recent
        totals, seen = [torch.zeros_like(p, dtype=torch.float64) for p in fixed], 0
        weights.network.eval()
        for images, labels in batches:
            found = curvature(self.forward, images, labels, fixed, self.engine)
            for total, h in zip(totals, found, strict=True):
                total += len(labels) * h.double()
            seen += len(labels)
        weights.network.train()
        weights.used += curvature_passes(self.engine, seen, sum(p.numel() for p in fixed))
        return [(total / seen).cpu().numpy() for total in totals]

    # --- records --------------------------------------------------------------------------------

    def log(self) -> dict[str, Any]:
        """The epoch's mean training loss without penalty, the scalars, and the updates made.

        The loss is None in an epoch without a step of training: it only saved image passes for a
        curvature that one epoch cannot pay.

        An update says for each type of cell the variances before (``gamma_before``), w, H, C,
        omega, s, gamma, entropy and which operations are kept, [edges, operations]; w, H and C
        have an axis of copies before. -Infinity, the entropy of a pruned one, is null.
        """
        mean = sum(float(loss) for loss in self.losses) / max(len(self.losses), 1)
        entry = {
            "iteration": self.iteration,
            "loss": mean if self.losses else None,
            "w": {c.cell.name: c.w.detach().cpu().numpy() for c in self.cells},
            "operations": {c.cell.name: int(c.kept.sum()) for c in self.cells},
            "updates": self.updates,
        }
        return as_json(entry)  # type: ignore[no-any-return]

    def state(self) -> dict[str, Any]:
        return {
            "weights": self.weights.state(),
            "cells": [cell.state() for cell in self.cells],
            "architect": copy.deepcopy(self.architect.state_dict()),
            "iteration": self.iteration,
            "recent": [(images.cpu(), labels.cpu()) for images, labels in self.recent],
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.weights.restore(state["weights"])
        for cell, saved in zip(self.cells, state["cells"], strict=True):
            cell.restore(saved)
        self.architect.load_state_dict(copy.deepcopy(state["architect"]))
        self.iteration = state["iteration"]
        device = self.weights.device
        self.recent.extend((images.to(device), y.to(device)) for images, y in state["recent"])

    def _problem(self) -> Problem:
        """The problem with what the options change of its recipe."""
        recipe = self.problem.recipe
        if self.learning_rate is not None:
            recipe = replace(recipe, learning_rate=self.learning_rate)
        if self.weight_decay is not None:
            recipe = replace(recipe, weight_decay=2 * self.weight_decay)
        return (
            self.problem if recipe == self.problem.recipe else replace(self.problem, recipe=recipe)
        )
