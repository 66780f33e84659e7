"""`nas-harness compare` and `nas-harness archive`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.console import console, print_table
from harness.cli.run import carry_out, print_summary
from harness.errors import HarnessError, UserError

if TYPE_CHECKING:
    from harness.archive import Archive
    from harness.experiment import Experiment
    from harness.searcher import Proposal, Searcher
    from harness.spaces import SearchSpace
    from harness.spec import SearcherSpec

RANDOM_SEARCH = "random_search"
OURS = "tss-digits"


def compare(
    searcher: Annotated[
        str,
        typer.Argument(
            help="A Python file with a searcher, `:Class` added if it has several and"
            " `:option=value,...` if need be; or a name of `nas-harness list`."
        ),
    ],
    seeds: Annotated[
        int | None, typer.Option(help="Only the archive's first so many seeds.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Only this strategy of the archive (random search stays); repeatable."),
    ] = None,
    archive: Annotated[
        str, typer.Option(help="What to compare with: a benchmark's name, or an archive file.")
    ] = OURS,
    out: Annotated[Path, typer.Option(help="Directory of traces and report.")] = Path(
        "comparison"
    ),
    declare: Annotated[
        list[str] | None,
        typer.Option(
            help="What the report's checklist cannot know, as in `tuning=none`; repeatable."
        ),
    ] = None,
    ray: Annotated[bool, typer.Option("--ray", help="Run on Ray, not in this process.")] = False,
    address: Annotated[str | None, typer.Option(help="With --ray: join this Ray cluster.")] = None,
) -> None:
    """Compare a searcher with ours, whose searches on the embedded benchmark ship in an archive.

    Runs the searcher alone, with the archive's seeds, budget and protocol, and writes the report
    of all. Every version of the file that was compared in the same directory stays in its report.

    Examples:

        nas-harness compare my_searcher.py

        nas-harness compare local_search:initial_samples=10 --seeds 20 --only local_search
        --out results
    """
    if address is not None and not ray:
        raise UserError("--address needs --ray")
    found = _archive(archive)
    if seeds is not None and not 1 <= seeds <= len(found.document["seeds"]):
        most = len(found.document["seeds"])
        raise UserError(f"--seeds {seeds}: the archive has {most}; give 1 to {most}")
    labels = _labels(found, only)
    grid = _newcomer(searcher, found, seeds, _declared(declare or []))
    (spec,) = grid.searchers
    try:
        _check_repeatable(grid)
        found.restore(out, seeds=seeds, searchers=labels)
        line = carry_out(grid, out, inline=not ray, address=address)
    except HarnessError:
        raise
    except Exception as error:
        from harness.searcher_file import PREFIX, mistake_in

        file = searcher.removeprefix(PREFIX).partition(":")[0]
        mistake = mistake_in(Path(file), error)
        if not mistake:
            raise
        raise HarnessError(mistake) from error
    print_summary(out)
    print_head_to_head(out, spec.label)
    console.print(f"{line}; {', '.join(labels)} from {found.path.name}", soft_wrap=True)
    _report(out, spec)


def _archive(name: str) -> Archive:
    from harness.archive import read_archive

    if Path(name).is_file():
        return read_archive(Path(name))
    from reports.baselines import baseline_archive

    return read_archive(baseline_archive(name))


def _labels(archive: Archive, only: list[str] | None) -> list[str]:
    if only is None:
        return archive.labels
    always = [
        s["searcher"] for s in archive.document["searchers"] if s["strategy"] == RANDOM_SEARCH
    ]
    return [*always[:1], *(label for label in dict.fromkeys(only) if label not in always[:1])]


def _declared(words: list[str]) -> dict[str, str]:
    for word in words:
        if "=" not in word:
            raise UserError(f"--declare {word}: write name=text")
    return {name: text for name, _, text in (word.partition("=") for word in words)}


def _newcomer(
    word: str, archive: Archive, seeds: int | None, declared: dict[str, str]
) -> Experiment:
    """The archive's experiment with the newcomer in place of all strategies."""
    from dataclasses import replace

    from harness.experiment import Experiment
    from harness.searcher_file import parse_searcher

    spec = parse_searcher(word)
    for known in archive.document["searchers"]:
        if known["searcher"] == spec.label and known != spec.identity:
            spec = replace(spec, label=f"{spec.label} (yours)")
    document = archive.document
    return Experiment(
        archive.specs,
        [spec],
        sorted(document["seeds"])[:seeds],
        document["budget"],
        document["workers"],
        declared,
    )


