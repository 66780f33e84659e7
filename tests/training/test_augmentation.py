"""Crops, mirrored images and erased rectangles are torchvision's, but for whole batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")
transforms = pytest.importorskip("torchvision.transforms", reason="torchvision is not installed")

from scipy import stats  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torchvision.transforms import functional  # noqa: E402

from harness.datasets import ImageData, Part  # noqa: E402
from harness.recipes import Recipe  # noqa: E402
from harness.training import Tensors, Training  # noqa: E402
from harness.training.augmentation import Draws, augmented, bordered, draw  # noqa: E402
from harness.training.data import on_device  # noqa: E402

PLAIN = Recipe(None, 10, None, epochs=2, batch_size=8, learning_rate=0.1)
ALL = replace(PLAIN, flip=True, crop=3, erasing=0.5)
HEIGHT, WIDTH = 10, 12
"""Not square, so that rows are not taken for columns."""


def data(count: int = 64, dtype: type = np.uint8) -> Tensors:
    rng = np.random.default_rng(1)

    def part(n: int) -> Part:
        images: np.ndarray = rng.integers(0, 256, (n, 3, HEIGHT, WIDTH)).astype(dtype)
        return Part(images, rng.integers(0, 5, n))

    train = part(count)
    mean, deviation = (tuple(f(train.images, (0, 2, 3)).tolist()) for f in (np.mean, np.std))
    return on_device(ImageData("made", 5, train, part(10), part(10), mean, deviation))


def drawn(recipe: Recipe, count: int, seed: int = 3) -> Draws:
    return draw(recipe, count, (HEIGHT, WIDTH), torch.Generator().manual_seed(seed))


def shown(found: Tensors, recipe: Recipe, chosen: Tensor, draws: Draws) -> Tensor:
    return augmented(found, bordered(found.images, recipe.crop), chosen, draws)


def one_by_one(found: Tensors, recipe: Recipe, chosen: Tensor, draws: Draws) -> Tensor:
    """The same by torchvision, image by image."""
    images = found.images
    mean, deviation = (f(images.double(), (0, 2, 3)) for f in (torch.mean, _deviation))
    results: list[Tensor] = []
    for i, number in enumerate(chosen.tolist()):
        image = functional.pad(images[number], [recipe.crop] * 4)
        if draws.corner is not None:
            top, left = draws.corner[i].tolist()
            image = functional.crop(image, top, left, HEIGHT, WIDTH)
        if draws.flip is not None and draws.flip[i]:
            image = functional.hflip(image)
        image = functional.normalize(image.double(), mean.tolist(), deviation.tolist())
        if draws.erased is not None:
            image = functional.erase(image, *draws.erased[i].tolist(), v=torch.zeros(()))
        results.append(image.float())
    found_images: Tensor = torch.stack(results)
    return found_images


def _deviation(x: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    found: Tensor = x.std(dimensions, correction=0)
    return found


@pytest.mark.parametrize(
    "recipe",
    [PLAIN, replace(PLAIN, flip=True), replace(PLAIN, crop=3), ALL],
    ids=["none", "flip", "crop", "all"],
)
def test_it_is_what_torchvision_does(recipe: Recipe) -> None:
    found = data()
    chosen = torch.randperm(64, generator=torch.Generator().manual_seed(2))
    draws = drawn(recipe, 64)
    images = shown(found, recipe, chosen, draws)
    assert images.shape == (64, 3, HEIGHT, WIDTH) and images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(images, one_by_one(found, recipe, chosen, draws))


def test_every_corner_and_side_is_drawn_alike() -> None:
    draws = drawn(ALL, 4_900)
    assert draws.flip is not None and draws.corner is not None
    assert stats.binomtest(int(draws.flip.sum()), 4_900, 0.5).pvalue > 1e-4
    places = np.bincount(draws.corner.numpy() @ [7, 1], minlength=49)
    assert len(places) == 49 and stats.chisquare(places).pvalue > 1e-4


def test_rectangles_are_drawn_as_torchvision_draws_them() -> None:
    draws = drawn(replace(PLAIN, erasing=1.0), 3_000)
    assert draws.erased is not None
    erased = draws.erased.numpy()
    image = torch.ones(1, HEIGHT, WIDTH)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        params = transforms.RandomErasing.get_params
        theirs = np.array([params(image, (0.02, 0.33), (0.3, 3.3), [0])[:4] for _ in erased])
    assert (erased[:, :2] >= 0).all()
    assert (erased[:, :2] + erased[:, 2:] <= [HEIGHT, WIDTH]).all()
    for ours, others in zip((*erased.T, erased[:, 2] * erased[:, 3]),
                            (*theirs.T, theirs[:, 2] * theirs[:, 3]), strict=True):  # fmt: skip
        assert stats.ks_2samp(ours, others).pvalue > 1e-4


def test_the_share_of_erased_images_is_the_probability() -> None:
    draws = drawn(replace(PLAIN, erasing=0.25), 4_000)
    assert draws.erased is not None
    share = int((draws.erased[:, 2] > 0).sum())
    assert stats.binomtest(share, 4_000, 0.25).pvalue > 1e-4


def test_an_image_too_small_to_erase_from_stays() -> None:
    erasing = replace(PLAIN, erasing=1.0)
    draws = draw(erasing, 50, (1, 1), torch.Generator().manual_seed(1))
    assert draws.erased is not None
    assert not draws.erased[:, 2:].prod(1).any()


class Seen(nn.Module):
    """A network that remembers its training images."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(5))
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            self.seen.append(images)
        return self.bias.expand(len(images), -1)


def epochs_of(recipe: Recipe, seed: int) -> tuple[Tensor, Tensor]:
    """What a network is shown in two epochs."""
    network = Seen()
    Training(network, data(), recipe, [seed]).run(2)
    first, second = torch.cat(network.seen).split(64)
    return first, second


def test_draws_differ_between_epochs_and_seeds_and_repeat() -> None:
    first, second = epochs_of(ALL, 1)
    again = epochs_of(ALL, 1)
    assert torch.equal(first, again[0]) and torch.equal(second, again[1])
    other, _ = epochs_of(ALL, 2)
    for one, another in ((first, second), (first, other)):
        # Not even the same multiset of images: sorting takes the order of the images out.
        sums = [x.sum((1, 2, 3)).sort().values for x in (one, another)]
        assert not torch.allclose(*sums)


def test_the_order_is_the_same_with_and_without_augmentation() -> None:
    """Recipes are compared under the same luck."""
    plain, _ = epochs_of(PLAIN, 1)
    flipped, _ = epochs_of(replace(PLAIN, flip=True), 1)
    mirrored = torch.where((plain == flipped).flatten(1).all(1)[:, None, None, None],
                           plain, plain.flip(3))  # fmt: skip
    torch.testing.assert_close(flipped, mirrored)
    assert not torch.equal(plain, flipped)


def test_copies_are_augmented_each_on_its_own() -> None:
    """Side by side, a copy sees what it would see alone."""

    class Two(Seen):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images).repeat(1, 2)

    together = Two()
    Training(together, data(), ALL, [1, 2]).run(1)
    both = torch.cat(together.seen)
    for i, seed in enumerate((1, 2)):
        torch.testing.assert_close(both[:, 3 * i : 3 * i + 3], epochs_of(ALL, seed)[0])


def test_float_images_are_augmented_like_bytes() -> None:
    chosen, draws = torch.arange(64), drawn(ALL, 64)
    as_bytes, as_floats = (
        shown(data(dtype=t), ALL, chosen, draws) for t in (np.uint8, np.float32)
    )
    torch.testing.assert_close(as_bytes, as_floats)
