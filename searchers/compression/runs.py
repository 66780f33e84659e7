"""One network compressed under several seeds, in a directory that an interrupted run goes on with.

``question.json`` says what is compressed, ``seed-N.json`` what came of a seed, ``seed-N.pt`` holds
its small network (`load_sliced`), and ``seed-N.checkpoint`` a seed that is under way.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.benchmarks.packed import atomic_write
from harness.errors import HarnessError, UserError, unknown
from harness.locks import sole_writer
from harness.networks import Task
from harness.streams import key
from searchers.compression import registry
from searchers.compression.recipes import CompressionRecipe

if TYPE_CHECKING:
    from torch import nn

    from searchers.compression.compressor import Compressor


@dataclass(frozen=True)
class Question:
    """What is compressed.

    Attributes:
        network: A name of `searchers.compression.registry`.
        dataset: Name or path, see `harness.datasets.load`.
        recipe: How to compress.
        device: Where to train, in PyTorch's notation.
    """

    network: str
    dataset: str
    recipe: CompressionRecipe
    device: str = "cpu"

    def values(self) -> dict[str, Any]:
        """As JSON values."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return found


@dataclass(frozen=True)
class Result:
    """What came of one seed.

    Attributes:
        seed: Of initial weights, order and augmentation.
        architecture: Widths that are left.
        valid_error: Share of wrongly classified validation images in %; None where there are none.
        test_error: The same of the test images, which were looked at once, at the end.
        operations: Of the sliced network for one image, by the recipe's convention.
        parameters: Of the sliced network, biases included.
        remaining: (layer, weights that are not masked, weights), the last one named "total".
        loops: What each loop left, see `Compressor.log`.
        seconds: Wall time (telemetry).
    """

    seed: int
    architecture: str
    valid_error: float | None
    test_error: float
    operations: int
    parameters: int
    remaining: tuple[tuple[str, int, int], ...]
    loops: tuple[dict[str, Any], ...]
    seconds: float

    @property
    def share(self) -> float:
        """Weights that are left, in % of all."""
        _, left, weights = self.remaining[-1]
        return 100 * left / weights


Progress = Callable[[int, int], None]


def compress(
    question: Question, seeds: Sequence[int], out: Path, progress: Progress | None = None
) -> list[Result]:
    """Compress a network under each seed; finished seeds are read, not run again.

    Args:
        question: What is compressed.
        seeds: Of initial weights, order and augmentation.
        out: Directory, made if need be.
        progress: Called with (steps done, steps in all).

    Raises:
        UserError: If the directory holds something else, or another run writes there.
        HarnessError: If a training diverges, or a network loses a layer.
    """
    recipe = question.recipe
    steps = recipe.loops + (recipe.tuning is not None)
    tell = progress or (lambda done, total: None)
    results = []
    with sole_writer(out):
        _claim(question, out)
        for place, seed in enumerate(seeds):

            def show(step: int, done: int = place * steps) -> None:
                tell(done + step, steps * len(seeds))

            file = out / f"seed-{seed}.json"
            if not file.exists():
                result = _compress(question, seed, out, show)
                _write(file, json.dumps(asdict(result), indent=1).encode())
            (out / f"seed-{seed}.checkpoint").unlink(missing_ok=True)
            results.append(_read(file))
            show(steps)
    return results


def load_sliced(path: Path) -> nn.Module:
    """The small network of a finished seed, in eval mode.

    Args:
        path: ``seed-N.pt`` in the directory of `compress`.
    """
    import torch

    from searchers.compression.structures import structure_of

    kept = torch.load(path, weights_only=True)
    task = Task(tuple(kept["shape"]), kept["classes"])
    network = registry.load(kept["network"])(task, 0)
    structure = structure_of(network)
    sliced = structure.sliced(structure.settle(kept["masks"]))
    sliced.load_state_dict(kept["weights"])
    return sliced.eval()


def start(question: Question, seed: int) -> Compressor:
    """A compression before its first step.

    Raises:
        UserError: If the data set, the recipe and the network do not fit.
    """
    import torch

    from harness.training import tensors
    from searchers.compression.compressor import Compressor

    if question.device not in ("cpu", "cuda"):
        raise unknown("device", question.device, ("cpu", "cuda"))
    if question.device == "cuda" and not torch.cuda.is_available():
        raise UserError("there is no GPU that PyTorch can use: leave --device out")
    data = tensors(question.dataset, question.recipe.training, question.device)
    task = Task(data.shape, data.classes)
    network = registry.load(question.network)(task, key(seed, "compression", "weights"))
    return Compressor(network, data, question.recipe, seed, device=question.device)


def _compress(question: Question, seed: int, out: Path, show: Callable[[int], None]) -> Result:
    import torch

    from searchers.compression.compressor import remaining
    from searchers.compression.operations import operations

    compressor = start(question, seed)
    checkpoint = out / f"seed-{seed}.checkpoint"
    seconds = 0.0
    if checkpoint.exists():
        kept = torch.load(checkpoint, map_location=question.device, weights_only=True)
        compressor.restore(kept["state"])
        seconds = kept["seconds"]
    show(compressor.step)
    while compressor.step < compressor.steps:
        began = time.perf_counter()
        compressor.advance()
        seconds += time.perf_counter() - began
        _save(checkpoint, {"state": compressor.state(), "seconds": seconds})
        show(compressor.step)
    data = compressor.data
    sliced = compressor.sliced()
    network = {
        "network": question.network,
        "shape": list(data.shape),
        "classes": data.classes,
        "weights": sliced.state_dict(),
        "masks": dict(compressor.masks.weights),
    }
    _save(out / f"seed-{seed}.pt", network)
    return Result(
        seed=seed,
        architecture=compressor.structure.architecture(compressor.masks),
        valid_error=compressor.valid_error(),
        test_error=compressor.test_error(),
        operations=operations(sliced, data.shape, question.recipe.convention),
        parameters=sum(parameter.numel() for parameter in sliced.parameters()),
        remaining=tuple(remaining(compressor.masks)),
        loops=tuple(compressor.log),
        seconds=seconds,
    )


def _claim(question: Question, out: Path) -> None:
    """Write down what the directory is for, or see that it is for the same."""
    file = out / "question.json"
    if not file.exists():
        _write(file, json.dumps(question.values(), indent=1).encode())
        return
    held = json.loads(file.read_text())
    wanted = question.values()
    for name, value in wanted.items():
        if held.get(name) != value:
            raise UserError(f"{out} holds a compression with another {name}: choose another --out")


def _read(file: Path) -> Result:
    try:
        result = Result(**json.loads(file.read_text()))
        remaining = tuple((str(n), int(left), int(of)) for n, left, of in result.remaining)
        return replace(result, remaining=remaining, loops=tuple(result.loops))
    except (ValueError, TypeError) as error:
        raise HarnessError(f"{file} is damaged: delete it and run again ({error})") from None


def _save(path: Path, content: dict[str, Any]) -> None:
    import torch

    buffer = io.BytesIO()
    torch.save(content, buffer)
    _write(path, buffer.getvalue())


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as stream:
        stream.write(content)
