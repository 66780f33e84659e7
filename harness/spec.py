"""A searcher by name with options: ``regularized_evolution:population_size=50``."""

from __future__ import annotations

import importlib
import inspect
import math
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness.errors import HarnessError, UserError, unknown
from harness.one_shot import OneShot, Problem
from harness.protocol import digest
from harness.registry import Registry
from harness.searcher import MultiFidelitySearcher, Searcher
from harness.spaces import SearchSpace
from harness.typed import brief

Strategy = type[Searcher] | type[OneShot]
"""What has a name and options: a searcher, or a method that trains a supernet."""


def searcher_class(name: str) -> type[Searcher]:
    """The class of a built-in or third party's searcher.

    Raises:
        UserError: If no searcher has that name, or it trains a supernet.
        HarnessError: If what has that name is none.
    """
    found = strategy_class(name)
    if not issubclass(found, Searcher):
        raise UserError(f"'{name}' trains a supernet: here, only searchers will do that propose")
    return found


def strategy_class(name: str) -> Strategy:
    """The class of a searcher or of a one-shot method.

    Raises:
        UserError: If nothing has that name.
        HarnessError: If what has that name is neither.
    """
    registry = _registry(name)
    kind = Searcher if registry is _registry() else OneShot
    found = registry.load(name)
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise HarnessError(
            f"{registry.kind} '{name}' is {found!r}: it must be a class of {kind.__name__}"
        )
    return found


def _registry(word: str = "") -> Registry:
    """The registry that has the name with which a word begins: that of the searchers, if none."""
    # By name, because the core does not depend on the strategies.
    searchers: Registry = importlib.import_module("searchers").registry
    name = word.partition(":")[0]
    if name in searchers.builtin or name in searchers.paths:
        return searchers
    one_shot: Registry = importlib.import_module("searchers.one_shot").registry
    if name in one_shot.builtin:
        return one_shot
    if not word or name in searchers.names() or name in one_shot.names():
        return one_shot if word and name not in searchers.names() else searchers
    raise unknown("searcher", name, [*searchers.names(), *one_shot.names()])


def searcher_options(name: str) -> dict[str, inspect.Parameter]:
    """The options of a strategy: the keyword-only parameters of its constructor."""
    return options_of(strategy_class(name))


def options_of(kind: type) -> dict[str, inspect.Parameter]:
    """The options of a class: the keyword-only parameters of its constructor."""
    parameters = inspect.signature(kind).parameters
    return {k: p for k, p in parameters.items() if p.kind is p.KEYWORD_ONLY}


@dataclass(frozen=True)
class SearcherSpec:
    """A searcher's name and the options that differ from its defaults.

    Attributes:
        name: Registered name.
        options: Option -> value, checked against the searcher's constructor.
        label: Name in reports; default: the text form.

    Raises:
        UserError: If the searcher or an option is unknown, or a value has the wrong type.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""

    def __post_init__(self) -> None:
        check_options(self.name, strategy_class(self.name), self.options)
        object.__setattr__(self, "label", label_of(self.name, self.options, self.label))

    @classmethod
    def parse(cls, text: str) -> SearcherSpec:
        """The searcher of a command-line word, ``name`` or ``name:option=value,...``.

        Values are read as YAML: ``50`` is a number, ``true`` a truth value.
        """
        name, settings = _registry(text).split(text)
        return cls(name, parse_options(settings, text, "searcher"))

    @cached_property
    def configuration(self) -> dict[str, Any]:
        """All options with their values, defaults included."""
        defaults = {k: p.default for k, p in searcher_options(self.name).items()}
        return {**defaults, **self.options}

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What a trace's header says of the searcher."""
        return {"searcher": self.label, "strategy": self.name, "options": self.configuration}

    @property
    def hash(self) -> str:
        """Identifies strategy, configuration and label."""
        return digest(self.identity)

    @cached_property
    def one_shot(self) -> bool:
        """Whether it trains a supernet instead of proposing architectures."""
        return issubclass(strategy_class(self.name), OneShot)

    def build_one_shot(self, problem: Problem, seed: int) -> OneShot:
        """A fresh one-shot method.

        Raises:
            UserError: If an option's value is out of range, or the space has no supernet.
        """
        kind: Any = strategy_class(self.name)
        made: OneShot = kind(problem, seed, **self.options)
        return made

    def build(self, space: SearchSpace, seed: int, fidelities: Sequence[int] = ()) -> Searcher:
        """A fresh searcher.

        Args:
            space: Where to search.
            seed: The search's seed.
            fidelities: What `MultiFidelitySearcher`s may ask for; others are not told.

        Raises:
            UserError: If an option's value is out of range, or space or fidelities do not suit.
        """
        kind = searcher_class(self.name)
        if issubclass(kind, MultiFidelitySearcher):
            return kind(space, seed, fidelities, **self.options)
        return kind(space, seed, **self.options)


def parse_settings(text: str, kind: str) -> tuple[str, dict[str, Any]]:
    """The parts of a command-line word ``name:option=value,...``, values read as YAML.

    Args:
        text: The word; name and options may be missing.
        kind: What it stands for ("protocol"), for the error message.

    Raises:
        UserError: If a part is no setting, or a value is no YAML.
    """
    name, _, settings = text.partition(":")
    return name, parse_options(settings, text, kind)


def parse_options(settings: str, text: str, kind: str) -> dict[str, Any]:
    """The options of ``option=value,...``, a part of the word `text`; see `parse_settings`."""
    # Loading PyYAML takes longer than opening a table.
    from harness.yaml_file import parse_yaml

    options: dict[str, Any] = {}
    for part in filter(None, settings.split(",")):
        option, equals, value = part.partition("=")
        try:
            options[option.strip()] = parse_yaml(value, option)
        except UserError:
            equals = ""
        if not equals:
            raise UserError(f"{kind} '{text}': write options as name:option=value,...")
    return options


def check_options(name: str, kind: type, options: Mapping[str, Any]) -> None:
    """Check names and types of what a class is to be made with.

    Args:
        name: Of the class, for the error message.
        kind: The class.
        options: Option -> value.

    Raises:
        UserError: If an option is unknown or missing, or a value has the wrong type.
    """
    known = options_of(kind)
    hints = typing.get_type_hints(kind.__init__)  # type: ignore[misc]
    for option, value in options.items():
        if option not in known:
            raise unknown(f"option of {name}", option, known)
        _check(name, option, value, hints.get(option, Any))
    for option, parameter in known.items():
        if parameter.default is parameter.empty and option not in options:
            raise UserError(f"{name} needs the option {option}")


def label_of(name: str, options: Mapping[str, Any], label: str = "") -> str:
    """The name in reports: the given one, otherwise the text form ``name:option=value,...``.

    Raises:
        UserError: If the label is no text.
    """
    if not isinstance(label, str):
        raise UserError(f"{name}: label={brief(label)}; must be text")
    settings = ",".join(f"{k}={v}" for k, v in options.items())
    return label or (f"{name}:{settings}" if settings else name)


def _check(searcher: str, option: str, value: Any, kind: Any) -> None:
    from pydantic import TypeAdapter, ValidationError

    # JSON, and so the experiment's record, has no others.
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{searcher}: {option}={value}; must be finite")
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise UserError(f"{searcher}: {option}={brief(value)}: {message}") from None
