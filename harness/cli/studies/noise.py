"""`nas-harness study noise`."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.console import counting_bar
from harness.cli.run import parse_protocol
from harness.cli.studies.finish import finish
from harness.errors import UserError


class Law(StrEnum):
    """Distributions of the noise."""

    uniform = "uniform"
    gaussian = "gaussian"


def noise(
    out: Annotated[Path, typer.Option(help="Directory of the page and its files.")],
    dimension: Annotated[
        list[int] | None, typer.Option(help="Dimensions of Rastrigin's function (2, 3, 4).")
    ] = None,
    tau: Annotated[
        list[float] | None,
        typer.Option(help="Kendall's tau of the noise (0.95, 0.85, 0.75, 0.65); none is added."),
    ] = None,
    law: Annotated[Law, typer.Option(help="The noise's distribution.")] = Law.uniform,
    frozen: Annotated[
        bool, typer.Option("--frozen", help="One noise field for all runs, not one for each.")
    ] = False,
    generations: Annotated[
        list[int] | None,
        typer.Option(help="Generations of the genetic algorithm (10, 100, 1000)."),
    ] = None,
    repeats: Annotated[int, typer.Option(help="Runs of the genetic algorithm.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the simulation.")] = 0,
    speedup: Annotated[
        list[str] | None,
        typer.Option(help="How much cheaper a tau is, as `0.75=10` (0.85=2.5, 0.75=10, 0.65=50)."),
    ] = None,
    searcher: Annotated[
        list[str] | None,
        typer.Option(
            help="Strategies on the function's lattice and on the table (regularized and classic"
            " evolution, local search); `none` for none."
        ),
    ] = None,
    searcher_dimension: Annotated[
        int, typer.Option(help="Dimensions of the lattice; 0 to leave it out.")
    ] = 3,
    searcher_seeds: Annotated[int, typer.Option(help="Searches of each on the lattice.")] = 20,
    benchmark: Annotated[
        str, typer.Option(help="A table: a name or a path; `none` to leave it out.")
    ] = "tss-digits",
    protocol: Annotated[
        str | None,
        typer.Option(help="One of the table's protocols, as in `nas-harness run`."),
    ] = None,
    factor: Annotated[
        list[float] | None,
        typer.Option(help="Of the table's noise (0, 0.5, 1, 2, 4)."),
    ] = None,
    budget: Annotated[
        list[int] | None,
        typer.Option(help="Evaluations on the table (30, 100, 300, 1000)."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Searches of each on the table.")] = 50,
) -> None:
    """What noise costs a search, and where strategies still beat random search.

    A genetic algorithm on the noisy Rastrigin function beside published tables, and strategies
    on a real table whose own noise is turned up and down.

    Examples:

        nas-harness study noise --out noise

        nas-harness study noise --dimension 3 --tau 0.75 --law gaussian --repeats 200
        --benchmark nats.table#cifar100 --searcher local_search --out noise
    """
    from reports.rounding import to_json
    from reports.studies import noise as study

    settings = study.Settings(repeats=repeats, law=law.value, frozen=frozen, seed=seed)
    if dimension:
        settings = replace(settings, dimensions=tuple(dict.fromkeys(dimension)))
    if tau:
        settings = replace(settings, taus=tuple(sorted({1.0, *tau}, reverse=True)))
    if generations:
        settings = replace(settings, generations=tuple(sorted(set(generations))))
    name, options = parse_protocol(protocol)
    searches = study.Searches(
        dimensions=searcher_dimension,
        lattice_seeds=searcher_seeds,
        benchmark="" if benchmark == "none" else benchmark,
        protocol=name,
        options=options,
        seeds=seeds,
    )
    if searcher:
        names = () if searcher == ["none"] else tuple(searcher)
        searches = replace(searches, searchers=names)
    if factor:
        searches = replace(searches, factors=tuple(factor))
    if budget:
        searches = replace(searches, budgets=tuple(budget))
    result = study.noise_study(settings, searches, speedups=_speedups(speedup), bar=counting_bar)
    finish(study.noise_document(result), to_json(result), out)


def _speedups(texts: list[str] | None) -> dict[float, float]:
    """Tau -> speed-up."""
    from reports.studies.noise.economics import SPEEDUPS

    if not texts:
        return dict(SPEEDUPS)
    found = {}
    for text in texts:
        try:
            tau, factor = map(float, text.split("="))
        except ValueError:
            raise UserError(f"--speedup {text}: give tau=factor, as in 0.75=10") from None
        if factor <= 0:
            raise UserError(f"--speedup {text}: the factor must be above 0")
        found[tau] = factor
    return found
