"""Series as images of one column, and architectures as graphs with labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datasets import Split, load
from harness.datasets.activity import LENGTH, read_activity
from harness.datasets.graphs import BETTER, EQUAL, WORSE, load_graphs, pairs, write_graphs
from harness.errors import UserError
from harness.spaces import get_space
from harness.spaces.base import Graph
from harness.streams import stream

# --- series of an accelerometer -----------------------------------------------------------------


def record(folder: Path, participant: int, runs: list[tuple[int, int]]) -> np.ndarray:
    """A participant's file of runs (activity, samples); returns its samples [n, 3]."""
    folder.mkdir(exist_ok=True)
    activities = np.repeat(*zip(*runs, strict=True))
    samples = np.random.default_rng(participant).integers(1500, 2500, (len(activities), 3))
    rows = np.column_stack([np.arange(len(samples)), samples, activities])
    np.savetxt(
        folder / f"{participant}.csv", rows, fmt=["%.1f", "%d", "%d", "%d", "%d"], delimiter=","
    )
    return samples


@pytest.fixture
def series(data_folder: Path) -> tuple[Path, list[np.ndarray]]:
    folder = data_folder / "activity-recognition"
    runs = [(1, 2 * LENGTH + 1), (4, LENGTH - 1), (7, LENGTH + 30), (0, 5)]
    return folder, [record(folder, participant, runs) for participant in range(1, 12)]


def test_series_are_differences_within_one_activity(
    series: tuple[Path, list[np.ndarray]],
) -> None:
    folder, samples = series
    source = read_activity(folder)
    assert (source.classes, source.shape) == (7, (3, LENGTH, 1))
    assert source.test is not None and (len(source.train), len(source.test)) == (21, 12)
    steps = np.diff(samples[0], axis=0)
    starts = (0, LENGTH, 3 * LENGTH - 1)
    for image, start in zip(source.train.images, starts, strict=False):
        assert np.array_equal(image[:, :, 0], steps[start : start + LENGTH].T)
    assert source.train.labels[:3].tolist() == [0, 0, 6]
    # The last four participants, in the order of their numbers, are the test part.
    last = np.diff(samples[10], axis=0)[:LENGTH].T
    assert np.array_equal(source.test.images[9, :, :, 0], last)


def test_series_of_one_channel_and_by_name(series: tuple[Path, list[np.ndarray]]) -> None:
    folder, samples = series
    one = read_activity(folder, channels=1).train.images
    lengths = np.linalg.norm(samples[0], axis=1)
    assert one.shape[1:] == (1, LENGTH, 1)
    assert np.allclose(one[0, 0, :, 0], np.diff(lengths)[:LENGTH], rtol=1e-5)
    data = load("activity-recognition", Split(None, 0.25, None))
    assert (len(data.train), len(data.valid), len(data.test)) == (16, 5, 12)
    assert len(data.mean) == len(data.deviation) == 3
    file = folder.parent / "one.yaml"
    file.write_text("path: activity-recognition\nkind: activity\nchannels: 1\n")
    long = load("one", Split(9, 1, 1)).train.images
    assert long.shape == (9, 1, LENGTH, 1)
    file.write_text(f"{file.read_text()}width: 4\n")
    wide = load("one", Split(9, 1, 1)).train.images
    assert np.array_equal(wide, np.broadcast_to(long, (9, 1, LENGTH, 4)))
    file.write_text(f"{file.read_text()[:-2]}0\n")
    with pytest.raises(UserError, match="width=0; it must be 1 or more, and is for series"):
        load("one", Split(1, 1, 1))


def test_mistakes_in_series(data_folder: Path) -> None:
    with pytest.raises(UserError, match="download 'Activity Recognition from Single Chest"):
        load("activity-recognition", Split(1, 1, 1))
    folder = data_folder / "activity-recognition"
    for participant in range(1, 5):
        record(folder, participant, [(1, 60)])
    with pytest.raises(UserError, match=r"holds 4 files .* more than 4 participants"):
        read_activity(folder)
    for participant in range(1, 6):
        record(folder, participant, [(1, 20)])
    with pytest.raises(UserError, match="no activity lasts for 52 samples"):
        read_activity(folder)
    record(folder, 5, [(8, 60)])
    with pytest.raises(UserError, match=r"5.csv: activities must be 0 \.\. 7"):
        read_activity(folder)
    (folder / "5.csv").write_text("1,2,3,walking\n")
    with pytest.raises(UserError, match=r"cannot read .*5.csv as number, x, y, z, activity"):
        read_activity(folder)
    with pytest.raises(UserError, match=r"3 channels \(axes\) or 1"):
        read_activity(folder, channels=2)