def _check_repeatable(grid: Experiment) -> None:
    """Run the first search twice: what is not repeatable cannot be compared."""
    from harness.loop import run_search

    cell = grid.cells[0]
    table, seed = grid.tables[cell.question], grid.seeds[0]
    search = cell.start(table, seed)
    _check_proposals(search.searcher, cell.searcher.label, table.space)
    first, second = (run_search(s).digest for s in (search, cell.start(table, seed)))
    if first != second:
        raise UserError(
            f"{cell.searcher.label} gave two different searches under seed {seed}: take all"
            " randomness from self.initial and self.rng, and never iterate over a set"
        )


def _check_proposals(searcher: Searcher, label: str, space: SearchSpace) -> None:
    """Have everything that is no proposal refused by name, and not deep in the search loop."""
    from harness.searcher import Proposal

    ask = searcher.ask

    def asked() -> Proposal | None:
        proposal = ask()
        if proposal is None:
            return None
        inside = isinstance(proposal, tuple) and len(proposal) == 3 and proposal[0] in space
        if not inside and not isinstance(proposal, Proposal):
            raise UserError(
                f"{label}: `ask` gave {proposal!r}; it returns Proposal(architecture), or None"
            )
        if not inside:
            raise space.not_inside(str(proposal[0]))
        return proposal

    searcher.ask = asked  # type: ignore[method-assign]


def print_head_to_head(out: Path, label: str) -> None:
    """A strategy beside each of the others."""
    from reports.document import Column
    from reports.head_to_head import head_to_head
    from reports.rendering import cells
    from reports.sections.comparisons import percent
    from reports.sections.naming import points

    for found in head_to_head(out, label):
        columns = (
            Column("difference", points(found.unit), signed=True),
            Column("P(better)", "%", digits=0),
            Column("p (Holm)", digits=3),
        )
        rows = []
        for rival, comparison in found.rivals:
            values = (comparison.difference, percent(comparison.superiority), comparison.p_holm)
            texts = [cells.text(value, c) for value, c in zip(values, columns, strict=True)]
            rows.append((rival, *texts, comparison.verdict))
        head = ("against", *map(cells.heading, columns), "verdict")
        if rows:
            title = f"{found.benchmark}: {label} under the same seeds"
            print_table(title, head, rows, whole_names=True)


def _report(out: Path, spec: SearcherSpec) -> None:
    from reports import load_summary, write_report
    from reports.sections.lead import verdict

    page = write_report(out)
    summary = load_summary(page.with_name("summary.json"))
    sentence = verdict(summary, spec.label) or f"{spec.label} has nothing to be compared with."
    console.print(sentence.replace("`", ""), soft_wrap=True)
    console.print(f"{page} ({page.stat().st_size / 1e6:.1f} MB)", soft_wrap=True)


def archive(
    directory: Annotated[Path, typer.Argument(help="The --out directory of `nas-harness run`.")],
    out: Annotated[Path, typer.Option(help="The file to write (*.parquet).")],
) -> None:
    """Archive an experiment in one small file, for others to compare their searchers with.

    The file keeps what each search proposed; everything else follows from that, and is checked
    against each trace's digest, here and wherever the archive is used.

    Example:

        nas-harness archive results --out results.parquet

        nas-harness compare my_searcher.py --archive results.parquet
    """
    from harness.archive import write_archive

    found = write_archive(directory, out)
    searches = len(found.searches)
    size = out.stat().st_size
    console.print(f"{out}: {searches:,} searches in {size / 1e3:,.0f} kB", soft_wrap=True)
