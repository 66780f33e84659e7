"""Parts found by name: a small lazy table for the built-in ones, entry points for the others.

A built-in table maps a name to "module:attribute"; nothing is imported before it is asked for.
Third parties add theirs as entry points of the groups ``nas_harness.searchers``,
``nas_harness.spaces``, ``nas_harness.benchmarks`` and ``nas_harness.scores``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, unknown

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Registry:
    """Named parts of one kind.

    Args:
        kind: What the parts are, in the singular ("searcher"); used in error messages.
        builtin: Name -> "module:attribute" of the parts that this distribution brings.
    """

    def __init__(self, kind: str, builtin: Mapping[str, str]) -> None:
        self.kind = kind
        self.builtin = dict(builtin)
        self.group = f"nas_harness.{kind.replace(' ', '_')}s"

    @cached_property
    def _third_party(self) -> dict[str, EntryPoint]:
        # Scanning all installed distributions takes longer than opening a table.
        from importlib.metadata import entry_points

        return {entry.name: entry for entry in entry_points(group=self.group)}

    def names(self) -> list[str]:
        """All known names, sorted."""
        return sorted({*self.builtin, *self._third_party})

    def origin(self, name: str) -> str:
        """Where a part comes from: this distribution's name or a third party's."""
        if name in self.builtin:
            return "nas-harness"
        dist = self._third_party[name].dist
        return dist.name if dist else "unknown"

    def load(self, name: str) -> Any:
        """Import and return the part of that name.

        Raises:
            UserError: If no part has that name.
            HarnessError: If a third party's part cannot be imported.
        """
        if name in self.builtin:
            module, _, attribute = self.builtin[name].partition(":")
            return getattr(importlib.import_module(module), attribute)
        if name in self._third_party:
            try:
                return self._third_party[name].load()
            except Exception as error:
                raise HarnessError(
                    f"{self.kind} '{name}' of {self.origin(name)} cannot be loaded: {error}"
                ) from error
        raise unknown(self.kind, name, self.names())
