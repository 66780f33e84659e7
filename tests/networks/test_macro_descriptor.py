"""Descriptors: graphs of layers as values, and the shapes that their layers work on."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from harness.errors import UserError
from harness.macro import Descriptor, FrozenDescriptor
from harness.macro.shapes import Shape, fit, plan
from tests.reference_descriptor import listing


def chain(*layers: tuple[str, dict[str, Any]]) -> FrozenDescriptor:
    descriptor = Descriptor()
    for kind, params in layers:
        descriptor.add_layer_sequential(kind, params)
    return descriptor.freeze()


# --- descriptors ----------------------------------------------------------------------------


def test_a_descriptor_is_a_value() -> None:
    frozen = listing().freeze()
    assert frozen == listing().freeze() and hash(frozen) == hash(listing().freeze())
    assert pickle.loads(pickle.dumps(frozen)) == frozen
    assert frozen.connections[-1] == ("pool2", "output")
    other = listing()
    other.disconnect("pool1", "pool2")
    assert other.freeze() != frozen


def test_the_order_in_which_it_is_wired_does_not_count() -> None:
    again = listing()
    again.disconnect("input", "conv")
    again.connect("input", "conv")
    assert again.freeze() == listing().freeze()
    assert json.dumps(again.freeze().to_json()) == json.dumps(listing().freeze().to_json())


def test_descriptors_travel_as_json() -> None:
    frozen = listing().freeze()
    data = json.loads(json.dumps(frozen.to_json()))
    assert data["layers"][4] == {
        "name": "pool2", "kind": "pool", "mode": "max", "kernel": 2, "stride": 5
    }  # fmt: skip
    assert Descriptor.from_json(data).freeze() == frozen


def test_layers_without_a_name_are_numbered() -> None:
    descriptor = Descriptor()
    names = [descriptor.add_layer("pool", {"kernel": 2}) for _ in range(2)]
    names.append(descriptor.add_layer("conv", {"kernel": 1, "filters": 1}))
    assert names == ["1_pool", "2_pool", "3_conv"]
    assert descriptor.layers["1_pool"]["stride"] == 2


@pytest.mark.parametrize(
    ("kind", "params", "said"),
    [
        ("convolution", {}, "unknown kind of layer '6_convolution' 'convolution'"),
        ("conv", {"kernel": 3}, "conv layer '6_conv' needs 'filters'"),
        ("conv", {"filters": 0, "kernel": 3}, "filters=0; must be from 1 on"),
        ("conv", {"filters": True, "kernel": 3}, "filters=True; must be of type int"),
        ("conv", {"filters": 2, "kernel": 2.5}, "kernel=2.5; must be of type int"),
        ("conv", {"filters": 2, "kernel": 2, "dropout": 1.5}, "dropout=1.5; must be from 0 to 1"),
        ("block", {"filters": 2, "kernel": 2, "scale": float("inf")}, "scale=inf"),
        ("block", {"filters": 2, "kernel": 2, "dropout": float("nan")}, "dropout=nan"),
        ("pool", {"kernel": 2, "mode": "mean"}, "unknown pool layer '6_pool': mode 'mean'"),
        ("pool", {"kernel": 2, "strides": 1}, "did you mean stride"),
    ],
)
def test_a_wrong_layer_is_refused_when_it_is_added(
    kind: str, params: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        listing().add_layer(kind, params)
    assert said in str(caught.value)


def test_wrong_connections_are_refused_when_they_are_made() -> None:
    descriptor = listing()
    for ends, said in {
        ("conv2", "conv"): "'conv2' -> 'conv' would close a cycle",
        ("pool2", "conv"): "'pool2' -> 'conv' would close a cycle",
        ("conv", "conv2"): "'conv' feeds 'conv2' already",
        ("conv", "pool3"): "unknown layer 'pool3'",
        ("output", "conv"): "'output' cannot feed 'conv'",
        ("conv", "conv"): "'conv' cannot feed 'conv'",
    }.items():
        with pytest.raises(UserError) as caught:
            descriptor.connect(*ends)
        assert said in str(caught.value)
    with pytest.raises(UserError, match="'conv' does not feed 'pool2'"):
        descriptor.disconnect("conv", "pool2")
    for name in ("conv", "input", "a b", ""):
        with pytest.raises(UserError, match="layer name"):
            descriptor.add_layer("pool", {"kernel": 2}, name)
    layers = listing().freeze().layers
    with pytest.raises(UserError, match="is a cycle"):
        FrozenDescriptor(layers, (("conv", "conv2"), ("conv2", "conv")))


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"layers": []},
        {"layers": {}, "connections": []},
        {"layers": [{"name": "a"}], "connections": []},
        {"layers": [{"name": 1, "kind": "pool", "kernel": 2}], "connections": []},
        {"layers": [{"name": "a", "kind": ["pool"], "kernel": 2}], "connections": []},
        {"layers": [], "connections": [["input"]]},
        {"layers": [], "connections": [["input", None]]},
    ],
)
def test_data_that_are_no_descriptor(data: object) -> None:
    with pytest.raises(UserError):
        Descriptor.from_json(data)


# --- shapes


def test_the_worked_case() -> None:
    """15 x 15 x 10 and 3 x 3 x 50 into a layer that needs 10 x 10 x 18."""
    given, needed = (Shape(10, 15, 15), Shape(50, 3, 3)), Shape(18, 10, 10)
    assert fit(given, needed) == (Shape(18, 10, 10),) * 2
    assert fit(given, needed, "maximum") == (Shape(10, 15, 15), Shape(50, 15, 15))
    assert fit(given, needed, "fixed", 64) == (Shape(64, 10, 10),) * 2
    assert fit((given[0],) * 2, Shape(1, 1, 1), "fixed", 64) == (given[0],) * 2
    assert fit(given, Shape(1, 2, 2)) == (Shape(10, 3, 3),) * 2


def test_small_images_are_enlarged_to_the_kernel() -> None:
    """Digits: a pooling of 5 leaves one pixel, which a convolution of 3 sees as nine."""
    steps = plan(
        chain(("pool", {"kernel": 5}), ("conv", {"filters": 4, "kernel": 3})), Shape(1, 8, 8)
    )
    assert steps[0].made == Shape(1, 1, 1)
    assert steps[1].joined == Shape(1, 3, 3) and steps[1].made == Shape(4, 1, 1)
