"""``python -m tests.tune.kills``: kill live searches at random moments, and audit them."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Annotated

import typer

from tests.tune.kills.on_ray import cluster, kill_on_ray
from tests.tune.kills.stage import Stage
from tests.tune.kills.tally import BARE, DRIVERS, WORKERS, Tally
from tests.tune.kills.without_ray import kill_without_ray

OWN_CLUSTER_EVERY = 3
"""Every so many experiments on Ray, drivers start clusters of their own."""


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    kills: Annotated[int | None, typer.Option(help="How many.")] = None,
    minutes: Annotated[float | None, typer.Option(help="For how long.")] = None,
    seed: Annotated[int, typer.Option(help="Of all that is random, but for real time.")] = 0,
) -> None:
    """Kill drivers and workers of live searches at random moments, and start them again.

    Ends with status 1 if an evaluation that stood in a journal was lost or repeated, a searcher
    heard of one before it was on the disk, a digest differs from that of the undisturbed search,
    or a run fails or hangs.

    Examples:

        python -m tests.tune.kills --kills 1000

        python -m tests.tune.kills --minutes 5 --seed 1
    """
    if kills is None and minutes is None:
        raise typer.BadParameter("give --kills, --minutes, or both")
    tally = Tally(kills, None if minutes is None else minutes * 60)
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    random = Random(seed)
    # Forks come first: a process with Ray's threads cannot be forked safely.
    number = 0
    while tally.wants(BARE):
        number += 1
        here = folder / f"experiment-{number}"
        audited(tally, partial(kill_without_ray, here, random, tally))
    number = 0
    with cluster(folder / "log") as address:
        while tally.wants(DRIVERS) or tally.wants(WORKERS):
            number += 1
            here = folder / f"on-ray-{number}"
            where = "" if number % OWN_CLUSTER_EVERY == 0 else address
            audited(tally, partial(kill_on_ray, here, folder / "log", random, tally, where))
    print("\n".join(tally.lines()))
    if tally.violations:
        sys.exit(f"the files are left in {folder}")
    shutil.rmtree(folder)


def audited(tally: Tally, run: Callable[[], Stage]) -> None:
    """Run an experiment, and enter what its audit found."""
    try:
        stage = run()
    except AssertionError as failure:
        tally.violations.append(str(failure))
        return
    tally.violations += stage.verdict()
    tally.searches += stage.setup.seeds
    tally.measured += stage.audit.measured
    tally.again += stage.audit.again
    print(
        f"{tally.kills:,} kills, {tally.elapsed:.0f} s: {stage.setup}", file=sys.stderr, flush=True
    )


if __name__ == "__main__":
    app()
