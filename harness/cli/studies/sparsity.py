"""`nas-harness study sparsity`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.console import counting_bar
from harness.cli.studies.finish import finish
from harness.errors import UserError


def sparsity(
    out: Annotated[Path, typer.Option(help="Directory of the page and its files.")],
    benchmark: Annotated[
        str, typer.Option(help="A table that says how it was trained, or `live:...`.")
    ] = "tss-digits",
    protocol: Annotated[str | None, typer.Option(help="One of its protocols.")] = None,
    searcher: Annotated[
        str, typer.Option(help="A method with the option sparsity, and its other options.")
    ] = "bayesnas",
    sparsities: Annotated[
        str, typer.Option(help="Values of lambda_w, separated by commas.")
    ] = "0.01,0.03,0.1",
    seeds: Annotated[int, typer.Option(help="Searches with each.")] = 6,
    evaluations: Annotated[
        int, typer.Option(help="Budget of a search, in full trainings of a network.")
    ] = 6,
) -> None:
    """A one-shot method's penalty against the size and the error of the networks that it derives.

    Searches by BayesNAS with several sparsities, and shows errors over parameters, whether both
    are monotone in the sparsity, and random search beside them. Needs the extra `live` (torch).

    Examples:

        nas-harness study sparsity --out sparsity

        nas-harness study sparsity --sparsities 0.01,0.02,0.05 --seeds 10
        --searcher bayesnas:dependency=zero-own,iterations=3 --out sparsity
    """
    from harness.benchmarks import open_benchmark
    from harness.loop import Budget
    from reports.rounding import to_json
    from reports.studies.sparsity import sparsity_curve, sparsity_document

    with counting_bar("searches") as progress:
        result = sparsity_curve(
            open_benchmark(benchmark, protocol),
            searcher,
            sparsities=_numbers(sparsities),
            seeds=seeds,
            budget=Budget(evaluations=evaluations),
            progress=progress,
        )
    finish(sparsity_document(result), to_json(result), out)


def _numbers(text: str) -> list[float]:
    try:
        return [float(word) for word in text.split(",")]
    except ValueError:
        raise UserError(f"--sparsities {text}: give numbers, as in 0.003,0.01") from None
