"""`nas-harness study overhead`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.studies.finish import finish


def overhead(
    out: Annotated[Path, typer.Option(help="Directory of the page and its files.")],
    benchmark: Annotated[
        str, typer.Option(help="A name of `nas-harness list` or a table's path.")
    ] = "tss-digits",
    protocol: Annotated[
        str | None, typer.Option(help="One of its protocols; those with fidelities suit all.")
    ] = None,
    searcher: Annotated[
        list[str] | None, typer.Option(help="A strategy; all that are registered without this.")
    ] = None,
    evaluations: Annotated[int, typer.Option(help="Budget of each search.")] = 200,
    seeds: Annotated[int, typer.Option(help="Searches of each strategy.")] = 3,
    repeats: Annotated[int, typer.Option(help="How often each search's logic is run.")] = 3,
) -> None:
    """Search logic against evaluation time, strategy by strategy, measured on this machine.

    Example:

        nas-harness study overhead --benchmark tss-digits --protocol curve8 --out overhead
    """
    from harness.loop import Budget
    from reports.rounding import to_json
    from reports.studies import overhead as study

    result = study.overhead(
        benchmark,
        protocol,
        searchers=searcher or (),
        budget=Budget(evaluations=evaluations),
        seeds=seeds,
        repeats=repeats,
    )
    finish(study.document(result), to_json(result), out)
