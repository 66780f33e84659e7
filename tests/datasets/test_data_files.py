"""A user's own images: .npz files, image folders and data-set files, by path or by name."""

from __future__ import annotations

import dataclasses
import pickle
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import datasets
from harness.datasets import Part, Source, Split, find, load
from harness.datasets.arrays import LAYOUTS
from harness.datasets.entry import KINDS, Entry
from harness.datasets.npz import read_npz, write_npz
from harness.errors import HarnessError, UserError

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 3, 5, 4), dtype=np.uint8)
LABELS = np.arange(12) % 3
GREY = PIXELS[:, 0]


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def entry(file: Path, /, **fields: Any) -> Path:
    file.write_text(yaml.safe_dump(fields))
    return file


def refused(name: Path | str, line: str) -> None:
    with pytest.raises(UserError, match=line) as caught:
        load(str(name), Split(2, 2, 2))
    assert "\n" not in str(caught.value)


# --- .npz files ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("x_train", "y_train", "x_test", "y_test"),
        ("images", "labels"),
        ("x", "y"),
    ],
)
def test_npz_files_with_any_of_the_known_keys(tmp_path: Path, names: tuple[str, ...]) -> None:
    arrays = dict(zip(names, (PIXELS, LABELS, PIXELS[:5], LABELS[:5]), strict=False))
    source = read_npz(save(tmp_path / "a.npz", other=np.zeros(3), **arrays))
    assert (source.classes, source.shape) == (3, (3, 5, 4))
    assert np.array_equal(source.train.images, PIXELS)
    assert source.train.images.dtype == np.uint8 and source.train.labels.dtype == np.int64
    assert (source.test is not None) == (len(names) == 4)
    if source.test is not None:
        assert np.array_equal(source.test.labels, LABELS[:5])


@pytest.mark.parametrize(
    ("stored", "layout", "expected"),
    [
        (GREY, None, GREY[:, None]),
        (PIXELS, None, PIXELS),
        (PIXELS.transpose(0, 2, 3, 1), None, PIXELS),
        (PIXELS.transpose(0, 2, 3, 1), "nhwc", PIXELS),
        (PIXELS[:, :, :, 0], "ncl", PIXELS[:, :, :, :1]),
        (np.zeros((12, 2, 5, 4)), "nchw", np.zeros((12, 2, 5, 4), np.float32)),
        (GREY.astype(np.int32), None, GREY[:, None]),
    ],
)
def test_layouts(
    tmp_path: Path, stored: np.ndarray, layout: str | None, expected: np.ndarray
) -> None:
    path = save(tmp_path / "a.npz", images=stored, labels=LABELS)
    images = read_npz(path, layout=layout).train.images
    assert images.dtype == expected.dtype
    assert np.array_equal(images, expected)


@pytest.mark.parametrize(
    ("arrays", "line"),
    [
        ({"pixels": PIXELS}, "holds pixels: name its arrays train_images, train_labels"),
        ({}, "holds nothing"),
        ({"images": PIXELS, "labels": LABELS[:5]}, r"12 images and labels of shape \(5,\)"),
        ({"images": PIXELS, "labels": LABELS / 2}, "give one whole number an image"),
        ({"images": PIXELS, "labels": LABELS - 1}, "labels are in -1 .. 1.*from 0"),
        ({"images": PIXELS, "labels": LABELS * 0}, "one class"),
        ({"images": PIXELS.astype(int) * 3, "labels": LABELS}, r"in 0 \.\. 255"),
        ({"images": PIXELS * np.nan, "labels": LABELS}, "not finite"),
        ({"images": PIXELS[0, 0], "labels": LABELS}, "name its layout.*nhw, nchw, nhwc, ncl"),
        ({"images": np.zeros((12, 5, 4, 2)), "labels": LABELS}, "name its layout"),
        ({"images": np.array([{}] * 12), "labels": LABELS}, "no .npz file of plain arrays"),
        (
            {"x_train": PIXELS, "y_train": LABELS, "x_test": GREY, "y_test": LABELS},
            "images differ",
        ),
    ],
)
def test_npz_files_of_another_form_are_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], line: str
) -> None:
    refused(save(tmp_path / "a.npz", **arrays), line)


