"""The weights that a supernet's architectures share: their training, and what they say of one.

They are trained as the recipe trains a single network: its optimizer, gradient clipping, label
smoothing and precision, and its schedule of the learning rate stretched over the whole search, so
that a cosine ends with the last image pass.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from statistics import fmean
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from harness.errors import HarnessError
from harness.one_shot import Diverged, Problem
from harness.recipes.schedule import learning_rate
from harness.spaces import Architecture
from harness.streams import key
from harness.training.loop import Reducer
from harness.training.optimizer import make_optimizer
from harness.training.precision import precision
from harness.training.repeatable import one_thread, seeded_layers
from searchers.one_shot.supernets import supernet
from searchers.one_shot.supernets.base import batch_normalised

Batch = tuple[Tensor, Tensor]
"""Images [batch, channels, height, width] and labels [batch]."""


class SharedWeights:
    """A supernet, the images that it sees, and the optimizer of its weights.

    Every batch whose gradient is wanted goes through `loss`, which counts its images, so that
    `used` is what a method reports.

    Args:
        problem: Space, images and recipe.
        seed: The search's; initial weights and the orders of the images depend on it.
        passes: Image passes of the whole search, over which the schedule is stretched.
        options: Of the space's supernet, see `searchers.one_shot.supernets`.

    Attributes:
        network: The supernet, on the problem's device.
        train: Batches of training images without end.
        valid: Batches of validation images without end.
        used: Image passes so far.
        classified: Images that were only classified so far, each by one architecture.
        reducer: Hears of every step's gradients, where several workers train together.
    """

    def __init__(self, problem: Problem, seed: int, passes: int, **options: Any) -> None:
        self.recipe, self.device, self.seed = problem.recipe, torch.device(problem.device), seed
        self.network = supernet(problem, key(seed, "supernet"), **options)
        # A fused step of SGD fails on weights that get their first gradient later than others.
        self.optimizer = make_optimizer(self.network, self.recipe, fused=False)
        self.train = problem.images("train", seed)
        self.valid = problem.images("valid", seed)
        self.passes, self.used, self.classified = passes, 0, 0
        self.reducer: Reducer | None = None
        self._losses: list[Tensor] = []

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        # The search's share that is done, as epochs of the recipe and a rest, in whole numbers.
        epoch, step = divmod(min(self.used, self.passes) * self.recipe.epochs, self.passes)
        return learning_rate(self.recipe, epoch, step, self.passes)

    @contextmanager
    def training(self) -> Iterator[None]:
        """For an epoch: training mode, one thread, and a seed for layers that draw.

        Raises:
            Diverged: At its end, if the loss of a step was no finite number.
        """
        self._losses = []
        self.network.train()
        with one_thread(), seeded_layers(key(self.seed, "layers", self.used), self.device):
            yield
        if not all(loss.isfinite() for loss in self._losses):
            raise Diverged("the supernet's loss is no finite number")

    def loss(self, forward: Callable[[Tensor], Tensor], batch: Batch) -> Tensor:
        """The mean cross-entropy of a batch whose gradient is wanted; counts its image passes.

        Args:
            forward: From images to logits [batch, classes].
            batch: Images and labels.
        """
        images, labels = batch
        self.used += len(labels)
        with precision(self.recipe, self.device):
            logits = forward(images)
        return cross_entropy(logits.float(), labels, label_smoothing=self.recipe.label_smoothing)

    def step(self, loss: Callable[[], Tensor]) -> None:
        """Go one step down a loss, at the rate of before its batch.

        Backward fills the gradients of all else that it depends on, too. Weights that it does not
        depend on stay as they are, weight decay and momentum included.

        Args:
            loss: Computes it, by `loss` and with what terms a method adds.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        self.optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]
        if self.reducer is not None:
            self.reducer.gradients(self.network.parameters())
        if self.recipe.gradient_clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.gradient_clip)
        self.optimizer.step()
        self._losses.append(value.detach())

    def step_path(self, architecture: Architecture) -> None:
        """Go one step down the loss of one architecture on the next training batch."""
        batch = self.train.batch()
        self.step(lambda: self.loss(lambda x: self.network.path(x, architecture), batch))

    def best(
        self,
        candidates: Iterable[Architecture],
        finalists: int,
        batch_statistics: bool,
        champion: Architecture | None = None,
    ) -> tuple[Architecture, float]:
        """The architecture that classifies validation images best with these weights.

        All candidates are tried on the next batch, then the best of them on all images, without
        augmentation. Of equals the champion wins, and then the earliest.

        Args:
            candidates: Where to choose from, at least one.
            finalists: How many of them are tried on all images.
            batch_statistics: See `accuracies`.
            champion: One more finalist.

        Returns:
            It, and its share of all validation images.
        """
        batch, everything = [self.valid.batch()], list(self.valid.plain())
        tried = self.accuracies(candidates, batch, batch_statistics)
        chosen = sorted(tried, key=lambda a: -tried[a])[:finalists]
        if champion is not None:
            chosen = [champion, *chosen]
        scores = self.accuracies(chosen, everything, batch_statistics)
        winner = max(scores, key=lambda a: scores[a])
        return winner, scores[winner]

    @torch.no_grad()
    def accuracies(
        self,
        architectures: Iterable[Architecture],
        batches: Sequence[Batch],
        batch_statistics: bool,
    ) -> dict[Architecture, float]:
        """What share, in 0 .. 1, of images each architecture classifies rightly.

        Nothing is trained or tracked, and no image pass counted; the images are, in `classified`.

        Args:
            architectures: Of the problem's space.
            batches: Images and labels, the same for all.
            batch_statistics: Whether to normalise by each batch's own statistics, not by those
                that the training of all architectures together has tracked.
        """
        self.network.eval()
        statistics = batch_normalised(self.network) if batch_statistics else nullcontext()
        distinct = dict.fromkeys(architectures)
        with one_thread(), statistics, precision(self.recipe, self.device):
            return {a: self._accuracy(a, batches) for a in distinct}

    def _accuracy(self, architecture: Architecture, batches: Sequence[Batch]) -> float:
        right = sum(
            (self.network.path(images, architecture).argmax(1) == labels).sum()
            for images, labels in batches
        )
        tried = sum(len(labels) for _, labels in batches)
        self.classified += tried
        return int(right) / tried

    def log(self) -> dict[str, Any]:
        """The mean loss of the epoch's steps, and the learning rate of the next."""
        losses = [float(loss) for loss in self._losses]
        return {"loss": fmean(losses) if losses else None, "learning_rate": self.rate}

    def beside(self, others: Iterable[Tensor]) -> nn.Module:
        """The supernet and other tensors as one module, for a `Reducer` to average together."""
        return nn.ModuleList([self.network, nn.ParameterList(others)])

    def state(self) -> dict[str, Any]:
        """All that `restore` needs, as a copy; for ``torch.save`` and weights_only loading."""
        return {
            "network": copy.deepcopy(self.network.state_dict()),
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
            "train": self.train.state(),
            "valid": self.valid.state(),
            "used": self.used,
            "classified": self.classified,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where other shared weights of the same arguments were when they gave their state.

        Raises:
            HarnessError: If the state is of another search.
        """
        try:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
            self.train.restore(state["train"])
            self.valid.restore(state["valid"])
            self.used, self.classified = state["used"], state["classified"]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise HarnessError(
                f"the checkpoint is of another search: delete it ({error})"
            ) from None
