"""One training trial, ours or of nasbench_pytorch; each runs in an interpreter of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    import torch

    from harness.recipes import Recipe
    from harness.training import Tensors

Batch = tuple["torch.Tensor", "torch.Tensor"]

_SEED = 1


def has_gpu() -> bool:
    """Whether PyTorch sees a GPU."""
    import torch

    return torch.cuda.is_available()


def ours(
    source: str, space: str, architecture: str, recipe: dict[str, Any], epochs: int, device: str
) -> dict[str, Any]:
    """One of our trials; `Training` keeps a CPU's trial on one thread.

    Args:
        source: The data set.
        space: Name of the architecture's space.
        architecture: In the space's notation.
        recipe: Fields of a `Recipe`.
        epochs: How many of its epochs are trained, two or more.
        device: In PyTorch's notation.

    Returns:
        "rate": training images a second after the first epoch; "epoch": seconds of an epoch after
        the first, evaluation included; "accuracy": on the validation images, in percent;
        "seconds": of all, without imports; "window": when the epochs after the first began and
        ended, on a clock that all processes share.
    """
    from harness.networks import Task, build
    from harness.recipes import from_values
    from harness.spaces import get_space
    from harness.training import Training, tensors

    began = time.monotonic()
    settings = from_values(recipe, "perf")
    data = tensors(source, settings, device)
    searched = get_space(space)
    task = Task(data.shape, data.classes)
    network = build(
        searched, searched.from_string(architecture), task, seed=_SEED, options=settings.network
    )
    training = Training(network, data, settings, [_SEED], device=device)
    training.run(1)
    window = [time.monotonic()]
    training.run(epochs)
    window.append(time.monotonic())
    (curve,) = training.curves()
    if curve.status != "ok":
        raise HarnessError(f"our trial: {curve.reason}")
    return {
        "rate": _images(data, settings) * (epochs - 1) / sum(curve.train_seconds[1:]),
        "epoch": (window[1] - window[0]) / (epochs - 1),
        "accuracy": 100 * curve.valid_correct[-1] / data.valid,
        "seconds": time.monotonic() - began,
        "window": window,
    }


def theirs(
    source: str,
    architecture: str,
    recipe: dict[str, Any],
    epochs: int,
    device: str,
    threads: int,
    validate: bool,
) -> dict[str, Any]:
    """A trial of ``nasbench_pytorch.trainer.train`` with its own network, in 32-bit floats.

    Args:
        source: See `ours`.
        architecture: Of the space ``nasbench101``.
        recipe: See `ours`; its optimizer must be SGD.
        epochs: See `ours`.
        device: See `ours`.
        threads: Threads of the CPU.
        validate: Whether to evaluate validation images after every epoch.

    Returns:
        "rate" and "seconds" as `ours`; "name": the package with its version.
    """
    import torch
    from nasbench_pytorch.model import Network
    from nasbench_pytorch.trainer import train

    from harness.recipes import from_values
    from harness.spaces import get_space
    from harness.training import tensors

    torch.set_num_threads(threads)
    began = time.monotonic()
    settings = from_values(recipe, "perf")
    data = tensors(source, settings, device)
    space = get_space("nasbench101")
    graph = space.graph(space.from_string(architecture))
    torch.manual_seed(_SEED)
    network = Network(
        (graph.adjacency.astype(int), list(graph.operations)),
        num_labels=data.classes,
        in_channels=data.shape[0],
        stem_out_channels=settings.network["width"],
    )
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=settings.learning_rate,
        momentum=settings.momentum,
        nesterov=settings.nesterov,
        weight_decay=settings.weight_decay,
    )
    loader = Loader(data, settings)
    train(
        network,
        loader,
        loss=torch.nn.CrossEntropyLoss(),
        optimizer=optimizer,
        grad_clip=None,
        num_epochs=epochs,
        validation_loader=_held_out(data, settings) if validate else None,
        num_validation=data.valid,
        device=device,
    )
    spent = [end - start for start, end in loader.epochs]
    return {
        "name": f"nasbench_pytorch {version('nasbench-pytorch')}",
        "rate": _images(data, settings) * (epochs - 1) / sum(spent[1:]),
        "seconds": time.monotonic() - began,
    }


class Loader:
    """What the peer iterates over in place of a ``DataLoader``: our own batches.

    Shuffling, crop and mirror are those of our trials, for a whole batch at once, from images in
    the device's memory: faster than any ``DataLoader``. The layout is the one that a
    ``DataLoader`` gives.

    Attributes:
        epochs: When each pass began and ended.
    """

    def __init__(self, data: Tensors, recipe: Recipe) -> None:
        import torch

        from harness.training.augmentation import bordered

        self._data, self._recipe = data, recipe
        self._pixels = bordered(data.images, recipe.crop)
        self._generator = torch.Generator().manual_seed(_SEED)
        self.epochs: list[tuple[float, float]] = []

    def __len__(self) -> int:
        return len(self._data.labels) // self._recipe.batch_size

    def __iter__(self) -> Iterator[Batch]:
        import torch

        from harness.training.augmentation import augmented, draw

        began = time.monotonic()
        data, size = self._data, self._recipe.batch_size
        count, device = len(data.labels), data.labels.device
        chosen = torch.randperm(count, generator=self._generator).to(device)
        draws = draw(self._recipe, count, data.shape[1:], self._generator).to(device)
        for step in range(len(self)):
            batch = slice(step * size, (step + 1) * size)
            numbers = chosen[batch]
            images = augmented(data, self._pixels, numbers, draws.of(batch))
            yield images.contiguous(), data.labels[numbers]
        self.epochs.append((began, time.monotonic()))


def _held_out(data: Tensors, recipe: Recipe) -> list[Batch]:
    """The validation images in batches of the training's size, as the peer's loop takes them."""
    size = recipe.batch_size
    parts = [slice(start, min(start + size, data.valid)) for start in range(0, data.valid, size)]
    return [
        (data.normalised(data.held_out[part]).contiguous(), data.held_out_labels[part])
        for part in parts
    ]


def _images(data: Tensors, recipe: Recipe) -> int:
    """Images of an epoch; a last, smaller batch is left out."""
    return len(data.labels) // recipe.batch_size * recipe.batch_size
