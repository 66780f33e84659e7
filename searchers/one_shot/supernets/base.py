"""What a supernet is: one network that holds all operations of a space's cells at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from harness.errors import HarnessError, UserError
from harness.spaces import Architecture
from searchers.one_shot.dag import Choice, SparseDAG, checked


@dataclass(frozen=True)
class CellType:
    """A kind of cell, of which a network has several copies of one structure.

    Attributes:
        name: Such as "normal".
        dag: Its nodes, edges and candidate operations.
        repeats: How many cells of this type the network has.
    """

    name: str
    dag: SparseDAG
    repeats: int


class Supernet(nn.Module):
    """A network in which every edge of a cell is the sum of all its candidate operations.

    Sizes, stem and head are those of the space's networks under the problem's recipe. Batch
    normalisations follow `nn.Module.train` and `eval`: batches' statistics, which are tracked, or
    the tracked ones.

    Attributes:
        cells: The cell types, in the order of the sequences that the methods take.
    """

    cells: tuple[CellType, ...]

    @abstractmethod
    def forward(self, images: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """The mixture: every operation's output times its weight, summed; nothing is normalised.

        Args:
            images: Float [batch, channels, height, width].
            weights: For each cell type a tensor [1 or repeats, edges, operations]: one set for
                all its cells, or one for each in the order in which the network has them.

        Returns:
            Logits [batch, classes].
        """

    def path(
        self, images: Tensor, architecture: Architecture, *, batch_statistics: bool = False
    ) -> Tensor:
        """Only an architecture's operations, with weight one: what its own network would compute.

        Args:
            images: Float [batch, channels, height, width].
            architecture: Of the problem's space. Operations on no way to the output do not run.
            batch_statistics: Normalise by the batch and track nothing, in `eval` mode too. The
                statistics that shared weights have tracked are a mean over many architectures
                and fit none of them.

        Returns:
            Logits [batch, classes].
        """
        with batch_normalised(self) if batch_statistics else nullcontext():
            return self.run(images, self.choices(architecture))

    @abstractmethod
    def run(self, images: Tensor, choices: Sequence[Choice]) -> Tensor:
        """Only the chosen operations, with weight one; `path` for choices.

        What nothing reaches does not run. This is the mixture of weights one and zero, up to one
        thing: with tracked statistics, a convolution that is fed zeros yields a constant there.

        Args:
            images: Float [batch, channels, height, width].
            choices: As `choices` returns them.

        Returns:
            Logits [batch, classes].
        """

    @abstractmethod
    def architecture(self, choices: Sequence[Choice]) -> Architecture:
        """The architecture of the problem's space that keeps these operations.

        Args:
            choices: One for each cell type.

        Raises:
            UserError: If the space has no such architecture; some allow one operation an edge.
        """

    @abstractmethod
    def choices(self, architecture: Architecture) -> list[Choice]:
        """The inverse of `architecture`: one choice for each cell type."""

    def weights(self, value: float = 1.0, *, repeated: bool = False) -> list[Tensor]:
        """Weights for `forward`, all of one value, on the supernet's device.

        Args:
            value: What every operation is multiplied by.
            repeated: One set for each cell, not for each cell type.
        """
        device = next(self.parameters()).device
        return [
            torch.full((cell.repeats if repeated else 1, *cell.dag.shape), value, device=device)
            for cell in self.cells
        ]

    def one_hot(self, choices: Sequence[Choice]) -> list[Tensor]:
        """The weights [1, edges, operations] of choices: one for what is kept, else zero."""
        found = self.weights(0.0)
        for tensor, choice in zip(found, self.checked(choices), strict=True):
            for edge, kept in enumerate(choice):
                tensor[0, edge, list(kept)] = 1.0
        return found

    def checked(self, choices: Sequence[Choice]) -> list[Choice]:
        """Choices, once they are sure to be one for each cell type.

        Raises:
            UserError: If they are not.
        """
        if len(choices) != len(self.cells):
            names = ", ".join(cell.name for cell in self.cells)
            raise UserError(f"{len(choices)} choices for a supernet of these cells: {names}")
        return [checked(cell.dag, c) for cell, c in zip(self.cells, choices, strict=True)]

    def rows(self, weights: Sequence[Tensor]) -> list[list[Tensor]]:
        """For each cell type the weights [edges, operations] of each of its cells.

        Raises:
            HarnessError: If a tensor has another shape.
        """
        found = []
        for cell, tensor in zip(self.cells, weights, strict=True):
            shapes = [(n, *cell.dag.shape) for n in (1, cell.repeats)]
            if tuple(tensor.shape) not in shapes:
                raise HarnessError(
                    f"weights of the {cell.name} cells: a shape among {shapes}, not"
                    f" {tuple(tensor.shape)}"
                )
            each = list(tensor.unbind())
            found.append(each * cell.repeats if len(each) == 1 else each)
        return found


@contextmanager
def batch_normalised(network: nn.Module) -> Iterator[None]:
    """Let batch normalisations use each batch's own statistics and track none."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    before = [(norm.training, norm.track_running_stats) for norm in norms]
    for norm in norms:
        norm.training, norm.track_running_stats = True, False
    try:
        yield
    finally:
        for norm, (training, tracks) in zip(norms, before, strict=True):
            norm.training, norm.track_running_stats = training, tracks


class ScaledNorm(nn.BatchNorm2d):
    """Batch normalisation of the stacked outputs of several operations, scaled each by a weight.

    A weight that multiplies an operation's output takes the place of the normalisation's scale,
    so that the mixture costs nothing beside it.
    """

    def scaled(self, x: Tensor, scale: Tensor) -> Tensor:
        """Normalise all stacked channels, and multiply them by ``scale`` [channels]."""
        return self._normalised(x, slice(None), scale)

    def part(self, x: Tensor, channels: slice) -> Tensor:
        """Normalise the outputs of one operation, which stand at some of the channels."""
        return self._normalised(x, channels, None)

    def _normalised(self, x: Tensor, part: slice, scale: Tensor | None) -> Tensor:
        weight, shift = scale, None
        if self.affine:
            weight = self.weight[part] if scale is None else self.weight * scale
            shift = self.bias[part] if scale is None else self.bias * scale
        mean = variance = None
        if not self.training or self.track_running_stats:
            assert self.running_mean is not None and self.running_var is not None
            mean, variance = self.running_mean[part], self.running_var[part]
        momentum = 0.1 if self.momentum is None else self.momentum
        return nn.functional.batch_norm(
            x, mean, variance, weight, shift, self.training, momentum, self.eps
        )
