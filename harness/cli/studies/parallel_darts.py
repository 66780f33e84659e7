"""`nas-harness study parallel-darts`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.console import counting_bar
from harness.cli.studies.finish import finish
from harness.errors import UserError


class Averaging(StrEnum):
    """What the workers average, and when."""

    epoch = "epoch"
    batch = "batch"


class Images(StrEnum):
    """What each worker sees."""

    sharded = "sharded"
    identical = "identical"


def parallel_darts(
    out: Annotated[Path, typer.Option(help="Directory of the page, its files, the searches.")],
    benchmark: Annotated[
        str, typer.Option(help="A table that says how it was trained, or `live:...`.")
    ] = "tss-digits",
    workers: Annotated[str, typer.Option(help="Numbers of workers that train together.")] = "1,2",
    seeds: Annotated[int, typer.Option(help="Searches on each number of workers.")] = 4,
    epochs: Annotated[int, typer.Option(help="Epochs of a search.")] = 50,
    method: Annotated[
        str, typer.Option(help="The one-shot method with its options, as `darts:order=2`.")
    ] = "darts",
    average: Annotated[
        Averaging,
        typer.Option(help="Weights once an epoch (Algorithm 1), or every batch's gradients (2)."),
    ] = Averaging.epoch,
    data: Annotated[
        Images,
        typer.Option(help="Each worker its part of the images; or all the same, as a check."),
    ] = Images.sharded,
    batch_size: Annotated[
        int | None, typer.Option(help="Images in a worker's batch; the recipe's without this.")
    ] = None,
    trainings: Annotated[
        int,
        typer.Option(help="Trainings of what is derived, where the benchmark is no table."),
    ] = 0,
    ray: Annotated[
        bool, typer.Option("--ray", help="Workers of Ray Train, not processes of this machine.")
    ] = False,
    address: Annotated[str | None, typer.Option(help="Join this Ray cluster.")] = None,
) -> None:
    """DARTS on several workers: speed-up, communication, and whether they find the same.

    Searches on each number of workers, seed by seed, and compares seconds, validation accuracies
    (Kolmogorov-Smirnov) and graph edit distances (Kruskal-Wallis). Running the same command again
    resumes: finished searches are kept. Needs the extra `live` (torch).

    Examples:

        nas-harness study parallel-darts --out parallel

        nas-harness study parallel-darts --workers 1,2,4 --average batch --out parallel

        nas-harness study parallel-darts --benchmark live:tss/fashion-mnist@cuda --workers 1,2,4
        --trainings 3 --address auto --out parallel
    """
    from contextlib import ExitStack

    from reports.rounding import to_json
    from reports.studies import parallel_darts as study
    from reports.studies.parallel_darts.searches import Launch

    settings = study.Settings(
        method=method,
        workers=_numbers(workers),
        seeds=seeds,
        epochs=epochs,
        mode=average.value,
        data=data.value,
        batch_size=batch_size,
    )
    with ExitStack() as stack:
        launch: Launch
        if ray or address:
            from harness.tune.parallel import run_on_ray
            from harness.tune.session import ray_session
            from harness.tune.sources import check_workers

            stack.enter_context(ray_session(address))
            check_workers()
            launch, launcher = run_on_ray, "Ray Train"
        else:
            from harness.training.processes import run_in_processes

            launch, launcher = run_in_processes, "processes"
        result = study.parallel_darts(
            benchmark,
            settings,
            out,
            launch=launch,
            launcher=launcher,
            trainings=trainings,
            bar=counting_bar,
        )
    finish(study.document(result), to_json(result), out)


def _numbers(text: str) -> tuple[int, ...]:
    """Distinct numbers of workers, ascending."""
    try:
        return tuple(sorted({int(word) for word in text.split(",")}))
    except ValueError:
        raise UserError(f"--workers {text}: give numbers, as in 1,2,4") from None
