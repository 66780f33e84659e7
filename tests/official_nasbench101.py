"""Files in the official NAS-Bench-101 format, written without the importer's code.

The framing is tensorboardX's, the message is the published schema (with all its fields).
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorboardX.record_writer import RecordWriter

from harness.spaces.nasbench101 import NasBench101Space
from harness.streams import stream

FIRST_RECORD = (
    b'["00005c142e6f48ac74fdcf73e3439874", 4,'
    b' "0100110001000000010010000010000001000000010000000",'
    b' "input,conv3x3-bn-relu,maxpool3x3,conv3x3-bn-relu,conv3x3-bn-relu,conv1x1-bn-relu,output",'
    b' "Ci0JAAAAAAAAAAARAAAAAAAAAAAZAAAAoKqquT8hAAAAYJAGuT8pAAAAAGmQuT8KLQkAAAAAAAAA\\n'
    b"QBEAAADAdJNGQBkAAABgkAa6PyEAAAAg3/K6PykAAACAy7e6PwotCQAAAAAAABBAEQAAACDbeVZA\\n"
    b'GQAAAEAaZNY/IQAAAGBVVdY/KQAAAODybdY/EIqYigQZAABAhznbeUA=\\n"]'
)
"""The first record of nasbench_full.tfrecord (NAS-Bench-101, Apache-2.0)."""
FIRST_CHECKSUMS = 0x9BED2598, 0x03691668
"""The masked checksums, in that file, of this record's length and of itself."""

SCHEMA = {
    "EvaluationData": (
        ("current_epoch", 1, "double"),
        ("training_time", 2, "double"),
        ("train_accuracy", 3, "double"),
        ("validation_accuracy", 4, "double"),
        ("test_accuracy", 5, "double"),
        ("checkpoint_path", 6, "string"),
    ),
    "ModelMetrics": (
        ("evaluation_data", 1, "EvaluationData"),
        ("trainable_parameters", 2, "int32"),
        ("total_time", 3, "double"),
    ),
}
"""`model_metrics.proto` of google-research/nasbench."""


class Evaluation(NamedTuple):
    """The numbers of one evaluation, as `EvaluationData` orders them."""

    epoch: float
    seconds: float
    train: float
    valid: float
    test: float


class Run(NamedTuple):
    """One training: what becomes a record."""

    hash: str
    epochs: int
    matrix: np.ndarray
    operations: Sequence[str]
    evaluations: Sequence[Evaluation]
    parameters: int

    @property
    def half(self) -> Evaluation:
        return self.evaluations[1]

    @property
    def final(self) -> Evaluation:
        return self.evaluations[2]


@functools.cache
def messages() -> tuple[Any, Any]:
    """The classes of `EvaluationData` and `ModelMetrics`."""
    field_kinds = descriptor_pb2.FieldDescriptorProto
    kinds = {
        "double": field_kinds.TYPE_DOUBLE,
        "int32": field_kinds.TYPE_INT32,
        "string": field_kinds.TYPE_STRING,
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="published.proto", package="nasbench", syntax="proto2"
    )
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            added = message.field.add(name=field, number=number, label=field_kinds.LABEL_OPTIONAL)
            if kind in kinds:
                added.type = kinds[kind]
            else:
                added.type, added.type_name = field_kinds.TYPE_MESSAGE, f".nasbench.{kind}"
                added.label = field_kinds.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    evaluation, metrics = (
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"nasbench.{name}"))
        for name in SCHEMA
    )
    return evaluation, metrics


def message(run: Run) -> bytes:
    """A run's `ModelMetrics`."""
    evaluation, metrics = messages()
    return bytes(
        metrics(
            evaluation_data=[
                evaluation(
                    current_epoch=e.epoch,
                    training_time=e.seconds,
                    train_accuracy=e.train,
                    validation_accuracy=e.valid,
                    test_accuracy=e.test,
                )
                for e in run.evaluations
            ],
            trainable_parameters=run.parameters,
            total_time=4.0 * run.final.seconds,
        ).SerializeToString()
    )


def payload(run: Run, content: bytes | None = None) -> bytes:
    """A run's record, in the official way: base64 with line breaks in JSON.

    Args:
        run: The training.
        content: Another message than the run's own.
    """
    raw = message(run) if content is None else content
    return json.dumps(
        [
            run.hash,
            run.epochs,
            "".join(map(str, np.asarray(run.matrix).ravel().tolist())),
            ",".join(run.operations),
            base64.encodebytes(raw).decode(),
        ]
    ).encode()


def write(path: Path, payloads: Iterable[bytes]) -> Path:
    """A TFRecord file of some payloads."""
    writer = RecordWriter(str(path))
    for content in payloads:
        writer.write(content)
    writer.close()
    return path


def cells(count: int, seed: int = 0) -> list[tuple[str, np.ndarray, tuple[str, ...]]]:
    """Different cells: hash, matrix and operations."""
    space, rng = NasBench101Space(), stream(seed, "cells")
    found: dict[str, tuple[str, np.ndarray, tuple[str, ...]]] = {}
    while len(found) < count:
        cell = space.sample(rng)
        graph = space.graph(cell)
        name = space.hash(cell)
        found.setdefault(name, (name, graph.adjacency.astype(int), graph.operations))
    return list(found.values())


def runs(
    count: int, *, budgets: Sequence[int] = (4, 12, 36, 108), repeats: int = 3, seed: int = 0
) -> list[Run]:
    """All trainings of some cells, with random numbers in single precision as the official ones.

    The order is by budget and repeat, so that a cell's records lie apart.
    """
    rng = np.random.default_rng(seed)
    found = []
    chosen = cells(count, seed)
    parameters = rng.integers(200_000, 50_000_000, count).tolist()
    for epochs in budgets:
        for _ in range(repeats):
            for (name, matrix, operations), size in zip(chosen, parameters, strict=True):
                accuracies = rng.random((3, 3), np.float32).astype(float).tolist()
                seconds = [0.0, *np.sort(rng.random(2, np.float32) * 2000).astype(float).tolist()]
                evaluations = [
                    Evaluation(epochs * part / 2, time, *values)
                    for part, (time, values) in enumerate(zip(seconds, accuracies, strict=True))
                ]
                found.append(Run(name, epochs, matrix, operations, evaluations, size))
    return found
