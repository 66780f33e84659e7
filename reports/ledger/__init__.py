"""The reproduction ledger: published numbers that a machine without a GPU can derive anew."""

from __future__ import annotations

import importlib
from functools import cache

from harness.errors import unknown
from reports.ledger.entry import Entry

THESES = {
    "kyriakides": (
        "kyriakides",
        "kyriakides_noise",
        "kyriakides_nasbench101",
        "kyriakides_search",
    ),
    "era": ("era", "era_ranks"),
    "geada": ("geada", "geada_results", "geada_training"),
    "siegert": ("siegert",),
    "bayesnas": ("bayesnas", "bayesnas_compression"),
}
"""First word of an id -> modules of this package that hold its entries."""


@cache
def all_entries() -> tuple[Entry, ...]:
    """All entries, thesis by thesis."""
    return tuple(
        entry
        for modules in THESES.values()
        for module in modules
        for entry in importlib.import_module(f"reports.ledger.{module}").ENTRIES
    )


def find(names: list[str]) -> list[Entry]:
    """The entries of some ids, in the order of the names.

    Raises:
        UserError: If there is no entry of a name, with the nearest ones.
    """
    known = {entry.id: entry for entry in all_entries()}
    for name in names:
        if name not in known:
            raise unknown("ledger entry", name, known)
    return [known[name] for name in dict.fromkeys(names)]
