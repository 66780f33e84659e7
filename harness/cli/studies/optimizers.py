"""`nas-harness study optimizers`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.console import counting_bar
from harness.cli.studies.finish import finish


def optimizers(
    out: Annotated[Path, typer.Option(help="Directory of the page, its files and the table.")],
    networks: Annotated[int, typer.Option(help="Random cells of the topology space.")] = 20,
    epochs: Annotated[int, typer.Option(help="Epochs of a full training.")] = 16,
    seeds: Annotated[
        int, typer.Option(help="Trainings of each network by each optimizer; 2 give a ceiling.")
    ] = 2,
    recipe: Annotated[str, typer.Option(help="A recipe by name, or its YAML file.")] = "digits",
    resamples: Annotated[int, typer.Option(help="Bootstrap resamples of each tau-b.")] = 800,
    inline: Annotated[
        bool, typer.Option("--inline", help="Train in this process, without Ray.")
    ] = False,
    address: Annotated[str | None, typer.Option(help="Join this Ray cluster.")] = None,
) -> None:
    """Which short trainings order networks as long ones do: seven optimizers, several epochs.

    Trains random cells on scikit-learn's digits by Adadelta, Adam, Adamax, RMSprop, SGD, SGD with
    momentum and SGD with Nesterov's, and compares the rankings. Running the same command again
    resumes. Needs the extra `live` (torch).

    Example:

        nas-harness study optimizers --networks 20 --epochs 16 --out optimizers
    """
    from harness.benchmarks import open_table
    from harness.tabulation.optimizers import tabulate_optimizers
    from harness.tabulation.work import Executor, in_this_process
    from reports.rounding import to_json
    from reports.studies.optimizers import optimizer_document, optimizer_ranks

    executor: Executor = in_this_process
    if not inline:
        from harness.tune.pool import on_ray

        executor = on_ray(address)
    table = out / "optimizers.table"
    with counting_bar("networks") as progress:
        tabulate_optimizers(
            table,
            networks=networks,
            seeds=seeds,
            epochs=epochs,
            recipe=recipe,
            executor=executor,
            progress=progress,
        )
    result = optimizer_ranks(open_table(table), resamples=resamples)
    finish(optimizer_document(result), to_json(result), out)
