"""A report's files: from an experiment's directory to its page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from harness.benchmarks import Benchmark
from reports.build import summarise
from reports.rendering import FORMATS, write_document
from reports.report_document import document
from reports.summary import Summary


def write_report(
    directory: str | Path,
    *,
    tables: Mapping[str, Benchmark] | None = None,
    formats: Collection[str] = FORMATS,
    margin: float | None = None,
) -> Path:
    """Write an experiment's report.

    The same traces give the same bytes.

    Args:
        directory: The experiment's ``--out`` directory. Its folder ``report`` gets the page
            ``index.html``, ``report.md``, ``figures/``, ``tables/`` and ``summary.json`` with
            every number of them.
        tables: Benchmark name -> opened benchmark, for tables that are not where the experiment
            found them.
        formats: Which kinds of files to write, of `reports.rendering.FORMATS`.
        margin: Difference that matters, in units of the reported result; see `summarise`.

    Returns:
        The path of the page.

    Raises:
        UserError: If the directory holds no experiment or no finished search, or the margin is
            not above zero.
        HarnessError: If a trace file is damaged.
    """
    text = summarise(directory, tables, margin=margin).to_json()
    # What is drawn is what the file holds: numbers rounded as written.
    shown = document(Summary.from_json(text))
    return write_document(shown, Path(directory) / "report", summary=text, formats=formats)
