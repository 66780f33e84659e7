"""The competition's generated data sets: their labels, from what each image is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datasets import Part, Source, Split, load
from harness.datasets.nascomp import SETS, Sizes, build
from harness.datasets.nascomp.language import LETTERS, SHARES
from harness.datasets.npz import write_npz

SIZES = Sizes(300, 120, 90)
SIDE = 8
ADDED = "addnist"


def traced(images: int, seed: int) -> Part:
    """Images that say which they are: two channels hold the number, the third is a gradient."""
    labels = np.random.default_rng(seed).permutation(np.arange(images) % 10)
    pixels = np.empty((images, 3, SIDE, SIDE), dtype=np.uint8)
    numbers = np.arange(images)
    pixels[:, 0] = (numbers % 250 + 1)[:, None, None]
    pixels[:, 1] = (numbers // 250 + 1 + 100 * seed)[:, None, None]
    pixels[:, 2] = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) + 1
    return Part(pixels, labels)


@pytest.fixture(scope="module")
def tiles_of(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Source]:
    """A source in whose test part the second channel is above 100."""
    source = Source(10, traced(1000, 0), traced(400, 1))
    path = tmp_path_factory.mktemp("nascomp") / "traced.npz"
    write_npz(source, path)
    return str(path), source


@pytest.fixture(scope="module")
def digits_of(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Source]:
    """The same with one channel, of which the first two pixels are the number."""
    parts = []
    for part in (traced(1000, 0), traced(400, 1)):
        pixels = part.images[:, 2:].copy()
        pixels[:, 0, 0, 0], pixels[:, 0, 0, 1] = part.images[:, 0, 0, 0], part.images[:, 1, 0, 0]
        parts.append(Part(pixels, part.labels))
    source = Source(10, parts[0], parts[1])
    path = tmp_path_factory.mktemp("nascomp") / "digits.npz"
    write_npz(source, path)
    return str(path), source


def number(low: np.ndarray, high: np.ndarray, part: str) -> np.ndarray:
    """Which image of the source's training or test part it is; it must be of the right one."""
    assert ((high > 100) == (part == "test")).all()
    found: np.ndarray = (low.astype(int) - 1) + 250 * (high.astype(int) % 100 - 1)
    return found


def parts_of(built: Source) -> dict[str, Part]:
    assert built.valid is not None and built.test is not None
    return {"train": built.train, "valid": built.valid, "test": built.test}


def labels_of(source: Source, part: str) -> np.ndarray:
    assert source.test is not None
    return (source.test if part == "test" else source.train).labels


# --- AddNIST, MultNIST ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "rule", "classes"),
    [
        (ADDED, lambda digits: digits.sum(1) - 1, 20),
        ("multnist", lambda digits: digits.prod(1) % 10, 10),
    ],
)
def test_labels_are_computed_from_the_three_digits(
    digits_of: tuple[str, Source],
    name: str,
    rule: Callable[[np.ndarray], np.ndarray],
    classes: int,
) -> None:
    path, source = digits_of
    built = build(name, path, SIZES)
    assert built.classes == classes and built.shape == (3, SIDE, SIDE)
    used = {}
    for part, made in parts_of(built).items():
        assert made.images.dtype == np.uint8 and made.labels.dtype == np.int64
        # [image, channel]: which images of the source they are.
        drawn = number(made.images[:, :, 0, 0], made.images[:, :, 0, 1], part)
        assert (made.images[:, :, 1:] == source.train.images[0, 0, 1:]).all()
        digits = labels_of(source, part)[drawn]
        assert (rule(digits) == made.labels).all()
        used[part] = set(drawn.ravel().tolist())
    assert not used["train"] & used["valid"]


def test_triples_within_a_class_are_equally_frequent(digits_of: tuple[str, Source]) -> None:
    path, source = digits_of
    made = build(ADDED, path, Sizes(6000, 0, 1)).train
    drawn = number(made.images[:, :, 0, 0], made.images[:, :, 0, 1], "train")
    digits = source.train.labels[drawn]
    # Sum 2 is that of (2, 0, 0), (1, 1, 0) and their permutations; 300 images, six triples.
    found = Counter(map(tuple, digits[made.labels == 1].tolist()))
    assert len(found) == 6 and max(found.values()) < 75 and min(found.values()) > 30


