"""Parts found by name: a small lazy table for the built-in ones, entry points for the others.

A built-in table maps a name to "module:attribute"; nothing is imported before it is asked for.
Third parties add theirs as entry points of the groups ``nas_harness.searchers``,
``nas_harness.one_shot_methods``, ``nas_harness.spaces``, ``nas_harness.supernets``,
``nas_harness.benchmarks``, ``nas_harness.datasets``, ``nas_harness.scores`` and
``nas_harness.compressible_networks``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, UserError, unknown

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

OURS = "nas-harness"


class Registry:
    """Named parts of one kind. Built-in ones cannot be taken over by third parties.

    Args:
        kind: What the parts are, in the singular ("searcher"); used in error messages.
        builtin: Name -> "module:attribute" of the parts that this distribution brings.
        paths: Prefix -> "module:function" that makes a part from the path of other code: with
            the prefix "tune", ``tune:my_module:MyClass`` is what it makes of the last two words.
        group: Of the entry points; default: made of the kind.
    """

    def __init__(
        self,
        kind: str,
        builtin: Mapping[str, str],
        paths: Mapping[str, str] | None = None,
        *,
        group: str = "",
    ) -> None:
        self.kind = kind
        self.builtin = dict(builtin)
        self.paths = dict(paths or {})
        self.group = group or f"nas_harness.{kind.replace(' ', '_')}s"

    @cached_property
    def _third_party(self) -> dict[str, list[EntryPoint]]:
        # Scanning all installed distributions takes longer than opening a table.
        from importlib.metadata import entry_points

        found: dict[str, list[EntryPoint]] = {}
        for entry in entry_points(group=self.group):
            found.setdefault(entry.name, []).append(entry)
        return found

    def names(self) -> list[str]:
        """All known names, sorted."""
        return sorted({*self.builtin, *self._third_party})

    def origin(self, name: str) -> str:
        """Where a part comes from: this distribution's name or a third party's."""
        return OURS if name in self.builtin else self._brought_by(name)

    def _brought_by(self, name: str) -> str:
        dists = [entry.dist for entry in self._third_party[name]]
        return " and ".join(dist.name if dist else "unknown" for dist in dists)

    def clashes(self) -> list[str]:
        """Names that more than one distribution brings, a sentence each."""
        found = []
        for name, entries in sorted(self._third_party.items()):
            if name in self.builtin:
                found.append(
                    f"{self.kind} '{name}' of {self._brought_by(name)} is hidden by the built-in"
                    " one: rename it"
                )
            elif len(entries) > 1:
                found.append(self._ambiguous(name))
        return found

    def _ambiguous(self, name: str) -> str:
        return f"{self.kind} '{name}' is brought by {self.origin(name)}: uninstall all but one"

    def split(self, word: str) -> tuple[str, str]:
        """A word's name and its options: ``tune:optuna:sampler=tpe`` -> tune:optuna, sampler=tpe.

        The name is the longest built-in one that the word begins with. Else it ends at the first
        colon, or where a prefix of `paths` begins the word, at the third one or before an "=".
        """
        fitting = [name for name in self.builtin if f"{word}:".startswith(f"{name}:")]
        if fitting:
            name = max(fitting, key=len)
        else:
            parts = word.split(":")
            most = 3 if parts[0] in self.paths else 1
            further = takewhile(lambda part: "=" not in part, parts[1:most])
            name = ":".join([parts[0], *further])
        return name, word[len(name) + 1 :]

    def load(self, name: str) -> Any:
        """Import and return the part of that name.

        Raises:
            UserError: If no part has that name, or two distributions bring one.
            HarnessError: If a third party's part cannot be imported.
        """
        if name in self.builtin:
            return _attribute(self.builtin[name])
        prefix, _, path = name.partition(":")
        if prefix in self.paths and ":" in path:
            return _attribute(self.paths[prefix])(path)
        if name in self._third_party:
            first, *others = self._third_party[name]
            if others:
                raise UserError(self._ambiguous(name))
            with self._blamed(name, "cannot be loaded"):
                return first.load()
        raise unknown(self.kind, name, self.names())

    def make(self, name: str) -> Any:
        """Load the part of that name and call it without arguments.

        Raises:
            UserError: If no part has that name.
            HarnessError: If a third party's part cannot be imported, or fails.
        """
        part = self.load(name)
        if name in self.builtin:
            return part()
        with self._blamed(name, "fails"):
            return part()

    @contextmanager
    def _blamed(self, name: str, what: str) -> Iterator[None]:
        """One line for whatever a third party's code raises."""
        try:
            yield
        except HarnessError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise HarnessError(
                f"{self.kind} '{name}' of {self.origin(name)} {what}: {reason}"
            ) from error


def _attribute(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)
