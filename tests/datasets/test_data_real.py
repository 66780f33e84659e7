"""Real images: what is known of them is found, in the stated time."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import numpy as np
import pytest

from harness.datasets import Split, find, load
from harness.datasets.npz import read_npz, write_npz

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "custom_data" / "convert.py"

pytestmark = pytest.mark.data


@pytest.fixture
def images(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = data_dir / "images"
    monkeypatch.setenv("NAS_HARNESS_DATA", str(folder))
    return folder


def test_mnist_is_loaded_within_a_second(images: Path) -> None:
    seconds = []
    while not seconds or (seconds[-1] >= 1 and len(seconds) < 3):  # others may be at work
        start = time.process_time()
        data = load("mnist", Split(None, 5_000, None))
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1
    assert data.train.images.dtype == np.uint8
    assert data.train.images.shape == (55_000, 1, 28, 28)
    assert (len(data.valid), len(data.test)) == (5_000, 10_000)
    source = find("mnist")[1]()
    assert source.test is not None
    assert source.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(source.train.labels)[:3].tolist() == [5923, 6742, 5958]
    assert round(float(source.train.images.mean()), 4) == 33.3184
    assert round(float(source.test.images.mean()), 4) == 33.7912


def test_usps_has_its_official_split(images: Path) -> None:
    data = load("usps", Split(None, 0.2, None))
    assert (len(data.train), len(data.valid), len(data.test)) == (5_833, 1_458, 2_007)
    assert data.train.images.shape[1:] == (1, 16, 16)


def test_a_users_own_cifar10_with_colours_last(images: Path, tmp_path: Path) -> None:
    file = tmp_path / "lossless.yaml"
    path = images / "cifar10_lossless_4000.npz"
    file.write_text(f"path: {path}\nkeys: {{images: x, labels: y}}\nlayout: nhwc\ntest: 500\n")
    data = load(str(file), Split(3_000, 500, None))
    assert (data.classes, data.train.images.shape) == (10, (3_000, 3, 32, 32))
    assert np.allclose(np.array(data.mean) / 255, (0.4914, 0.4822, 0.4465), atol=0.01)
    first = read_npz(path).train
    assert first.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert first.images.shape == (4_000, 3, 32, 32)


def test_the_example_converts_images_of_another_format(images: Path, tmp_path: Path) -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed (extra 'live')")
    spec = importlib.util.spec_from_file_location("convert", EXAMPLE)
    assert spec is not None and spec.loader is not None
    convert = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(convert)
    source = convert.read_images(images / "cifar10_jpeg.npz", every=30)
    write_npz(source, tmp_path / "jpeg.npz")
    data = load(str(tmp_path / "jpeg.npz"), Split(None, 0.1, None))
    assert (len(data.train), len(data.valid), len(data.test)) == (1_500, 167, 333)
    assert np.allclose(np.array(data.mean) / 255, (0.4913, 0.4821, 0.4465), atol=0.02)
    # They are sorted by class: only a shuffle makes parts of all classes.
    assert set(data.valid.labels) == set(range(10))
