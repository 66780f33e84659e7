"""Cells that publications print, as genotypes of the space `darts`."""

from __future__ import annotations

_NAMES = {
    "sep3": "sep_conv_3x3",
    "sep5": "sep_conv_5x5",
    "dil3": "dil_conv_3x3",
    "max": "max_pool_3x3",
    "avg": "avg_pool_3x3",
    "id": "skip_connect",
}

_SOURCES = {"far": 0, "near": 1, "n0": 2, "n1": 3, "n2": 4}
"""The output of the last cell but one, of the last one, and the inner nodes."""


def cell(*nodes: str) -> list[list[tuple[str, int]]]:
    """A genotype from words like "near:sep5,max n0:id", one for each inner node."""
    return [
        [
            (_NAMES[name], _SOURCES[source])
            for source, _, names in (term.partition(":") for term in node.split())
            for name in names.split(",")
        ]
        for node in nodes
    ]


BAYESNAS = {
    "0.01": (
        cell("near:sep5 far:sep5,max,avg,id", "near:max,id", "near:id far:max", "n0:avg"),
        cell("near:id far:sep3,avg,max,sep5", "far:max,avg", "far:sep3,avg", "n0:sep5"),
    ),
    "0.007": (
        cell("far:sep3,id", "near:sep3,id", "near:id far:sep3", "far:sep5,max,avg n0:id"),
        cell(
            "near:sep5,avg far:avg,max,id,sep5",
            "far:avg n0:id",
            "far:avg n0:sep5,id",
            "n0:avg,max",
        ),
    ),
    "0.005": (
        cell("far:max,avg,id", "near:id far:sep5", "near:avg far:id,max", "far:sep5 n0:max"),
        cell(
            "near:sep3,sep5,max far:avg,max", "n0:max,avg,id", "far:id,max", "far:sep3,max n0:max"
        ),
    ),
}
"""M. Yang (2019): normal and reduction cell by sparsity intensity, as its code has them."""

DARTS_V2 = (
    cell("far:sep3 near:sep3", "far:sep3 near:sep3", "near:sep3 far:id", "far:id n0:dil3"),
    cell("far:max near:max", "n0:id near:max", "far:max n0:id", "n0:id near:max"),
)
"""Liu, Simonyan and Yang (2019), second order, as its code has it."""
