"""The command line: `nas-harness run | report | import | tabulate | list | info`.

The only place that knows all four packages.
"""

from __future__ import annotations

import os
import sys

import typer

from harness.cli.run import report, run
from harness.cli.tables import importer, info, list_parts, tabulate
from harness.errors import HarnessError

app = typer.Typer(
    help="Is an architecture-search strategy better than chance, by how much, at what cost?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command("run")(run)
app.command("report")(report)
app.add_typer(importer, name="import")
app.command("tabulate")(tabulate)
app.command("list")(list_parts)
app.command("info")(info)


def main() -> None:
    """Run the command line; a user's mistake exits with 2, a failure with 1, in one line each."""
    try:
        app()
    except HarnessError as error:
        print(f"nas-harness: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except BrokenPipeError:
        # The reader (`| head`) has gone; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        print("nas-harness: interrupted; run the same command again to resume", file=sys.stderr)
        sys.exit(130)
