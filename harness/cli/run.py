"""`nas-harness run` and `nas-harness report`."""

from __future__ import annotations

import time
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.console import console, print_pairs, print_table, progress_bar
from harness.cli.one_shot_estimate import one_shot_seconds
from harness.errors import UserError, unknown
from harness.experiment import BenchmarkSpec, Experiment
from harness.live.question import is_live, split_device, with_device
from harness.loop import Budget
from harness.resources import Resources, for_questions
from harness.spec import parse_settings
from harness.traces import batch_bytes

if TYPE_CHECKING:
    from reports.intervals import Estimate


class Trials(StrEnum):
    """What one Ray Tune trial is."""

    search = "search"
    evaluation = "evaluation"


def run(
    experiment: Annotated[
        Path | None, typer.Argument(help="A YAML file, instead of the flags below.")
    ] = None,
    benchmark: Annotated[
        list[str] | None,
        typer.Option(
            help="A name of `nas-harness list` or a table's path, `#dataset` added;"
            " live:SPACE/DATASET for training; or module:Class of a computed benchmark."
        ),
    ] = None,
    searcher: Annotated[
        list[str] | None,
        typer.Option(help="A name, with options as in `local_search:initial_samples=10`."),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Number of seeds: 0, 1, ... (1)")] = None,
    evaluations: Annotated[
        int | None, typer.Option(help="Budget of each search: evaluations.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Budget of each search: virtual seconds.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Budget of each search: trained epochs.")
    ] = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            help="A limit by its name, as in image-passes=200000: what sampled and one-shot"
            " strategies are compared by."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Simulated asynchronous workers of each search (1)."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="One of the benchmark's protocols, with fields to replace if need be, as in"
            " `val12-test200:missing=resample` or `:repeat=fresh`."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory of traces and report (results); finished searches stay."),
    ] = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="In this process, without Ray.")
    ] = False,
    address: Annotated[
        str | None, typer.Option(help="Join this Ray cluster (`auto` finds a running one).")
    ] = None,
    trials: Annotated[
        Trials,
        typer.Option(help="One Ray Tune trial: whole searches (fast), or one evaluation."),
    ] = Trials.search,
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="How live benchmarks train: a recipe's name, or a YAML file."),
    ] = None,
    gpus_per_trial: Annotated[
        float | None,
        typer.Option(
            help="Live training on GPUs, of which a trial takes so much (0.25: a quarter);"
            " default: 1 on benchmarks that name @cuda."
        ),
    ] = None,
    cpus_per_trial: Annotated[
        float | None, typer.Option(help="Processors that a trial of live training takes (1).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate evaluations, time and disk, run nothing.")
    ] = False,
) -> None:
    """Run searches and record them.

    Each pair of searcher and benchmark is run once for every seed. Running the same command again
    resumes what was interrupted; more seeds or searchers may be added.

    Examples:

        nas-harness run --benchmark tss-digits --searcher random_search
        --searcher regularized_evolution:population_size=50,tournament_size=10
        --seeds 100 --evaluations 200 --out results

        nas-harness run experiment.yaml --out results

        nas-harness run experiment.yaml --out results --dry-run

    Strategies that train a supernet beside others, all with the same number of images trained on:

        nas-harness run --benchmark tss-digits --searcher bayesnas --searcher random_search
        --budget image-passes=204800 --seeds 5 --out one-shot

    Live training, each proposed architecture a trial:

        nas-harness run --benchmark live:tss/cifar10 --searcher regularized_evolution
        --seeds 3 --evaluations 50 --gpus-per-trial 0.25 --workers 4 --out live
    """
    if experiment is not None:
        flags = (
            benchmark, searcher, seeds, evaluations, seconds, epochs, budget, protocol, workers,
            recipe,
        )  # fmt: skip
        if any(flag is not None for flag in flags):
            raise UserError(f"give either {experiment} or flags for the searches, not both")
        grid = Experiment.from_yaml(experiment)
    else:
        if not benchmark or not searcher:
            raise UserError("give an experiment file, or --benchmark and --searcher")
        name, options = parse_protocol(protocol)
        by = only_recipe(recipe, benchmark)
        sources = [trained_by(source, by, gpus_per_trial or 0.0) for source in benchmark]
        grid = Experiment(
            [BenchmarkSpec(source, name, options) for source in sources],
            searcher,
            1 if seeds is None else seeds,
            budget_of({"evaluations": evaluations, "seconds": seconds, "epochs": epochs}, budget),
            1 if workers is None else workers,
        )
    sources = [spec.source for spec in grid.benchmarks]
    resources = for_questions(sources, cpus_per_trial, gpus_per_trial)
    for table in grid.opened:
        for leak in table.leaks:
            console.print(f"leak: {table.name}: {leak}", style="bold red")
    if dry_run:
        estimate(grid, out)
        return
    out = out or Path("results")
    line = carry_out(grid, out, inline=inline, address=address, trials=trials, resources=resources)
    print_summary(out)
    console.print(f"{line}. Next: nas-harness report {out}", soft_wrap=True)


