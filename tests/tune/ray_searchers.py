"""Ray Tune searchers of a user, as small as they can be."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from ray.tune.search import Searcher


class Recorder(Searcher):
    """Proposes what it is told to, and writes down how it is called."""

    def __init__(self, proposals: list[Any]) -> None:
        super().__init__()
        self.calls: list[tuple[Any, ...]] = []
        self.proposals = iter(proposals)

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        self.config = config
        self.calls.append(("space", metric, mode, spec))
        return True

    def suggest(self, trial_id: str) -> Any:
        self.calls.append(("suggest", trial_id))
        return next(self.proposals)

    # Tune calls this by keyword: another name of the first parameter would be a TypeError.
    def on_trial_complete(
        self, *, trial_id: str, result: dict[str, Any] | None, error: bool
    ) -> None:
        value = None if result is None else result["value"]
        self.calls.append(("complete", trial_id, value, error))


class Climber(Searcher):
    """Changes one decision of the best configuration, with the global random generators.

    Args:
        metric: Not an option: every searcher is told.
        restart: How often to draw a random one instead; also the least of its options.
        style: Text.
        generator: Nothing that can be written on a command line.
        notify: A default that is no plain value.
    """

    def __init__(
        self,
        metric: str | None = None,
        restart: float = 0.2,
        style: str = "plain",
        generator: random.Random | None = None,
        notify: Any = print,
    ) -> None:
        super().__init__(metric=metric)
        self.restart = restart
        self.best: tuple[float, dict[str, Any]] = (float("-inf"), {})
        self.running: dict[str, dict[str, Any]] = {}

    def set_search_properties(
        self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any
    ) -> bool:
        self.space = {name: domain.categories for name, domain in config.items()}
        return True

    def suggest(self, trial_id: str) -> dict[str, Any]:
        config = dict(self.best[1])
        if not config or random.random() < self.restart:
            config = {name: random.choice(options) for name, options in self.space.items()}
        else:
            name = list(self.space)[np.random.randint(len(self.space))]
            config[name] = random.choice(self.space[name])
        self.running[trial_id] = config
        return config

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        config = self.running.pop(trial_id)
        if result is not None and result["value"] > self.best[0]:
            self.best = (result["value"], config)


class Seeded(Recorder):
    """Keeps the seed that it is given, and needs an option."""

    def __init__(self, size: int, random_state_seed: int | None = None) -> None:
        super().__init__([])
        self.seen = (size, random_state_seed)


class Stubborn(Searcher):
    """Takes no search space from anyone."""


class Broken(Recorder):
    """Fails in the middle of a search, or at once."""

    def __init__(self, at_once: bool = False) -> None:
        super().__init__([])
        if at_once:
            raise ValueError("not\ntoday")

    def suggest(self, trial_id: str) -> Any:
        raise RuntimeError("lost the thread")


def make_nothing() -> None:
    """A function that returns no searcher."""


number = 7
