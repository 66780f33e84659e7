"""The conformance suite of supernets: what every one must do, as tests to inherit.

In a test module of your own, where torch is installed::

    from searchers.one_shot.testing import SupernetSuite

    class TestMySupernet(SupernetSuite):
        space = "my_space"            # a registered name
        network = {"width": 4}        # small networks, to be quick

and run pytest.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from harness import recipes
from harness.errors import UserError
from harness.one_shot import Problem
from harness.spaces import Architecture, get_space
from harness.streams import below, stream
from searchers.one_shot.dag import reachable
from searchers.one_shot.supernets import has_supernet, supernet
from searchers.one_shot.supernets.base import Supernet, batch_normalised


class SupernetSuite:
    """Inherit, set `space`, run pytest.

    Attributes:
        space: A registered name.
        network: The recipe's network options.
        options: The supernet's own options.
        dataset: Images to classify.
        samples: Architectures that the tests draw.
    """

    space: str
    network: ClassVar[Mapping[str, Any]] = {}
    options: ClassVar[Mapping[str, Any]] = {}
    dataset: str = "digits"
    samples: int = 3

    def problem(self) -> Problem:
        """Space, images and recipe."""
        recipe = replace(recipes.load("digits"), network=dict(self.network), pixel_noise=0.0)
        return Problem(get_space(self.space), self.dataset, recipe)

    def made(self, seed: int = 1) -> Supernet:
        """A supernet in double precision, so that rounding cannot hide a fault."""
        return supernet(self.problem(), seed, **self.options).double()

    def drawn(self, net: Supernet) -> list[Architecture]:
        """Samples of the space, or put together where the supernet has fewer edges than it."""
        space, rng = self.problem().space, stream(1, "supernet suite")
        found: list[Architecture] = []
        for _ in range(self.samples):
            architecture = space.sample(rng)
            try:
                net.choices(architecture)
            except UserError:
                architecture = self.put_together(net, rng)
            found.append(architecture)
        return found

    def put_together(self, net: Supernet, rng: random.Random) -> Architecture:
        """An architecture with a random operation, or none, on each edge of the supernet."""
        for _ in range(100):
            choices = [
                tuple(
                    (below(rng, len(cell.dag.operations)),) if rng.random() < 0.7 else ()
                    for _ in cell.dag.edges
                )
                for cell in net.cells
            ]
            try:
                architecture = net.architecture(choices)
            except UserError:
                continue
            assert net.choices(architecture) == choices
            return architecture
        raise AssertionError("no random choices are an architecture")

    def images(self, n: int = 4) -> Tensor:
        """Normally distributed pixels, float64 [n, channels, height, width]."""
        generator = torch.Generator().manual_seed(1)
        return torch.randn((n, *self.problem().task.shape), generator=generator).double()

    def weights(self, net: Supernet, *, repeated: bool = False) -> list[Tensor]:
        """Uniform architecture weights with gradients."""
        generator = torch.Generator().manual_seed(1)
        return [
            torch.rand(w.shape, generator=generator).double().requires_grad_()
            for w in net.weights(repeated=repeated)
        ]

    # --- what is computed -------------------------------------------------------------------

    def test_the_mixture_of_one_architecture_is_its_path(self) -> None:
        net, images = self.made(), self.images()
        for architecture in self.drawn(net):
            weights = [w.double() for w in net.one_hot(net.choices(architecture))]
            with batch_normalised(net), torch.no_grad():
                expected = net(images, weights)
                found = net.path(images, architecture)
            assert found.shape == (len(images), self.problem().task.classes)
            torch.testing.assert_close(found, expected, msg=f"{architecture}")

    def test_weights_of_zero_are_no_operation(self) -> None:
        net, images = self.made(), self.images()
        nothing = [((),) * len(cell.dag.edges) for cell in net.cells]
        with batch_normalised(net), torch.no_grad():
            found = net(images, [w.double() for w in net.weights(0.0)])
            torch.testing.assert_close(found, net.run(images, nothing))

    def test_repeats_may_have_weights_of_their_own(self) -> None:
        net, images = self.made(), self.images()
        shared, own = self.weights(net), self.weights(net, repeated=True)
        assert [len(w) for w in own] == [cell.repeats for cell in net.cells]
        with batch_normalised(net), torch.no_grad():
            spread = [w.expand(c.repeats, -1, -1) for w, c in zip(shared, net.cells, strict=True)]
            torch.testing.assert_close(net(images, shared), net(images, spread))
            assert not torch.allclose(net(images, shared), net(images, own))

    def test_choices_are_architectures_and_back(self) -> None:
        net, space = self.made(), self.problem().space
        for architecture in self.drawn(net):
            choices = net.choices(architecture)
            for cell, choice in zip(net.cells, choices, strict=True):
                reachable(cell.dag, choice)  # raises if it is none
            again = net.architecture(choices)
            assert again in space and again == architecture

    # --- training ---------------------------------------------------------------------------

    def test_gradients_reach_every_weight(self) -> None:
        net = self.made().train()
        weights = self.weights(net, repeated=True)
        self.loss(net, weights).backward()  # type: ignore[no-untyped-call]
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        for weight in weights:
            assert weight.grad is not None and weight.grad.isfinite().all()
            assert (weight.grad != 0).all(), "an operation's weight has no effect"

    def test_a_path_trains_its_own_operations_only(self) -> None:
        net, images = self.made().train(), self.images()
        for architecture in self.drawn(net):
            net.zero_grad(set_to_none=True)
            net.path(images, architecture).square().sum().backward()  # type: ignore[no-untyped-call]
            gradients = [p.grad for p in net.parameters()]
            assert any(g is not None and g.any() for g in gradients)
            assert any(g is None for g in gradients)

    def test_second_derivatives_of_the_weights(self) -> None:
        """Curvature engines differentiate twice."""
        net = self.made().eval()
        weights = [w.detach().requires_grad_() for w in self.weights(net)]
        slopes = torch.autograd.grad(self.loss(net, weights), weights, create_graph=True)
        rows = torch.autograd.grad(slopes[0][0, 0, 0], weights[0])[0]
        step = 1e-5
        with torch.no_grad():
            weights[0][0, 0, 0] += step
        above = torch.autograd.grad(self.loss(net, weights), weights)[0]
        error = ((above - slopes[0].detach()) / step - rows).abs().max()
        assert error <= 1e-2 * rows.abs().max().clamp_min(1e-3)

    def loss(self, net: Supernet, weights: Sequence[Tensor]) -> Tensor:
        """Cross-entropy of some images."""
        images = self.images()
        return torch.nn.functional.cross_entropy(net(images, weights), torch.arange(4) % 2)

    # --- state ------------------------------------------------------------------------------

    def test_weights_depend_on_the_arguments_alone(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(1)
            state = torch.get_rng_state()
            first = self.made()
            assert torch.equal(torch.get_rng_state(), state), "the global generator was used"
            torch.default_generator.manual_seed(2)
            again = self.made()
        other = self.made(seed=2)
        same = [torch.equal(a, b) for a, b in _pairs(first, again)]
        assert all(same)
        assert not all(torch.equal(a, b) for a, b in _pairs(first, other))

    def test_statistics_are_tracked_in_training_alone(self) -> None:
        net, images = self.made(), self.images()
        weights, (architecture, *_) = self.weights(net), self.drawn(net)
        before = {name: value.clone() for name, value in net.named_buffers()}
        with torch.no_grad():
            net.eval()(images, weights)
            net.path(images, architecture)
            net.path(images, architecture, batch_statistics=True)
            assert not any(module.training for module in net.modules())
            net.train().path(images, architecture, batch_statistics=True)
            assert all(torch.equal(before[name], value) for name, value in net.named_buffers())
            net(images, weights)
        assert not all(torch.equal(before[name], value) for name, value in net.named_buffers())

    def test_batch_statistics_are_those_of_training(self) -> None:
        net, images = self.made(), self.images()
        for architecture in self.drawn(net):
            with torch.no_grad():
                trained = net.train().path(images, architecture)
                found = net.eval().path(images, architecture, batch_statistics=True)
            torch.testing.assert_close(found, trained)

    # --- registration -----------------------------------------------------------------------

    def test_is_found_by_its_space(self) -> None:
        assert has_supernet(self.space)
        with pytest.raises(UserError, match="no_such_option"):
            supernet(self.problem(), 1, no_such_option=1)


def _pairs(a: Supernet, b: Supernet) -> list[tuple[Tensor, Tensor]]:
    one, other = a.state_dict(), b.state_dict()
    assert one.keys() == other.keys()
    return [(one[name], other[name]) for name in one]
