"""`nas-harness study NAME`: questions about benchmarks, budgets and noise, one command each."""

from __future__ import annotations

import typer

from harness.cli.studies.diversity import diversity
from harness.cli.studies.fidelity_economics import fidelity_economics
from harness.cli.studies.noise import noise
from harness.cli.studies.one_shot_ranking import one_shot_ranking
from harness.cli.studies.optimizers import optimizers
from harness.cli.studies.overhead import overhead
from harness.cli.studies.parallel_darts import parallel_darts
from harness.cli.studies.rank_retention import rank_retention
from harness.cli.studies.sparsity import sparsity

study = typer.Typer(
    help="""Studies: what evaluations are worth, how noise and budgets change a comparison.

    Example:

        nas-harness study rank-retention --benchmark tss-digits --out retention
    """,
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
study.command("diversity")(diversity)
study.command("fidelity-economics")(fidelity_economics)
study.command("noise")(noise)
study.command("one-shot-ranking")(one_shot_ranking)
study.command("optimizers")(optimizers)
study.command("overhead")(overhead)
study.command("parallel-darts")(parallel_darts)
study.command("rank-retention")(rank_retention)
study.command("sparsity")(sparsity)
