"""DARTS on several workers: what they exchange, how often, and what two equal ones find."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")

from torch import Tensor, nn  # noqa: E402

from harness.errors import UserError  # noqa: E402
from harness.one_shot import Diverged, OneShot, Problem  # noqa: E402
from harness.recipes import Recipe  # noqa: E402
from harness.spaces import Architecture, get_space  # noqa: E402
from harness.training.processes import run_in_processes  # noqa: E402
from harness.training.reducers import Averaging, BatchReducer, EpochReducer  # noqa: E402
from searchers.one_shot.darts import Darts  # noqa: E402
from searchers.one_shot.parallel import (  # noqa: E402
    ParallelFound,
    ParallelSearch,
    Shard,
    communications,
    fewer,
    started,
    work,
)
from searchers.one_shot.rsws import RandomSearchWithSharing  # noqa: E402
from tests.training.gang import together  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:You are using a Backend")

RECIPE = Recipe(
    train_images=65,
    valid_images=64,
    test_images=16,
    epochs=2,
    batch_size=16,
    learning_rate=0.1,
    momentum=0.9,
    network={"width": 1, "depth": 1},
)
PROBLEM = Problem(get_space("tss"), "digits", RECIPE)
EPOCHS = 2
CPU = torch.device("cpu")
JOB = ParallelSearch(
    Darts, PROBLEM, 3, EPOCHS, 2, "epoch", "identical", {"architecture_rate": 0.1}
)


@pytest.fixture(autouse=True)
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a supernet costs is counted over 64 networks, and is none of this file's affair."""
    monkeypatch.setattr("searchers.one_shot.supernets.mixture_cost", lambda problem: 1.0)


def same(a: Any, b: Any) -> bool:
    """Whether two states are equal to the last bit."""
    if isinstance(a, dict):
        return bool(a.keys() == b.keys() and all(same(a[key], b[key]) for key in a))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a, b) if isinstance(a, Tensor) else bool(a == b)


def train(
    job: ParallelSearch, rank: int, group: Any, epochs: int = EPOCHS
) -> tuple[Any, Averaging]:
    """A worker's method after some epochs, and its reducer."""
    method, reducer = started(job, rank, CPU, group)
    for _ in range(epochs):
        assert method.epoch(job.steps * method.step_passes) == job.steps * method.step_passes
    return method, reducer


def as_threads(job: ParallelSearch, epochs: int = EPOCHS) -> list[tuple[Any, Averaging]]:
    return together(job.workers, lambda rank, group: train(job, rank, group, epochs))


def weights(method: Any) -> list[Tensor]:
    """All that Algorithm 1 averages: weights, running statistics, architecture parameters."""
    buffers = [b for b in method.weights.network.buffers() if b.is_floating_point()]
    return [*method.weights.network.parameters(), *buffers, *method.alphas]


@pytest.fixture(scope="module")
def serial() -> Any:
    """The search of one worker without any others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("searchers.one_shot.supernets.mixture_cost", lambda problem: 1.0)
        method: Any = Darts(PROBLEM, 3, epochs=EPOCHS, architecture_rate=0.1)
        passes = 65 // 16 * method.step_passes
        method.start(EPOCHS * passes)
        for _ in range(EPOCHS):
            method.epoch(passes)
    return method


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["epoch", "batch"])
def test_two_identical_workers_are_one(mode: str, serial: Any) -> None:
    """Bit for bit: weights, statistics, parameters, both optimizers, the images' generators."""
    job = replace(JOB, mode=mode)  # type: ignore[arg-type]
    for method, reducer in as_threads(job):
        assert same(method.state(), serial.state())
        assert method.derive() == serial.derive()
        assert reducer.communications == EPOCHS * communications(job.mode, job.steps)


def test_architecture_parameters_have_moved(serial: Any) -> None:
    """So that the equality above says something."""
    fresh, _ = started(replace(JOB, workers=1), 0, CPU, None)
    assert not any(map(same, fresh.alphas, serial.alphas))


