"""`nas-harness train` and `retrain-top`."""

from __future__ import annotations

from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.console import console, counting_bar, print_table
from harness.errors import UserError
from harness.live.question import LiveQuestion, final_recipe, is_live
from harness.resources import Resources, for_questions

if TYPE_CHECKING:
    from harness.live.record import Record

_FINAL_SEED = 1_000_000
"""The first seed of trainings again: with the seeds of searches they would be the same ones."""

Seeds = Annotated[int, typer.Option(help="Trainings of each architecture.", min=1)]
Gpus = Annotated[float, typer.Option(help="Train on GPUs, of which each takes so much.")]
FinalGpus = Annotated[
    float | None,
    typer.Option(
        help="Train each on so much of a GPU (0: on processors). Default: as the search did, with"
        " its number of workers; a whole GPU where it names @cuda."
    ),
]
Cpus = Annotated[float, typer.Option(help="Processors that each training takes.")]
Inline = Annotated[bool, typer.Option("--inline", help="In this process, without Ray.")]
Address = Annotated[str | None, typer.Option(help="Join this Ray cluster.")]


def train(
    architecture: Annotated[str, typer.Argument(help="In its space's notation.")],
    space: Annotated[str, typer.Option(help="Its space: a name of `nas-harness list`.")],
    dataset: Annotated[str, typer.Option(help="A data set's name or path.")],
    out: Annotated[Path, typer.Option(help="Directory of the trainings; finished ones stay.")],
    recipe: Annotated[
        str | None, typer.Option(help="A recipe's name or path; default: the space's final one.")
    ] = None,
    seeds: Seeds = 1,
    gpus_per_trial: Gpus = 0.0,
    cpus_per_trial: Cpus = 1.0,
    inline: Inline = False,
    address: Address = None,
) -> None:
    """Train one architecture at full length, under several seeds.

    Examples:

        nas-harness train bottleneck:3,6,3,1:64x2:g1 --space residual --dataset cifar10
        --seeds 3 --gpus-per-trial 1 --out winner

        nas-harness train '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|none~2|'
        --space tss --dataset digits --recipe digits --inline --out winner
    """
    question = LiveQuestion(
        space, dataset, recipe or final_recipe(space), "cuda" if gpus_per_trial else "cpu"
    )
    resources = Resources(cpus_per_trial, gpus_per_trial)
    records = _trained(question, [architecture], range(seeds), out, inline, address, resources)
    _print(question, records[architecture])


def retrain_top(
    directory: Annotated[Path, typer.Argument(help="The --out directory of `nas-harness run`.")],
    k: Annotated[int, typer.Option("-k", help="How many architectures.", min=1)] = 5,
    benchmark: Annotated[
        str | None, typer.Option(help="Whose searches, where the directory has several.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="A recipe's name or path; default: the space's final one.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="To train on; default: what a live benchmark searched on.")
    ] = None,
    seeds: Seeds = 3,
    repeats: Annotated[
        int, typer.Option(help="Only architectures with so many trainings in searches.", min=1)
    ] = 1,
    gpus_per_trial: FinalGpus = None,
    cpus_per_trial: Cpus = 1.0,
    inline: Inline = False,
    address: Address = None,
) -> None:
    """Train the best architectures of an experiment again, at full length.

    They are chosen by the mean of the values that guided the searches, over all trainings that an
    architecture had; test images play no part. Writes DIR/retrained/index.html: search score
    against final score.

    Example:

        nas-harness retrain-top live -k 5 --seeds 3 --gpus-per-trial 0.5
    """
    from reports.records import read_records
    from reports.rendering import write_document
    from reports.retrained import best, retrained
    from reports.retrained_document import document
    from reports.rounding import to_json

    read = read_records(directory)
    answered = {key for _, key in read.cells}
    questions = {q.name: q for q in read.questions if q.key in answered}
    if benchmark is None and len(questions) > 1:
        raise UserError(f"{directory} has several benchmarks: --benchmark {' | '.join(questions)}")
    name = benchmark or next(iter(questions))
    if name not in questions:
        raise UserError(f"{directory} has no benchmark '{name}': --benchmark {list(questions)}")
    searched = questions[name]
    space, live = _searched(searched)
    if not dataset:
        if live is None:
            raise UserError(f"{name} trains nothing: say on what with --dataset")
        dataset = _still_there(live.dataset)
    protocol = searched.protocol
    candidates = best(
        directory,
        name,
        k,
        identity=lambda text: space.key(space.from_string(text)),
        epochs=protocol.search.epoch,
        maximize=protocol.maximize,
        repeats=repeats,
    )
    recipe = recipe or final_recipe(space.name)
    question = final_question(space.name, dataset, recipe, live, gpus_per_trial)
    chosen = [candidate.architecture for candidate in candidates]
    out = directory / "retrained"
    records = _trained(
        question,
        chosen,
        range(_FINAL_SEED, _FINAL_SEED + seeds),
        out,
        inline,
        address,
        for_questions([str(question)], cpus_per_trial, gpus_per_trial),
    )
    from harness import recipes

    epochs = recipes.load(question.recipe).epochs
    what = f"recipe {question.recipe} on {dataset}"
    result = retrained(name, what, candidates, records, epochs=epochs, maximize=protocol.maximize)
    provenance = {"experiment": str(directory), "trainings": str(question)}
    page = write_document(document(result, provenance), out, summary=to_json(result))
    rows = [
        [
            final.candidate.architecture,
            f"{final.candidate.score:.3f}",
            "-" if final.test.mean is None else f"{final.test.mean:.2f}",
            len(final.failed),
        ]
        for final in result.finals
    ]
    head = ["architecture", "search score", "test (%)", "failed"]
    print_table(f"{name}: trained again by {what}", head, rows, whole_names=True)
    console.print(f"written: {page}", soft_wrap=True)


