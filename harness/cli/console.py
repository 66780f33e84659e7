"""What the commands draw on a terminal: tables, and progress bars that are silent elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

# Without markup: names and notes from tables may hold brackets and colons.
console = Console(markup=False, emoji=False)
errors = Console(markup=False, emoji=False, stderr=True)


class _Rate(ProgressColumn):
    """Things a second, of the unit that the task names."""

    def render(self, task: Task) -> Text:
        seconds = task.elapsed or 0.0
        rate = task.fields["counted"] / seconds if seconds else 0.0
        digits = 0 if rate >= 10 else 2
        return Text(f"{rate:,.{digits}f} {task.fields['unit']}/s")


@contextmanager
def progress_bar(what: str, total: int, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with rate and time left on the terminal; nothing where there is none.

    Args:
        what: What is going on, a few words.
        total: Steps in all.
        unit: What the rate counts.

    Yields:
        A function to call with (further steps, further units of the rate).
    """
    with _bar() as progress:
        task = progress.add_task(what, total=total, unit=unit, counted=0)

        def advance(steps: int, units: int) -> None:
            counted = progress.tasks[0].fields["counted"] + units
            progress.update(task, advance=steps, counted=counted)

        yield advance


@contextmanager
def counting_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """The same for work that says how far it is.

    Args:
        what: What is counted, in the plural.

    Yields:
        A function to call with (steps done, steps in all); work done before the first call
        counts for the bar and not for the rate.
    """
    with _bar() as progress:
        task = progress.add_task(what, total=None, unit=what, counted=0)
        first: list[int] = []

        def show(done: int, total: int) -> None:
            first.append(done)
            progress.update(task, completed=done, total=total, counted=done - first[0])

        yield show


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=errors,
        disable=not errors.is_terminal,
    )


def print_table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[object]], *, whole_names: bool = False
) -> None:
    """A table with a title; columns of numbers stand right.

    Args:
        title: Stands above.
        head: Names of the columns.
        rows: Their cells.
        whole_names: Whether the first column keeps its width where the terminal is narrow.
    """
    table = Table(title=title, title_justify="left", title_style="bold")
    cells = [[str(cell) for cell in row] for row in rows]
    for place, name in enumerate(head):
        numeric = all(row[place][:1] in "0123456789-" for row in cells)
        widest = max((len(row[place]) for row in cells), default=0)
        table.add_column(
            name,
            justify="right" if numeric else "left",
            overflow="fold",
            min_width=min(widest, 24) if whole_names and place == 0 else None,
        )
    for row in cells:
        table.add_row(*row)
    console.print(table)


def print_pairs(pairs: Sequence[tuple[str, object]]) -> None:
    """Names and values in two columns without a frame."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(name, str(value))
    console.print(table)
