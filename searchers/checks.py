"""Checks of options, made when a searcher is built."""

from __future__ import annotations

from collections.abc import Collection

from harness.errors import UserError


def at_least(searcher: object, minimum: float, **options: float) -> None:
    """Refuse options below a minimum: ``at_least(self, 1, population_size=population_size)``.

    Raises:
        UserError: At the first one, naming searcher, option and value.
    """
    for option, value in options.items():
        if not value >= minimum:
            name = type(searcher).__name__
            raise UserError(f"{name}: {option}={value}; must be at least {minimum}")


def one_of(searcher: object, allowed: Collection[str], **options: str) -> None:
    """Refuse options that are not among the allowed words.

    Raises:
        UserError: At the first one, naming searcher, option and value.
    """
    for option, value in options.items():
        if value not in allowed:
            name = type(searcher).__name__
            raise UserError(f"{name}: {option}={value!r}; must be one of {', '.join(allowed)}")


def at_most(searcher: object, maximum: float, limit: str = "", **options: float) -> None:
    """Refuse options above a maximum, which `limit` names when it is another option.

    Raises:
        UserError: At the first one, naming searcher, option and value.
    """
    for option, value in options.items():
        if not value <= maximum:
            name = type(searcher).__name__
            bound = f"{limit}={maximum}" if limit else f"{maximum}"
            raise UserError(f"{name}: {option}={value}; must be at most {bound}")
