"""The ledger: entries run one after the other, and all of their numbers as one frozen value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from harness.errors import UserError
from reports.ledger.entry import Entry, Missing, Outcome, Verdict, judged, not_run
from reports.rounding import to_json


@dataclass(frozen=True)
class Ledger:
    """What entries have come to.

    Attributes:
        outcomes: One an entry, in the order of the entries.
        counts: Verdict -> entries.
        lost: Entries that were recorded as reproduced and are no longer.
        versions: Package -> version.
    """

    outcomes: tuple[Outcome, ...]
    counts: dict[str, int]
    lost: tuple[str, ...]
    versions: dict[str, str]

    def to_json(self) -> str:
        """All numbers as JSON; those that do not exist are null."""
        return to_json(self)


def reproduce(
    entries: Iterable[Entry],
    data: Path | None = None,
    progress: Callable[[int, int], None] = lambda steps, units: None,
) -> Ledger:
    """Run entries.

    Args:
        entries: Which.
        data: The user's folder of benchmark files; None if there is none.
        progress: Called with (1, 1) after each entry.

    Raises:
        UserError: If `data` is no directory, or a file in it cannot be read as what it is.
    """
    if data is not None and not data.is_dir():
        raise UserError(f"{data}: no such directory; --data takes the folder of benchmark files")
    outcomes = []
    for entry in entries:
        outcomes.append(_run(entry, data))
        progress(1, 1)
    verdicts = Counter(outcome.verdict for outcome in outcomes)
    return Ledger(
        outcomes=tuple(outcomes),
        counts={verdict.value: verdicts[verdict] for verdict in Verdict},
        lost=tuple(outcome.id for outcome in outcomes if outcome.lost),
        versions={name: version(name) for name in ("nas-harness", "numpy", "scipy")},
    )


def _run(entry: Entry, data: Path | None) -> Outcome:
    if entry.compute is None:
        return not_run(entry, entry.needs)
    try:
        if not entry.data:
            return judged(entry, entry.compute())
        path = find_file(entry.data, data)
        if path is None:
            return not_run(entry, entry.needs)
        return judged(entry, entry.compute(path))
    except Missing as missing:
        return not_run(entry, str(missing))


def find_file(name: str, folder: Path | None) -> Path | None:
    """A file of that name in the folder or a folder in it; None if there is none."""
    if folder is None:
        return None
    places = [folder / name, *sorted(folder.glob(f"*/{name}"))]
    return next((path for path in places if path.is_file()), None)
