"""`nas-harness study NAME`: questions about benchmarks, budgets and noise, one command each."""

from __future__ import annotations

import typer

study = typer.Typer(
    help="""Studies: what evaluations are worth, how noise and budgets change a comparison.

    Example:

        nas-harness study rank-retention --benchmark tss-digits --out retention
    """,
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