def test_damaged_files_and_pickles_are_refused(tmp_path: Path) -> None:
    good = save(tmp_path / "good.npz", images=PIXELS, labels=LABELS).read_bytes()
    for number, content in enumerate(
        (b"", b"PK", good[:200], good[:-9], pickle.dumps([1]), np.arange(3).tobytes())
    ):
        path = tmp_path / f"{number}.npz"
        path.write_bytes(content)
        refused(path, "is no .npz file of plain arrays.*make it with numpy.savez")
    flipped = bytearray(good)
    flipped[300] ^= 255
    (tmp_path / "flipped.npz").write_bytes(flipped)
    refused(tmp_path / "flipped.npz", "is no .npz file")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    source = Source(3, Part(PIXELS, LABELS), Part(PIXELS[:4], LABELS[:4]))
    write_npz(source, tmp_path / "new" / "a.npz")
    again = read_npz(tmp_path / "new" / "a.npz")
    assert again.test is not None and source.test is not None
    assert np.array_equal(again.test.images, source.test.images)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.npz"]


# --- data-set files -----------------------------------------------------------------------------


def test_a_data_set_file_says_what_is_what(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    save(tmp_path / "files" / "a.npz", pictures=PIXELS[:, :2], kinds=LABELS)
    file = entry(
        tmp_path / "mine.yaml",
        name="shapes",
        path="files/a.npz",
        keys={"images": "pictures", "labels": "kinds"},
        layout="nchw",
        classes=4,
        test=0.25,
        mean=[1, 2.5],
        deviation=[2, 4],
    )
    data = load(str(file), Split(None, 2, None))
    assert (data.name, data.classes) == ("shapes", 4)
    assert (len(data.train), len(data.valid), len(data.test)) == (7, 2, 3)
    assert (data.mean, data.deviation) == ((1, 2.5), (2, 4))


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"pth": "a.npz"}, "needs `path:`"),
        ({"path": "a.npz", "key": {}}, "unknown field of data set .*: 'key': did you mean keys"),
        ({"path": "a.npz", "kind": "npy"}, "'npy': did you mean npz"),
        ({"path": "a.npz", "classes": "ten"}, "classes='ten'; must be a whole number"),
        ({"path": "a.npz", "classes": 2}, r"those of 2 classes must be in 0 \.\. 1"),
        ({"path": "a.npz", "layout": "hwc"}, "layout of images 'hwc'"),
        ({"path": "a.npz", "keys": {"images": "pixels", "labels": "y"}}, "holds images, labels"),
        ({"path": "a.npz", "mean": [1.0]}, "mean has 1 values for 3 channels"),
        ({"path": "a.npz", "deviation": [1.0, 0.0, 1.0]}, "must be above 0"),
        ({"path": "a.npz", "test": 12}, "12 images: 12 cannot be set apart"),
        ({"path": "b.npz"}, "cannot read the data set .*b.npz: No such file"),
        ({"path": ".", "kind": "images", "size": [3]}, r"must be \[height, width\]"),
        ({"path": "none", "kind": "images"}, "there is no folder of images"),
    ],
)
def test_mistakes_in_a_data_set_file(tmp_path: Path, fields: dict[str, Any], line: str) -> None:
    save(tmp_path / "a.npz", images=PIXELS, labels=LABELS)
    refused(entry(tmp_path / "mine.yaml", **fields), line)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
