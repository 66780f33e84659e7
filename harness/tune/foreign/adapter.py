"""A Ray Tune searcher behind `ask` and `tell`.

What Tune would do, this does: it names the space's decisions as a Tune search space, calls
`suggest` with a new trial's name, and reports the trial's only result by `on_trial_complete`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, NamedTuple

from harness.errors import HarnessError, UserError
from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import Architecture, SearchSpace

METRIC = "value"
"""Under which name a searcher hears a result; to be maximised."""

TRIES = 10
"""So many proposals in a row may lie outside the space; then one is drawn from the space."""


class ForeignSearcher(Searcher):
    """Asks and tells a `ray.tune.search.Searcher`.

    Unordered decisions become ``tune.choice`` among the names of their options, ordered ones
    ``tune.randint``; they are called ``decision_00``, ``decision_01``, ... A decision with a
    single option is not asked for.

    A proposal outside the space (a partial table, a space in which not every combination is
    valid) is a failed trial for the searcher, which is asked again. A searcher that ignores
    failures may propose the same for ever: after `TRIES` in a row an architecture is drawn
    uniformly, whose result reaches the searcher by `add_evaluated_point` if it has that.

    Args:
        space: Where to search; must have a fixed number of decisions.
        seed: The search's seed.
        name: The searcher's registered name, for error messages.
        make: Makes the Ray Tune searcher, seeded, without space and metric.
        around: The context of every call of foreign code.

    Attributes:
        wrapped: The Ray Tune searcher.
        outside: How many proposals lay outside the space.
        replaced: How many architectures were drawn because all tries lay outside.

    Raises:
        UserError: If the space does not suit, or the searcher cannot be made.
    """

    # Model-based libraries propose 50 to 1,000 times a second: some seconds a batch.
    slowness = 20

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        name: str,
        make: Callable[[], Any],
        around: AbstractContextManager[Any] | None = None,
    ) -> None:
        super().__init__(space, seed)
        self.name = name
        self.outside = self.replaced = 0
        self._decisions = decisions(space, name)
        self._around = around or nullcontext()
        self._trials = 0
        self._trial_of: list[str | None] = []
        self._finished = False
        with self._foreign(UserError):
            self.wrapped = make()
            self._introduce()

    def _introduce(self) -> None:
        """Tell the searcher where it searches, and what for."""
        from ray.tune.search import Searcher as RaySearcher

        if not isinstance(self.wrapped, RaySearcher):
            kind = type(self.wrapped).__name__
            raise UserError(f"{self.name} makes a {kind}, which is no ray.tune.search.Searcher")
        if not self.wrapped.set_search_properties(METRIC, "max", tune_space(self._decisions)):
            raise UserError(
                f"{self.name} takes no search space: its set_search_properties must accept one"
                " and return True, as `Tuner(param_space=...)` demands"
            )

    @contextmanager
    def _foreign(self, kind: type[HarnessError] = HarnessError) -> Iterator[None]:
        """Errors of foreign code in one line that names it."""
        try:
            with self._around:
                yield
        except HarnessError:
            raise
        except Exception as error:
            raise kind(f"{self.name}: {type(error).__name__}: {error}") from error

    def ask(self) -> Proposal | None:
        """The next proposal; once the wrapped searcher has said FINISHED, none."""
        for _ in range(TRIES):
            if self._finished:
                return None
            trial_id = f"trial_{self._trials:06d}"
            self._trials += 1
            with self._foreign():
                config = self.wrapped.suggest(trial_id)
            # Tune's words: None is "not now", FINISHED is "never again".
            self._finished = config == "FINISHED"
            if config is None or self._finished:
                return None
            architecture = self._architecture(config)
            if architecture in self.space:
                self._trial_of.append(trial_id)
                return Proposal(architecture)
            self.outside += 1
            self._complete(trial_id, None)
        self.replaced += 1
        self._trial_of.append(None)
        return Proposal(self.space.sample(self.rng))

    def tell(self, observation: Observation) -> None:
        trial_id = self._trial_of[observation.number]
        if trial_id is not None:
            self._complete(trial_id, None if observation.failed else observation.value)
        elif not observation.failed:
            with self._foreign(), suppress(NotImplementedError):
                point = self._config(observation.architecture)
                self.wrapped.add_evaluated_point(point, observation.value)

    def _complete(self, trial_id: str, value: float | None) -> None:
        """A trial's end; without a value it has failed."""
        result = None
        if value is not None:
            # Beside the metric, what the libraries look at in the results of real trials.
            result = {METRIC: value, "training_iteration": 1, "done": True, "trial_id": trial_id}
        with self._foreign():
            self.wrapped.on_trial_complete(trial_id=trial_id, result=result, error=result is None)

    def _architecture(self, config: dict[str, Any]) -> Architecture:
        try:
            return tuple([d.at[config[d.label]] if d.label else 0 for d in self._decisions])
        except (KeyError, TypeError):
            raise HarnessError(
                f"{self.name} proposes {config}, which is not in the search space it was given"
            ) from None

    def _config(self, architecture: Any) -> dict[str, Any]:
        return {d.label: d.options[i] for d, i in zip(self._decisions, architecture) if d.label}

    def statistics(self) -> dict[str, Any]:
        return {"outside": self.outside, "replaced": self.replaced}


class Decision(NamedTuple):
    """A decision of a space, as Tune's search space has it.

    Attributes:
        label: Its name; empty if there is nothing to choose.
        options: Its options, called by their names, ordered ones by number.
        at: Option -> index.
        ordered: Whether neighbouring options are alike.
    """

    label: str
    options: tuple[Any, ...]
    at: dict[Any, int]
    ordered: bool


def decisions(space: SearchSpace, searcher: str) -> list[Decision]:
    """The decisions of a space.

    Args:
        space: A space.
        searcher: For whom, for error messages.

    Raises:
        UserError: If it has no fixed decisions, or nothing to decide.
    """
    if space.sizes is None:
        raise UserError(
            f"{searcher}: the space '{space.name}' has no fixed decisions; use another searcher"
        )
    if max(space.sizes) < 2:
        raise UserError(f"{searcher}: the space '{space.name}' holds a single architecture")
    ordinal = space.ordinal or [False] * len(space.sizes)
    names = getattr(space, "options", None)
    found = []
    for number, (size, ordered) in enumerate(zip(space.sizes, ordinal, strict=True)):
        options = tuple(names[number] if names and not ordered else range(size))
        label = f"decision_{number:02d}" if size > 1 else ""
        found.append(Decision(label, options, {o: i for i, o in enumerate(options)}, ordered))
    return found


def tune_space(decisions: list[Decision]) -> dict[str, Any]:
    """A Ray Tune search space, as one would write it by hand."""
    from ray import tune

    return {
        d.label: tune.randint(0, len(d.options)) if d.ordered else tune.choice(list(d.options))
        for d in decisions
        if d.label
    }
