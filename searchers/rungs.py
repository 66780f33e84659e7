"""Rungs: the numbers of epochs at which early-stopping strategies compare architectures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from harness.errors import UserError
from harness.searcher import Observation, Proposal
from harness.spaces import Architecture


def rungs(
    fidelities: Sequence[int], reduction_factor: int, min_epochs: int | None
) -> tuple[int, ...]:
    """The full training R, R / eta, R / eta^2, ... down to a minimum, ascending.

    Each is replaced by the nearest fidelity that is on offer (of two equally near, the lower).

    Args:
        fidelities: Epochs on offer, ascending.
        reduction_factor: eta.
        min_epochs: No rung is below; None: the least fidelity.

    Raises:
        UserError: If only the full training is left.
    """
    full = fidelities[-1]
    least = fidelities[0] if min_epochs is None else min_epochs
    levels, wanted = [full], full / reduction_factor
    while wanted >= least - 1e-9:
        nearest = min(fidelities, key=lambda epochs: (abs(epochs - wanted), epochs))
        if least <= nearest < levels[-1]:
            levels.append(nearest)
        wanted /= reduction_factor
    if len(levels) == 1:
        raise UserError(
            f"no rung below {full} epochs: fidelities {_brief(fidelities)} with"
            f" reduction_factor={reduction_factor}, min_epochs={least}; lower one of them"
        )
    return tuple(reversed(levels))


def halved(candidates: int, reduction_factor: int, rungs: int) -> list[int]:
    """How many of the candidates reach each rung: n, n / eta, n / eta^2, ..., rounded down."""
    return [max(1, candidates // reduction_factor**i) for i in range(rungs)]


def hyperband_candidates(reduction_factor: int, s: int, s_max: int) -> int:
    """Candidates of the bracket that halves s times: ceil((s_max + 1) eta^s / (s + 1))."""
    candidates: int = reduction_factor**s * (s_max + 1)
    return ceil(candidates / (s + 1))


class Bracket:
    """One successive halving: all candidates at the first rung, the best of them at the next, ...

    A rung is decided when all of its evaluations have finished; of equal values the earlier
    proposal is the better one. Failed evaluations are never promoted.

    Args:
        levels: Epochs of the rungs, ascending.
        sizes: Evaluations at each.
    """

    def __init__(self, levels: Sequence[int], sizes: Sequence[int]) -> None:
        self.levels = tuple(levels)
        self.sizes = list(sizes)
        self.rung = 0
        self.started = 0
        self.finished: list[Observation] = []
        self.promoted: list[Architecture] = []

    @property
    def over(self) -> bool:
        """Whether all rungs are decided."""
        return self.rung == len(self.levels)

    def ask(self, draw: Callable[[], Architecture]) -> Proposal | None:
        """The next evaluation of this rung, None while the others are being finished."""
        if self.over or self.started == self.sizes[self.rung]:
            return None
        architecture = self.promoted[self.started] if self.rung else draw()
        self.started += 1
        paused = self.levels[self.rung - 1] if self.rung else None
        return Proposal(architecture, self.levels[self.rung], paused)

    def tell(self, observation: Observation) -> None:
        """Hear of one of its evaluations; the last one decides the rung."""
        self.finished.append(observation)
        if len(self.finished) < self.sizes[self.rung]:
            return
        ranked = sorted(self.finished, key=lambda o: (-o.value, o.number))
        self.rung, self.started, self.finished = self.rung + 1, 0, []
        if not self.over:
            survivors = [o.architecture for o in ranked if not o.failed]
            self.promoted = survivors[: self.sizes[self.rung]]
            self.sizes[self.rung] = len(self.promoted)
            if not self.promoted:
                self.rung = len(self.levels)


def _brief(fidelities: Sequence[int]) -> str:
    shown = ", ".join(map(str, fidelities[:4]))
    return f"({shown}, ..., {fidelities[-1]})" if len(fidelities) > 5 else f"{tuple(fidelities)}"
