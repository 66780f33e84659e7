"""`nas-harness study fidelity-economics`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.studies.finish import finish


def fidelity_economics(
    benchmark: Annotated[
        str, typer.Option(help="A table with several fidelities: a name or a path.")
    ],
    out: Annotated[Path, typer.Option(help="Directory of the page and its files.")],
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            help="One protocol with several fidelities (default: the table's), or several that"
            " report the same."
        ),
    ] = None,
    epochs: Annotated[
        list[int] | None,
        typer.Option(help="Fidelities to compare (all, or eight of them)."),
    ] = None,
    searcher: Annotated[
        list[str] | None,
        typer.Option(help="A strategy to run at every fidelity, besides exact random search."),
    ] = None,
    budget: Annotated[
        int, typer.Option(help="Largest budget, in full evaluations of mean cost.")
    ] = 256,
    seeds: Annotated[int, typer.Option(help="Searches of each strategy and fidelity.")] = 20,
    final_training: Annotated[
        bool,
        typer.Option(help="Whether a cheaper level's budget pays for its winner's full training."),
    ] = True,
) -> None:
    """What a cheaper, noisier evaluation buys at equal virtual time.

    Exact random search, and searches of given strategies, at every fidelity of a table.

    Examples:

        nas-harness study fidelity-economics --benchmark tss-digits
        --searcher regularized_evolution:population_size=20,tournament_size=5 --out economics

        nas-harness study fidelity-economics --benchmark nb201.table --protocol val12-test200
        --protocol val200-test200 --out economics
    """
    from reports.rounding import to_json
    from reports.studies import fidelity_economics as study

    result = study.fidelity_economics(
        benchmark,
        protocol or (),
        epochs=epochs or (),
        searchers=searcher or (),
        budget=budget,
        seeds=seeds,
        final_training=final_training,
    )
    finish(study.document(result), to_json(result), out)