def test_images_are_dealt_in_proportion_to_the_sizes(digits_of: tuple[str, Source]) -> None:
    """So that those of a large part do not come from few digits."""
    made = parts_of(build(ADDED, digits_of[0], Sizes(4000, 1000, 1)))
    for part, dealt in (("train", 800), ("valid", 200)):
        pixels = made[part].images
        used = set(number(pixels[:, :, 0, 0], pixels[:, :, 0, 1], part).ravel().tolist())
        assert 0.97 * dealt < len(used) <= dealt


# --- CIFARTile --------------------------------------------------------------------------------


def tiles(images: np.ndarray) -> np.ndarray:
    """[image, tile, channel, row, column], in the order of reading."""
    halves = [images[:, :, r : r + SIDE, c : c + SIDE] for r in (0, SIDE) for c in (0, SIDE)]
    return np.stack(halves, 1)


def test_a_tile_label_is_the_number_of_classes(tiles_of: tuple[str, Source]) -> None:
    path, source = tiles_of
    built = build("cifartile", path, SIZES)
    assert built.classes == 4 and built.shape == (3, 2 * SIDE, 2 * SIDE)
    used = {}
    for part, made in parts_of(built).items():
        # At least a quarter of each tile stands after the crop, and black pixels are lower.
        low, high = (tiles(made.images)[:, :, c].max((2, 3)) for c in (0, 1))
        drawn = number(low, high, part)
        assert all(len(set(four)) == 4 for four in drawn.tolist())
        kinds = labels_of(source, part)[drawn]
        patterns = [tuple(sorted(Counter(four).values())) for four in kinds.tolist()]
        expected = [((4,), (2, 2), (1, 1, 2), (1, 1, 1, 1))[label] for label in made.labels]
        assert patterns == expected
        used[part] = set(drawn.ravel().tolist())
        # Equal ones do not always stand side by side.
        pairs = kinds[made.labels == 1]
        assert {tuple(four == four[0]) for four in pairs} == {
            (True, True, False, False), (True, False, True, False), (True, False, False, True),
        }  # fmt: skip
    assert not used["train"] & used["valid"]


def test_tiles_are_crops_and_mirrored_but_for_tests(tiles_of: tuple[str, Source]) -> None:
    path, source = tiles_of
    built = parts_of(build("cifartile", path, SIZES))
    gradient = source.train.images[0, 2]
    padded = np.pad(gradient, 4)
    crops = {}
    for top in range(9):
        for left in range(9):
            crop = padded[top : top + SIDE, left : left + SIDE]
            crops[crop.tobytes()] = (top, left, False)
            crops[crop[:, ::-1].tobytes()] = (top, left, True)
    for part in ("train", "valid"):
        found = Counter(
            crops[tile.tobytes()] for four in tiles(built[part].images)[:, :, 2] for tile in four
        )
        assert {key[0] for key in found} == {key[1] for key in found} == set(range(9))
        mirrored = sum(count for (*_, m), count in found.items() if m) / found.total()
        assert 0.42 < mirrored < 0.58
    assert (tiles(built["test"].images)[:, :, 2] == gradient).all()


# --- Language ---------------------------------------------------------------------------------


UNUSABLE = ("short", "longest", "lazier", "heyday", "Abcdef", "naïves", "don'ts")


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    rng = np.random.default_rng(5)
    every = ["".join(rng.choice(list(LETTERS), 6)) for _ in range(150)]
    # Fifty words are of both languages.
    return {"1-low": set(every[:100]), "2-high": set(every[50:])}


