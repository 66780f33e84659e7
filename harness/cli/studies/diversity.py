"""`nas-harness study diversity`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.studies.finish import finish


class By(StrEnum):
    """What makes a group."""

    searcher = "searcher"
    seed = "seed"


class Take(StrEnum):
    """What is taken of each search."""

    winner = "winner"
    top = "top"
    last = "last"


def diversity(
    directory: Annotated[Path, typer.Argument(help="The --out directory of `nas-harness run`.")],
    out: Annotated[Path, typer.Option(help="Directory of the page and its files.")],
    by: Annotated[By, typer.Option(help="What makes a group.")] = By.searcher,
    take: Annotated[
        Take,
        typer.Option(help="Of each search its winner, its best, or its last architectures."),
    ] = Take.winner,
    count: Annotated[int, typer.Option(help="How many of them, for top and last.")] = 10,
    searches: Annotated[
        int, typer.Option(help="Most searches of a strategy; those with the least seeds.")
    ] = 100,
) -> None:
    """How different the architectures are that an experiment's searches found.

    Graph edit distances within and between groups, tests by permuting labels, operations used
    and used together, and all architectures of a group drawn over another.

    Example:

        nas-harness study diversity results --out diversity
    """
    from reports.rounding import to_json
    from reports.studies import diversity as study

    result = study.diversity(
        directory, by=by.value, take=take.value, count=count, searches=searches
    )
    finish(study.document(result), to_json(result), out)
