"""What is kept of one training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from math import isnan, nan
from typing import Any

OK, DIVERGED, FAILED = "ok", "diverged", "failed"


@dataclass(frozen=True)
class Record:
    """One training, as far as it has come.

    Attributes:
        key: Identifies the training: network, search seed and visit.
        architecture: In its space's notation.
        epochs: How many were asked for and are done, or failed before.
        status: "ok"; "diverged" if loss or outputs stopped being finite, the curve ending before;
            or "failed" if nothing could be trained (no network, no memory).
        reason: Empty, or what happened.
        valid: Validation accuracy in per cent after each sound epoch; NaN where there are no
            validation images.
        test: Epochs -> test accuracy in per cent, where a search stopped.
        train_loss: Mean training loss of each sound epoch.
        parameters: Trainable numbers of the network.
        flops: Its multiply-adds for one image.
        telemetry: Seconds, memory, host and device: what differs from run to run.
    """

    key: str
    architecture: str
    epochs: int
    status: str
    reason: str
    valid: tuple[float, ...] = ()
    test: Mapping[int, float] = field(default_factory=dict)
    train_loss: tuple[float, ...] = ()
    parameters: int = 0
    flops: int = 0
    telemetry: Mapping[str, Any] | None = None

    def answers(self, epochs: int) -> bool:
        """Whether the training has been stopped and tested there, or cannot come so far."""
        return epochs in self.test or (self.status != OK and len(self.valid) < epochs)

    def ended(self, last: int) -> bool:
        """Whether it cannot go on, or has come to the recipe's last epoch."""
        return self.status != OK or len(self.valid) >= last

    def value(self, epochs: int) -> float:
        """Validation accuracy after a number of epochs; NaN if the training failed before."""
        return self.valid[epochs - 1] if len(self.valid) >= epochs else nan

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        valid = [None if isnan(accuracy) else accuracy for accuracy in self.valid]
        return {**asdict(self), "valid": valid}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Record:
        """The inverse of `to_dict`."""
        record = cls(**values)
        return replace(
            record,
            valid=tuple(nan if accuracy is None else accuracy for accuracy in record.valid),
            test={int(epochs): accuracy for epochs, accuracy in record.test.items()},
            train_loss=tuple(record.train_loss),
        )

    def joined(self, earlier: Record | None) -> Record:
        """What is known after this training, beside what was known before.

        The longer curve counts, of equal ones the earlier: what a searcher has been told stays
        true. A training that fails later takes nothing away from the epochs before.
        """
        if earlier is None:
            return self
        test = dict(sorted({**self.test, **earlier.test}.items()))
        longer = self if len(self.valid) > len(earlier.valid) else earlier
        if self.status != OK and earlier.status == OK:
            # Why it goes no further.
            longer = replace(longer, epochs=self.epochs, status=self.status, reason=self.reason)
        return replace(longer, test=test)
