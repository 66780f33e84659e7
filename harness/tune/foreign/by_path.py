"""Any Ray Tune searcher by the path of its class: ``tune:my_module:MySearcher``."""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable
from functools import cache
from inspect import Parameter, Signature
from typing import Any

from harness.errors import UserError, unknown
from harness.spaces import SearchSpace
from harness.tune.foreign.adapter import ForeignSearcher
from harness.tune.foreign.randomness import GlobalRandomness

SEEDS = ("seed", "random_state_seed", "random_seed", "random_state")
"""What searchers call their seed. The first of these that a searcher has is given the search's."""

GIVEN = ("space", "metric", "mode")
"""What a searcher is told by `set_search_properties`."""


@cache
def searcher_at(path: str) -> type[ForeignSearcher]:
    """A searcher class that wraps the Ray Tune searcher at a path.

    The keyword arguments of its constructor become options, with their defaults; so do their
    types, as far as values of these types can be written in a file. A seed is passed on where
    there is such an argument, modulo 2**32. Each search has global random generators of its own.

    Args:
        path: ``module:name`` of a class, or of a function that returns a searcher.

    Raises:
        UserError: If there is none.
    """
    name = f"tune:{path}"
    make = _load(path, name)
    options = _options(make)
    seeds = [seed for seed in SEEDS if seed in inspect.signature(make).parameters][:1]

    def build(self: ForeignSearcher, space: SearchSpace, seed: int, **given: Any) -> None:
        seeded = dict.fromkeys(seeds, seed % (1 << 32))
        ForeignSearcher.__init__(
            self, space, seed, name, lambda: make(**seeded, **given), GlobalRandomness(seed)
        )

    first = [Parameter(p, Parameter.POSITIONAL_OR_KEYWORD) for p in ("space", "seed")]
    build.__annotations__ = {option.name: option.annotation for option in options}
    body = {"__init__": build, "__signature__": Signature([*first, *options]), "__doc__": name}
    return type(path.rpartition(":")[2], (ForeignSearcher,), body)


def _load(path: str, name: str) -> Callable[..., Any]:
    module_name, _, attribute = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever the code of a module runs into
        missing = isinstance(error, ModuleNotFoundError) and error.name == module_name
        mend = "; install it, or add its directory to PYTHONPATH" if missing else ""
        raise UserError(f"{name}: {type(error).__name__}: {error}{mend}") from error
    try:
        found = getattr(module, attribute)
    except AttributeError:
        raise unknown(f"name in the module {module_name}", attribute, vars(module)) from None
    if not callable(found):
        raise UserError(f"{name} is neither a class nor a function")
    return typing.cast(Callable[..., Any], found)


def _options(make: Callable[..., Any]) -> list[Parameter]:
    """The parameters that a person can set, as keyword-only ones with their types."""
    try:
        hints = typing.get_type_hints(make.__init__ if isinstance(make, type) else make)  # type: ignore[misc]
    except Exception:  # names that mean something elsewhere
        hints = {}
    found = []
    for parameter in inspect.signature(make).parameters.values():
        named = parameter.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
        hint = hints.get(parameter.name, Any)
        if named and parameter.name not in (*SEEDS, *GIVEN) and _can_be_written(parameter, hint):
            found.append(parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hint))
    return found


def _can_be_written(parameter: Parameter, hint: Any) -> bool:
    """Whether values are plain, as far as type and default tell."""
    from pydantic import JsonValue, TypeAdapter

    try:
        TypeAdapter(hint)
        if parameter.default is not Parameter.empty:
            TypeAdapter(JsonValue).validate_python(parameter.default)
    except Exception:  # pydantic's own, and what unusual types raise
        return False
    return True
