"""What a study of optimizers and epochs has found, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from reports.intervals import Estimate
from reports.rank_correlation import Agreement


@dataclass(frozen=True)
class Level:
    """An optimizer after so many epochs.

    Attributes:
        optimizer: Its short name.
        epochs: How long every network was trained.
        accuracy: Mean validation accuracy over the networks, in percent, of the first trainings.
        sd: Standard deviation of the networks' accuracies.
        seconds: Mean seconds of training a network so long; None if they were not measured.
    """

    optimizer: str
    epochs: int
    accuracy: Estimate
    sd: float | None
    seconds: float | None

    @property
    def label(self) -> str:
        """As in the thesis' figures: the optimizer's name and the epochs."""
        return f"{self.optimizer} {self.epochs}"


@dataclass(frozen=True)
class Retention:
    """The ranking of a level against that of a full training.

    Attributes:
        subset: "all", or which of the networks.
        optimizer: The level's optimizer.
        epochs: Its epochs.
        reference: The optimizer of the full training.
        agreement: How far the rankings agree.
    """

    subset: str
    optimizer: str
    epochs: int
    reference: str
    agreement: Agreement


@dataclass(frozen=True)
class Typical:
    """Medians over optimizers of tau-b on all networks after so many epochs.

    Attributes:
        epochs: How long the first trainings were.
        own: Against a full training by the same optimizer.
        others: Against full trainings by each of the others.
    """

    epochs: int
    own: float | None
    others: float | None


@dataclass(frozen=True)
class OptimizerRanks:
    """A study of optimizers and epochs.

    Attributes:
        table: Name of the table of trainings.
        checksum: Its content.
        settings: Optimizer -> all its settings in one line.
        recipe: What else a training depended on, in one line.
        networks: Networks that were trained by every optimizer.
        epochs: The levels' epochs; the last one is the full training.
        retrained: Whether references are second trainings of their own. Otherwise they are the
            first ones, and a level of the same optimizer is a part of its reference.
        resamples: Bootstrap resamples of each tau.
        levels: One an optimizer and number of epochs.
        retention: All levels against all full trainings, for each subset.
        typical: One a number of epochs.
    """

    table: str
    checksum: str
    settings: dict[str, str]
    recipe: str
    networks: int
    epochs: tuple[int, ...]
    retrained: bool
    resamples: int
    levels: tuple[Level, ...]
    retention: tuple[Retention, ...]
    typical: tuple[Typical, ...]

    def agreement(
        self, optimizer: str, epochs: int, reference: str, subset: str = "all"
    ) -> Agreement:
        """How far a level agrees with a full training.

        Raises:
            KeyError: If they were not compared.
        """
        for found in self.retention:
            if (found.subset, found.optimizer, found.epochs, found.reference) == (
                subset,
                optimizer,
                epochs,
                reference,
            ):
                return found.agreement
        raise KeyError((optimizer, epochs, reference, subset))
