"""Networks of descriptors and genomes: their sizes, their layers and their weights."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import UserError
from harness.macro import Descriptor
from harness.macro.shapes import Policy, Shape, plan
from harness.spaces import get_space
from harness.streams import stream
from tests.reference_descriptor import listing

torch = pytest.importorskip("torch", reason="networks are built with PyTorch")

from harness.networks import NotBuildable, Task, build  # noqa: E402
from harness.networks.counting import count  # noqa: E402
from harness.networks.macro import compile_descriptor  # noqa: E402

REMNET = "C2N,C2N,C3N,C5N,P5A,C3H,C3H:ixo,i-1,1xo,1-2,2xo,2-3,3xo,3-4,4xo,4-5,5xo,5-6,6-o,5-7,7-o"
FASHION = Task((1, 28, 28), 10)


# --- shapes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "joined", "parameters"),
    [
        # Both into pool2: 64 channels of 11 x 11, and 128 channels of 20 x 20 (listing 3.1).
        ("minimum", Shape(64, 11, 11), 128 * 64 + 64),
        ("maximum", Shape(192, 20, 20), 0),
        ("fixed", Shape(16, 11, 11), (64 + 128) * 16 + 2 * 16),
    ],
)
def test_the_reference_graph_compiles(policy: Policy, joined: Shape, parameters: int) -> None:
    steps = {step.name: step for step in plan(listing().freeze(), Shape(3, 28, 28), policy, 16)}
    assert steps["pool2"].joined == joined
    task = Task((3, 28, 28), 7)
    network = compile_descriptor(listing().freeze(), task, policy=policy, channels=16, head="pool")
    convolutions = 3 * 32 * 9 + 32 + 32 * 64 * 25 + 64 + 64 * 128 * 9 + 128
    head = joined.channels * 7 + 7
    assert count(network, task.shape).parameters == convolutions + parameters + head
    images = torch.rand(4, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    made = network(images)
    assert made.shape == (4, 7) and made.isfinite().all()


def test_plans_are_the_shapes_that_networks_have() -> None:
    space: Any = get_space("macro")
    rng = stream(1, "shapes")
    genome = space.sample(rng)
    for _ in range(25):
        genome = space.mutate(genome, rng)
        network = build(space, genome, Task((1, 16, 16), 10), options={"channels": 8})
        steps = plan(space.descriptor(genome, channels=8), Shape(1, 16, 16))
        seen: list[tuple[int, ...]] = []
        for node in network.nodes:  # type: ignore[union-attr]
            node.register_forward_hook(
                lambda _m, _i, made, s=seen: s.append(tuple(made.shape[1:]))
            )
        network.eval()(torch.zeros(1, 1, 16, 16))
        assert seen == [step.made for step in steps]


def test_inputs_are_summed_or_concatenated() -> None:
    """Two average poolings of one constant image."""
    descriptor = Descriptor()
    for name, kernel in (("small", 2), ("large", 4)):
        descriptor.add_layer("pool", {"kernel": kernel, "mode": "average"}, name)
        descriptor.connect("input", name)
        descriptor.connect(name, "output")
    images = torch.full((1, 2, 8, 8), 1.5)
    cases: list[tuple[Policy, float]] = [("minimum", 3.0), ("maximum", 1.5)]
    for policy, expected in cases:
        network = compile_descriptor(
            descriptor.freeze(), Task((2, 8, 8), 3), policy=policy, head="pool"
        )
        network.head = torch.nn.Identity()
        made = network(images)
        assert (made == expected).all()
        assert made.shape == ((1, 2, 2, 2) if policy == "minimum" else (1, 4, 4, 4))


# --- networks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channels", "expected"), [(64, 198_554), (128, 791_338), (256, 3_159_626)]
)
def test_remnet_has_the_published_size(channels: int, expected: int) -> None:
    space = get_space("macro")
    network = build(space, space.from_string(REMNET), FASHION, options={"channels": channels})
    assert count(network, FASHION.shape).parameters == expected


def test_a_convolution_of_the_space_is_as_published() -> None:
    """Unpadded convolution with bias, ReLU6, batch normalisation, dropout of channels."""
    space = get_space("macro")
    genome, options = space.from_string("C5H:ixo,i-1,1-o"), {"channels": 8}
    network: Any = build(space, genome, FASHION, options=options)
    convolution, activation, normalisation, dropout = network.nodes[0].layer
    assert convolution.weight.shape == (4, 1, 5, 5) and convolution.bias is not None
    assert isinstance(activation, torch.nn.ReLU6)
    assert isinstance(normalisation, torch.nn.BatchNorm2d)
    assert isinstance(dropout, torch.nn.Dropout2d) and dropout.p == 0.1
    features = 4 * 24 * 24
    sizes = [m.out_features for m in network.head if isinstance(m, torch.nn.Linear)]
    assert sizes == [features // 4, features // 8, 10]


def test_a_block_is_as_published() -> None:
    """Convolution, times the scale, dropout, pooling as large as the kernel, ReLU6."""
    space = get_space("macro-blocks")
    genome = space.from_string("f40k3d0s150p:ixo,i-1,1-o")
    network: Any = build(space, genome, FASHION).eval()
    images = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    convolution = network.nodes[0].layer[0]
    expected = torch.nn.functional.max_pool2d(1.5 * convolution(images), 3).clamp(0, 6)
    assert torch.equal(network.nodes[0]([images]), expected)
    assert expected.shape == (2, 40, 8, 8)


@pytest.mark.parametrize("name", ["macro", "macro-blocks"])
@pytest.mark.parametrize(
    "shape", [(1, 28, 28), (1, 16, 16), (1, 8, 8), (3, 32, 32), (2, 1, 9)], ids=str
)
def test_every_genome_has_a_network_for_every_image(
    name: str, shape: tuple[int, int, int]
) -> None:
    """Also where poolings have eaten the image: it is enlarged to the next kernel."""
    space: Any = get_space(name)
    rng = stream(2, "networks")
    for _ in range(3):
        genome = space.sample(rng)
        for _ in range(8):
            genome = space.mutate(genome, rng)
        options = {"head": "pool", **({"channels": 8} if name == "macro" else {})}
        network = build(space, genome, Task(shape, 5), options=options)
        logits = network(torch.zeros(2, *shape))
        assert logits.shape == (2, 5)
        logits.sum().backward()
        assert all(p.grad is not None for p in network.parameters())


def test_dead_layers_are_left_out() -> None:
    space = get_space("macro")
    dead = space.from_string("C3N,C5N:ixo,i-1,1-o,ix2,2-o")
    alone = space.from_string("C3N:ixo,i-1,1-o")
    options = {"head": "pool"}
    sizes = [
        count(build(space, one, FASHION, options=options), FASHION.shape) for one in (dead, alone)
    ]
    assert sizes[0] == sizes[1]


def test_weights_depend_on_the_seed_alone() -> None:
    space = get_space("macro")
    genome = space.from_string(REMNET)
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    made = []
    for seed in (1, 1, 2**64 - 1):
        state = torch.random.get_rng_state()
        network = build(space, genome, FASHION, seed=seed, options={"channels": 8}).eval()
        assert torch.equal(torch.random.get_rng_state(), state)
        made.append(network(images))
        torch.rand(1)
    assert torch.equal(made[0], made[1]) and not torch.equal(made[0], made[2])


def test_networks_that_cannot_be_are_failures_of_the_architecture() -> None:
    cut = Descriptor()
    cut.add_layer("pool", {"kernel": 2}, "alone")
    with pytest.raises(NotBuildable, match="no path leads from the input to the output"):
        compile_descriptor(cut.freeze(), FASHION)
    space = get_space("macro")
    wide = space.from_string("C2N:ixo,i-1,1-o")
    with pytest.raises(NotBuildable, match=r"\d{3},\d{3},\d{3} parameters; at most 100,000,000"):
        build(space, wide, FASHION)
    assert build(space, wide, FASHION, options={"head": "dense"})


def test_options_are_checked() -> None:
    space = get_space("macro")
    genome = space.from_string(REMNET)
    for options, said in (
        ({"policy": "median"}, "unknown shape policy 'median'"),
        ({"head": "tail"}, "unknown head 'tail'"),
        ({"chanels": 8}, "did you mean channels"),
    ):
        with pytest.raises(UserError, match=said):
            build(space, genome, FASHION, options=options)


def test_a_network_learns() -> None:
    """Two classes that differ in brightness, told apart after a few steps."""
    space = get_space("macro")
    options = {"channels": 8, "head": "dense"}
    network = build(space, space.from_string(REMNET), Task((1, 12, 12), 2), options=options)
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (64,), generator=generator)
    images = torch.rand(64, 1, 12, 12, generator=generator) + labels.view(-1, 1, 1, 1)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(20):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(images), labels)
            loss.backward()
            optimizer.step()
    assert loss < 0.2
