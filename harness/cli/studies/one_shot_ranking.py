"""`nas-harness study one-shot-ranking`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.console import counting_bar
from harness.cli.studies.finish import finish


def one_shot_ranking(
    out: Annotated[Path, typer.Option(help="Directory of the page, its files, the scores.")],
    benchmark: Annotated[
        str, typer.Option(help="A table that says on which images and how it was trained.")
    ] = "tss-digits",
    protocol: Annotated[
        str | None, typer.Option(help="One of its protocols; what it reports is the truth.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="A one-shot method with its options, as `bayesnas:iterations=4`; bayesnas, darts"
            " and rsws without this."
        ),
    ] = None,
    scores: Annotated[
        str | None,
        typer.Option(
            help="Only these, with commas: gamma, s, w, H (bayesnas), alpha (darts), accuracy"
            " (rsws, enas), parameters, training, random."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Supernets of each method.")] = 5,
    passes: Annotated[
        int | None, typer.Option(help="Image passes of a supernet; those of 10 full trainings.")
    ] = None,
    architectures: Annotated[
        int, typer.Option(help="Architectures of the table that are scored; 0 for all.")
    ] = 500,
) -> None:
    """Whether the scores of one-shot methods order architectures as a table does.

    Trains supernets and compares what they say of architectures with the table's results:
    Kendall's tau-b over all and among the best tenth, and what the best score picks. Beside them
    the number of parameters, one full training, and chance. Running the same command again
    resumes: scores of finished supernets are kept. Needs the extra `live` (torch).

    Examples:

        nas-harness study one-shot-ranking --out ranking

        nas-harness study one-shot-ranking --method bayesnas --method bayesnas:iterations=4
        --scores gamma,w,parameters --passes 100000 --out iterations
    """
    from reports.rounding import to_json
    from reports.studies import one_shot_ranking as study

    names = tuple(name.strip() for name in scores.split(",")) if scores else ()
    given = {"methods": tuple(method)} if method else {}
    settings = study.Settings(
        scores=names, seeds=seeds, passes=passes, architectures=architectures, **given
    )
    with counting_bar("supernets") as progress:
        result = study.one_shot_ranking(
            benchmark, settings, out, protocol=protocol, progress=progress
        )
    finish(study.document(result), to_json(result), out)
