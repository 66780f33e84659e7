"""The architecture's weights of BayesNAS: what they are penalised by, and how they are pruned."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from searchers.one_shot.dag import GATED, Choice, Mode, combined
from searchers.one_shot.derivation import argmax, connected, threshold
from searchers.one_shot.relevance import Negative, Relevance, Update, entropy, update
from searchers.one_shot.supernets.base import CellType

if TYPE_CHECKING:
    from searchers.one_shot.bayesnas import Rule, Score


@dataclass(frozen=True)
class Sparsity:
    """How strongly scalars are drawn to zero, and what ties them together.

    Attributes:
        operations: lambda_w of the operations' scalars, above 0.
        gates: lambda_w of the gates, above 0.
        scaled: Whether the curvature is divided by lambda_w, as it is in the penalty's units.
        dependency: How relevances are combined along the cell.
        sweep: Whether death spreads through whole chains at once, see `combined`.
        negative: What is made of negative curvature, see `searchers.one_shot.relevance.update`.
    """

    operations: float
    gates: float
    scaled: bool = True
    dependency: Mode = "predecessors"
    sweep: bool = False
    negative: Negative = "floor"


class CellScalars:
    """A scalar for every operation of one type of cell, and one for every edge's gate.

    An operation's output is multiplied by its scalar and by its edge's gate. The thesis puts the
    gate before the operations (section 3.2); behind a batch normalisation nothing would be left
    of it there.

    Args:
        cell: The type of cell.
        sparsity: Penalty and dependency.
        grouped: Whether every cell of the type has scalars of its own, and those at the same place
            are one group. Otherwise all cells share one set, a group of one each.
        device: Where the supernet is.

    Attributes:
        w: Operations' scalars [copies, edges, operations], copies being the cells or 1.
        gates: [copies, edges]; None in modes without gates.
        prior: gamma and omega of the operations, each [edges, operations].
        gate_prior: The same of the gates, each [edges].
        kept: Which operations are not pruned, [edges, operations].
        curvature: The latest of the operations, unscaled, [copies, edges, operations]; None before
            the first update.
    """

    def __init__(
        self, cell: CellType, sparsity: Sparsity, grouped: bool, device: torch.device
    ) -> None:
        self.cell, self.sparsity = cell, sparsity
        shape = (cell.repeats if grouped else 1, *cell.dag.shape)
        self.w = torch.ones(shape, device=device, requires_grad=True)
        self.gates: Tensor | None = None
        if sparsity.dependency in GATED:
            self.gates = torch.ones(shape[:-1], device=device, requires_grad=True)
        self.prior = Relevance.start(shape[1:])
        self.gate_prior = Relevance.start(shape[1:-1])
        self.kept = np.ones(shape[1:], dtype=bool)
        self.curvature: np.ndarray | None = None

    @property
    def parameters(self) -> list[Tensor]:
        """What is trained: the operations' scalars, and the gates if there are any."""
        return [self.w] if self.gates is None else [self.w, self.gates]

    def weights(self, parameters: Sequence[Tensor]) -> Tensor:
        """What multiplies each operation's output, [copies, edges, operations]."""
        w, *gates = parameters
        return w * gates[0][..., None] if gates else w

    def penalty(self) -> Tensor:
        """lambda_w times the sum of omega |w|, (4-1), each norm over a group of scalars."""
        total = self.sparsity.operations * (self._tensor(self.prior.omega) * norm(self.w)).sum()
        if self.gates is not None:
            gates = self._tensor(self.gate_prior.omega) * norm(self.gates)
            total = total + self.sparsity.gates * gates.sum()
        return total

    @torch.no_grad()
    def clear(self) -> None:
        """Set pruned operations to zero again, and the gates of edges that have lost all."""
        self.w.mul_(self._tensor(self.kept))
        if self.gates is not None:
            self.gates.mul_(self._tensor(np.asarray(self.kept.any(axis=1))))

    # --- Algorithm 1, steps 3 and 4 -------------------------------------------------------------

    def update(self, curvatures: Sequence[np.ndarray]) -> dict[str, Any]:
        """Re-estimate relevances, and prune what has too small ones.

        The best path from an input to the output stays, however irrelevant it is: without one
        nothing could be trained any more.

        Args:
            curvatures: Of the mean loss with respect to each tensor of `parameters`.

        Returns:
            All numbers of the step, as JSON values.
        """
        sparsity, dag = self.sparsity, self.cell.dag
        before, gates_before = self.prior, self.gate_prior
        found = self._updated(self.w, curvatures[0], before, sparsity.operations)
        gates, s_gates = None, None
        if self.gates is not None:
            gates = self._updated(self.gates, curvatures[1], gates_before, sparsity.gates)
            s_gates = gates.s
            self.gate_prior = Relevance(gates.s, gates.omega)
        gamma = combined(dag, found.s, s_gates, sparsity.dependency, sweep=sparsity.sweep)
        alive = threshold(dag, np.where(self.kept, gamma, 0.0))
        self.kept = mask(dag.shape, connected(dag, gamma, alive))
        self.prior = Relevance(gamma, found.omega)
        self.curvature = np.asarray(curvatures[0], dtype=np.float64)
        told: dict[str, Any] = {
            **_told(self.w, curvatures[0], before.gamma, found),
            "gamma": gamma,
            "entropy": entropy(gamma),
            "kept": self.kept,
        }
        if self.gates is not None and gates is not None:
            told["gates"] = _told(self.gates, curvatures[1], gates_before.gamma, gates)
        self.clear()
        return told

    def _updated(
        self, weights: Tensor, curvature: np.ndarray, before: Relevance, strength: float
    ) -> Update:
        h = curvature / strength if self.sparsity.scaled else curvature
        w = weights.detach().cpu().numpy()
        return update(w, h, before.gamma, axis=0, negative=self.sparsity.negative)

    # --- derivation -----------------------------------------------------------------------------

    def derive(self, score: Score, rule: Rule, edges: int | None = None) -> Choice:
        """What the cell keeps: unpruned operations, on paths from an input to the output.

        Before the first update there are neither curvature nor relevance, and the magnitude
        ranks.

        Args:
            score: What ranks operations.
            rule: "argmax": the best of each edge, "threshold": all of them.
            edges: How many edges into a node "argmax" keeps; None: all.
        """
        dag = self.cell.dag
        scores = self.scores(score)
        choice: Choice
        if rule == "threshold":
            choice = tuple(tuple(int(o) for o in np.flatnonzero(row)) for row in self.kept)
        else:
            # No score is negative: what is pruned ranks behind all that is not.
            best = argmax(dag, np.where(self.kept, scores, -1.0), edges)
            choice = tuple(
                operations if any(row[list(operations)]) else ()
                for operations, row in zip(best, self.kept, strict=True)
            )
        return connected(dag, scores, choice, prune=True)

    def scores(self, score: Score) -> np.ndarray:
        """What ranks the operations, at least 0, [edges, operations]."""
        if score == "magnitude" or self.curvature is None:
            weights = self.weights([p.detach() for p in self.parameters])
            return np.asarray(norm(weights).cpu().numpy(), dtype=np.float64)
        if score == "curvature":
            return np.asarray(np.maximum(self.curvature.sum(axis=0), 0.0))
        return self.prior.gamma

    # --- state ----------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that `restore` needs, for ``torch.save`` and weights_only loading."""
        arrays = {
            "gamma": self.prior.gamma,
            "omega": self.prior.omega,
            "gate_gamma": self.gate_prior.gamma,
            "gate_omega": self.gate_prior.omega,
            "kept": self.kept,
        }
        if self.curvature is not None:
            arrays["curvature"] = self.curvature
        return {
            "parameters": [p.detach().cpu().clone() for p in self.parameters],
            **{name: torch.from_numpy(array.copy()) for name, array in arrays.items()},
        }

    @torch.no_grad()
    def restore(self, state: dict[str, Any]) -> None:
        """Go on where scalars of the same arguments were."""
        for parameter, saved in zip(self.parameters, state["parameters"], strict=True):
            parameter.copy_(saved)
        arrays = {
            name: copy.copy(tensor.numpy())
            for name, tensor in state.items()
            if name != "parameters"
        }
        self.prior = Relevance(arrays["gamma"], arrays["omega"])
        self.gate_prior = Relevance(arrays["gate_gamma"], arrays["gate_omega"])
        self.kept, self.curvature = arrays["kept"], arrays.get("curvature")

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.asarray(values)).to(self.w.device, self.w.dtype)


