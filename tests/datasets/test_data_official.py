"""Papers' data sets: found on this machine or downloaded once, and not mistaken for others."""

from __future__ import annotations

import bz2
import errno
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from harness.datasets import Split, imagenet16, load, official
from harness.datasets.official import read_official
from harness.errors import HarnessError, UserError

TINY = replace(official._USPS, train=6, test=4)
PIXELS = np.random.default_rng(0).integers(0, 256, (10, 16, 16), dtype=np.uint8)


class Torchvision:
    """Stands for a class of ``torchvision.datasets``, and for the internet."""

    downloads: ClassVar[list[str]] = []
    reason: ClassVar[Exception | None] = None

    def __init__(self, root: Path, train: bool = True, download: bool = False) -> None:
        if self.reason is not None:
            raise self.reason
        file = Path(root) / f"usps.{'train' if train else 'test'}"
        if download:
            self.downloads.append(file.name)
            file.write_bytes(b"as published")
        if not file.exists():
            raise RuntimeError("Dataset not found or corrupted")
        chosen = slice(0, 6) if train else slice(6, 10)
        self.data = PIXELS[chosen]
        self.targets = list(range(10))[chosen]


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> type[Torchvision]:
    monkeypatch.setattr(Torchvision, "downloads", [])
    monkeypatch.setattr(Torchvision, "reason", None)
    monkeypatch.setattr(official, "_torchvision", lambda official: Torchvision)
    return Torchvision


def test_a_download_is_kept_as_one_file(data_folder: Path, internet: type[Torchvision]) -> None:
    first = read_official(TINY)
    assert internet.downloads == ["usps.train", "usps.test"]
    assert {path.name for path in data_folder.iterdir()} == {"usps.npz", ".usps.lock"}
    again = read_official(TINY)
    assert len(internet.downloads) == 2
    assert first.test is not None and again.test is not None
    assert np.array_equal(again.train.images, PIXELS[:6, None])
    assert np.array_equal(again.test.labels, first.test.labels)


@pytest.mark.parametrize(
    "reason", [OSError(errno.ECONNREFUSED, "no route"), RuntimeError("MD5 differs")]
)
def test_without_files_and_internet_one_line_says_what_to_do(
    data_folder: Path,
    internet: type[Torchvision],
    reason: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Torchvision, "reason", reason)
    with pytest.raises(HarnessError, match=r"put usps.npz or .* there, or set \$NAS_HARNESS_DATA"):
        read_official(TINY)
    assert {path.name for path in data_folder.iterdir()} <= {".usps.lock"}


def test_altered_files_of_torchvision_are_named(
    data_folder: Path, internet: type[Torchvision]
) -> None:
    (data_folder / "usps.bz2").touch()
    with pytest.raises(UserError, match=r"incomplete or altered.*delete them"):
        read_official(TINY)
    assert not internet.downloads


def test_a_file_of_other_sizes_is_no_official_data_set(data_folder: Path) -> None:
    arrays = {"x_train": PIXELS[:5], "y_train": range(5), "x_test": PIXELS[5:], "y_test": range(5)}
    np.savez(data_folder / "usps.npz", **arrays)
    with pytest.raises(UserError, match=r"holds 5 \+ 5 images .*, not 7,291 \+ 2,007"):
        load("usps", Split(1, 1, 1))


def test_without_torchvision_the_extra_is_named(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(UserError, match=r"install nas-harness\[live\], or put mnist.npz into"):
        load("mnist", Split(1, 1, 1))


@pytest.mark.slow
def test_the_real_torchvision_reads_its_own_layout(data_folder: Path) -> None:
    pytest.importorskip("torchvision", reason="torchvision is not installed (extra 'live')")
    for name, chosen in (("usps.bz2", slice(0, 6)), ("usps.t.bz2", slice(6, 10))):
        rows = [
            " ".join([str(i + 1), *(f"{p}:{v / 127.5 - 1}" for p, v in enumerate(image.flat, 1))])
            for i, image in list(enumerate(PIXELS))[chosen]
        ]
        (data_folder / name).write_bytes(bz2.compress("\n".join(rows).encode()))
    source = read_official(TINY)
    assert np.abs(source.train.images[:, 0].astype(int) - PIXELS[:6]).max() <= 1
    assert source.train.labels.tolist() == list(range(6))


# --- ImageNet16-120 -----------------------------------------------------------------------------


def batches(folder: Path, protocol: int) -> np.ndarray:
    """Files as the official ones, of three images each; returns the training images."""
    folder.mkdir()
    pixels = np.random.default_rng(1).integers(0, 256, (33, 768), dtype=np.uint8)
    names = [*(f"train_data_batch_{i}" for i in range(1, 11)), "val_data"]
    for i, name in enumerate(names):
        images = pixels[3 * i : 3 * i + 3]
        record = {"data": images, "labels": [1 + i, 120, 121 + i], "mean": images.mean(0)}
        (folder / name).write_bytes(pickle.dumps(record, protocol))
    return pixels[:30].reshape(-1, 3, 16, 16)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_imagenet16_keeps_the_first_classes(
    data_folder: Path, protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = batches(data_folder / "ImageNet16", protocol)
    monkeypatch.setattr(imagenet16, "_SIZES", (20, 2))
    data = load("imagenet16-120", Split(None, 0.25, None))
    assert (len(data.train), len(data.valid), len(data.test)) == (15, 5, 2)
    source = imagenet16.read_imagenet16(data_folder / "ImageNet16")
    kept = [i for i in range(30) if i % 3 < 2]
    assert np.array_equal(source.train.images, pixels[kept])
    assert source.train.labels.tolist() == [label for i in range(10) for label in (i, 119)]


def test_imagenet16_that_is_incomplete(data_folder: Path) -> None:
    with pytest.raises(
        UserError, match=r"download the 16 x 16 version.*unpack it into ImageNet16"
    ):
        load("imagenet16-120", Split(1, 1, 1))
    folder = data_folder / "ImageNet16"
    batches(folder, 3)
    with pytest.raises(UserError, match=r"holds 20 \+ 2 images .*, not .* 151,700 \+ 6,000"):
        load("imagenet16-120", Split(1, 1, 1))
    wider = {"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2]}
    wrong: tuple[tuple[Any, str], ...] = (
        (wider, "no file of ImageNet16: unpack the 16 x 16 version"),
        ({"data": wider["data"][:, :768], "labels": [1, "2"]}, "no file of ImageNet16"),
        ([1], "holds no mapping"),
    )
    for content, line in wrong:
        (folder / "val_data").write_bytes(pickle.dumps(content, 3))
        with pytest.raises(UserError, match=line):
            imagenet16.read_imagenet16(folder)
    (folder / "train_data_batch_3").unlink()
    with pytest.raises(UserError, match=r"cannot read .*train_data_batch_3: No such file"):
        imagenet16.read_imagenet16(folder)