paths = st.sampled_from(["a.npz", "a.npz", ".", "", "~nobody/a.npz", "a\0.npz"])
fitting = {
    "kind": st.sampled_from(KINDS),
    "keys": st.just({"images": "images", "labels": "labels"}),
    "layout": st.sampled_from([*LAYOUTS]),
    "size": st.lists(st.integers(1, 9), min_size=2, max_size=2),
    **dict.fromkeys(("classes", "channels", "width", "test"), st.integers(-1, 12)),
    **dict.fromkeys(("mean", "deviation"), st.lists(st.floats(-1, 1), min_size=3, max_size=3)),
}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.fixed_dictionaries({"path": paths}, optional=fitting),
    st.dictionaries(st.sampled_from([f.name for f in dataclasses.fields(Entry)]), values),
)
def test_any_data_set_file_is_read_or_refused_in_one_line(
    tmp_path: Path, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    save(tmp_path / "a.npz", images=PIXELS, labels=LABELS)
    for fields in (good, good | bad):
        file = entry(tmp_path / "any.yaml", **fields)
        try:
            data = load(str(file), Split(3, 2, 2))
        except UserError as error:
            assert "\n" not in str(error)
        else:
            assert data.train.images.shape[0] == 3
            assert len(data.mean) == len(data.deviation) == data.train.images.shape[1]


# --- folders of images --------------------------------------------------------------------------


def paint(folder: Path, mode: str, sizes: list[tuple[int, int]]) -> None:
    """One image of every size, grey level its number."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed (extra 'live')")
    folder.mkdir(parents=True)
    for number, size in enumerate(sizes):
        image.new(mode, size, number if mode == "L" else (number, 0, 9)).save(
            folder / f"{number}.png"
        )


def test_folders_named_after_classes(tmp_path: Path) -> None:
    for part, count in (("train", 4), ("test", 2)):
        for kind in ("cat", "ant"):
            paint(tmp_path / "pets" / part / kind, "RGB", [(5, 3)] * count)
    short, read = find(str(tmp_path / "pets"))
    source = read()
    assert (short, source.classes, source.shape) == ("pets", 2, (3, 3, 5))
    assert source.train.labels.tolist() == [0] * 4 + [1] * 4  # ant, cat
    assert source.train.images[:, :, 0, 0].tolist() == [[n, 0, 9] for n in range(4)] * 2
    assert source.test is not None and len(source.test) == 4


def test_grey_images_of_several_sizes(tmp_path: Path) -> None:
    for kind in ("a", "b"):
        paint(tmp_path / "grey" / kind, "L", [(5, 3), (4, 4)])
    refused(tmp_path / "grey", "1.png is 4 x 4, others are 3 x 5: give `size:")
    file = entry(tmp_path / "g.yaml", path="grey", kind="images", size=[6, 7], test=2)
    data = load(str(file), Split(1, 1, None))
    assert data.train.images.shape == (1, 1, 6, 7)
    assert len(data.test) == 2


def test_mistakes_in_folders(tmp_path: Path) -> None:
    paint(tmp_path / "a" / "train" / "cat", "L", [(2, 2)] * 2)
    paint(tmp_path / "a" / "train" / "ant", "L", [(2, 2)] * 2)
    paint(tmp_path / "a" / "test" / "dog", "L", [(2, 2)] * 2)
    refused(tmp_path / "a", "train and test differ in their classes: ant, cat, dog")
    (tmp_path / "b" / "empty").mkdir(parents=True)
    refused(tmp_path / "b", "holds no images of empty")
    refused(tmp_path / "b" / "empty", "holds no folders of images")
    paint(tmp_path / "c" / "x", "L", [(2, 2)])
    (tmp_path / "c" / "x" / "9.png").write_bytes(b"no image")
    refused(tmp_path / "c", "cannot read the image .*9.png")


# --- names --------------------------------------------------------------------------------------


def test_files_in_the_folders_have_names(data_folder: Path, tmp_path: Path) -> None:
    save(data_folder / "shapes.npz", images=PIXELS, labels=LABELS)
    save(data_folder / "mine.npz", images=PIXELS[:4], labels=LABELS[:4])
    entry(data_folder / "mine.yaml", path="shapes.npz", test=2)
    later = tmp_path / "cache" / "nas-harness" / "datasets"
    later.mkdir(parents=True)
    save(later / "shapes.npz", images=PIXELS[:3], labels=LABELS[:3])
    save(later / "older.npz", images=PIXELS[:3], labels=LABELS[:3])
    assert {"shapes", "mine", "older", "digits"} <= set(datasets.names())
    assert len(find("shapes")[1]().train) == 12
    assert len(load("mine", Split(5, 5, None)).test) == 2
    assert ("mine", "your own", str(data_folder / "mine.yaml")) in datasets.listed()


def test_unknown_names_and_paths() -> None:
    refused("minst", "unknown data set 'minst': did you mean mnist")
    refused("no/such.npz", "there is no data set no/such.npz: give a name")
    refused("", "unknown data set ''")


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their_images.py").write_text(
        "import numpy as np\n"
        "from harness.datasets import Part, Source\n"
        "def good():\n"
        "    'Ten squares.'\n"
        "    return Source(2, Part(np.zeros((10, 1, 4, 4), np.uint8), np.arange(10) % 2))\n"
        "def flat(): return Source(2, Part(np.zeros((10, 4)), np.arange(10) % 2))\n"
        "def nothing(): pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    group = "nas_harness.datasets"
    found = {
        name: [EntryPoint(name, f"their_images:{name}", group)]
        for name in ("good", "flat", "nothing", "digits")
    }
    monkeypatch.setitem(vars(datasets.registry), "_third_party", found)


@pytest.mark.usefixtures("third_party")
def test_third_parties_add_data_sets() -> None:
    assert load("good", Split(4, 3, 3)).train.images.shape == (4, 1, 4, 4)
    assert ("good", "Ten squares.", "unknown") in datasets.listed()
    for name, line in (("flat", "'flat' of unknown.*shape"), ("nothing", "must make a Source")):
        with pytest.raises(HarnessError, match=line) as caught:
            load(name, Split(4, 3, 3))
        assert not isinstance(caught.value, UserError)
    assert datasets.registry.load("digits").__module__ == "harness.datasets.digits"
    assert "is hidden by the built-in one" in datasets.registry.clashes()[0]
