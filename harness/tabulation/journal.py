"""The journal of a tabulation: what was asked, and every finished training.

A directory with two files: ``question.json``, written once, and ``trainings.jsonl``, one line a
training, appended and synced batch by batch. A kill loses only the work in flight.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness import recipes
from harness.errors import UserError
from harness.recipes import Recipe
from harness.tabulation.work import Row
from harness.typed import check_types, conforms

_QUESTION, _TRAININGS = "question.json", "trainings.jsonl"
_CURVES = {
    "valid_correct": list[int],
    "test_correct": list[int],
    "train_seconds": list[float],
    "evaluate_seconds": list[float],
}
_KINDS = {"cell": list[int], "seed": int, "status": str, "reason": str, **_CURVES}


@dataclass(frozen=True)
class Question:
    """What a journal's trainings answer.

    Attributes:
        space: Name of the search space.
        dataset: Name of the data set.
        recipe: How every network is trained.
        seeds: Training seeds of every cell.
        torch: Version of PyTorch, since another one may round differently.
    """

    space: str
    dataset: str
    recipe: Recipe
    seeds: tuple[int, ...]
    torch: str


class Journal:
    """A tabulation's directory, opened for one question.

    Args:
        directory: Made if absent; continued if it asks the same.
        question: What is asked; None takes over what the directory says.

    Raises:
        UserError: If the directory holds another question's journal, or none where no question
            is given.
    """

    def __init__(self, directory: str | Path, question: Question | None = None) -> None:
        self.directory = Path(directory)
        self._trainings = self.directory / _TRAININGS
        path = self.directory / _QUESTION
        if path.exists():
            self.question = _read_question(path)
        elif question is None:
            raise UserError(f"{directory} holds no trainings: run nas-harness tabulate first")
        else:
            self.question = question
            self.directory.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps(asdict(question), indent=1), encoding="utf-8")
            temporary.replace(path)
        if question is not None and question != self.question:
            old, new = asdict(self.question), asdict(question)
            differing = ", ".join(name for name in new if old[name] != new[name])
            raise UserError(
                f"{directory} holds trainings with another {differing}: choose another --out"
            )

    def rows(self) -> Iterator[Row]:
        """All finished trainings.

        Raises:
            UserError: If a line is damaged.
        """
        if not self._trainings.exists():
            return
        with self._trainings.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    return  # a kill in the middle of the last line
                try:
                    yield self._checked(json.loads(line))
                except (ValueError, RecursionError):
                    raise UserError(
                        f"{self._trainings}, line {number} is damaged: delete the line"
                    ) from None

    def _checked(self, row: Row) -> Row:
        """A training as it was read.

        Raises:
            ValueError: If it is none of this question's.
        """
        if not conforms(row, dict[str, Any]) or not all(
            conforms(row.get(name), kind) for name, kind in _KINDS.items()
        ):
            raise ValueError("a field is missing or of another kind")
        recipe = self.question.recipe
        counts = {"valid_correct": recipe.valid_images, "test_correct": recipe.test_images}
        lengths = {len(row[name]) for name in _CURVES}
        if (
            len(lengths) > 1
            or max(lengths) > recipe.epochs
            or row["seed"] not in self.question.seeds
            or any(not 0 <= x <= most for name, most in counts.items() for x in row[name])
        ):
            raise ValueError("a number is out of range")
        return row

    def finished(self) -> set[tuple[int, ...]]:
        """The cells that have all their seeds."""
        seeds: dict[tuple[int, ...], set[int]] = {}
        for row in self.rows():
            seeds.setdefault(tuple(row["cell"]), set()).add(row["seed"])
        return {cell for cell, found in seeds.items() if found == set(self.question.seeds)}

    def append(self, rows: list[Row]) -> None:
        """Write finished trainings and see them on the disk."""
        self._end_last_line()
        with self._trainings.open("a", encoding="utf-8") as journal:
            journal.write("".join(json.dumps(row) + "\n" for row in rows))
            journal.flush()
            os.fsync(journal.fileno())

    def _end_last_line(self) -> None:
        """Cut off a line that a kill left half-written."""
        if not self._trainings.exists():
            return
        with self._trainings.open("rb+") as journal:
            size = journal.seek(0, os.SEEK_END)
            journal.seek(max(0, size - (1 << 20)))  # far longer than a line
            tail = journal.read()
            if tail and not tail.endswith(b"\n"):
                journal.truncate(size - len(tail) + tail.rfind(b"\n") + 1)

    def finished_at(self) -> float:
        """When the last training was written, as a time stamp."""
        return self._trainings.stat().st_mtime


def _read_question(path: Path) -> Question:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        question = Question(
            **{
                **values,
                "recipe": recipes.from_values(values["recipe"], str(path)),
                "seeds": tuple(values["seeds"]),
            }
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}): choose another --out") from None
    check_types(question, str(path))
    return question
