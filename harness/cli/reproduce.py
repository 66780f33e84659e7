"""`nas-harness reproduce`: published numbers, computed anew."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.console import console, print_table, progress_bar
from harness.errors import HarnessError, UserError

if TYPE_CHECKING:
    from reports.ledger.entry import Outcome
    from reports.ledger.run import Ledger


def reproduce(
    entries: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Entries; see --list.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All entries.")] = False,
    show_list: Annotated[bool, typer.Option("--list", help="List the entries, run none.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as JSON.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="NAS_HARNESS_DATA",
            help="A folder of benchmark files, for the entries that need one.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write a page, with its tables.")] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(help="Write the entries between the marks of this Markdown file."),
    ] = None,
) -> None:
    """Derive published numbers anew: what is reproduced, what differs, what contradicts itself.

    Every verdict follows from the printed numbers, ours, and a tolerance that is shown. A
    difference is a finding and no failure. The exit status is 1 only if an entry that was
    recorded as reproduced is so no longer.

    Examples:

        nas-harness reproduce era-table-9 kyriakides-table-8.3

        nas-harness reproduce --all --out ledger
    """
    from reports.ledger import all_entries, find
    from reports.ledger.page import lead, ledger_document
    from reports.ledger.run import reproduce as run

    if show_list:
        print_table(
            "entries", ["id", "what"], [[e.id, e.title] for e in all_entries()], whole_names=True
        )
        return
    if every == bool(entries):
        raise UserError("give either ids of entries or --all; --list shows them")
    chosen = all_entries() if every else find(entries or [])
    if markdown is not None:
        _marked(markdown)  # a mistake shows before all is computed
    with progress_bar("entries", len(chosen), "entries") as progress:
        ledger = run(chosen, data, progress)
    if as_json:
        typer.echo(ledger.to_json(), nl=False)
    elif every:
        print_verdicts(ledger)
    else:
        for outcome in ledger.outcomes:
            print_entry(outcome)
    if out is not None:
        from reports.rendering import write_document

        page = write_document(ledger_document(ledger), out, summary=ledger.to_json())
        if not as_json:
            console.print(f"written: {page}", soft_wrap=True)
    if markdown is not None:
        update(markdown, ledger)
    if not as_json and len(ledger.outcomes) > 1:
        for sentence in lead(ledger):
            console.print(sentence)
    if ledger.lost:
        raise HarnessError(
            f"no longer reproduced, though recorded so: {', '.join(ledger.lost)}; the code has"
            " changed"
        )


def print_verdicts(ledger: Ledger) -> None:
    """One line an entry."""
    rows = [
        [o.id, f"{o.agreeing}/{o.compared}" if o.compared else "", o.verdict.value]
        for o in ledger.outcomes
    ]
    print_table("ledger", ["entry", "agree", "verdict"], rows, whole_names=True)


def print_entry(outcome: Outcome) -> None:
    """An entry with all its numbers."""
    from reports.ledger.page import computed_from, number_cells

    cells = [number_cells(row) for row in outcome.rows]
    print_table(
        f"{outcome.id}: {outcome.title}\n{outcome.source}, {outcome.where}",
        ["number", "printed", "ours", "error", "tolerance", "rounding", "agrees"],
        cells,
    )
    if outcome.needs:
        console.print(f"not run: needs {outcome.needs}")
    else:
        console.print(f"{outcome.verdict.value}: {computed_from(outcome)}")
    if outcome.explanation:
        console.print(outcome.explanation)


def update(page: Path, ledger: Ledger) -> None:
    """Write the entries between two marks of a Markdown file.

    Raises:
        UserError: If the file has no such marks.
    """
    from reports.ledger.page import ledger_document
    from reports.rendering.markdown import to_markdown

    before, after = _marked(page)
    body = to_markdown(ledger_document(ledger, details=False)).split("\n", 2)[2].strip()
    page.write_text(f"{before}\n{body}\n{after}")


def _marked(page: Path) -> tuple[str, str]:
    """What stands before and after the entries, marks included."""
    try:
        text = page.read_text()
    except OSError as error:
        raise UserError(f"cannot read {page}: {error.strerror}") from None
    found = re.search(r"(<!-- ledger -->\n).*?(<!-- end -->)", text, re.DOTALL)
    if found is None:
        raise UserError(f"{page}: the entries go between '<!-- ledger -->' and '<!-- end -->'")
    return text[: found.end(1)], text[found.start(2) :]
