"""One writer at a time: two runs would write the same searches twice."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.disk import make_directory
from harness.errors import UserError


def unwritable(directory: Path, error: OSError) -> UserError:
    """What to say of a directory that cannot be written to."""
    reason = error.strerror or error
    return UserError(f"cannot write to {directory}: {reason}; choose another --out")


@contextmanager
def sole_writer(directory: Path) -> Iterator[None]:
    """Keep other runs away from a directory.

    The kernel holds the lock and gives it up with the process, however that ends; the file that
    stays behind locks nothing.

    Args:
        directory: Made if need be.

    Raises:
        UserError: If another run writes there (one line says which), or nothing can be written.
    """
    try:
        make_directory(directory)
        file = (directory / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise unwritable(directory, error) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UserError(
                f"{directory} is being written to by {file.read() or 'another run'}: wait for its"
                " end, or choose another --out"
            ) from None
        except OSError:
            # A file system without locks: it is left to the user.
            pass
        file.truncate(0)
        file.write(f"process {os.getpid()} on {os.uname().nodename}")
        file.flush()
        yield
