"""A searcher from a file of its own: ``file:my_searcher.py:MySearcher@3f2a91c0``.

The eight digits are the beginning of the SHA-256 of the file. They stand in every trace's header,
so that searches of an edited file are never taken for those of the file as it was.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from harness.errors import HarnessError, UserError, unknown
from harness.searcher import Searcher
from harness.spec import SearcherSpec

PREFIX = "file:"
_DIGITS = 8


def searcher_in(path: str) -> type[Searcher]:
    """The searcher class of a file.

    Args:
        path: ``my_searcher.py:MySearcher@3f2a91c0``.

    Raises:
        UserError: If the file cannot be read or run, has no such searcher, or is not of that
            version.
    """
    place, _, version = path.partition("@")
    file, _, name = place.partition(":")
    source = _read(Path(file))
    found = _digest(source)
    if found != version:
        missing = "" if version else " say which version:"
        changed = f" has changed since version {version}; it is now" if version else ""
        wanted = f"{PREFIX}{file}:{_chosen(Path(file), source, name).__name__}@{found}"
        raise UserError(f"{file}{changed}{missing} {wanted}")
    return _chosen(Path(file), source, name)


def parse_searcher(word: str) -> SearcherSpec:
    """The searcher of a command-line word: one in a file, or a registered one.

    Args:
        word: ``my_searcher.py``, with ``:MySearcher`` if the file has several and
            ``:option=value,...`` if need be; or what `SearcherSpec.parse` understands.

    Returns:
        Its name holds the file's version, and its label too, so that a report can show several
        versions of one searcher beside each other.

    Raises:
        UserError: If the file or its searcher cannot be used, or the name or an option is
            unknown.
    """
    file, _, rest = word.removeprefix(PREFIX).partition(":")
    if not (word.startswith(PREFIX) or file.endswith(".py")):
        return SearcherSpec.parse(word)
    place, _, options = rest.partition(":")
    if "=" in place:
        place, options = "", rest
    name = place.partition("@")[0]
    source = _read(Path(file))
    version = f"{_chosen(Path(file), source, name).__name__}@{_digest(source)}"
    spec = SearcherSpec.parse(f"{PREFIX}{file}:{version}:{options}")
    return replace(spec, label=f"{version}:{options}" if options else version)


def mistake_in(file: Path, error: BaseException) -> str:
    """What went wrong in a file's code, and in which line; "" if it was not in the file."""
    lines = [
        f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)
    ]
    said = str(error)
    if isinstance(error, SyntaxError) and error.filename == str(file):
        lines, said = [error.lineno], error.msg
    return f"{file}, line {lines[-1]}: {type(error).__name__}: {said}" if lines else ""


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror}") from None


def _digest(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()[:_DIGITS]


def _chosen(file: Path, source: bytes, name: str) -> type[Searcher]:
    """The file's searcher of that name, or its only one."""
    module = _module(file, source)
    known = {
        found.__name__: found
        for found in vars(module).values()
        if inspect.isclass(found) and issubclass(found, Searcher)
        # What it imports or only derives from is not what it brings.
        and found.__module__ == module.__name__ and not inspect.isabstract(found)
    }  # fmt: skip
    if name and name not in known:
        raise unknown(f"searcher in {file}", name, known)
    if not known:
        raise UserError(
            f"{file} holds no searcher: derive a class from {Searcher.__module__}.Searcher, with"
            " `ask` and `tell`"
        )
    if not name and len(known) > 1:
        raise UserError(
            f"{file} holds several searchers ({', '.join(sorted(known))}): name one, as in"
            f" {file}:{min(known)}"
        )
    return known[name or min(known)]


def _module(file: Path, source: bytes) -> ModuleType:
    """The file as a module, run once a version."""
    name = f"nas_harness_file_{_digest(source)}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(file)
    folder = str(file.resolve().parent)
    if folder not in sys.path:
        # At the end: a user's `reports.py` must not hide the package of that name.
        sys.path.append(folder)
    sys.modules[name] = module
    try:
        exec(compile(source, str(file), "exec"), vars(module))
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, HarnessError) or not isinstance(error, Exception | SystemExit):
            raise
        said = mistake_in(file, error) or f"{file}: {error}"  # not even Python's characters
        raise UserError(said) from error
    return module
