"""The command line: `nas-harness run | report | compare | archive | study | import | ...`.

The only place that knows all four packages.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any, NoReturn

import typer

from harness.cli.build_data import build_data
from harness.cli.compare import archive, compare
from harness.cli.compress import compress
from harness.cli.data import show_data
from harness.cli.reproduce import reproduce
from harness.cli.run import report, run
from harness.cli.show import show
from harness.cli.studies import study
from harness.cli.tables import importer, info, list_parts, tabulate
from harness.cli.training import retrain_top, train
from harness.errors import HarnessError

app = typer.Typer(
    help="""Is an architecture-search strategy better than chance, by how much, at what cost?

    Example:

        nas-harness run --benchmark tss-digits --searcher random_search --searcher local_search
        --seeds 20 --evaluations 200 --out results

        nas-harness report results
    """,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
app.command("run")(run)
app.command("report")(report)
app.command("train")(train)
app.command("retrain-top")(retrain_top)
app.command("compress")(compress)
app.command("compare")(compare)
app.command("archive")(archive)
app.add_typer(study, name="study")
app.command("reproduce")(reproduce)
app.add_typer(importer, name="import")
app.command("tabulate")(tabulate)
app.command("build-data")(build_data)
app.command("list")(list_parts)
app.command("info")(info)
app.command("show-data")(show_data)
app.command("show")(show)


# Click's base of all mistakes in a command line's words. Recent versions of typer bring a copy of
# click, older ones use the package: what both export leads to either.
_ClickException: Any = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)
_INTERRUPTED = 130


def main() -> None:
    """Run the command line; a user's mistake exits with 2, a failure with 1, in one line each."""
    # Names from tables and paths may hold what the terminal's encoding lacks.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        # On Ctrl-C some versions of typer return this status, others raise `Abort`.
        if app(standalone_mode=False, prog_name="nas-harness") == _INTERRUPTED:
            raise KeyboardInterrupt
    except HarnessError as error:
        _fail(str(error), error.exit_status)
    except _ClickException as error:
        _fail(_usage(error), error.exit_code)
    except BrokenPipeError:
        # The reader (`| head`) has gone; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.filename or 'input or output'}: {error.strerror or error}", 1)
    except (KeyboardInterrupt, typer.Abort):
        _fail("interrupted; run the same command again to resume", _INTERRUPTED)


def _fail(line: str, status: int) -> NoReturn:
    if line:
        print(f"nas-harness: {line}", file=sys.stderr)
    sys.exit(status)


def _usage(error: Any) -> str:
    """A mistake in the words of the command line, in one line that says where to read more.

    It is empty where click has shown the help instead, for a command without any words.
    """
    message = " ".join(error.format_message().split()).rstrip(".")
    command = error.ctx.command_path if getattr(error, "ctx", None) else "nas-harness"
    return f"{message} (see `{command} --help`)" if message else ""
