"""Holm's adjustment of p values, of which some may not exist."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """The p values adjusted by Holm's method over those that exist.

    The chance that any of the true null hypotheses gets an adjusted p below 0.05 is at most 5%,
    however the tests depend on each other.
    """
    tested = [i for i, p in enumerate(p_values) if p is not None]
    found: list[float | None] = [None] * len(p_values)
    if tested:
        from statsmodels.stats.multitest import multipletests

        adjusted = multipletests([p_values[i] for i in tested], method="holm")[1]
        for i, p in zip(tested, adjusted.tolist(), strict=True):
            found[i] = p
    return found
