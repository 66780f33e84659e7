"""Rank correlations that others have published, to hold beside a study."""

from __future__ import annotations

from reports.document import Column, Section, Table

NASBENCH101 = (
    ("36 epochs against 108", 0.76, 0.808, 8.33e-4),
    ("108 epochs against 108", 0.89, 0.94, 4.72e-4),
)
"""Kyriakides (2022), figures 5.9 to 5.11: tau-b raw, rounded, standard error of the latter."""


def published() -> Section:
    """What Kyriakides (2022) found on NAS-Bench-101."""
    return Section(
        name="published",
        title="Published values",
        text=(
            "Kyriakides (2022, chapter 5) drew 100,000 of NAS-Bench-101's 423,624 cells with"
            " replacement. Each measurement was one of the three stored trainings of its budget,"
            " drawn at random, so that in the second line one network in three is compared with"
            " its identical training. A table with all three trainings gives that line here as"
            " `two draws, the same training included`, and the ceiling without them beside it.",
        ),
        tables=(
            Table(
                name="published-nasbench101",
                title="NAS-Bench-101, tau-b as published",
                columns=(
                    Column("measurements"),
                    Column("tau-b", digits=2),
                    Column("tau-b, rounded", digits=3),
                    Column("standard error, rounded", digits=6),
                ),
                rows=NASBENCH101,
            ),
        ),
        folded=True,
    )
