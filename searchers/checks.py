"""Checks of options, made when a searcher is built."""

from __future__ import annotations

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
