"""What a record of the official NAS-Bench-101 files says: one training of one cell.

A record is a JSON list: the cell's hash, the number of epochs, the adjacency matrix row by row as
zeros and ones, the operations joined by commas, and in base64 (in lines of 76 characters) a
`ModelMetrics` message of protocol buffers. That holds three evaluations, before, half-way through
and after the training. Accuracies are fractions. (`nasbench/api.py` and
`nasbench/lib/model_metrics.proto` of google-research/nasbench.)
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

BUDGETS = (4, 12, 36, 108)
"""The numbers of epochs that cells were trained for, each time from the beginning."""

METRICS = ("train_seconds", "train_accuracy", "valid_accuracy", "test_accuracy")
"""What an evaluation holds: the seconds of training until then, and accuracies on 10,000 images
each of the training, the validation and the test set."""

_MAX_SECONDS = 1e9
_TOPS = (_MAX_SECONDS, 1.0, 1.0, 1.0) * 2
_TYPES = [str, int, str, str, str]
_BUDGET_WORDS = ", ".join(map(str, BUDGETS))


class RecordError(Exception):
    """A record that is no official one; the text completes "record 5: ..."."""


class CellText(NamedTuple):
    """A cell as records spell it.

    Attributes:
        hash: The official hash, 32 hexadecimal digits.
        adjacency: Zeros and ones, row by row.
        operations: Names joined by commas.
    """

    hash: str
    adjacency: str
    operations: str


class Training(NamedTuple):
    """One training of one cell.

    Attributes:
        cell: As the record spells it; not checked.
        epochs: One of `BUDGETS`.
        parameters: Trainable ones, positive.
        values: `METRICS` half-way, then `METRICS` at the end: seconds of at most 1e9 and
            fractions from 0 to 1.
        regular: Whether the evaluations say that they were made at half of the epochs and at all.
    """

    cell: CellText
    epochs: int
    parameters: int
    values: tuple[float, ...]
    regular: bool


def read_training(payload: bytes) -> Training:
    """Read a record.

    Raises:
        RecordError: If it is not of the official form, or holds a number that cannot be.
    """
    try:
        record = json.loads(payload.decode())
        if type(record) is not list or [type(part) for part in record] != _TYPES:
            raise RecordError("no list of hash, epochs, adjacency, operations and metrics")
        module, epochs, adjacency, operations, metrics = record
        if epochs not in BUDGETS:
            raise RecordError(f"trained for {epochs} epochs, not {_BUDGET_WORDS}")
        message = _ModelMetrics.FromString(b64decode(metrics.replace("\n", ""), validate=True))
    except (ValueError, RecursionError, DecodeError) as error:
        kind = type(error).__name__
        raise RecordError(f"neither JSON nor base64 nor a message in them ({kind})") from None
    if len(message.evaluation_data) != 3:
        raise RecordError(f"{len(message.evaluation_data)} evaluations instead of 3")
    _, half, final = message.evaluation_data
    values = (
        half.training_time, half.train_accuracy, half.validation_accuracy, half.test_accuracy,
        final.training_time, final.train_accuracy, final.validation_accuracy, final.test_accuracy,
    )  # fmt: skip
    # Absent numbers are NaN here, which no comparison lets pass.
    for value, top in zip(values, _TOPS, strict=True):
        if not 0.0 <= value <= top:
            raise RecordError(f"{METRICS[values.index(value) % len(METRICS)]} is {value}")
    if message.trainable_parameters < 1:
        raise RecordError(f"{message.trainable_parameters} trainable parameters")
    regular = half.current_epoch * 2 == final.current_epoch == epochs
    cell = CellText(module, adjacency, operations)
    return Training(cell, epochs, message.trainable_parameters, values, regular)


def _model_metrics() -> Any:
    """The class of the published message, made here so that no generated code is needed."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="model_metrics.proto", syntax="proto2")
    evaluation = file.message_type.add(name="EvaluationData")
    numbers = ("current_epoch", "training_time", "train_accuracy", "validation_accuracy",
               "test_accuracy")  # fmt: skip
    for number, name in enumerate(numbers, start=1):
        # The default is ours: an absent number must not pass for a zero.
        evaluation.field.add(
            name=name, number=number, type=kinds.TYPE_DOUBLE, label=kinds.LABEL_OPTIONAL,
            default_value="nan",
        )  # fmt: skip
    metrics = file.message_type.add(name="ModelMetrics")
    metrics.field.add(
        name="evaluation_data", number=1, type=kinds.TYPE_MESSAGE, label=kinds.LABEL_REPEATED,
        type_name="EvaluationData",
    )  # fmt: skip
    metrics.field.add(
        name="trainable_parameters", number=2, type=kinds.TYPE_INT32, label=kinds.LABEL_OPTIONAL
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("ModelMetrics"))


_ModelMetrics = _model_metrics()
