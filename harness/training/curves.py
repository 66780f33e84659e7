"""What one training gave, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Curve:
    """What one training gave, one entry an epoch.

    Attributes:
        status: "ok", or "diverged" if the loss or the outputs stopped being finite numbers; the
            curve then ends with the last sound epoch.
        reason: Empty, or what happened.
        valid_correct: Correctly classified validation images.
        test_correct: Correctly classified test images; None after epochs at which the test part
            was not looked at.
        train_seconds: Wall time of the epoch's training steps, shared equally between networks
            that were trained side by side (telemetry, not repeatable).
        evaluate_seconds: Likewise of the evaluation.
        train_loss: Mean loss of the epoch's training images, each as it was when its batch came.
    """

    status: str
    reason: str
    valid_correct: tuple[int, ...]
    test_correct: tuple[int | None, ...]
    train_seconds: tuple[float, ...]
    evaluate_seconds: tuple[float, ...]
    train_loss: tuple[float, ...]


class Epoch(NamedTuple):
    """What one epoch gave to all copies, one entry a copy; seconds are one copy's share.

    The loss of a copy whose outputs were not finite after the epoch is NaN.
    """

    losses: list[float]
    valid: list[int]
    test: list[int] | list[None]
    train_seconds: float
    evaluate_seconds: float

    @property
    def sound(self) -> bool:
        """Whether any copy's loss is a finite number."""
        return any(map(math.isfinite, self.losses))


def curve(epochs: Sequence[Epoch], copy: int) -> Curve:
    """One copy's records, cut before its first epoch without a finite loss."""
    losses = [epoch.losses[copy] for epoch in epochs]
    end = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    diverged, sound = end < len(losses), epochs[:end]
    return Curve(
        status="diverged" if diverged else "ok",
        reason=(f"loss or outputs were not finite numbers in epoch {end + 1}" if diverged else ""),
        valid_correct=tuple(epoch.valid[copy] for epoch in sound),
        test_correct=tuple(epoch.test[copy] for epoch in sound),
        train_seconds=tuple(epoch.train_seconds for epoch in sound),
        evaluate_seconds=tuple(epoch.evaluate_seconds for epoch in sound),
        train_loss=tuple(losses[:end]),
    )
