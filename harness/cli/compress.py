"""`nas-harness compress`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.console import console, counting_bar, print_table

if TYPE_CHECKING:
    from reports.intervals import Estimate


def compress(
    network: Annotated[
        str, typer.Argument(help="lenet-300-100, lenet-5, resnet-18, or another package's.")
    ],
    dataset: Annotated[str, typer.Option(help="A data set's name or path.")],
    out: Annotated[Path, typer.Option(help="Directory of the results; finished seeds stay.")],
    recipe: Annotated[
        str | None,
        typer.Option(help="A recipe's name or path; default: compress-NETWORK of the package."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Compressions, of seeds 0, 1, ...", min=1)] = 1,
    device: Annotated[str, typer.Option(help="Where to train: cpu, cuda.")] = "cpu",
) -> None:
    """Compress a network by structured sparsity, as BayesNAS does, and cut it out.

    Writes OUT/index.html with all figures beside the published ones, OUT/seed-N.json with what
    came of each seed, and OUT/seed-N.pt with its network. The same command goes on where an
    interrupted one was. Test images are looked at once for each seed, at its end.

    Examples:

        nas-harness compress lenet-300-100 --dataset mnist --seeds 5 --out compressed

        nas-harness compress lenet-5 --dataset mnist --recipe mine.yaml --out compressed-5
    """
    from harness.datasets import find
    from reports.compressed import compressed, document
    from reports.rendering import write_document
    from reports.rounding import to_json
    from searchers.compression import recipes, registry, runs

    registry.load(network)
    find(dataset)
    loaded = recipes.load(recipe or f"compress-{network}")
    question = runs.Question(network, dataset, loaded, device)
    with counting_bar("steps") as progress:
        results = runs.compress(question, range(seeds), out, progress)
    found = compressed(question, results)
    page = write_document(document(found), out, summary=to_json(found))
    head = ["which", "architecture", "test error (%)", "MFLOPs", "weights left (%)"]
    rows: list[list[object]] = [
        [
            f"seed {one.seed}",
            one.architecture,
            f"{one.test_error:.2f}",
            f"{one.operations / 1e6:.4f}",
            f"{one.share:.2f}",
        ]
        for one in results
    ]
    means = (found.test_error, found.operations, found.share)
    rows.append(["mean", "", *[_interval(estimate, d) for estimate, d in zip(means, (2, 4, 2))]])
    rows += [
        [f"published: {row.method}", row.widths, row.error, row.operations or "-", "-"]
        for row in found.published
    ]
    print_table(f"{network} on {dataset}", head, rows, whole_names=True)
    console.print(f"written: {page}", soft_wrap=True)


def _interval(estimate: Estimate, digits: int) -> str:
    """A mean with its interval."""
    mean = f"{estimate.mean:.{digits}f}"
    if estimate.low is None or estimate.high is None:
        return mean
    return f"{mean} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"