def carry_out(
    grid: Experiment,
    out: Path,
    *,
    inline: bool,
    address: str | None = None,
    trials: Trials = Trials.search,
    resources: Resources | None = None,
) -> str:
    """Run an experiment beside a progress bar; returns what was done, in one line."""
    total = sum(len(batch.seeds) for batch in grid.pending(out))
    kept = len(grid.cells) * len(grid.seeds) - total
    began = time.perf_counter()
    evaluated = 0
    with progress_bar("searches", total, "evaluations") as advance:

        def progress(searches: int, further: int) -> None:
            nonlocal evaluated
            evaluated += further
            advance(searches, further)

        grid.run(
            out,
            inline=inline,
            address=address,
            trials=trials.value,
            resources=resources,
            progress=progress,
        )
    took = time.perf_counter() - began
    earlier = f", {kept:,} finished earlier" if kept else ""
    what = "evaluations"
    if any(cell.one_shot for cell in grid.cells):
        what += " and derivations"
    return f"{total:,} searches, {evaluated:,} {what} in {took:.1f} s{earlier}"


def budget_of(flags: dict[str, Any], named: list[str] | None) -> Budget:
    """A budget from the flags of its limits and from ``--budget NAME=NUMBER``.

    Raises:
        UserError: If a limit is unknown, given twice or no number.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    known = [f.name.replace("_", "-") for f in fields(Budget)]
    for word in named or []:
        name, _, number = word.partition("=")
        if name.replace("_", "-") not in known:
            raise unknown("limit of --budget", name, known)
        name = name.replace("-", "_")
        if name in given:
            raise UserError(f"--budget {word}: the limit is given twice")
        try:
            given[name] = float(number) if name == "seconds" else int(number.replace("_", ""))
        except ValueError:
            raise UserError(f"--budget {word}: write a number, as in {name}=1000") from None
    return Budget(**given)


def only_recipe(given: list[str] | None, benchmarks: list[str]) -> str | None:
    """The one recipe of ``--recipe``, None without.

    Raises:
        UserError: If it is given more than once, or nothing is trained.
    """
    if given is None:
        return None
    if len(given) > 1:
        raise UserError(
            f"--recipe is given {len(given)} times: give one, or name each benchmark's as in"
            f" live:SPACE/DATASET:{given[0]}"
        )
    if not any(map(is_live, benchmarks)):
        raise UserError("no benchmark trains (live:SPACE/DATASET): leave out --recipe")
    return given[0]


def trained_by(source: str, recipe: str | None, gpus: float) -> str:
    """A benchmark's name, with the recipe and the device that other flags give a live one.

    Raises:
        UserError: If the name itself says something else.
    """
    if not is_live(source):
        return source
    body, device = split_device(source)
    if recipe is not None:
        if ":" in body.removeprefix("live:"):
            raise UserError(f"benchmark '{source}' names its recipe: leave out --recipe")
        body = f"{body}:{recipe}"
    if gpus and device.startswith("cpu"):
        raise UserError(f"benchmark '{source}' is not for GPUs: leave out --gpus-per-trial")
    return with_device(body, device or ("cuda" if gpus else ""))


def parse_protocol(text: str | None) -> tuple[str | None, dict[str, Any]]:
    """A protocol's name and fields from ``name:field=value,...``; either part may be missing."""
    name, options = parse_settings(text or "", "protocol")
    return name or None, options


