"""The loop: batches, steps, evaluation, and a state that goes on exactly."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from harness.errors import HarnessError, OutOfMemory, UserError
from harness.optimizers import Optimizer
from harness.recipes import Recipe
from harness.recipes.schedule import learning_rate
from harness.streams import key
from harness.training.augmentation import augmented, bordered, draw, side_by_side
from harness.training.curves import Curve, Epoch, curve
from harness.training.data import Tensors
from harness.training.memory import peak_memory, release, reset_peak, within_memory
from harness.training.optimizer import make_optimizer
from harness.training.precision import precision
from harness.training.repeatable import one_thread, seeded_layers

_CPU_EVALUATION = 400
"""Images in one forward pass of an evaluation on a CPU: large enough to hide the cost of
dispatching layers, small enough for a small network's activations to stay in the cache."""

_GPU_EVALUATION = 4
"""On a GPU: so many training batches, whose activations an evaluation need not keep."""


class Reducer(Protocol):
    """What trains one network together with others plugs in here."""

    def gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Hear that a batch's gradients are there, before they are used."""

    def epoch(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Hear that an epoch's last step is done, before the evaluation."""


class Training:
    """One network in training, or several copies side by side that share no parameter.

    Args:
        network: A classifier with initial weights, of as many copies as there are order seeds,
            from (n, copies * channels, height, width) to (n, copies * classes). It is moved to
            the device and trained in place.
        data: The images, on the device.
        recipe: How to train.
        order_seeds: Unsigned 64-bit seeds, one a copy, of the orders in which the copies see the
            training images, of augmentation and of dropout.
        device: Where to train, in PyTorch's notation.
        optimizer: Takes the place of the recipe's optimizer and its falling rate; its own rate
            stays constant. Of the recipe, the weight decay counts.
        reducer: Hears of gradients and of epochs' ends, see `Reducer`.
        test_epochs: Numbers of finished epochs after which the test part is evaluated too; None:
            after every one.

    Raises:
        UserError: If an option of the optimizer is none, or there is no whole batch of images.
        OutOfMemory: If the network does not fit on the device.
    """

    def __init__(
        self,
        network: nn.Module,
        data: Tensors,
        recipe: Recipe,
        order_seeds: Sequence[int],
        *,
        device: str | torch.device = "cpu",
        optimizer: Optimizer | None = None,
        reducer: Reducer | None = None,
        test_epochs: Collection[int] | None = None,
    ) -> None:
        self.device = torch.device(device)
        self.recipe = optimizer.instead_of(recipe) if optimizer else recipe
        self._data, self._reducer, self._test_epochs = data, reducer, test_epochs
        self._seeds = tuple(order_seeds)
        self._steps = _steps(len(data.labels), self.recipe)
        if self.recipe.gradient_clip and len(self._seeds) > 1:
            raise UserError("recipe: gradient_clip is for one training at a time, not for copies")
        reset_peak(self.device)
        self.network, self._pixels = within_memory(
            self.device,
            lambda: (_placed(network, self.device), bordered(data.images, self.recipe.crop)),
        )
        # The table of optimizers was measured with steps that are not fused.
        fused = optimizer is None or self.device.type == "cuda"
        self.optimizer = make_optimizer(self.network, self.recipe, fused=fused)
        self._orders = [torch.Generator().manual_seed(seed) for seed in self._seeds]
        self._augmentation = [
            torch.Generator().manual_seed(key(seed, "augmentation")) for seed in self._seeds
        ]
        self._epochs: list[Epoch] = []

    @property
    def epoch(self) -> int:
        """Finished epochs, without the one in which all copies diverged."""
        return len(self._epochs) - self.diverged

    @property
    def diverged(self) -> bool:
        """Whether no copy can go on, since its loss or outputs are not finite numbers."""
        return bool(self._epochs) and not self._epochs[-1].sound

    @property
    def peak_memory(self) -> int:
        """Bytes, see `harness.training.memory.peak_memory` (telemetry)."""
        return peak_memory(self.device)

    def curves(self) -> list[Curve]:
        """What the copies gave so far, one curve each."""
        return [curve(self._epochs, i) for i in range(len(self._seeds))]

    def run(self, until: int) -> None:
        """Train and evaluate, epoch by epoch.

        Args:
            until: Number of finished epochs to stop at, at most the recipe's; it also stops when
                all copies have diverged.

        Raises:
            OutOfMemory: If the device has too little memory; this training is then over.
        """
        try:
            within_memory(self.device, lambda: self._run(min(until, self.recipe.epochs)))
        except OutOfMemory:
            self.optimizer.zero_grad(set_to_none=True)
            release(self.device)
            raise

    def state(self) -> dict[str, Any]:
        """All that `restore` needs, as a copy; for ``torch.save`` and weights_only loading."""
        return {
            "network": copy.deepcopy(self.network.state_dict()),
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
            "orders": [g.get_state() for g in self._orders],
            "augmentation": [g.get_state() for g in self._augmentation],
            "epochs": [list(epoch) for epoch in self._epochs],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where another training of the same arguments was when it gave its state.

        Raises:
            HarnessError: If the state is of another training.
        """
        try:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
            for name, generators in (
                ("orders", self._orders),
                ("augmentation", self._augmentation),
            ):
                for generator, saved in zip(generators, state[name], strict=True):
                    generator.set_state(saved.cpu())
            self._epochs = [Epoch(*epoch) for epoch in state["epochs"]]
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise HarnessError(
                f"the checkpoint is of another training: delete it ({error})"
            ) from None

    def _run(self, until: int) -> None:
        with one_thread():
            while self.epoch < until and not self.diverged:
                self._epochs.append(self._run_epoch(len(self._epochs)))

    def _run_epoch(self, epoch: int) -> Epoch:
        copies = len(self._seeds)
        start = time.perf_counter()
        with seeded_layers(key(self._seeds[0], "layers", *self._seeds[1:], epoch), self.device):
            losses = self._train_epoch(epoch)
        if self._reducer is not None:
            self._reducer.epoch(self.network, self.optimizer)
        trained = time.perf_counter()
        valid, test, finite = self._correct(epoch + 1)
        # Losses come before their steps: only the evaluation sees what the last steps did.
        losses = [loss if fine else math.nan for loss, fine in zip(losses, finite, strict=True)]
        seconds = trained - start, time.perf_counter() - trained
        return Epoch(losses, valid, test, seconds[0] / copies, seconds[1] / copies)

    def _train_epoch(self, epoch: int) -> list[float]:
        """One pass over the training images in fresh orders; returns each copy's mean loss."""
        self.network.train()
        data, recipe, copies = self._data, self.recipe, len(self._seeds)
        count, size = len(data.labels), recipe.batch_size
        # [image * copy]: every copy has an order of its own, side by side along the channels.
        orders = torch.stack([torch.randperm(count, generator=g) for g in self._orders], 1)
        chosen = orders.flatten().to(self.device)
        draws = [draw(recipe, count, data.shape[1:], g) for g in self._augmentation]
        drawn = side_by_side(draws).to(self.device)
        totals = torch.zeros(copies, device=self.device)
        parameters = list(self.network.parameters())
        seen = 0
        for step in range(self._steps):
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(recipe, epoch, step, self._steps)
            batch = slice(copies * step * size, copies * min((step + 1) * size, count))
            numbers = chosen[batch]
            images = _beside(augmented(data, self._pixels, numbers, drawn.of(batch)), copies)
            with self._precision():
                logits = self.network(images)
            losses = cross_entropy(
                logits.float().reshape(len(numbers), data.classes),
                data.labels[numbers],
                reduction="none",
                label_smoothing=recipe.label_smoothing,
            )
            means = losses.view(-1, copies).mean(0)
            self.optimizer.zero_grad(set_to_none=True)
            # The copies share no parameter, so each gets its own gradient.
            means.sum().backward()  # type: ignore[no-untyped-call]
            if self._reducer is not None:
                self._reducer.gradients(parameters)
            if recipe.gradient_clip:
                nn.utils.clip_grad_norm_(parameters, recipe.gradient_clip)
            self.optimizer.step()
            totals += means.detach() * len(images)
            seen += len(images)
        return [total / seen for total in totals.tolist()]

    @torch.inference_mode()
    def _correct(self, epoch: int) -> tuple[list[int], list[int] | list[None], list[int]]:
        """Correctly classified validation and test images of each copy, and its soundness.

        A copy is sound (1, otherwise 0) if all of its outputs are finite numbers: those for the
        validation images, as a search must learn nothing of the test part; where there are no
        validation images, those for the test images.
        """
        self.network.eval()
        data, copies = self._data, len(self._seeds)
        tested = self._test_epochs is None or epoch in self._test_epochs
        count = len(data.held_out_labels) if tested else data.valid
        right, finite = torch.empty(2, count, copies, dtype=torch.bool, device=self.device)
        gpu = self.device.type == "cuda"
        size = _GPU_EVALUATION * self.recipe.batch_size if gpu else _CPU_EVALUATION
        for start in range(0, count, size):
            part = slice(start, min(start + size, count))
            images = data.normalised(data.held_out[part]).repeat(1, copies, 1, 1)
            with self._precision():
                logits = self.network(images).reshape(-1, copies, data.classes)
            right[part] = logits.argmax(2) == data.held_out_labels[part, None]
            finite[part] = logits.isfinite().all(2)
        sound = finite[: data.valid or count].all(0).long()
        counts = torch.stack([right[: data.valid].sum(0), right[data.valid :].sum(0), sound])
        valid, test, fine = counts.tolist()
        return valid, test if tested else [None] * copies, fine

    def _precision(self) -> AbstractContextManager[object]:
        return precision(self.recipe, self.device)


def _placed(network: nn.Module, device: torch.device) -> nn.Module:
    """The network on the device; channels last takes 40 % off a small one's evaluation there."""
    placed: nn.Module = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return placed


def _steps(images: int, recipe: Recipe) -> int:
    """Batches of an epoch. A batch of one image is left out: it has no batch statistics."""
    whole, rest = divmod(images, recipe.batch_size)
    steps = whole + (not recipe.drop_last and rest > 1)
    if not steps:
        raise UserError(
            f"recipe: {images} training images make no batch of {recipe.batch_size}: lower"
            " batch_size or set drop_last to false"
        )
    return steps


def _beside(images: Tensor, copies: int) -> Tensor:
    """Images [n * copies, channels, ...] as [n, copies * channels, ...], channels last."""
    if copies == 1:
        return images
    both = images.reshape(-1, copies * images.shape[1], *images.shape[2:])
    return both.contiguous(memory_format=torch.channels_last)
