"""What a one-shot method is: it trains a supernet and derives architectures from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from harness.errors import HarnessError, UserError
from harness.one_shot.problem import Problem
from harness.spaces import Architecture


class Diverged(HarnessError):
    """A supernet whose loss or weights are no finite numbers any more: the search's end, recorded
    as a failed evaluation."""


class OneShot(ABC):
    """One search by a supernet, for one seed. Options are keyword-only, as a searcher's are.

    The harness calls `start` once, then `epoch` and `derive` in turn until the budget is used up;
    between epochs it may save `state`, and `restore` it in another process after `start`. Rules:

    * A method sees training and validation images alone (`problem.images`), and never a value of
      the benchmark.
    * All randomness comes from generators that are seeded by `harness.streams.key(self.seed,
      purpose)`; with one thread, the same seed gives the same architectures, interrupted or not.
    * One *image pass* is one image on its way forward and backward once, whatever is updated;
      images that are only classified are free, as they are for all methods.
    * Constructing is cheap and imports no torch: it checks the options.

    Args:
        problem: Space, images and recipe.
        seed: The search's seed.
        epochs: How often an architecture is derived; the budget is spread evenly over them.
            None: an epoch is one pass over the training images.

    Attributes:
        cost_factor: What an image pass costs, in units of one through an average network of the
            space. Known after `start`.
        classified: Images that were only classified so far. They take virtual time, a third of an
            image pass each, and are shown beside the image passes.

    Raises:
        UserError: If an option is out of range, or the space has no supernet for the method.
    """

    libraries: ClassVar[tuple[str, ...]] = ("torch",)
    """Distributions on whose version the result depends; experiments record it."""

    cost_factor: float = 1.0
    classified: int = 0

    def __init__(self, problem: Problem, seed: int, *, epochs: int | None = None) -> None:
        if epochs is not None and epochs < 1:
            raise UserError(f"{type(self).__name__}: epochs={epochs}; at least one")
        self.problem = problem
        self.seed = seed
        self.epochs = epochs

    @property
    def natural_epoch(self) -> int:
        """Image passes of an epoch where nobody gives their number: the training images once."""
        return self.problem.train_images

    def check(self, passes: int) -> None:  # noqa: B027  # nothing to refuse is the usual case
        """Refuse, before any search begins, what `start` or `derive` would refuse.

        Args:
            passes: Image passes of the whole search, about.

        Raises:
            UserError: If options, space, recipe and budget do not fit together.
        """

    @abstractmethod
    def start(self, passes: int) -> None:
        """Build supernet, optimizers and generators; called again, begin anew.

        Args:
            passes: Image passes of the whole search, for schedules.
        """

    @abstractmethod
    def epoch(self, passes: int) -> int:
        """Train for an epoch.

        Args:
            passes: At most so many image passes; a step that would exceed them is not taken.

        Returns:
            The image passes used.

        Raises:
            Diverged: If the supernet cannot go on.
        """

    @abstractmethod
    def derive(self) -> Architecture:
        """The architecture that the supernet holds now, one of the problem's space."""

    def log(self) -> dict[str, Any]:
        """Deterministic figures on the epoch that has ended, as JSON values."""
        return {}

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that `restore` needs; for ``torch.save`` and weights_only loading."""

    @abstractmethod
    def restore(self, state: dict[str, Any]) -> None:
        """Go on where another object of the same arguments was when it gave its state."""
