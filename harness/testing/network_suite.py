"""The conformance suite of a space's networks: what every one must do, as tests to inherit.

In a test module of your own, where torch is installed::

    from harness.testing import NetworkSuite

    class TestMyNetworks(NetworkSuite):
        space = "my_space"            # a registered name, or a class that needs no arguments
        options = {"width": 4}        # small networks, to be quick

and run pytest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from harness.errors import UserError
from harness.networks import NotBuildable, Task, build
from harness.networks.counting import count
from harness.spaces import Architecture, SearchSpace, get_space
from harness.streams import stream


class NetworkSuite:
    """Inherit, set `space`, run pytest.

    Attributes:
        space: A registered name, or a class.
        task: What the networks classify.
        options: The builder's options.
        samples: Architectures that the tests build.
    """

    space: str | type[SearchSpace]
    task: Task = Task((3, 16, 16), 10)
    options: ClassVar[Mapping[str, Any]] = {}
    samples: int = 4

    def made(self) -> SearchSpace:
        """The space."""
        return get_space(self.space) if isinstance(self.space, str) else self.space()

    def built(self, seed: int = 1) -> list[tuple[Architecture, nn.Module]]:
        """Drawn architectures that have a network, with it."""
        space, rng, found = self.made(), stream(1, "network suite"), []
        for _ in range(10 * self.samples):
            architecture = space.sample(rng)
            try:
                network = build(space, architecture, self.task, seed=seed, options=self.options)
            except NotBuildable:
                continue
            found.append((architecture, network))
            if len(found) == self.samples:
                break
        assert found, "none of the drawn architectures can be built"
        return found

    def images(self, n: int) -> Tensor:
        """Normally distributed pixels, float32 [n, channels, height, width]."""
        return torch.randn((n, *self.task.shape), generator=torch.Generator().manual_seed(1))

    def test_maps_images_to_logits(self) -> None:
        for architecture, network in self.built():
            for mode in (True, False):
                logits = network.train(mode)(self.images(4))
                assert logits.shape == (4, self.task.classes), architecture
                assert logits.dtype == torch.float32 and logits.isfinite().all(), architecture

    def test_weights_depend_on_the_arguments_alone(self) -> None:
        before = torch.get_rng_state()
        try:
            torch.manual_seed(1)
            first = self.built()
            torch.manual_seed(2)
            for (architecture, network), (_, again) in zip(first, self.built(), strict=True):
                assert _same(network, again), architecture
        finally:
            torch.set_rng_state(before)
        for (architecture, network), (_, other) in zip(first, self.built(seed=2), strict=True):
            assert not _same(network, other), f"{architecture}: another seed, the same weights"

    def test_an_image_does_not_depend_on_its_neighbours(self) -> None:
        """In evaluation each image is classified on its own."""
        for architecture, network in self.built():
            images = self.images(4)
            with torch.inference_mode():
                together = network.eval()(images)
                alone = torch.cat([network(image[None]) for image in images])
            # Deep networks round a lot; neighbours that mattered would change the first digit.
            error, size = (together - alone).abs().max(), together.abs().max()
            assert error <= 1e-3 * size, architecture

    def test_has_parameters_that_train(self) -> None:
        for architecture, network in self.built():
            logits = network.train()(self.images(4))
            torch.nn.functional.cross_entropy(logits, torch.arange(4) % 2).backward()  # type: ignore[no-untyped-call]
            gradients = [p.grad for p in network.parameters() if p.grad is not None]
            assert gradients and all(g.isfinite().all() for g in gradients), architecture

    def test_can_be_counted(self) -> None:
        for architecture, network in self.built():
            counts = count(network, self.task.shape)
            assert counts.parameters > 0 and counts.flops > 0, architecture

    def test_an_unknown_option_is_refused(self) -> None:
        space = self.made()
        (architecture, _), *_ = self.built()
        with pytest.raises(UserError, match="no_such_option"):
            build(space, architecture, self.task, options={"no_such_option": 1})


def _same(a: nn.Module, b: nn.Module) -> bool:
    """Whether two networks have equal parameters and statistics."""
    one, other = a.state_dict(), b.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)
