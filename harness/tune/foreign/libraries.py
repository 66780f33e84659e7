"""The searchers of two libraries that Ray Tune wraps, with their most used options."""

from __future__ import annotations

import importlib
import inspect
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from harness.errors import UserError
from harness.spaces import SearchSpace
from harness.tune.foreign.adapter import ForeignSearcher

SAMPLERS = {
    "tpe": "TPESampler",
    "random": "RandomSampler",
    "nsgaii": "NSGAIISampler",
}
"""Optuna's samplers for unordered decisions that need no further package."""

LEAST = {
    "n_startup_trials": 0,
    "n_ei_candidates": 1,
    "multivariate": False,
    "constant_liar": False,
    "population_size": 2,
}
"""The least values of Optuna's options."""

SEEDS = 1 << 32
"""The libraries take so many seeds; a larger one is wrapped."""


class Optuna(ForeignSearcher):
    """Optuna (Akiba et al., "Optuna", KDD 2019) through `ray.tune.search.optuna.OptunaSearch`.

    The search of seed s is what ``OptunaSearch(seed=s)`` proposes. An option that is not given is
    the installed Optuna's own default.

    Args:
        space: Where to search.
        seed: The search's seed.
        sampler: ``tpe`` (Optuna's default), ``random`` or ``nsgaii``.
        n_startup_trials: Random proposals before the model is used (tpe).
        n_ei_candidates: Candidates of which the best is proposed (tpe).
        multivariate: Whether decisions are modelled together (tpe).
        constant_liar: Whether evaluations under way count as bad ones (tpe).
        population_size: Members of a generation (nsgaii).

    Raises:
        UserError: If Optuna is missing, an option is out of range or not the sampler's, or the
            space does not suit.
    """

    libraries = ("optuna",)

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        sampler: Literal["tpe", "random", "nsgaii"] = "tpe",
        n_startup_trials: int | None = None,
        n_ei_candidates: int | None = None,
        multivariate: bool | None = None,
        constant_liar: bool | None = None,
        population_size: int | None = None,
    ) -> None:
        name = "tune:optuna"
        given = {
            "n_startup_trials": n_startup_trials,
            "n_ei_candidates": n_ei_candidates,
            "multivariate": multivariate,
            "constant_liar": constant_liar,
            "population_size": population_size,
        }
        settings = {option: value for option, value in given.items() if value is not None}
        samplers = required("optuna", name).samplers
        kind = getattr(samplers, SAMPLERS[sampler])
        for option, value in settings.items():
            if option not in inspect.signature(kind).parameters:
                raise UserError(f"{name}: sampler={sampler} has no option {option}")
            if value < LEAST[option]:
                raise UserError(f"{name}: {option}={value}; must be at least {LEAST[option]}")

        def make() -> Any:
            from ray.tune.search.optuna import OptunaSearch

            return OptunaSearch(sampler=kind(seed=seed % SEEDS, **settings))

        with quiet("optuna"):
            super().__init__(space, seed, name, make)


class HyperOpt(ForeignSearcher):
    """HyperOpt's TPE (Bergstra et al., NeurIPS 2011) through Ray Tune's `HyperOptSearch`.

    The search of seed s is what ``HyperOptSearch(random_state_seed=s)`` proposes.

    Args:
        space: Where to search.
        seed: The search's seed.
        n_initial_points: Random proposals before the model is used.
        gamma: Share of the results that count as good.

    Raises:
        UserError: If HyperOpt is missing, an option is out of range, or the space does not suit.
    """

    libraries = ("hyperopt",)

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        n_initial_points: int = 20,
        gamma: float = 0.25,
    ) -> None:
        name = "tune:hyperopt"
        if n_initial_points < 1:
            raise UserError(f"{name}: n_initial_points={n_initial_points}; must be at least 1")
        if not 0 < gamma <= 1:
            raise UserError(f"{name}: gamma={gamma}; must be above 0 and at most 1")

        def make() -> Any:
            required("hyperopt", name)
            from ray.tune.search.hyperopt import HyperOptSearch

            return HyperOptSearch(
                random_state_seed=seed % SEEDS, n_initial_points=n_initial_points, gamma=gamma
            )

        super().__init__(space, seed, name, make)


def required(package: str, searcher: str) -> Any:
    """A package that a searcher needs.

    Raises:
        UserError: If it cannot be imported.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise UserError(
            f"{searcher} needs {package}, which cannot be imported here ({error}):"
            f" pip install {package}"
        ) from None


@contextmanager
def quiet(library: str) -> Iterator[None]:
    """No messages of a library while it is set up: that a study was made, what is experimental."""
    logger = logging.getLogger(library)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
