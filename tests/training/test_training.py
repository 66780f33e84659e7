"""A training depends on nothing but its inputs, and a failure is a row."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from harness import datasets  # noqa: E402
from harness.errors import UserError  # noqa: E402
from harness.recipes import Recipe, from_values, load, names  # noqa: E402
from harness.training import Curve, train_cell  # noqa: E402

RECIPE = Recipe(
    train_images=64,
    valid_images=50,
    test_images=60,
    pixel_noise=0.5,
    epochs=3,
    batch_size=16,
    learning_rate=0.1,
    momentum=0.9,
    nesterov=True,
    weight_decay=5e-4,
    network={"width": 2, "depth": 1},
)
CELL = (3, 2, 1, 4, 3, 1)


def _counts(curves: list[Curve]) -> list[tuple[tuple[int, ...], tuple[int | None, ...]]]:
    return [(c.valid_correct, c.test_correct) for c in curves]


def test_same_inputs_same_curve_whatever_happened_before() -> None:
    first = train_cell(CELL, "digits", RECIPE, (0, 1))
    torch.manual_seed(7)
    torch.rand(100)
    assert _counts(train_cell(CELL, "digits", RECIPE, (0, 1))) == _counts(first)
    assert _counts(first)[0] != _counts(first)[1]
    assert all(len(c.valid_correct) == len(c.train_seconds) == 3 for c in first)


def test_same_curve_in_a_fresh_process() -> None:
    augmented = replace(RECIPE, flip=True, crop=1, erasing=0.5)
    program = (
        "import json, sys\n"
        "from harness.recipes import from_values\n"
        "from harness.training import train_cell\n"
        f"recipe = from_values({asdict(augmented)!r}, 'test')\n"
        f"curves = train_cell({CELL}, 'digits', recipe, (0, 1))\n"
        "print(json.dumps([[c.valid_correct, c.test_correct] for c in curves]))\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    here = _counts(train_cell(CELL, "digits", augmented, (0, 1)))
    assert json.loads(output) == [[list(valid), list(test)] for valid, test in here]


def test_the_thread_count_is_given_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    train_cell((1, 1, 1, 1, 1, 1), "digits", replace(RECIPE, epochs=1), (0,))
    assert torch.get_num_threads() == before + 1
    torch.set_num_threads(before)


def test_training_learns() -> None:
    wide = {"width": 4, "depth": 1}
    recipe = replace(RECIPE, train_images=512, epochs=4, pixel_noise=0.0, network=wide)
    (curve,) = train_cell((3, 3, 3, 1, 1, 3), "digits", recipe, (0,))
    assert curve.valid_correct[-1] > 0.6 * recipe.valid_images


@pytest.mark.data
@pytest.mark.slow
def test_real_bytes_are_learnt(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """USPS by the shipped recipe, with and without augmentation."""
    monkeypatch.setenv("NAS_HARNESS_DATA", str(data_dir / "images"))
    quick = replace(load("quick"), network={"width": 8, "depth": 1})
    for recipe in (quick, replace(quick, crop=1, erasing=0.2)):
        (curve,) = train_cell((3, 3, 1, 1, 3, 3), "usps", recipe, (0,))
        assert curve.train_loss[-1] < 1 < curve.train_loss[0]
        assert curve.valid_correct[-1] > 0.7 * 400


def test_divergence_is_a_status() -> None:
    curves = train_cell(CELL, "digits", replace(RECIPE, learning_rate=1e30), (0, 1))
    for curve in curves:
        assert curve.status == "diverged"
        assert "epoch" in curve.reason
        assert len(curve.valid_correct) < 3


@pytest.mark.parametrize("valid", [100, 0])
def test_weights_that_the_last_step_breaks_are_a_divergence(valid: int) -> None:
    """All losses are finite, as they come before the steps."""
    once = replace(RECIPE, train_images=128, valid_images=valid, batch_size=128, epochs=1)
    (sound,) = train_cell(CELL, "digits", once, (0,))
    assert sound.status == "ok"
    for curve in train_cell(CELL, "digits", replace(once, learning_rate=1e36), (0, 1)):
        assert (curve.status, curve.valid_correct, curve.train_loss) == ("diverged", (), ())
        assert curve.reason == "loss or outputs were not finite numbers in epoch 1"


def test_parts_are_disjoint_fixed_and_keep_when_training_shrinks() -> None:
    large = datasets.load("digits", datasets.Split(500, 300, 300))
    small = datasets.load("digits", datasets.Split(100, 300, 300))
    assert np.array_equal(large.valid.images, small.valid.images)
    assert np.array_equal(large.test.labels, small.test.labels)
    assert np.array_equal(large.train.images[:100], small.train.images)
    # No image of one part is in another: no two of the digits are equal, so bytes identify them.
    sets = [{x.tobytes() for x in p.images} for p in (large.train, large.valid, large.test)]
    assert [len(s) for s in sets] == [500, 300, 300]
    assert len(set.union(*sets)) == 1100


def test_mistakes_are_one_line() -> None:
    with pytest.raises(UserError, match="1,797 images"):
        datasets.load("digits", datasets.Split(1700, 100, 100))
    with pytest.raises(UserError, match="did you mean digits"):
        datasets.load("digit", datasets.Split(1, 1, 1))
    with pytest.raises(UserError, match="unknown recipe 'digit'"):
        load("digit")
    with pytest.raises(UserError, match=r"epochs=1\.5; must be a whole number"):
        from_values({**asdict(RECIPE), "epochs": 1.5}, "x")
    with pytest.raises(UserError, match="unknown field 'epoch': did you mean epochs"):
        from_values({**asdict(RECIPE), "epoch": 1}, "x")
    with pytest.raises(UserError, match="batch_size"):
        from_values({**asdict(RECIPE), "batch_size": 1000}, "x")
    assert all(load(name) for name in names())