# --- graphs -------------------------------------------------------------------------------------

OPERATIONS = ("input", "conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3", "output")


@pytest.fixture
def cells(data_folder: Path) -> list[Graph]:
    """Cells of NAS-Bench-101, stored with their numbers as labels."""
    space, rng = get_space("nasbench101"), stream(0, "cells")
    graphs = [space.graph(space.sample(rng)) for _ in range(30)]
    write_graphs(graphs, range(30), OPERATIONS, data_folder / "graph-nasbench.npz")
    return graphs


def test_graphs_of_a_users_own_copy(cells: list[Graph]) -> None:
    data = load_graphs("graph-nasbench3", Split(18, 4, 8))
    assert (data.outputs, load_graphs("graph-nasbench1", Split(18, 4, 8)).outputs) == (3, 1)
    parts = (data.train, data.valid, data.test)
    assert [len(part) for part in parts] == [18, 4, 8]
    assert {label for part in parts for label in part.labels} == set(range(30))
    for part in parts:
        for i, label in enumerate(part.labels):
            graph = cells[int(label)]
            size = len(graph.operations)
            assert np.array_equal(part.adjacency[i, :size, :size], graph.adjacency)
            assert not part.adjacency[i, size:].any() and not part.adjacency[i, :, size:].any()
            one_hot = [[o == name for name in OPERATIONS] for o in graph.operations]
            assert np.array_equal(part.features[i, :size], one_hot)
            assert not part.features[i, size:].any()


labels = st.lists(st.integers(0, 40), min_size=1, max_size=12).map(lambda x: np.array(x) / 40)


@settings(deadline=None)
@given(labels, st.sampled_from([0.0, 0.03, 0.2]))
def test_every_pair_once_with_its_relation(values: np.ndarray, epsilon: float) -> None:
    found = pairs(values, epsilon)
    n = len(values)
    assert len(found.relation) == n * (n + 1) // 2
    assert len(set(zip(found.first.tolist(), found.second.tolist(), strict=True))) == len(
        found.relation
    )
    for a, b, relation in zip(found.first, found.second, found.relation, strict=True):
        assert a <= b
        if values[a] == values[b] or abs(values[a] - values[b]) < epsilon:
            assert relation == EQUAL
        else:
            assert relation == (BETTER if values[a] > values[b] else WORSE)


def test_mistakes_in_graphs(data_folder: Path, cells: list[Graph]) -> None:
    with pytest.raises(UserError, match=r"make graph-f-mnist.npz there with .*write_graphs"):
        load_graphs("graph-f-mnist3", Split(1, 1, 1))
    with pytest.raises(UserError, match="unknown data set of graphs 'graph-nasbench2': did you"):
        load_graphs("graph-nasbench2", Split(1, 1, 1))
    with pytest.raises(UserError, match=r"30 images: 30 \+ 1 \+ 1 do not fit"):
        load_graphs("graph-nasbench1", Split(30, 1, 1))
    with pytest.raises(UserError, match="unknown operation 'output'"):
        write_graphs(cells, range(30), OPERATIONS[:4], data_folder / "x.npz")
    with pytest.raises(UserError, match="6 operations do not fit into 5 node features"):
        write_graphs(cells, range(30), [*OPERATIONS, "skip"], data_folder / "x.npz")
    good = {
        "adjacency": np.zeros((2, 3, 3), bool),
        "features": np.zeros((2, 3, 5)),
        "labels": np.zeros(2),
    }
    for change, line in (
        ({"features": np.zeros((2, 3, 4))}, r"features \[n, nodes, 5\]"),
        ({"adjacency": np.zeros((2, 4, 4))}, r"adjacency must be \[n, nodes, nodes\]"),
        ({"labels": np.array([1, np.nan])}, "not finite"),
        ({"labels": np.array(["a", "b"])}, r"labels \[n\]"),
    ):
        np.savez(data_folder / "x.npz", **good | change)  # type: ignore[arg-type]
        with pytest.raises(UserError, match=line):
            load_graphs(str(data_folder / "x.npz"), Split(1, 0, 1))
    np.savez(data_folder / "x.npz", features=good["features"])
    with pytest.raises(UserError, match="holds features: its arrays must be called adjacency,"):
        load_graphs(str(data_folder / "x.npz"), Split(1, 0, 1))
