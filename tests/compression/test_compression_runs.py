"""Compressions from beginning to end, on scikit-learn's digits, and on MNIST where it is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

torch = pytest.importorskip("torch", reason="compression needs torch")

from harness.cli import main  # noqa: E402
from harness.errors import UserError  # noqa: E402
from searchers.compression import recipes, runs  # noqa: E402

IMAGES = {"train_images": 600, "valid_images": 200, "test_images": 400}
SGD = {"batch_size": 20, "learning_rate": 0.03, "optimizer": "SGD", "momentum": 0.9}
SMALL: dict[str, Any] = {
    "training": {**IMAGES, **SGD, "epochs": 8, "schedule": "constant"},
    "tuning": {**IMAGES, **SGD, "epochs": 12},
    "penalty": 3e-4,
    "enough": 16_000,
    "linear": {"row": 1.0, "column": 1.0},
    "warmup": 2,
    "refresh": 2,
    "loops": 3,
    "curvature_images": 200,
}


def question(**changes: Any) -> runs.Question:
    recipe = recipes.from_values({**SMALL, **changes}, "here")
    return runs.Question("lenet-300-100", "digits", recipe)


def test_a_compression_keeps_its_promises(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    asked = question()
    (result,) = runs.compress(asked, [0], tmp_path, lambda *step: told.append(step))
    assert told[0] == (0, 4) and told[-1] == (4, 4)
    assert result.operations < asked.recipe.enough and len(result.loops) < asked.recipe.loops
    assert result.share < 30 and result.test_error < 20
    inputs, first, second = map(int, result.architecture.split("-"))
    assert (
        result.operations
        == (2 * inputs - 1) * first + (2 * first - 1) * second + (2 * second - 1) * 10
    )
    # Masks stay: no loop has more weights than the one before.
    left = [50_200, *[loop["weights"] for loop in result.loops]]
    assert left == sorted(left, reverse=True) and left[-1] == result.remaining[-1][1]
    sliced = runs.load_sliced(tmp_path / "seed-0.pt")
    assert sum(p.numel() for p in sliced.parameters()) == result.parameters
    # A finished seed is not run again.
    before = (tmp_path / "seed-0.json").read_bytes()
    assert runs.compress(asked, [0], tmp_path) == [result]
    assert (tmp_path / "seed-0.json").read_bytes() == before
    assert not (tmp_path / "seed-0.checkpoint").exists()
    with pytest.raises(UserError, match="another recipe: choose another --out"):
        runs.compress(question(threshold=0.01), [0], tmp_path)


def test_a_restored_compression_goes_on_bit_for_bit() -> None:
    asked = question(penalty=0.002, threshold=1e-3, enough=0)
    whole = runs.start(asked, 3)
    states = []
    for _ in range(whole.steps):
        whole.advance()
        states.append(whole.state())
    assert whole.masks.weights["fc2"].logical_not().any()
    ours = whole.sliced().state_dict()
    # Within the loops, before tuning, and when all is done.
    for stop in (1, 3, 4):
        restored = runs.start(asked, 3)
        restored.restore(states[stop - 1])
        assert restored.step == stop
        while restored.step < restored.steps:
            restored.advance()
        theirs = restored.sliced().state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
        assert whole.log == restored.log
        assert whole.valid_error() == restored.valid_error()


def test_the_command_goes_on_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(yaml.safe_dump({**SMALL, "loops": 2, "training": {
        **SMALL["training"], "epochs": 6,
    }}))  # fmt: skip
    steps = 0
    save = runs.start.__globals__["_save"]

    def interrupted(path: Path, content: dict[str, Any]) -> None:
        nonlocal steps
        save(path, content)
        steps += 1
        if steps == 1:
            raise KeyboardInterrupt

    words = ["nas-harness", "compress", "lenet-300-100", "--dataset", "digits"]
    words += ["--recipe", str(recipe), "--seeds", "2", "--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", words)
    with monkeypatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(runs, "_save", interrupted)
        main()
    assert ended.value.code == 130
    assert (tmp_path / "out" / "seed-0.checkpoint").exists()
    main()
    printed = capsys.readouterr().out
    assert "lenet-300-100 on digits" in printed and "mean" in printed
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert len(summary["results"]) == 2
    assert (tmp_path / "out" / "index.html").exists()
    reference = recipes.load(str(recipe))
    asked = runs.Question("lenet-300-100", "digits", reference)
    (alone,) = runs.compress(asked, [0], tmp_path / "alone")
    resumed = json.loads((tmp_path / "out" / "seed-0.json").read_text())
    assert resumed["loops"] == list(alone.loops)
    assert resumed["test_error"] == alone.test_error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lenet-300"], "unknown network to compress 'lenet-300': did you mean lenet-300-100"),
        (["lenet-5", "--dataset", "digit"], "unknown data set 'digit'"),
        (["lenet-5", "--recipe", "compress"], "unknown compression recipe 'compress'"),
        (["lenet-5", "--device", "gpu"], "unknown device 'gpu'"),
        (["lenet-5", "--dataset", "digits"], "needs images of 16 x 16"),
    ],
)
def test_mistakes_are_one_line(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(yaml.safe_dump(SMALL))
    given = [*words, *(["--dataset", "digits"] if "--dataset" not in words else [])]
    given += ["--recipe", str(recipe)] if "--recipe" not in words else []
    out = ["--out", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", ["nas-harness", "compress", *given, *out])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("\n") == 1


@pytest.mark.parametrize("name", recipes.names())
def test_the_packages_recipes_are_sound(name: str) -> None:
    assert recipes.load(name).loops >= 1


@pytest.mark.slow
@pytest.mark.data
def test_mnist_is_compressed(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short run: few images and epochs, so the error is far from the documented one."""
    monkeypatch.setenv("NAS_HARNESS_DATA", str(data_dir / "images"))
    images = {"train_images": 10_000, "valid_images": 5_000, "test_images": None}
    sgd = {"batch_size": 64, "learning_rate": 0.05, "optimizer": "SGD", "momentum": 0.9}
    recipe = {
        "training": {**images, **sgd, "epochs": 14, "schedule": "constant"},
        "tuning": {**images, **sgd, "epochs": 8},
        "penalty": {"fc1/row": 6e-5, "fc1/column": 3e-2, "fc2": 2e-4, "fc3": 5e-4},
        "linear": {"row": 1.0, "column": 1.0},
        "threshold": 1e-5,
        "warmup": 2,
        "refresh": 2,
        "loops": 6,
        "enough": 100_000,
    }
    asked = runs.Question("lenet-300-100", "mnist", recipes.from_values(recipe, "here"))
    compressor = runs.start(asked, 0)
    while compressor.step < compressor.steps:
        compressor.advance()
    left = [entry["operations"] for entry in compressor.log]
    assert left == sorted(left, reverse=True) and left[-1] < 0.5 * 531_990
    error = compressor.valid_error()
    assert error is not None and error < 6
