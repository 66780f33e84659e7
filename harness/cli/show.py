"""`nas-harness show`: what an architecture is, what its network costs, and a drawing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.console import print_pairs
from harness.errors import UserError
from harness.networks import NotBuildable, Task, Unavailable, build, options_of
from harness.spaces import Architecture, CategoricalSpace, SearchSpace, get_space

SUFFIXES = (".svg", ".png", ".pdf")


def show(
    space: Annotated[str, typer.Argument(help="A registered space.")],
    architecture: Annotated[str, typer.Argument(help="In the space's own notation.")],
    dataset: Annotated[
        str | None, typer.Option(help="Count for the images of this data set.")
    ] = None,
    shape: Annotated[
        str, typer.Option(help="Count for images of so many channels, rows and columns.")
    ] = "3,32,32",
    classes: Annotated[int, typer.Option(help="Number of classes.", min=1)] = 10,
    option: Annotated[
        list[str] | None, typer.Option(help="An option of the network: width=16.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the drawing goes: a .svg, .png or .pdf file.")
    ] = None,
) -> None:
    """Show an architecture: its decisions, its depth, what its network costs, and a drawing.

    Parameters and multiply-adds need the extra `live` (torch); all else does not.

    Examples:

        nas-harness show sss 8:16:8:16:8 --dataset digits

        nas-harness show tss "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
        --option width=8 --out cell.svg
    """
    from reports.depth_bias import depth_of

    if out is not None and out.suffix not in SUFFIXES:
        raise UserError(f"--out {out}: the drawing needs a name that ends in .svg, .png or .pdf")
    searched = get_space(space)
    chosen = searched.from_string(architecture)
    depth = depth_of(searched, chosen)
    pairs: list[tuple[str, object]] = [
        ("space", f"{searched.name}: {len(searched):,} architectures"),
        ("architecture", searched.to_string(chosen)),
    ]
    if isinstance(searched, CategoricalSpace):
        values: tuple[int, ...] = chosen  # type: ignore[assignment]
        names = (options[v] for options, v in zip(searched.options, values, strict=True))
        pairs.append(("decisions", ", ".join(names)))
    pairs.append(("depth", f"{depth} operation{'s' * (depth != 1)} on the longest path"))
    task = _task(dataset, shape, classes)
    pairs += _costs(searched, chosen, task, option or [])
    if out is not None:
        _draw(searched, chosen, out)
        pairs.append(("drawing", out))
    print_pairs(pairs)


def _task(dataset: str | None, shape: str, classes: int) -> Task:
    """The images of a data set, or those of the words of the command line."""
    if dataset is not None:
        from harness.datasets import find

        source = find(dataset)[1]()
        return Task(source.shape, source.classes)
    try:
        channels, height, width = map(int, shape.split(","))
    except ValueError:
        channels = height = width = 0
    if min(channels, height, width) < 1:
        raise UserError(f"--shape {shape}: write channels,rows,columns, such as 3,32,32")
    return Task((channels, height, width), classes)


def _costs(
    space: SearchSpace, architecture: Architecture, task: Task, words: list[str]
) -> list[tuple[str, object]]:
    """Size and work of the network, or why there are none."""
    given = _options(words)
    try:
        known = options_of(space)
        network = build(space, architecture, task, options=given)
    except Unavailable as error:
        return [("parameters", error), ("multiply-adds", error)]
    except NotBuildable as error:
        return [("network", f"cannot be built: {error}")]
    from harness.networks.counting import count

    counts = count(network, task.shape)
    settings = ", ".join(f"{name}={value}" for name, value in {**known, **given}.items())
    images = " x ".join(map(str, task.shape))
    return [
        ("images", f"{images}, {task.classes} classes"),
        ("network", settings or "no options"),
        ("parameters", f"{counts.parameters:,}"),
        ("multiply-adds", f"{counts.flops:,} for one image"),
    ]


def _options(words: list[str]) -> dict[str, object]:
    """Values by name; they are read as YAML: ``16`` is a number."""
    from harness.spec import parse_options

    options: dict[str, object] = {}
    for word in words:
        if "=" not in word:
            raise UserError(f"--option {word}: write it as name=value")
        options |= parse_options(word, word, "--option")
    return options


def _draw(space: SearchSpace, architecture: Architecture, out: Path) -> None:
    from reports.graph_drawing import graph_svg

    title = f"{space.name} {space.to_string(architecture)}"
    svg = graph_svg(space.graph(architecture), title)
    if out.suffix == ".svg":
        out.write_text(svg)
        return
    import vl_convert

    convert = vl_convert.svg_to_png if out.suffix == ".png" else vl_convert.svg_to_pdf
    out.write_bytes(convert(svg))