def estimate(grid: Experiment, out: Path | None) -> None:
    """Time and measure a search of every cell, and multiply; of live ones a single epoch."""
    if any(cell.live for cell in grid.cells):
        from harness.cli.live_estimate import estimate_live

        estimate_live(grid, out)
        return
    searches = evaluations = 0
    seconds = size = virtual = 0.0
    todo = grid.pending(out)
    with progress_bar("one search of each", len(grid.cells), "searches") as progress:
        for cell in grid.cells:
            left = sum(len(batch.seeds) for batch in todo if batch.cell == cell)
            table = grid.tables[cell.question]
            searches += left
            if cell.one_shot:
                seconds += left * one_shot_seconds(cell, table, grid.seeds[0])
                progress(1, 1)
                continue
            # The first search also loads the table: the second one is timed.
            cell.run(table, [grid.seeds[0]])
            began = time.perf_counter()
            (trace,) = cell.run(table, [grid.seeds[-1]])
            content = len(batch_bytes([trace] * 10, {})) / 10
            evaluations += left * len(trace)
            seconds += left * (time.perf_counter() - began)
            size += left * content
            virtual += left * (trace.columns["end"].max(initial=0) / 1e6)
            progress(1, 1)
    print_pairs(
        [
            ("searches", f"{searches:,}"),
            ("evaluations", f"about {evaluations:,}"),
            ("time", f"about {seconds:,.0f} s of one core, and some seconds for Ray to start"),
            ("disk", f"about {size / 1e6:,.1f} MB"),
            ("virtual time", f"{virtual / 3600:,.1f} hours of training that the tables replace"),
        ]
    )


def print_summary(out: Path) -> None:
    """The final incumbents of every searcher, benchmark by benchmark."""
    from reports.endings import read_endings
    from reports.intervals import estimate_mean

    records, found = read_endings(out)
    for question in records.questions:
        head = ["searcher", "seeds"]
        head += [f"{role} ({question.split[role]})" for role in ("selection", "report")]
        rows: list[list[object]] = []
        for identity in records.searchers:
            finals = found.get((identity["searcher"], question.key))
            if finals is None:
                continue
            estimates = [
                _possible(estimate_mean(values), question.units[role])
                for role, values in finals.values.items()
            ]
            seeds = len(finals.values["report"])
            rows.append([identity["searcher"], seeds, *map(_interval, estimates), finals.failed])
        if not rows:  # its searches have not run yet
            continue
        if any(row[-1] for row in rows):
            head.append("failed")
        else:
            rows = [row[:-1] for row in rows]
        title = f"{question.label}: final incumbents, means with 95% intervals"
        print_table(title, head, rows, whole_names=True)


def _possible(estimate: Estimate, unit: str) -> Estimate:
    return estimate.clipped(0.0, 100.0) if unit == "%" else estimate


def _interval(estimate: Estimate) -> str:
    if estimate.mean is None or estimate.low is None:
        return "-" if estimate.mean is None else f"{estimate.mean:.3f}"
    return f"{estimate.mean:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def report(
    directory: Annotated[Path, typer.Argument(help="The --out directory of `nas-harness run`.")],
    margin: Annotated[
        float | None,
        typer.Option(
            help="Difference too small to matter, in units of the reported result (0.1 percentage"
            " points, or a tenth of the spread of random search's results)."
        ),
    ] = None,
) -> None:
    """Compare the strategies of an experiment with random search, as a self-contained page.

    Writes the page DIR/report/index.html, the same as Markdown, figures/ as SVG and PDF, tables/
    as CSV and LaTeX, and summary.json with every number.

    Example:

        nas-harness report results
    """
    from reports import write_report

    page = write_report(directory, margin=margin)
    console.print(f"{page} ({page.stat().st_size / 1e6:.1f} MB)", soft_wrap=True)
