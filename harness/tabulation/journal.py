"""The journal of a tabulation: what was asked, and every finished training.

A directory with two files: ``question.json``, written once, and ``trainings.jsonl``, one line a
training, appended and synced batch by batch. A kill loses only the work in flight.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import recipes
from harness.errors import UserError
from harness.recipes import Recipe
from harness.spaces import get_space
from harness.tabulation.cells import Cell
from harness.tabulation.work import Row
from harness.typed import check_types, conforms

_QUESTION, _TRAININGS = "question.json", "trainings.jsonl"
_CURVES = {
    "valid_correct": list[int],
    "test_correct": list[int],
    "train_seconds": list[float],
    "evaluate_seconds": list[float],
}
COUNTS = ("params", "flops")
"""What a row may say of its network's size; older journals do not."""
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

    @property
    def images(self) -> tuple[int, int]:
        """Numbers of validation and of test images, of which a table stores the right ones.

        Raises:
            UserError: If the recipe does not give them as numbers.
        """
        valid, test = self.recipe.valid_images, self.recipe.test_images
        if not isinstance(valid, int) or valid < 1 or test is None:
            raise UserError(
                "a table counts right answers: give the recipe's valid_images and test_images as"
                " whole numbers from 1 on"
            )
        return valid, test


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
            document = {**vars(question), "recipe": question.recipe.values()}
            temporary.write_text(json.dumps(document, indent=1), encoding="utf-8")
            temporary.replace(path)
        self._space = get_space(self.question.space)
        if question is not None and question != self.question:
            old, new = vars(self.question), vars(question)
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
        counts = dict(zip(("valid_correct", "test_correct"), self.question.images, strict=True))
        lengths = {len(row[name]) for name in _CURVES}
        if (
            len(lengths) > 1
            or max(lengths) > recipe.epochs
            or row["seed"] not in self.question.seeds
            or tuple(row["cell"]) not in self._space
            or not all(conforms(row.get(name), int | None) for name in COUNTS)
            or any(not 0 <= x <= most for name, most in counts.items() for x in row[name])
        ):
            raise ValueError("a number is out of range")
        return row

    def trained(self) -> set[tuple[Cell, int]]:
        """The finished trainings: cells with a seed."""
        return {(tuple(row["cell"]), row["seed"]) for row in self.rows()}

    def finished(self) -> set[Cell]:
        """The cells that have all their seeds."""
        trained = self.trained()
        seeds = self.question.seeds
        return {cell for cell, _ in trained if all((cell, seed) in trained for seed in seeds)}

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