def test_algorithm_1_averages_exactly_and_leaves_optimizers_alone() -> None:
    """One epoch on shards: the workers' own ends, averaged by hand, are what both then hold."""
    job = replace(JOB, data="sharded")
    (first, reducer), (second, _) = as_threads(job, epochs=1)

    def alone(rank: int, group: Any) -> Any:
        method, _ = started(job, rank, CPU, group)
        method.reducer = method.weights.reducer = None
        method.epoch(job.steps * method.step_passes)
        return method

    ends = together(2, alone)
    assert not same(weights(ends[0]), weights(ends[1]))
    means = [(a + b) / 2 for a, b in zip(*map(weights, ends), strict=True)]
    assert same(weights(first), means)
    assert same(weights(second), means)
    for averaged, own in zip((first, second), ends, strict=True):
        mine, theirs = averaged.state(), own.state()
        assert same(mine["architect"], theirs["architect"])
        assert same(mine["weights"]["optimizer"], theirs["weights"]["optimizer"])
    assert reducer.communications == 1
    assert reducer.sent == sum(t.numel() * t.element_size() for t in means)


class Smooth(OneShot):
    """Two vectors w and a, a quadratic loss over the images, and no running statistics."""

    reducer: Averaging | None = None

    def __init__(self, problem: Problem, seed: int, *, epochs: int | None = None) -> None:
        super().__init__(problem, seed, epochs=epochs)
        self.step_passes = 2 * problem.recipe.batch_size

    def start(self, passes: int) -> None:
        self.w, self.a = (nn.Parameter(torch.full((8,), value)) for value in (0.5, -0.25))
        self.train, self.valid = (self.problem.images(p, self.seed) for p in ("train", "valid"))
        self.seen: list[tuple[Tensor, Tensor]] = []

    def descend(self, parameter: nn.Parameter, images: Tensor) -> None:
        columns = images.mean((1, 2))
        loss = ((columns * self.w - self.a) ** 2).sum(1).mean()
        (parameter.grad,) = torch.autograd.grad(loss, [parameter])
        if self.reducer is not None:
            self.reducer.gradients([parameter])
        parameter.data -= 0.1 * parameter.grad

    def epoch(self, passes: int) -> int:
        for _ in range(passes // self.step_passes):
            train, valid = self.train.batch()[0], self.valid.batch()[0]
            self.seen.append((train, valid))
            self.step(train, valid)
        if self.reducer is not None:
            self.reducer.epoch(nn.ParameterList([self.w, self.a]), torch.optim.SGD([self.w]))
        return passes

    def step(self, train: Tensor, valid: Tensor) -> None:
        self.descend(self.w, train)
        self.descend(self.a, valid)

    def derive(self) -> Architecture:
        return (0,) * 6

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """There is none."""


def test_algorithm_2_takes_the_steps_of_the_workers_batches_together() -> None:
    """The mean gradient of two halves is the gradient of a mean loss over the whole.

    That holds where no image's loss depends on the others of its batch: a batch normalisation
    in training normalises each half by its own statistics, so DARTS on halves takes other steps.
    """
    job = ParallelSearch(Smooth, PROBLEM, 3, 2, 2, "batch", "sharded")
    (first, reducer), (second, _) = as_threads(job)
    assert torch.equal(first.w, second.w)
    assert torch.equal(first.a, second.a)
    assert not torch.equal(first.seen[0][0], second.seen[0][0])
    serial = Smooth(PROBLEM, 3)
    serial.start(0)
    for mine, other in zip(first.seen, second.seen, strict=True):
        serial.step(*(torch.cat(both) for both in zip(mine, other, strict=True)))
    torch.testing.assert_close(first.w, serial.w, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(first.a, serial.a, rtol=1e-6, atol=1e-7)
    assert job.steps == 65 // 2 // 16
    assert reducer.communications == EPOCHS * communications("batch", job.steps, statistics=False)
    # Each time 8 numbers of 4 bytes.
    assert reducer.sent == 32 * reducer.communications


def test_communication_in_closed_form() -> None:
    assert fewer(60_000, 64) == 937.5
    assert communications("epoch", 937) == 1
    assert communications("batch", 4) == 9
    assert communications("batch", 4, statistics=False) == 8
    # Half of the published images for the weights and half for the architecture: the same.
    assert communications("batch", 1, statistics=False) * 30_000 / 64 == 937.5


def test_shards_are_disjoint_equally_long_and_normalised_alike() -> None:
    shards = [Shard.of(PROBLEM, 5, rank, 3) for rank in range(3)]
    whole = PROBLEM.data
    for part, count in (("train", 21), ("valid", 21)):
        dealt = [getattr(shard.data, part) for shard in shards]
        assert [len(each) for each in dealt] == [count] * 3
        found = {image.tobytes() for each in dealt for image in each.images}
        everything = {image.tobytes() for image in getattr(whole, part).images}
        assert len(found) == 3 * count
        assert found <= everything
    for shard in shards:
        assert (shard.data.mean, shard.data.deviation) == (whole.mean, whole.deviation)
        assert shard.recipe is PROBLEM.recipe
        assert shard.train_images == 21
        assert len(shard.data.test) == 0
    orders = [shard.images("train", 3).state()["generator"] for shard in shards]
    assert not torch.equal(orders[0], orders[1])


def test_a_worker_reports_for_all() -> None:
    job = replace(JOB, data="sharded", epochs=1)
    found, nothing = together(2, lambda rank, group: work(job, rank, CPU, group))
    assert nothing is None
    assert isinstance(found, ParallelFound)
    assert found.architecture in PROBLEM.space
    assert found.passes == 2 * job.steps * 2 * 16 == 128
    assert found.communications == 1
    assert found.seconds > 0
    assert 0 < found.waited < 1


@pytest.mark.parametrize("mode", ["epoch", "batch"])
def test_all_workers_stop_when_one_diverges(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def poisoned(job: ParallelSearch, rank: int, *rest: Any) -> Any:
        method, reducer = started(job, rank, *rest)
        if rank == 1:
            next(method.weights.network.parameters()).data.fill_(torch.nan)
        return method, reducer

    monkeypatch.setattr("searchers.one_shot.parallel.started", poisoned)
    job = replace(JOB, data="sharded", mode=mode)  # type: ignore[arg-type]
    raised: list[Exception | None] = [None, None]

    def run(rank: int, group: Any) -> None:
        try:
            work(job, rank, CPU, group)
        except Diverged as error:
            raised[rank] = error

    together(2, run)
    assert "no finite number" in str(raised[1])
    assert isinstance(raised[0], Diverged)


@pytest.mark.parametrize("reducer", [BatchReducer, EpochReducer])
def test_the_clock_counts_what_blocks(reducer: type[Averaging]) -> None:
    """The first worker comes a tenth of a second late, and the other one waits."""

    def meet(rank: int, group: Any) -> float:
        mine = reducer(group)
        net = nn.Linear(2, 2)
        for parameter in net.parameters():
            parameter.grad = torch.ones_like(parameter)
        if rank == 0:
            time.sleep(0.1)
        mine.gradients(net.parameters())
        mine.epoch(net, torch.optim.SGD(net.parameters()))
        assert mine.communications == 1
        return mine.seconds

    late, waiting = together(2, meet)
    assert 0 < late < waiting
    assert waiting > 0.05


def test_mistakes_are_refused_before_anything_starts() -> None:
    with pytest.raises(UserError, match="RandomSearchWithSharing is trained by one worker alone"):
        replace(JOB, method=RandomSearchWithSharing)
    with pytest.raises(UserError, match="unknown mode of averaging 'epochs'"):
        replace(JOB, mode="epochs")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="way to share images 'shard'"):
        replace(JOB, data="shard")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="workers=0, epochs=2; each at least 1"):
        replace(JOB, workers=0)
    many = replace(JOB, workers=5, data="sharded")
    with pytest.raises(UserError, match="5 workers with 13 training images each have no batch"):
        many.steps  # noqa: B018
    assert replace(JOB, workers=5).steps == 4


@pytest.mark.slow
def test_processes_find_what_one_worker_finds(serial: Any) -> None:
    """The same over gloo between processes, as a search is really started."""
    job = ParallelSearch(Darts, PROBLEM, 3, EPOCHS, 2, "epoch", "identical", JOB.options)
    found = run_in_processes(job, work)
    assert found.architecture == serial.derive()
    assert found.communications == EPOCHS
    assert found.passes == 2 * serial.weights.used


@pytest.mark.slow
def test_workers_of_ray_find_what_one_worker_finds(serial: Any) -> None:
    import ray

    from harness.tune.parallel import run_on_ray

    job = ParallelSearch(Darts, PROBLEM, 3, EPOCHS, 2, "batch", "identical", JOB.options)
    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        found = run_on_ray(job, work)
        with pytest.raises(UserError, match="3 workers need 3 CPUs, and Ray has 2"):
            run_on_ray(replace(job, workers=3), work)
    finally:
        ray.shutdown()
    assert found.architecture == serial.derive()
    assert found.communications == EPOCHS * communications("batch", job.steps)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_workers_on_gpus() -> None:
    """NCCL, one GPU a worker; a single one goes through the same code without others."""
    workers = min(2, torch.cuda.device_count())
    problem = replace(PROBLEM, device="cuda")
    found = run_in_processes(replace(JOB, problem=problem, workers=workers, data="sharded"), work)
    assert found.architecture in PROBLEM.space
    assert found.communications == (EPOCHS if workers > 1 else 0)
