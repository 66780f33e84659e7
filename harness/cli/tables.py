"""`nas-harness import`, `tabulate`, `list` and `info`."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.benchmarks import (
    Benchmark,
    TableBenchmark,
    function_class,
    open_benchmark,
    open_table,
)
from harness.benchmarks import registry as benchmarks
from harness.benchmarks.importers import ImportReport
from harness.benchmarks.table import space_of
from harness.cli.console import console, counting_bar, print_pairs, print_table
from harness.errors import HarnessError, UserError
from harness.live.question import is_live
from harness.protocol import LeakError, Protocol
from harness.registry import Registry
from harness.spaces import registry as spaces
from harness.spec import searcher_options

importer = typer.Typer(
    help="""Turn other people's benchmark files into packed tables.

    Example:

        nas-harness import csv nb201_main.csv.gz --spec nasbench201 --out nb201.table
    """,
    no_args_is_help=True,
)

PROTOCOL_HEAD = ("name", "hash", "search", "report", "audit")

Out = Annotated[Path, typer.Option(help="Where the packed table goes.")]


@importer.command("nats")
def import_nats_command(
    path: Annotated[Path, typer.Argument(help="An official NATS-...-simple directory.")], out: Out
) -> None:
    """Import an official NATS-Bench directory (topology or size), complete or not.

    Pickles are read by an interpreter that can make plain data alone; nothing in them runs.

    Example:

        nas-harness import nats NATS-tss-v1_0-3ffb9-simple --out nats-tss.table
    """
    from harness.benchmarks.importers.nats import import_nats

    with counting_bar("records") as progress:
        report = import_nats(path, out, progress=progress)
    print_import(report)


@importer.command("nasbench101")
def import_nasbench101_command(
    path: Annotated[
        Path, typer.Argument(help="nasbench_full.tfrecord or nasbench_only108.tfrecord.")
    ],
    out: Out,
) -> None:
    """Import an official NAS-Bench-101 file, without TensorFlow.

    The full file has four budgets (4, 12, 36 and 108 epochs), three trainings each; the small
    one has 108 epochs alone. The full one takes some minutes and 1 GB of memory.

    Examples:

        nas-harness import nasbench101 nasbench_full.tfrecord --out nb101.table

        nas-harness import nasbench101 nasbench_only108.tfrecord --out nb101-108.table
    """
    from harness.benchmarks.importers.nasbench101 import import_nasbench101

    with counting_bar("MB") as progress:
        report = import_nasbench101(path, out, progress=progress)
    print_import(report)


@importer.command("csv")
def import_csv_command(
    path: Annotated[Path, typer.Argument(help="A CSV (also compressed) or Parquet file.")],
    spec: Annotated[
        str,
        typer.Option(help="Its description: a YAML file, or nasbench201, nasbench101, spikenas."),
    ],
    out: Out,
) -> None:
    """Import a CSV or Parquet file with a short YAML description of its columns.

    Examples:

        nas-harness import csv nb201_main.csv.gz --spec nasbench201 --out nb201.table

        nas-harness import csv mine.csv --spec mine.yaml --out mine.table
    """
    from harness.benchmarks.importers.tabular import import_csv

    print_import(import_csv(path, spec, out))


def print_import(report: ImportReport) -> None:
    """What an import has written, and what is missing."""
    pairs: list[tuple[str, object]] = [
        ("table", f"{report.path} ({report.path.stat().st_size / 1e6:.1f} MB)"),
        ("checksum", report.checksum),
        ("architectures", f"{report.architectures:,}"),
        ("missing", f"{report.missing:,} of the space"),
    ]
    pairs += [("note", warning) for warning in report.warnings]
    for best in report.optima:
        name = f"optimum, {best.dataset} {best.protocol}"
        pairs.append((name, f"{best.value:.3f} {best.unit}  {best.architecture}"))
    print_pairs(pairs)


def list_parts() -> None:
    """List the searchers with their options, spaces, benchmarks, data sets, recipes and scores.

    Example:

        nas-harness list
    """
    from harness import datasets, recipes
    from searchers import registry as searchers
    from searchers.one_shot import registry as one_shot
    from surrogates import registry as scores

    rows = [(name, _options(name), searchers.origin(name)) for name in searchers.names()]
    print_table("searchers", ("name", "options", "from"), rows)
    rows = [(name, _options(name), one_shot.origin(name)) for name in one_shot.names()]
    print_table("one-shot methods, which train a supernet", ("name", "options", "from"), rows)
    registries: tuple[tuple[str, Registry], ...] = (
        ("benchmarks", benchmarks),
        ("spaces", spaces),
        ("scores", scores),
    )
    for title, registry in registries:
        found = [(name, registry.origin(name)) for name in registry.names()]
        if found:
            print_table(title, ("name", "from"), found)
    print_table("data sets", ("name", "what", "from"), datasets.listed())
    console.print(f"recipes: {', '.join(recipes.names())}")
    console.print("A benchmark by live training: live:SPACE/DATASET or live:SPACE/DATASET:RECIPE")
    for registry in (
        searchers,
        one_shot,
        datasets.registry,
        *(registry for _, registry in registries),
    ):
        for clash in registry.clashes():
            console.print(clash, soft_wrap=True)


def _options(searcher: str) -> str:
    """A searcher's options with their defaults, or why a third party's has none."""
    try:
        options = searcher_options(searcher).values()
    except HarnessError as error:
        return str(error)
    words = ", ".join(f"{option.name}={option.default}" for option in options)
    return "\n".join(textwrap.wrap(words, 60)) or "-"


def info(
    table: Annotated[
        str, typer.Argument(help="A registered benchmark, a table's path, or module:Class.")
    ],
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every number against the table's hashes.")
    ] = False,
) -> None:
    """Show a benchmark: its space, data sets, columns, and its protocols with their hashes.

    Examples:

        nas-harness info tss-digits

        nas-harness info nats-tss.table --verify

        nas-harness info live:tss/digits:quick-tss
    """
    if is_live(table):
        if verify:
            raise UserError(f"benchmark '{table}' is trained: it has no numbers to verify")
        _print_live(open_benchmark(table))
        return
    if function_class(table.partition("#")[0]) is not None:
        if verify:
            raise UserError(f"benchmark '{table}' is computed: it has no numbers to verify")
        _print_computed(open_benchmark(table))
        return
    opened = open_table(table.partition("#")[0])
    header = opened.header
    if verify:
        opened.verify()
    space = space_of(opened)
    print_pairs(
        [
            ("table", header.name),
            ("file", f"{opened.path} ({opened.path.stat().st_size / 1e6:.1f} MB)"),
            ("checksum", opened.checksum + (" (verified)" if verify else "")),
            ("space", f"{space.name}: {len(space):,} architectures"),
            ("covered", f"{len(opened.keys):,} architectures in {opened.n_rows:,} measured rows"),
            *[(key, value) for key, value in sorted(header.provenance.items())],
            *[(f"trained by {k}", _brief(v)) for k, v in sorted(header.training_source.items())],
        ]
    )
    print_table(
        "columns",
        ("name", "split", "unit", "seeds", "epochs", "of"),
        [
            (c.name, c.split or "-", c.unit, len(c.seeds), _span(c.epochs), c.aggregate)
            for c in header.columns
        ],
    )
    rows = []
    for dataset, known in header.protocols.items():
        for name, values in known.items():
            protocol = Protocol.from_dict(values)
            default = " (default)" if header.defaults[dataset] == name else ""
            rows.append(
                (
                    f"{dataset}: {name}{default}", protocol.hash, _measure(protocol.search),
                    _measure(protocol.report), _audited(opened, dataset, protocol),
                )
            )  # fmt: skip
    print_table("protocols", PROTOCOL_HEAD, rows)


def _print_live(benchmark: Any) -> None:
    """What `info` says of a `LiveBenchmark`."""
    trainings, protocol = benchmark.trainings, benchmark.protocol
    data, question = trainings.data, trainings.question
    shape = " x ".join(map(str, trainings.shape))
    images = f"{len(data.train):,} train, {len(data.valid):,} valid, {len(data.test):,} test"
    print_pairs(
        [
            ("benchmark", benchmark.name),
            ("checksum", benchmark.checksum),
            ("space", f"{benchmark.space.name}: {len(benchmark.space):,} architectures"),
            ("data set", f"{question.dataset}: {images}; {shape}, {data.classes} classes"),
            *((f"recipe, {k}", _brief(v)) for k, v in trainings.recipe.values().items()),
            ("device", f"{question.device}, {question.workers} worker(s) a training"),
            ("fidelities", f"1 to {benchmark.fidelities[-1]} epochs, trainings may be continued"),
        ]
    )
    measures = _measure(protocol.search), _measure(protocol.report)
    row = (f"{protocol.name} (default)", protocol.hash, *measures, _verdict(benchmark))
    print_table("protocols", PROTOCOL_HEAD, [row])


def _print_computed(benchmark: Any) -> None:
    """What `info` says of a `FunctionBenchmark`."""
    kind, protocol = type(benchmark), benchmark.protocol
    going_on = ", trainings may be continued" if protocol.promotion == "continue" else ""
    print_pairs(
        [
            ("benchmark", benchmark.name),
            ("computed by", f"{kind.__module__}:{kind.__qualname__}, version {kind.version}"),
            ("checksum", benchmark.checksum),
            ("space", f"{benchmark.space.name}: {len(benchmark.space):,} architectures"),
            ("fidelities", f"{', '.join(map(str, benchmark.fidelities))} epochs{going_on}"),
            ("parameters", _brief(benchmark.parameters) or "-"),
        ]
    )
    measures = _measure(protocol.search), _measure(protocol.report)
    row = (f"{protocol.name} (default)", protocol.hash, *measures, _verdict(benchmark))
    print_table("protocols", PROTOCOL_HEAD, [row])


def _measure(measure: Any) -> str:
    epoch = f" @{measure.epoch}" if measure.epoch else ""
    return f"{measure.column}{epoch}, {measure.seeds}"


def _audited(table: Any, dataset: str, protocol: Protocol) -> str:
    try:
        return _verdict(TableBenchmark(table, dataset, protocol))
    except LeakError:
        return "refused: leaks test data"


def _verdict(benchmark: Benchmark) -> str:
    if benchmark.leaks:
        return "leaks test data, as allowed"
    missing = benchmark.protocol.missing
    return missing if missing != "refuse" else "clean"


def _span(epochs: tuple[int, ...]) -> str:
    return str(epochs[0]) if len(epochs) == 1 else f"{epochs[0]}..{epochs[-1]} ({len(epochs)})"


def _brief(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    return str(value)


def tabulate(
    out: Out,
    space: Annotated[str, typer.Option(help="A space with networks, such as tss.")] = "tss",
    dataset: Annotated[str, typer.Option(help="A data set, such as digits.")] = "digits",
    recipe: Annotated[str, typer.Option(help="A recipe by name, or its YAML file.")] = "digits",
    seeds: Annotated[int, typer.Option(help="Trainings of each network.")] = 2,
    sample: Annotated[
        int | None,
        typer.Option(help="Train only so many random architectures (of large spaces: needed)."),
    ] = None,
    address: Annotated[str | None, typer.Option(help="Join this Ray cluster.")] = None,
) -> None:
    """Train every distinct architecture of a space on Ray, and pack the results as a table.

    Finished trainings are kept beside the table, in TABLE.trainings: running the same command
    again resumes, with a larger --sample adds to it. Needs the extra `live` (torch).

    Examples:

        nas-harness tabulate --space tss --dataset digits --recipe digits --seeds 2
        --out digits.table

        nas-harness tabulate --space sss --sample 200 --dataset usps --recipe mine.yaml
        --seeds 1 --out usps.table
    """
    from harness.tabulate import tabulate as tabulate_space

    with counting_bar("networks") as progress:
        checksum = tabulate_space(
            space,
            dataset,
            recipe,
            range(seeds),
            out,
            sample=sample,
            address=address,
            progress=progress,
        )
    print_pairs([("table", out), ("checksum", checksum)])
