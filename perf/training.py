"""Training trials beside nasbench_pytorch's, on this machine's CPU and on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from harness.errors import HarnessError
from perf.bench import Bench
from perf.figures import Bar, Row, Sample
from perf.fresh import fresh

CELL = (
    "111010000010001100011:"
    "conv1x1-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,maxpool3x3"
)
"""The Inception-like cell of the example in NAS-Bench-101's own documentation."""

NATS_CELL = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
    "+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)
"""The cell of the size space, a good one of the topology space."""

PEER = "nasbench_pytorch"
NO_GPU = "not measured (no GPU)"
AT_ONCE = (1, 2, 4, 8)


def measure(bench: Bench) -> list[Row]:
    """Rows for trials on the CPU, then for trials on a GPU."""
    if any(find_spec(package) is None for package in ("torch", PEER)):
        return [Row("train", "images/s", "not measured: pip install 'nas-harness[live]'")]
    return [*_on_cpu(bench), *_on_gpu(bench)]


def _on_cpu(bench: Bench) -> list[Row]:
    sizes = bench.sizes
    source, words = _images(bench)
    recipe = _recipe(bench)
    shared: dict[str, Any] = {"source": source, "architecture": CELL, "device": "cpu"}
    shared |= {"epochs": sizes.trial_epochs}
    one = {"space": "nasbench101", "recipe": recipe, **shared}
    half = {**one, "recipe": {**recipe, "precision": "bf16"}}
    peer = {"recipe": recipe, "validate": False, **shared}
    pairs, alone, low, their_pair, their_one = [], [], [], [], []
    for _ in range(sizes.trials):  # in turn, so that what else the machine does meets all
        pairs.append(_together(one, 2, sizes.trial_overlap))
        their_pair.append(fresh("perf.trials:theirs", threads=2, **peer))
        alone.append(fresh("perf.trials:ours", **one))
        their_one.append(fresh("perf.trials:theirs", threads=1, **peer))
        low.append(fresh("perf.trials:ours", **half))
    name = their_one[0]["name"]
    together = [sum(trial["rate"] for trial in pair) for pair in pairs]
    accuracy, in_half = (median(t["accuracy"] for t in some) for some in (alone, low))
    note = (
        f"The Inception-like cell of NAS-Bench-101's documentation, width {sizes.trial_width};"
        f" {words}, {sizes.trial_images:,} of them for training, crop and mirror, batches of"
        f" {sizes.trial_batch}, SGD with momentum. Images a second of wall time in the training"
        " steps of the epochs after the first, without evaluation."
        f" {PEER}: its `trainer.train` and its network, without clipping, fed with our"
        " augmented batches from memory, as a DataLoader lays them out."
    )
    halves = (
        f"bf16 on this processor: autocast. Validation accuracy after {sizes.trial_epochs} epochs,"
        f" median: fp32 {accuracy:.1f} %, bf16 {in_half:.1f} %."
    )
    rates = "images/s"
    two, single = "two trials at once, a thread each", "one trial, one thread"
    theirs_two, theirs_single = _rates(their_pair), _rates(their_one)
    return [
        _beside(f"train: {two}", together, f"{name}, one trial, two threads", theirs_two, note),
        _ratio(f"train: {two}, ours / theirs", together, theirs_two, 2.0, note),
        _beside(f"train: {single}", _rates(alone), f"{name}, likewise", theirs_single, note),
        _ratio(f"train: {single}, ours / theirs", _rates(alone), theirs_single, None, note),
        Row(f"train: {single}, in bf16", rates, Sample.of(_rates(low)), note=halves),
    ]


