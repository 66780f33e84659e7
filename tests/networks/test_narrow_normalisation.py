"""Normalisation in rows of pixels gives what PyTorch's layers give, forwards and backwards."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from torch import Tensor, nn  # noqa: E402

from harness.networks import narrow  # noqa: E402
from harness.networks.narrow import NormRelu  # noqa: E402


def _images(channels: int, side: int = 6, n: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(channels)
    images = 3 + 2 * torch.randn(n, channels, side, side, generator=generator)
    laid: Tensor = images.contiguous(memory_format=torch.channels_last)
    return laid


def _after_a_step(layer: nn.Module, norm: nn.BatchNorm2d, images: Tensor) -> list[Tensor]:
    """Output, gradients and statistics; the gradient comes from a slice, as behind a `cat`."""
    images = images.clone(memory_format=torch.preserve_format).requires_grad_()
    out = layer(images)
    joined = torch.cat([torch.zeros_like(out), out], 1)
    (joined * torch.linspace(-1, 1, joined.numel()).view_as(joined)).sum().backward()
    found = [out, images.grad, norm.weight.grad, norm.bias.grad]
    assert all(value is not None for value in found)
    return [*found, norm.running_mean, norm.running_var]


@pytest.mark.parametrize("channels", [1, 3, 4, 7, 8, 11, 15])
@pytest.mark.parametrize("side", [3, 8])
def test_equals_the_layers_of_pytorch(channels: int, side: int) -> None:
    ours, norm = NormRelu(channels), nn.BatchNorm2d(channels)
    with torch.no_grad():
        for own, other in zip(ours.parameters(), norm.parameters(), strict=True):
            own.copy_(other.copy_(torch.linspace(-1, 2, channels)))
    images = _images(channels, side, n=8)
    assert narrow._suits(images) == (8 * side * side >= 64)
    expected = _after_a_step(nn.Sequential(norm, nn.ReLU()), norm, images)
    for got, wanted in zip(_after_a_step(ours, ours, images), expected, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)
    assert ours.state_dict().keys() == norm.state_dict().keys()
    assert ours.num_batches_tracked == norm.num_batches_tracked == 1
    torch.testing.assert_close(ours.eval()(images), norm.eval()(images).relu())


def test_gradients_are_those_of_small_differences() -> None:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, 3, 4, 4, generator=generator, dtype=torch.float64)
    images = images.contiguous(memory_format=torch.channels_last).requires_grad_()
    weight = torch.tensor([0.5, 1.0, -2.0], dtype=torch.float64, requires_grad=True)
    bias = torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64, requires_grad=True)

    def output(*arguments: Tensor) -> Tensor:
        return narrow._NormRelu.apply(*arguments, 1e-5)[0]  # type: ignore[no-any-return]

    assert torch.autograd.gradcheck(output, (images, weight, bias))


@pytest.mark.parametrize(
    "images",
    [
        pytest.param(_images(16), id="many channels"),
        pytest.param(_images(4).contiguous(), id="planes"),
        pytest.param(_images(4).double(), id="double precision"),
        pytest.param(_images(4).to("meta"), id="no numbers"),
        pytest.param(_images(4, side=2, n=1), id="few pixels"),
    ],
)
def test_what_does_not_suit_is_left_to_pytorch(
    images: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(narrow, "_NormRelu")
    layer = NormRelu(images.shape[1]).to(images)
    assert layer(images).shape == images.shape
    suitable = _images(4)
    with pytest.raises(NameError):
        NormRelu(4)(suitable)
