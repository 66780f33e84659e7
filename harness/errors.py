"""Errors that a person reads: one line that names the thing and the mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """A failure while working on a valid request (the command line exits with 1)."""

    exit_status = 1

    def __str__(self) -> str:
        # Names from a user's file may hold line breaks.
        return " ".join(super().__str__().splitlines())


class UserError(HarnessError):
    """A request that cannot be carried out as given (the command line exits with 2)."""

    exit_status = 2


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
