"""What compressions of one network came to, beside the published ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.document import Cell, Column, Document, Section, Table
from reports.intervals import Estimate, estimate_mean
from reports.ledger.bayesnas_compression import ERRORS, LENET_5, LENET_300_100, Row
from searchers.compression.runs import Question, Result

PUBLISHED = {("lenet-300-100", "mnist"): LENET_300_100, ("lenet-5", "mnist"): LENET_5}
"""Network and data set -> rows of the source's tables."""

_RESNET = Row("BayesNAS", "-", ERRORS["ResNet-18"], "")


@dataclass(frozen=True)
class Compressed:
    """Compressions of one network.

    Attributes:
        question: What was compressed.
        results: One a seed.
        test_error: Mean over the seeds, in %.
        operations: Likewise, in millions.
        share: Weights that are left, likewise, in %.
        layers: Weights left in each layer, likewise, (layer, weights, share).
        published: Rows of the source's table; () if it has none of this network and data.
    """

    question: Question
    results: tuple[Result, ...]
    test_error: Estimate
    operations: Estimate
    share: Estimate
    layers: tuple[tuple[str, int, Estimate], ...]
    published: tuple[Row, ...]


def compressed(question: Question, results: Sequence[Result]) -> Compressed:
    """Means over the seeds, with their intervals.

    Args:
        question: What was compressed.
        results: One a seed, at least one.
    """
    layers = []
    for place, (name, _, weights) in enumerate(results[0].remaining):
        shares = [100 * result.remaining[place][1] / weights for result in results]
        layers.append((name, weights, _mean(shares).clipped(0.0, 100.0)))
    key = (question.network, question.dataset)
    published = PUBLISHED.get(key, (_RESNET,) if key == ("resnet-18", "cifar10") else ())
    return Compressed(
        question=question,
        results=tuple(results),
        test_error=_mean([result.test_error for result in results]).clipped(0.0, 100.0),
        operations=_mean([result.operations / 1e6 for result in results]),
        share=layers[-1][2],
        layers=tuple(layers),
        published=tuple(published),
    )


def _mean(values: Sequence[float]) -> Estimate:
    return estimate_mean(np.array(values, np.float64))


def document(result: Compressed) -> Document:
    """The page."""
    question, recipe = result.question, result.question.recipe
    error, share = result.test_error.mean, result.share.mean
    seeds = len(result.results)
    lead = (
        f"{question.network} on {question.dataset}, {seeds} seed{'s' * (seeds > 1)}: on average"
        f" {share:.2f}% of the weights are left, {result.operations.mean:.4f} million operations"
        f" for one image, and {error:.2f}% of the test images are classified wrongly.",
    )
    text = (
        "Test images were looked at once for each seed, after its last epoch.",
        f"Operations are counted by the convention `{recipe.convention}`. Published figures are"
        " those of the source, which counts rectifiers too; it does not say over how many runs.",
    )
    sections = (
        Section("seeds", "Seed by seed", text, tables=(_seeds(result),)),
        Section("layers", "Weights left in each layer", tables=(_layers(result),)),
    )
    provenance = {
        "network": question.network,
        "data set": question.dataset,
        "recipe": str(recipe.values()),
    }
    return Document(f"Compressed {question.network}", lead, sections, provenance)


def _seeds(result: Compressed) -> Table:
    columns = (
        Column("which"),
        Column("architecture"),
        Column("valid error", "%", digits=2),
        Column("test error", "%", digits=2),
        Column("operations", "M", digits=4),
        Column("weights left", "%", digits=2),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            f"seed {one.seed}",
            one.architecture,
            one.valid_error,
            one.test_error,
            one.operations / 1e6,
            one.share,
        )
        for one in result.results
    ]
    rows.append(("mean", None, None, result.test_error, result.operations, result.share))
    rows += [
        (
            f"published: {row.method}",
            row.widths,
            None,
            float(row.error),
            float(row.operations) if row.operations else None,
            2.96 if row is _RESNET else None,
        )
        for row in result.published
    ]
    note = "Means over the seeds with their 95% intervals."
    return Table("seeds", "Seed by seed", columns, tuple(rows), note)


def _layers(result: Compressed) -> Table:
    columns = (Column("layer"), Column("weights"), Column("left", "%", digits=2))
    return Table("layers", "Weights left in each layer", columns, result.layers)