@pytest.fixture(scope="module")
def folder(words: dict[str, set[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("words")
    for name, known in words.items():
        text = "\n".join([*UNUSABLE, " ".join(sorted(known)), *sorted(known)[:3]])
        (made / f"{name}.txt").write_text(text, encoding="utf-8")
    (made / ".hidden").write_bytes(b"\xff")
    return made


def test_an_image_holds_four_words_of_its_language(
    folder: Path, words: dict[str, set[str]]
) -> None:
    built = build("language", str(folder), SIZES)
    assert built.classes == 2 and built.shape == (1, 24, 24)
    used: dict[str, set[str]] = {}
    for part, made in parts_of(built).items():
        assert set(np.unique(made.images)) == {0, 1} and (made.images.sum(3) == 1).all()
        texts = ["".join(LETTERS[i] for i in image) for image in made.images[:, 0].argmax(2)]
        groups = [tuple(text[i : i + 6] for i in range(0, 24, 6)) for text in texts]
        known = [words["1-low"], words["2-high"]]
        for group, label in zip(groups, made.labels, strict=True):
            assert set(group) <= known[label]
        assert len(set(zip(groups, made.labels, strict=True))) == len(groups)
        used[part] = {word for group in groups for word in group}
    assert not used["train"] & used["valid"]
    assert not (used["train"] | used["valid"]) & used["test"]
    # With so many images nearly every word is used.
    assert len(used["train"]) == 150 * SHARES[0] // sum(SHARES)


# --- all of them ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "published"),
    [(ADDED, 3_500), ("multnist", 7_000), ("cifartile", 17_500), ("language", 7_000)],
)
def test_published_sizes_give_the_published_number_in_each_class(
    name: str, published: int
) -> None:
    """data.ncl.ac.uk says how many images of each class there are in the three parts together."""
    classes = {ADDED: 20, "multnist": 10, "cifartile": 4, "language": 10}[name]
    assert sum(astuple(SETS[name].sizes)) == 70_000 == published * classes


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([ADDED, "multnist", "cifartile"]),
    st.integers(1, 70),
    st.integers(0, 40),
    st.integers(1, 30),
    st.integers(0, 5),
)
def test_classes_are_balanced_at_every_size(
    digits_of: tuple[str, Source], name: str, train: int, valid: int, test: int, seed: int
) -> None:
    seen: list[int] = []
    built = build(name, digits_of[0], Sizes(train, valid, test), seed=seed, progress=seen.append)
    assert built.test is not None
    found = [built.train, built.test] + ([] if built.valid is None else [built.valid])
    assert (built.valid is None) == (valid == 0)
    assert sum(map(len, found)) == train + valid + test == sum(seen)
    for part in found:
        counts = np.bincount(part.labels, minlength=built.classes)
        assert len(counts) == built.classes and counts.max() - counts.min() <= 1


@pytest.mark.parametrize("name", [ADDED, "multnist", "cifartile", "language"])
def test_a_seed_decides_everything(name: str, digits_of: tuple[str, Source], folder: Path) -> None:
    source = str(folder) if name == "language" else digits_of[0]
    first, again, other = (parts_of(build(name, source, SIZES, seed=s)) for s in (3, 3, 4))
    for part in first:
        assert (first[part].images == again[part].images).all()
        assert (first[part].labels == again[part].labels).all()
        assert (first[part].images != other[part].images).any()
        assert (first[part].labels != other[part].labels).any()
        # Labels come in no order.
        assert 0 < (np.diff(first[part].labels) < 0).mean() < 0.9


def test_what_is_written_is_read_in_its_parts(
    digits_of: tuple[str, Source], tmp_path: Path
) -> None:
    """The official validation images are those that guide searches, and no others."""
    built = build(ADDED, digits_of[0], SIZES)
    write_npz(built, tmp_path / "added.npz")
    read = load(str(tmp_path / "added.npz"), Split(None, 100, None))
    for part, count in (("train", 300), ("valid", 100), ("test", 90)):
        images, there = getattr(read, part).images, parts_of(built)[part].images
        assert len(images) == count
        known = {image.tobytes() for image in there}
        assert {image.tobytes() for image in images} <= known
    assert read.classes == 20


@pytest.mark.data
def test_real_digits(data_dir: Path) -> None:
    """AddNIST from MNIST itself, each channel looked up there by its pixels."""
    path = data_dir / "images" / "mnist.npz"
    with np.load(path) as arrays:
        known = {
            image.tobytes(): (part, int(label))
            for part in ("train", "test")
            for image, label in zip(arrays[f"x_{part}"], arrays[f"y_{part}"], strict=True)
        }
    built = build(ADDED, str(path), Sizes(4_500, 1_500, 1_000))
    used = {}
    for part, made in parts_of(built).items():
        pixels = [[channel.tobytes() for channel in image] for image in made.images]
        digits = [[known[channel][1] for channel in image] for image in pixels]
        assert [sum(three) - 1 for three in digits] == made.labels.tolist()
        used[part] = {channel for image in pixels for channel in image}
        origins = {known[channel][0] for channel in used[part]}
        assert origins == {"test" if part == "test" else "train"}
    assert not used["train"] & used["valid"]
