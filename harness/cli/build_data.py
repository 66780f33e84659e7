"""`nas-harness build-data`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.console import print_pairs, progress_bar
from harness.errors import UserError


def build_data(
    name: Annotated[str, typer.Argument(help="addnist, multnist, cifartile or language.")],
    out: Annotated[Path, typer.Option(help="Where the data set goes: FILE.npz.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.")] = 0,
    train: Annotated[int | None, typer.Option(help="Training images; as published.")] = None,
    valid: Annotated[int | None, typer.Option(help="Validation images; as published.")] = None,
    test: Annotated[int | None, typer.Option(help="Test images; as published.")] = None,
    source: Annotated[
        str,
        typer.Option(
            help="What it is made of: a data set (mnist, cifar10), or a folder of word lists."
        ),
    ] = "",
) -> None:
    """Generate a data set of the NAS Unseen-Data competition, for `--dataset FILE.npz`.

    Examples:

        nas-harness build-data addnist --out addnist.npz

        nas-harness build-data cifartile --train 4500 --valid 1500 --test 1000 --out small.npz

        nas-harness build-data language --source words/ --out language.npz
    """
    from harness.datasets.nascomp import Sizes, build, published
    from harness.datasets.npz import write_npz

    if out.suffix != ".npz":
        raise UserError(f"--out {out}: its name must end in .npz")
    known = published(name)
    sizes = Sizes(
        known.sizes.train if train is None else train,
        known.sizes.valid if valid is None else valid,
        known.sizes.test if test is None else test,
    )
    total = sizes.train + sizes.valid + sizes.test
    with progress_bar(name, total, "images") as advance:
        built = build(name, source, sizes, seed=seed, progress=lambda n: advance(n, n))
    write_npz(built, out)
    print_pairs(
        [
            ("data set", f"{out} ({out.stat().st_size / 1e6:.1f} MB)"),
            ("images", " + ".join(f"{count:,} {part}" for part, count in asdict(sizes).items())),
            ("shape", " x ".join(map(str, built.shape))),
            ("classes", built.classes),
            ("made of", source or known.source),
        ]
    )