def _on_gpu(bench: Bench) -> list[Row]:
    """End to end beside the peer, a published recipe, and several trials on one GPU."""
    sizes = bench.sizes
    end_to_end = "train: one trial on a GPU, end to end, ours / theirs"
    schedule = "train on a GPU: NATS-Bench's 12 epochs, one trial"
    several = "train on a GPU: NATS-Bench's 12 epochs, {} at once"
    bar = Bar(5.0, at_least=True)
    if not fresh("perf.trials:has_gpu"):
        rows = [Row(end_to_end, "times", NO_GPU, bar=bar), Row(schedule, "s", NO_GPU)]
        return rows + [Row(several.format(n), "trials/h", NO_GPU) for n in AT_ONCE]
    source = str(bench.scratch / "cifar-shaped.npz")
    fresh("perf.training:write_images", path=source, train=50_000, test=10_000)
    shared: dict[str, Any] = {"source": source, "device": "cuda", "epochs": sizes.trial_epochs}
    recipe = {**_nats(), "epochs": sizes.trial_epochs, "network": {"width": 128}}
    peer = {"architecture": CELL, "recipe": recipe, "threads": 1, "validate": True, **shared}
    cell = {"architecture": CELL, "space": "nasbench101", "recipe": recipe, **shared}
    ours, theirs = [], []
    for _ in range(sizes.trials):
        ours.append(1 / fresh("perf.trials:ours", **cell)["seconds"])
        theirs.append(1 / fresh("perf.trials:theirs", **peer)["seconds"])
    whole = {**shared, "space": "tss", "architecture": NATS_CELL, "recipe": _nats()}
    seconds = [
        fresh("perf.trials:ours", **{**whole, "epochs": 12})["seconds"]
        for _ in range(sizes.trials)
    ]
    how = (
        "NAS-Bench-101's width of 128, 25,000 images of CIFAR-10's shape for training and 25,000"
        " for validation after every epoch; from the images in a file to the last accuracy. Ours"
        " in bf16, theirs in fp32."
    )
    published = "25,000 images of CIFAR-10's shape, the recipe `nats-12`, the size space's cell."
    steady = f"{published} 12 times the seconds of an epoch after the first, all trials running."
    rows = [
        _ratio(end_to_end, ours, theirs, bar.limit, how),
        Row(schedule, "s", Sample.of(seconds), note=published),
    ]
    for number in AT_ONCE:
        trials = _together(whole, number, sizes.trial_overlap)
        hourly = sum(3600 / (12 * trial["epoch"]) for trial in trials)
        rows.append(Row(several.format(number), "trials/h", Sample((hourly,)), note=steady))
    return rows


def _together(arguments: dict[str, Any], number: int, overlap: float) -> list[dict[str, Any]]:
    """Our trials in processes of their own at the same time.

    Raises:
        HarnessError: If less than a share of their time overlapped: their rates do not add up.
    """
    with ThreadPoolExecutor(number) as pool:
        trials = list(pool.map(lambda _: fresh("perf.trials:ours", **arguments), range(number)))
    starts, ends = zip(*(trial["window"] for trial in trials), strict=True)
    found = (min(ends) - max(starts)) / (max(ends) - min(starts))
    if found < overlap:
        raise HarnessError(f"trials at once overlapped for {found:.0%} of their time: run again")
    return trials


def _rates(trials: Sequence[dict[str, Any]]) -> list[float]:
    return [trial["rate"] for trial in trials]


def _beside(
    what: str, ours: Sequence[float], name: str, theirs: Sequence[float], note: str
) -> Row:
    return Row(what, "images/s", Sample.of(ours), ((name, Sample.of(theirs)),), note=note)


def _ratio(
    what: str, ours: Sequence[float], theirs: Sequence[float], least: float | None, note: str
) -> Row:
    """Ours over theirs, repetition by repetition."""
    ratios = Sample.of([a / b for a, b in zip(ours, theirs, strict=True)])
    bar = None if least is None else Bar(least, at_least=True)
    return Row(what, "times", ratios, bar=bar, note=note)


def _recipe(bench: Bench) -> dict[str, Any]:
    sizes = bench.sizes
    return {
        "train_images": sizes.trial_images,
        "valid_images": sizes.trial_held_out,
        "test_images": 1,
        "epochs": sizes.trial_epochs,
        "batch_size": sizes.trial_batch,
        "learning_rate": 0.025,
        "momentum": 0.9,
        "weight_decay": 1e-4,
        "per": "epoch",
        "flip": True,
        "crop": 4,
        "precision": "fp32",
        "network": {"width": sizes.trial_width},
    }


def _nats() -> dict[str, Any]:
    from harness import recipes

    return recipes.load("nats-12").values()


def _images(bench: Bench) -> tuple[str, str]:
    """A data set and what it is: real images where they are at hand."""
    real = bench.data / "images" / "cifar10_lossless_4000.npz" if bench.data else None
    if real is not None and real.exists():
        return str(real), "images of CIFAR-10"
    path = bench.scratch / "images.npz"
    fresh("perf.training:write_images", path=str(path), train=4_000, test=100)
    return str(path), "random images of CIFAR-10's shape"


def write_images(path: str, train: int, test: int) -> None:
    """Random bytes as images of CIFAR-10's shape, with random labels."""
    import numpy as np

    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", train), ("test", test)):
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, 3, 32, 32), np.uint8)
        arrays[f"y_{part}"] = rng.permutation(np.arange(count) % 10)
    np.savez(Path(path), **arrays)  # type: ignore[arg-type]
