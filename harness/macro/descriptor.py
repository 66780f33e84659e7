"""Networks as graphs of layers, by name: built step by step, then frozen into a value.

Source: Kyriakides, "Parallel and Distributed Methods for Autonomous Design of Artificial Neural
Networks" (University of Macedonia, 2022), section 3.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError
from typing import Any

from harness.errors import UserError, unknown
from harness.macro.layers import Layer, Value
from harness.macro.paths import on_paths, ordered, reached

INPUT, OUTPUT = "input", "output"
"""The names of the two ends of every descriptor."""

_NAME = re.compile(r"[A-Za-z0-9_.-]+")

Edge = tuple[str, str]


@dataclass(frozen=True)
class FrozenDescriptor:
    """An immutable, hashable network: layers in the order of their addition, and connections.

    Two are equal if they have the same layers, in the same order, and the same connections.

    Attributes:
        layers: The layers; their names are unique.
        connections: (source, target) names, sorted by the places of their ends.

    Raises:
        UserError: If a name is taken, a connection leads nowhere, or there is a cycle.
    """

    layers: tuple[Layer, ...]
    connections: tuple[Edge, ...]

    def __post_init__(self) -> None:
        places = {INPUT: -1, OUTPUT: len(self.layers)}
        for i, layer in enumerate(self.layers):
            _check_name(layer.name, places)
            places[layer.name] = i
        for source, target in self.connections:
            _check_ends(source, target, places)
        if len(set(self.connections)) < len(self.connections):
            raise UserError("descriptor: a connection is given twice")
        try:
            ordered(self.connections)
        except CycleError as error:
            raise UserError(f"descriptor: {' -> '.join(error.args[1])} is a cycle") from None
        by_place = sorted(self.connections, key=lambda edge: (places[edge[0]], places[edge[1]]))
        object.__setattr__(self, "connections", tuple(by_place))

    @cached_property
    def live(self) -> tuple[Edge, ...]:
        """The connections on paths from the input to the output; empty if there is no path."""
        return tuple(on_paths(self.connections, INPUT, OUTPUT))

    def order(self) -> Iterator[tuple[Layer, tuple[str, ...]]]:
        """The layers on paths from input to output, each after its sources, with their names."""
        by_name = {layer.name: layer for layer in self.layers}
        for name in ordered(self.live):
            if name in by_name:
                yield by_name[name], self.sources(name)

    def sources(self, name: str) -> tuple[str, ...]:
        """The names of what feeds a layer or the output, of what lies on a path."""
        return tuple(source for source, target in self.live if target == name)

    def to_json(self) -> dict[str, Any]:
        """Plain lists and mappings, which `Descriptor.from_json` understands."""
        return {
            "layers": [{"name": s.name, "kind": s.kind, **dict(s.params)} for s in self.layers],
            "connections": [list(edge) for edge in self.connections],
        }


class Descriptor:
    """A network in the making.

    Example:
        >>> descriptor = Descriptor()
        >>> descriptor.add_layer_sequential("conv", {"filters": 8, "kernel": 3})
        '1_conv'
        >>> descriptor.freeze().connections
        (('input', '1_conv'), ('1_conv', 'output'))
    """

    def __init__(self) -> None:
        self.layers: dict[str, Layer] = {}
        self.connections: dict[Edge, None] = {}  # a set that keeps its order
        self.last = INPUT
        self.added = 0

    @classmethod
    def from_json(cls, data: object) -> Descriptor:
        """The inverse of `FrozenDescriptor.to_json`.

        Raises:
            UserError: If the data describe no network.
        """
        if not isinstance(data, Mapping) or set(data) != {"layers", "connections"}:
            raise UserError("descriptor: needs 'layers' and 'connections', and nothing else")
        for part in ("layers", "connections"):
            if not isinstance(data[part], list):
                raise UserError(f"descriptor: {part} must be a list, not {data[part]!r}")
        descriptor = cls()
        for item in data["layers"]:
            if not isinstance(item, Mapping) or not {"name", "kind"} <= set(item):
                raise UserError(f"descriptor: a layer needs a name and a kind, not {item!r}")
            params = {key: item[key] for key in item if key not in ("name", "kind")}
            descriptor.add_layer(item["kind"], params, item["name"])
        for edge in data["connections"]:
            if not isinstance(edge, list) or len(edge) != 2:
                raise UserError(f"descriptor: a connection has a source and a target, not {edge}")
            descriptor.connect(*edge)
        return descriptor

    def add_layer(
        self, kind: str, params: Mapping[str, Value] | None = None, name: str | None = None
    ) -> str:
        """Add a layer without connections.

        Args:
            kind: A key of `harness.macro.layers.KINDS`.
            params: Its parameters.
            name: Its name; None: its number and its kind, ``3_conv``.

        Returns:
            The layer's name.

        Raises:
            UserError: If the kind, a parameter or the name cannot be.
        """
        self.added += 1
        if name is None:
            name = f"{self.added}_{kind}"
        _check_name(name, {INPUT, OUTPUT, *self.layers})
        self.layers[name] = Layer(name, kind, tuple((params or {}).items()))
        self.last = name
        return name

    def add_layer_sequential(
        self, kind: str, params: Mapping[str, Value] | None = None, name: str | None = None
    ) -> str:
        """Add a layer that the layer added last feeds (the first: the input); see `add_layer`."""
        before = self.last
        name = self.add_layer(kind, params, name)
        self.connect(before, name)
        return name

    def connect(self, source: str, target: str) -> None:
        """Let one layer, or the input, feed another, or the output.

        Raises:
            UserError: If a name is unknown, or the connection exists or would close a cycle.
        """
        _check_ends(source, target, {INPUT, OUTPUT, *self.layers})
        if (source, target) in self.connections:
            raise UserError(f"descriptor: '{source}' feeds '{target}' already")
        if source in reached(self.connections, target):
            raise UserError(f"descriptor: '{source}' -> '{target}' would close a cycle")
        self.connections[source, target] = None

    def disconnect(self, source: str, target: str) -> None:
        """Remove a connection.

        Raises:
            UserError: If there is none.
        """
        if (source, target) not in self.connections:
            raise UserError(f"descriptor: '{source}' does not feed '{target}'")
        del self.connections[source, target]

    def freeze(self) -> FrozenDescriptor:
        """The network as a value. If nothing feeds the output, the layer added last does."""
        edges = tuple(self.connections)
        if not any(target == OUTPUT for _, target in edges):
            edges = (*edges, (self.last, OUTPUT))
        return FrozenDescriptor(tuple(self.layers.values()), edges)


def _check_name(name: object, taken: Any) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UserError(f"layer name {name!r}: use letters, digits, '_', '.' and '-'")
    if name in taken:
        raise UserError(f"layer name '{name}' is taken: choose another")


def _check_ends(source: object, target: object, known: Any) -> None:
    for name in (source, target):
        if not isinstance(name, str) or name not in known:
            raise unknown("layer", str(name), known)
    if source in (OUTPUT, target) or target == INPUT:
        raise UserError(f"descriptor: '{source}' cannot feed '{target}'")
