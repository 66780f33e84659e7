"""Directories whose entries survive a failure of the machine, not only of the process.

Syncing a file brings its content to the disk; its name is in the directory, which needs its own.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

_CANNOT = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


def make_directory(path: Path) -> None:
    """Make a directory with those above it, and see their names on the disk."""
    missing = [place for place in (path, *path.parents) if not place.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for place in reversed(missing):
        sync_directory(place.parent)


def sync_directory(path: Path) -> None:
    """See on the disk which files were made, renamed or deleted in a directory."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems of networks have nothing to sync here.
        if error.errno not in _CANNOT:
            raise
    finally:
        os.close(handle)
