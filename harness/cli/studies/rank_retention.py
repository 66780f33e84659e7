"""`nas-harness study rank-retention`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.benchmarks import open_table
from harness.cli.console import counting_bar
from harness.cli.studies.finish import finish


def rank_retention(
    benchmark: Annotated[
        list[str],
        typer.Option(
            help="A table with several measurements: a name of `nas-harness list` or a path,"
            " `#dataset` added for one of its data sets."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Directory of the page and its files.")],
    dataset: Annotated[
        list[str] | None, typer.Option(help="Only this data set of each table (all).")
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            help="Compare these instead of what the table's protocols search on and report:"
            " `column`, `column@epoch` or `column@epoch:seeds`, the reference last. Seeds are"
            " random, other, mean or a number."
        ),
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="A column of sizes, for groups (`.../params`).")
    ] = None,
    top: Annotated[float, typer.Option(help="Share that counts as the best.")] = 0.1,
    resamples: Annotated[
        int, typer.Option(help="Bootstrap resamples of each tau-b; 0 for no intervals.")
    ] = 800,
) -> None:
    """How much of the final order of architectures cheaper measurements keep.

    Kendall's tau-b and other rank correlations between epochs, data sets and training seeds of
    tables, raw and rounded to whole percents, with bootstrap intervals and the noise ceiling.

    Examples:

        nas-harness study rank-retention --benchmark tss-digits --out retention

        nas-harness study rank-retention --benchmark nb201.table
        --measure cifar100/ep12/valid_accuracy --measure cifar100/ep200/test_accuracy_mean
        --out retention
    """
    from reports.rounding import to_json
    from reports.studies.rank_retention import rank_retention as study
    from reports.studies.rank_retention import retention_document

    tables = []
    for source in benchmark:
        name, _, of = source.partition("#")
        tables.append((open_table(name), (of,) if of else tuple(dataset or ())))
    with counting_bar("comparisons") as progress:
        result = study(
            tables,
            measures=measure or (),
            size=size,
            resamples=resamples,
            top_share=top,
            progress=progress,
        )
    finish(retention_document(result), to_json(result), out)