def _searched(question: Any) -> tuple[Any, LiveQuestion | None]:
    """The space that a benchmark searches, and what it trains if it does."""
    from harness.benchmarks import open_benchmark
    from harness.spaces import get_space

    if is_live(question.source):
        live = LiveQuestion.parse(question.source)
        return get_space(live.space), live
    return open_benchmark(question.source, question.protocol).space, None


def _still_there(dataset: str) -> str:
    """The data set of the search, whose path may be relative to where that was run.

    Raises:
        UserError: If it is not found from here.
    """
    from harness.datasets import find

    try:
        find(dataset)
    except UserError as error:
        if Path(dataset).is_absolute():
            raise
        raise UserError(
            f"the search's data set '{dataset}' is not found from here: run this in the directory"
            " of the search, or say where it is with --dataset"
        ) from error
    return dataset


def final_question(
    space: str, dataset: str, recipe: str, searched: LiveQuestion | None, gpus: float | None
) -> LiveQuestion:
    """What is trained again: on the search's device by its workers, unless GPUs are asked for."""
    if gpus is None and searched is not None:
        return replace(searched, dataset=dataset, recipe=recipe)
    return LiveQuestion(space, dataset, recipe, "cuda" if gpus else "cpu")


def _trained(
    question: LiveQuestion,
    architectures: list[str],
    seeds: range,
    out: Path,
    inline: bool,
    address: str | None,
    resources: Resources,
) -> dict[str, list[Record]]:
    """Every architecture's trainings, beside a progress bar."""
    from harness.live.batch import Job, carry_out

    jobs = [Job(architecture, seed) for architecture in architectures for seed in seeds]
    with counting_bar("trainings") as progress:
        records = carry_out(
            question,
            jobs,
            out,
            inline=inline,
            address=address,
            resources=resources,
            progress=progress,
        )
    found: dict[str, list[Record]] = {architecture: [] for architecture in architectures}
    for job, record in zip(jobs, records, strict=True):
        found[job.architecture].append(record)
    return found


def _print(question: LiveQuestion, records: list[Record]) -> None:
    """One row a training, and their means."""
    import numpy as np

    from harness import recipes
    from reports.intervals import estimate_mean

    epochs = recipes.load(question.recipe).epochs
    head = ["seed", "epochs", "loss", "valid (%)", "test (%)", "parameters", "seconds", "status"]
    rows: list[list[object]] = []
    for seed, record in enumerate(records):
        loss = f"{record.train_loss[-1]:.4f}" if record.train_loss else "-"
        reached = record.value(epochs)
        valid = "-" if isnan(reached) else f"{reached:.2f}"
        test = f"{record.test[epochs]:.2f}" if epochs in record.test else "-"
        seconds = (record.telemetry or {}).get("seconds", "-")
        status = record.status if not record.reason else f"{record.status}: {record.reason}"
        parameters = f"{record.parameters:,}"
        rows.append([seed, len(record.valid), loss, valid, test, parameters, seconds, status])
    print_table(f"{records[0].architecture} on {question.dataset}, {question.recipe}", head, rows)
    tests = estimate_mean(np.array([record.test.get(epochs, np.nan) for record in records]))
    tests = tests.clipped(0.0, 100.0)
    if tests.mean is not None and tests.low is not None:
        console.print(f"test accuracy: {tests.mean:.2f} [{tests.low:.2f}, {tests.high:.2f}] %")
