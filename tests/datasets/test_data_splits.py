"""Splits are fixed by the name and a seed, and no image is in two parts."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datasets import ImageData, Part, Source, Split, load
from harness.datasets.splitting import moments, set_apart, split_source
from harness.errors import UserError


def numbered(first: int, n: int, channels: int = 1) -> Part:
    """Images whose pixels tell which they are."""
    numbers = np.arange(first, first + n, dtype=np.float32)
    images = np.empty((n, channels, 2, 1), np.float32)
    images[:] = numbers[:, None, None, None]
    return Part(images, np.arange(n) % 3)


def numbers(part: Part) -> list[int]:
    return [int(number) for number in part.images[:, 0, 0, 0]]


def same(a: Part, b: Part) -> bool:
    return np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels)


def digest(data: ImageData) -> str:
    found = hashlib.sha256()
    for part in (data.train, data.valid, data.test):
        found.update(part.images.tobytes() + part.labels.tobytes())
    return found.hexdigest()[:16]


@st.composite
def asked(draw: st.DrawFn) -> tuple[Source, Split]:
    """A data set, with official parts or without, and a split that it has room for.

    Images from 1000 on are official test images, those from 2000 on official validation images.
    """
    tests, valids = draw(st.integers(0, 30)), draw(st.integers(0, 20))
    n = draw(st.integers(1 if tests else 2, 60))
    test = draw(st.integers(1, tests or n - 1))
    room = n if tests else n - test
    valid = draw(st.integers(0, valids or room - 1))
    train = draw(st.integers(1, room if valids else room - valid))
    source = Source(
        3,
        numbered(0, n),
        numbered(1000, tests) if tests else None,
        valid=numbered(2000, valids) if valids else None,
    )
    return source, Split(train, valid, test, draw(st.integers(0, 5)))


@settings(deadline=None)
@given(asked())
def test_no_image_is_in_two_parts_and_official_ones_stay_in_theirs(
    given_: tuple[Source, Split],
) -> None:
    source, split = given_
    data = split_source("x", source, split)
    parts = [numbers(data.train), numbers(data.valid), numbers(data.test)]
    assert [len(part) for part in parts] == [split.train, split.valid, split.test]
    assert len(set().union(*parts)) == sum(map(len, parts))
    officials = (0, 2 if source.valid else 0, 1 if source.test else 0)
    for part, official in zip(parts, officials, strict=True):
        assert {number // 1000 for number in part} <= {official}
    for dealt in (data.train, data.valid, data.test):
        assert [number % 1000 % 3 for number in numbers(dealt)] == dealt.labels.tolist()


@settings(deadline=None)
@given(asked())
def test_the_same_split_again_and_for_a_smaller_training_set(
    given_: tuple[Source, Split],
) -> None:
    source, split = given_
    first, again = split_source("x", source, split), split_source("x", source, split)
    smaller = split_source("x", source, replace(split, train=1))
    assert all(same(getattr(first, p), getattr(again, p)) for p in ("train", "valid", "test"))
    assert same(first.valid, smaller.valid) and same(first.test, smaller.test)
    assert numbers(smaller.train) == numbers(first.train)[:1]


@settings(deadline=None)
@given(asked())
def test_none_stands_for_all_there_is(given_: tuple[Source, Split]) -> None:
    source, split = given_
    every = split_source("x", source, replace(split, train=None))
    dealt = numbers(every.train) + numbers(every.valid) + numbers(every.test)
    assert sum(number < 1000 for number in dealt) == len(source.train)
    if source.test is not None:
        everything = split_source("x", source, replace(split, test=None))
        assert sorted(numbers(everything.test)) == sorted(numbers(source.test))


def test_seeds_and_names_deal_differently() -> None:
    source = Source(3, numbered(0, 60), numbered(1000, 40))
    found = {
        tuple(numbers(split_source(name, source, Split(9, 9, 9, seed)).valid))
        for name in ("x", "y")
        for seed in range(3)
    }
    assert len(found) == 6


def test_shares_of_the_training_images() -> None:
    source = Source(3, numbered(0, 60), numbered(1000, 40))
    data = split_source("x", source, Split(None, 0.25, None))
    assert (len(data.train), len(data.valid), len(data.test)) == (45, 15, 40)
    assert len(split_source("x", source, Split(None, 0.0, None)).valid) == 0


@pytest.mark.parametrize(
    ("split", "line"),
    [
        (Split(50, 11, 40), "60 images and 40 for testing: 50 \\+ 11 \\+ 40 do not fit"),
        (Split(1, 1, 41), "do not fit"),
        (Split(0, 1, 1), "do not fit"),
        (Split(1, -1, 1), "do not fit"),
        (Split(1, 1.0, 1), "valid_images: 1.0 is no share"),
        (Split(None, 60, None), "do not fit"),
    ],
)
def test_impossible_splits_are_refused(split: Split, line: str) -> None:
    source = Source(3, numbered(0, 60), numbered(1000, 40))
    with pytest.raises(UserError, match=line):
        split_source("x", source, split)


def test_without_official_test_images_their_number_is_needed() -> None:
    line = r"give test_images a number in the recipe, or choose a recipe .* such as quick"
    with pytest.raises(UserError, match=line):
        split_source("x", Source(3, numbered(0, 60)), Split(1, 1, None))


def test_test_images_set_apart_are_the_same_for_every_seed() -> None:
    whole = Source(3, numbered(0, 60))
    source = set_apart("x", whole, 0.25)
    assert source.test is not None and len(source.test) == 15
    assert sorted(numbers(source.train) + numbers(source.test)) == list(range(60))
    seen = [split_source("x", source, Split(None, 5, None, seed)) for seed in (0, 1)]
    assert {*numbers(seen[0].test)} == {*numbers(seen[1].test)}
    assert {*numbers(seen[0].valid)} != {*numbers(seen[1].valid)}
    with pytest.raises(UserError, match="leave `test` out"):
        set_apart("x", source, 3)
    with pytest.raises(UserError, match="cannot be set apart"):
        set_apart("x", whole, 60)


# --- pixels -----------------------------------------------------------------------------------


def test_digits_are_what_the_embedded_table_was_measured_with() -> None:
    found = [
        digest(load("digits", Split(train, valid, test), pixel_noise=noise))
        for train, valid, test, noise in ((400, 600, 600, 1.0), (500, 300, 300, 0.0))
    ]
    assert found == ["bd300d94eb94b94a", "544460c04870ec58"]


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_moments_are_those_of_the_training_images(kind: type) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3000, 2, 5, 4)).astype(kind)
    mean, deviation = moments(images)
    assert np.allclose(mean, images.mean((0, 2, 3)), rtol=1e-6)
    assert np.allclose(deviation, images.std((0, 2, 3)), rtol=1e-5)
    source = Source(2, Part(images, np.arange(3000) % 2))
    data = split_source("x", source, Split(50, 50, 50))
    assert data.train.images.dtype == kind
    assert (data.mean, data.deviation) == moments(data.train.images) != (mean, deviation)


def test_a_channel_without_variation_can_be_divided_by() -> None:
    assert moments(np.full((4, 1, 2, 2), 7, np.uint8)) == ((7.0,), (1.0,))


def test_noise_is_an_images_own_and_makes_normalised_floats() -> None:
    images = np.random.default_rng(1).integers(0, 256, (2500, 1, 6, 6), dtype=np.uint8)
    source = Source(2, Part(images, np.arange(2500) % 2), Part(images[:700], np.arange(700) % 2))

    def noise(split: Split) -> dict[bytes, np.ndarray]:
        """Of every image by its pixels, official test images apart."""
        still = split_source("x", source, split)
        rough = split_source("x", source, split, pixel_noise=0.5)
        assert (rough.mean, rough.deviation) == ((0.0,), (1.0,))
        found = {}
        for part in ("train", "valid", "test"):
            pixels = getattr(still, part).images
            clean = (pixels.astype(np.float32) - still.mean[0]) / still.deviation[0]
            added = getattr(rough, part).images - clean
            assert abs(added.std() - 0.5) < 0.01
            tests = part == "test"
            found |= {bytes([tests]) + p.tobytes(): a for p, a in zip(pixels, added, strict=True)}
        return found

    one, other = noise(Split(1500, 500, 600)), noise(Split(1200, 1000, 700, seed=1))
    common = one.keys() & other.keys()
    assert len(common) > 1500
    assert all(np.allclose(one[image], other[image], atol=0.02) for image in common)
    # An official test image and an equal training image have noises of their own.
    assert any(
        b"\0" + image[1:] in one and not np.allclose(one[image], one[b"\0" + image[1:]], atol=0.5)
        for image in one
        if image[:1] == b"\1"
    )
