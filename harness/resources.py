"""What one trial of live training takes of the cluster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.errors import UserError
from harness.live.question import LiveQuestion, is_live


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


def for_questions(
    sources: Iterable[str], cpus: float | None = None, gpus: float | None = None
) -> Resources:
    """What a trial of an experiment takes: what is asked for, or one processor and, for live
    benchmarks on GPUs, a whole GPU.

    Args:
        sources: The benchmarks' names.
        cpus: Processors asked for.
        gpus: GPUs asked for.

    Raises:
        UserError: If something is asked for that no benchmark uses, or is out of range.
    """
    live = [source for source in sources if is_live(source)]
    for name, given in (("cpus", cpus), ("gpus", gpus)):
        if given is not None and not live:
            raise UserError(
                f"no benchmark trains (live:SPACE/DATASET): leave out --{name}-per-trial"
            )
    cuda = any(LiveQuestion.parse(source).device == "cuda" for source in live)
    if gpus and not cuda:
        raise UserError(
            f"'{live[0]}' trains on processors: add @cuda, or leave out --gpus-per-trial"
        )
    default = 1.0 if cuda else 0.0
    return Resources(1.0 if cpus is None else cpus, default if gpus is None else gpus)
