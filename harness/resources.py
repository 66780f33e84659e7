"""What one trial of live training takes of the cluster."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import UserError


@dataclass(frozen=True)
class Resources:
    """Processors and GPUs of one trial, for Ray's bookkeeping.

    Attributes:
        cpus: Processors.
        gpus: GPUs; a fraction lets several trials share one.

    Raises:
        UserError: If a number is out of range.
    """

    cpus: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.cpus < 10_000:
            raise UserError(f"cpus per trial: {self.cpus}; must be positive")
        if not (0 <= self.gpus <= 1 or (self.gpus < 1_000 and self.gpus == int(self.gpus))):
            raise UserError(
                f"gpus per trial: {self.gpus}; a fraction of one, or a whole number of GPUs"
            )
