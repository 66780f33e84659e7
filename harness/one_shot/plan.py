"""What a budget means for a supernet."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from harness.benchmarks.base import MICROSECONDS, Benchmark
from harness.benchmarks.live import LiveBenchmark
from harness.errors import UserError
from harness.loop import Budget
from harness.one_shot.problem import Problem
from harness.spaces import Architecture, SearchSpace
from harness.streams import stream

SAMPLED = 32
"""Architectures that stand for the average of a space."""


@dataclass(frozen=True)
class Plan:
    """A budget in image passes.

    Attributes:
        passes: Of the supernet: the budget without the chosen network's own training.
        evaluation: Of one evaluation under the benchmark's protocol.
        seconds: Virtual seconds of an image pass through an average network.
        evaluation_seconds: Virtual seconds of an average evaluation.
    """

    passes: int
    evaluation: int
    seconds: float
    evaluation_seconds: float


def plan(problem: Problem, benchmark: Benchmark, budget: Budget, cost_factor: float = 1.0) -> Plan:
    """A budget in image passes: of its limits the strictest.

    Args:
        problem: What the supernet is trained on.
        benchmark: What the derivations are judged by.
        budget: Its limits.
        cost_factor: What an image pass of the supernet costs in those of an average network.

    Raises:
        UserError: If it does not suffice to train a network and a supernet.
    """
    images = problem.recipe.images_of_an_epoch(problem.train_images)
    evaluation = evaluation_passes(problem, benchmark)
    trained = average_cost(benchmark)
    seconds = trained / evaluation
    limits = [
        inf if limit is None else limit * passes - evaluation
        for limit, passes in (
            (budget.evaluations, evaluation),
            (budget.epochs, images),
            (budget.image_passes, 1),
        )
    ]
    if budget.seconds is not None:
        limits.append((budget.seconds - trained) / (seconds * cost_factor))
    passes = int(min(limits))
    if passes < problem.recipe.batch_size:
        raise UserError(
            f"a one-shot search takes at least {evaluation + problem.recipe.batch_size:,} image"
            f" passes here, and {evaluation:,} of them train what it finds: raise the budget"
        )
    return Plan(passes, evaluation, seconds, trained)


def evaluation_passes(problem: Problem, benchmark: Benchmark) -> int:
    """Image passes of one evaluation under a benchmark's protocol."""
    images = problem.recipe.images_of_an_epoch(problem.train_images)
    return images * benchmark.protocol.search.epoch


def average_cost(benchmark: Benchmark) -> float:
    """Mean virtual seconds of an evaluation of some architectures of a benchmark."""
    some = average_architectures(benchmark.space)
    return sum(_cost(benchmark, architecture) for architecture in some) / len(some)


def average_architectures(space: SearchSpace) -> list[Architecture]:
    """Architectures that stand for a space, the same each time."""
    rng = stream(0, "average cost", space.name)
    return [space.sample(rng) for _ in range(SAMPLED)]


def _cost(benchmark: Benchmark, architecture: Architecture) -> float:
    if isinstance(benchmark, LiveBenchmark):
        return benchmark.seconds(architecture, benchmark.protocol.search.epoch)
    cost: int = benchmark.evaluator(0)(architecture, None, None).cost
    return cost / MICROSECONDS