@torch.no_grad()
def renew_statistics(network: nn.Module, forwards: Iterable[Callable[[], Tensor]]) -> None:
    """Let batch normalisations track the mean of some batches' statistics, and of nothing else.

    Args:
        network: In training mode.
        forwards: Each sends a batch of images through the network.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [module.momentum for module in norms]
    for number, forward in enumerate(forwards, 1):
        for module in norms:
            module.momentum = 1 / number
        forward()
    for module, momentum in zip(norms, momenta, strict=True):
        module.momentum = momentum


def norm(weights: Tensor) -> Tensor:
    """The length of every group, over the copies: of [copies, ...] a tensor [...]."""
    lengths: Tensor = torch.linalg.vector_norm(weights, dim=0)
    return lengths


def mask(shape: tuple[int, int], choice: Choice) -> np.ndarray:
    """Booleans [edges, operations] that are true for what a choice keeps."""
    kept = np.zeros(shape, dtype=bool)
    for edge, operations in enumerate(choice):
        kept[edge, list(operations)] = True
    return kept


def _told(
    weights: Tensor, curvature: np.ndarray, gamma_before: np.ndarray, found: Update
) -> dict[str, np.ndarray]:
    """What is logged of an update: its inputs, unscaled, and what came of them."""
    return {
        "gamma_before": gamma_before,
        "w": weights.detach().cpu().numpy().copy(),  # which goes on to be trained
        "H": curvature,
        "C": found.C,
        "omega": found.omega,
        "s": found.s,
    }
