"""Errors that a person reads: one line that names the thing and the mend."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LONGEST = 4_000


class HarnessError(Exception):
    """A failure while working on a valid request (the command line exits with 1)."""

    exit_status = 1

    def __str__(self) -> str:
        # Names from a user's file may hold line breaks, what moves a terminal's cursor, or a book.
        line = " ".join(super().__str__().splitlines())
        if len(line) > _LONGEST:
            line = f"{line[:_LONGEST]}..."
        return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], line)


class UserError(HarnessError):
    """A request that cannot be carried out as given (the command line exits with 2)."""

    exit_status = 2


class OutOfMemory(HarnessError):
    """A training needed more memory than its device has.

    Attributes:
        device: The device, in PyTorch's notation.
        peak: Bytes that were in use at most.
    """

    def __init__(self, device: str, peak: int) -> None:
        super().__init__(
            f"out of memory on {device}, {peak / 2**20:,.0f} MiB in use: lower the recipe's"
            " batch_size or the network's width"
        )
        self.device, self.peak = device, peak

    def __reduce__(self) -> tuple[type[OutOfMemory], tuple[str, int]]:
        return type(self), (self.device, self.peak)


class ReplayError(HarnessError):
    """A resumed search proposed something else than its record holds: the code has changed."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
    """The error for a name that is not registered, with the nearest names.

    Args:
        kind: What was looked for, in the singular ("searcher").
        name: The name that was given.
        known: All names that would have been understood.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return UserError(f"unknown {kind} '{name}': {hint}")
