"""Algorithm 2: train under a penalty, compute curvature, variances, penalties and masks; again."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import HarnessError
from harness.recipes import Recipe
from harness.streams import key
from harness.training import Tensors, Training, one_thread
from searchers.compression.operations import operations
from searchers.compression.recipes import CompressionRecipe
from searchers.compression.sparsity import layers, priors
from searchers.compression.structure import Masks
from searchers.compression.structures import structure_of

Curvature = Callable[[nn.Module, Tensor, Tensor, Mapping[str, nn.Parameter]], dict[str, Tensor]]
"""Network in eval mode, images, labels and some of its named parameters; gives name -> diagonal
curvature of the mean loss, of the parameter's shape."""

_BATCH = 500
"""Images on which curvature and accuracy are computed at a time."""


def diagonal(
    network: nn.Module, images: Tensor, labels: Tensor, parameters: Mapping[str, nn.Parameter]
) -> dict[str, Tensor]:
    """The source's curvature: the recursive diagonal approximation."""
    from searchers.one_shot.curvature import weight_curvature

    return weight_curvature(network, images, labels, parameters, engine="diagonal")


class Compressor:
    """One network on its way through Algorithm 2.

    `advance` takes one loop after the other, and then cuts the network and tunes the small one;
    between calls `state` may be saved and `restore`d by another object of the same arguments.

    Args:
        network: Trained and masked in place.
        data: The images, on the device; test images serve `test_error` alone.
        recipe: How to compress.
        seed: Of the order of the images, augmentation and the images of the curvature.
        device: Where to train, in PyTorch's notation.
        curvature: What computes curvature.

    Attributes:
        data: The images.
        masks: What is left.
        log: One entry a finished loop: what it did, as JSON values.
    """

    def __init__(
        self,
        network: nn.Module,
        data: Tensors,
        recipe: CompressionRecipe,
        seed: int,
        *,
        device: str = "cpu",
        curvature: Curvature = diagonal,
    ) -> None:
        self.recipe, self.data, self._seed, self._device = recipe, data, seed, device
        self._curvature = curvature
        self.structure = structure_of(network)
        self.masks = self.structure.full()
        self._priors = priors(self.structure.weights, recipe)
        self.log: list[dict[str, Any]] = []
        self._tuned: nn.Module | None = None
        self._training = self._new_training(network, recipe.training, "training")
        self._training.optimizer.register_step_post_hook(self._after_step)

    @property
    def network(self) -> nn.Module:
        """The masked network, as the last loop left it."""
        return self.structure.network

    @property
    def steps(self) -> int:
        """Calls of `advance` to the end, as far as it can be told."""
        loops = len(self.log) if self._pruned else self.recipe.loops
        return loops + (self.recipe.tuning is not None)

    @property
    def step(self) -> int:
        """Finished calls of `advance`."""
        tuned = self._tuned is not None and self._training.epoch == self._training.recipe.epochs
        return len(self.log) + tuned

    @property
    def _pruned(self) -> bool:
        """Whether there are no loops to come."""
        enough = bool(self.log) and self.log[-1]["operations"] <= self.recipe.enough
        return enough or len(self.log) == self.recipe.loops

    def advance(self) -> None:
        """Take the next step: one loop of Algorithm 2, or, after the last one, the tuning.

        Raises:
            HarnessError: If training diverges, or a layer loses all of its weights.
        """
        if self._pruned:
            if self._tuned is None:
                self._tune()
            self._train(self._training.recipe.epochs)
            return
        if self.recipe.warmup and not self.log:
            self._train(self.recipe.warmup)
            self._update_priors()
        loop = len(self.log) + 1
        self._train(self.recipe.warmup + self.recipe.refresh * loop)
        self._update_priors()
        self._prune()
        self.log.append(self._entry())

    def sliced(self) -> nn.Module:
        """The network without what is masked, in eval mode; tuned if it has been."""
        if self._tuned is not None:
            return self._tuned.eval()
        return self.structure.sliced(self.masks).eval()

    def valid_error(self) -> float | None:
        """Wrongly classified validation images in % after the last epoch; None without any."""
        valid = self.data.valid
        right = self._training.curves()[0].valid_correct[-1]
        return 100 * (1 - right / valid) if valid else None

    def test_error(self) -> float:
        """Wrongly classified test images in %; for the very end."""
        valid = self.data.valid
        images, labels = self.data.held_out[valid:], self.data.held_out_labels[valid:]
        right = 0
        network = self.sliced()
        with torch.inference_mode(), one_thread():
            for part, wanted in zip(
                torch.split(images, _BATCH), torch.split(labels, _BATCH), strict=True
            ):
                logits = network(self.data.normalised(part))
                right += int((logits.argmax(1) == wanted).sum())
        return 100 * (1 - right / len(labels))

    # Called by the training.

    def gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add the penalty's gradient to a batch's."""
        if not self._penalised or self.recipe.descent != "gradient":
            return
        weights = self.structure.weights
        for prior in self._priors:
            weight = weights[prior.layer]
            assert weight.grad is not None
            weight.grad += prior.gradient(weight.detach())

    def epoch(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Nothing to do at an epoch's end."""

    def _new_training(self, network: nn.Module, recipe: Recipe, what: str) -> Training:
        seed = key(self._seed, "compression", what)
        device = self._device
        return Training(
            network, self.data, recipe, [seed], device=device, reducer=self, test_epochs=()
        )

    def _tune(self) -> None:
        """Begin to train the small network."""
        assert self.recipe.tuning is not None
        self._tuned = self.structure.sliced(self.masks)
        self._training = self._new_training(self._tuned, self.recipe.tuning, "tuning")
        # Kinds of groups that are no whole channels leave masked weights in the small network.
        kept = {m.weight: m.weight != 0 for m in layers(self._tuned).values()}

        @torch.no_grad()
        def masked(*_: object) -> None:
            for weight, mask in kept.items():
                weight.mul_(mask)

        self._training.optimizer.register_step_post_hook(masked)

    @property
    def _penalised(self) -> bool:
        return self._tuned is None and self._training.epoch >= self.recipe.warmup

    @torch.no_grad()
    def _after_step(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        """The penalty's proximal steps; and masks, for momentum would move weights on."""
        if self._penalised and self.recipe.descent == "proximal":
            # With momentum, a gradient moves weights 1 / (1 - momentum) times as far in the end.
            length = optimizer.param_groups[0]["lr"] / (1 - self._training.recipe.momentum)
            weights = self.structure.weights
            for prior in self._priors:
                prior.shrink(weights[prior.layer], length)
        self.structure.apply(self.masks)

    def _train(self, until: int) -> None:
        self._training.run(until)
        if self._training.diverged:
            raise HarnessError(
                f"the compression diverged in epoch {self._training.epoch + 1}: lower the"
                " learning rate or the penalty"
            )

    def _update_priors(self) -> None:
        """Steps 2 and 3 of a loop: curvature, then variances and penalties."""
        weights = self.structure.weights
        with one_thread():
            curvature = self._mean_curvature(weights)
            for prior in self._priors:
                scale = prior.strength if self.recipe.curvature_scale == "penalty" else 1.0
                weight = weights[prior.layer].detach()
                prior.update(weight, curvature[prior.layer] / scale, self.recipe.floor)

    def _prune(self) -> None:
        """Step 4: mask the groups without entropy, and what hangs on them."""
        masks = dict(self.masks.weights)
        for prior in self._priors:
            masks[prior.layer] = masks[prior.layer] & (prior.gamma > self.recipe.threshold)
        self.masks = self.structure.settle(masks)
        self.structure.apply(self.masks)

    def _mean_curvature(self, weights: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
        """Over some training images, as they are without augmentation."""
        generator = torch.Generator().manual_seed(key(self._seed, "curvature", len(self.log)))
        order = torch.randperm(len(self.data.labels), generator=generator)
        chosen = order[: self.recipe.curvature_images].to(self.data.labels.device)
        parameters = {f"{name}.weight": weight for name, weight in weights.items()}
        self.network.eval()
        total: dict[str, Tensor] = {}
        for numbers in torch.split(chosen, _BATCH):
            images = self.data.normalised(self.data.images[numbers])
            found = self._curvature(self.network, images, self.data.labels[numbers], parameters)
            for name in weights:
                values = found[f"{name}.weight"]
                part = values.detach() * (len(numbers) / len(chosen))
                total[name] = total[name] + part if name in total else part
        return total

    def _operations(self) -> int:
        return operations(self.sliced(), self.data.shape, self.recipe.convention)

    def _entry(self) -> dict[str, Any]:
        weights = self.structure.weights
        return {
            "epoch": self._training.epoch,
            "architecture": self.structure.architecture(self.masks),
            "operations": self._operations(),
            "weights": remaining(self.masks)[-1][1],
            "valid_error": self.valid_error(),
            "penalty": sum(prior.value(weights[prior.layer].detach()) for prior in self._priors),
            "groups": {
                f"{prior.layer}/{prior.kind}": int((prior.gamma > self.recipe.threshold).sum())
                for prior in self._priors
            },
        }

    def state(self) -> dict[str, Any]:
        """All that `restore` needs, as a copy; for ``torch.save`` and weights_only loading."""
        return {
            "network": copy.deepcopy(self.network.state_dict()),
            "training": self._training.state(),
            "tuned": self._tuned is not None,
            "masks": {name: mask.clone() for name, mask in self.masks.weights.items()},
            "priors": [(prior.gamma.clone(), prior.omega.clone()) for prior in self._priors],
            "log": copy.deepcopy(self.log),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where another object of the same arguments was when it gave its state.

        Raises:
            HarnessError: If the state is of another compression.
        """
        self.network.load_state_dict(state["network"])
        self.masks = self.structure.settle(state["masks"])
        for prior, (gamma, omega) in zip(self._priors, state["priors"], strict=True):
            prior.gamma, prior.omega = gamma, omega
        self.log = copy.deepcopy(state["log"])
        if state["tuned"]:
            self._tune()
        self._training.restore(state["training"])


def remaining(masks: Masks) -> list[tuple[str, int, int]]:
    """(layer, weights left, weights) of all layers, and of the whole with the name "total"."""
    rows = [(name, int(mask.sum()), mask.numel()) for name, mask in masks.weights.items()]
    return [*rows, ("total", sum(row[1] for row in rows), sum(row[2] for row in rows))]


__all__ = ["Compressor", "Curvature", "diagonal", "remaining"]
