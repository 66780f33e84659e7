"""The end of every study's command: write its page, say what was found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.console import console

if TYPE_CHECKING:
    from reports.document import Document


def finish(document: Document, summary: str, out: Path) -> None:
    """Write a study's page and print its findings.

    Args:
        document: What it shows.
        summary: All its numbers, as JSON.
        out: The directory that is written.
    """
    from reports.rendering import write_document

    page = write_document(document, out, summary=summary)
    for sentence in document.lead:
        console.print(sentence)
    console.print(f"written: {page}")
