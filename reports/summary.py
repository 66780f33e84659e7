"""A report as one frozen value, which the page and its figures only draw."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import UserError
from reports.anytime import AnytimeCurve
from reports.catching_up import CatchingUp
from reports.checklist import Item
from reports.comparison import Comparison
from reports.finals import FinalResults, Spread
from reports.random_search import ExactCurve
from reports.rounding import IF_KNOWN, to_json
from reports.statistics.evidence import Evidence
from reports.statistics.overall import Overall
from reports.statistics.ranks import Ranks
from reports.training_costs import TrainingCosts
from reports.views import Views


@dataclass(frozen=True)
class Searches:
    """What was run in one cell.

    Attributes:
        searcher: The searcher's label.
        searches: Finished searches.
        evaluations: Recorded evaluations, or derivations of a one-shot method.
        statuses: Status -> evaluations.
        stopped: Why searches ended -> searches.
        digest: SHA-256 over the digests of the traces in the order of the seeds.
        image_passes: Mean number that a search used; None where nobody says how many images an
            epoch has.
        one_shot: Whether it is a one-shot method, whose rows are derivations.
        short: Whether some evaluations trained for less than a full training.
        classified: Mean number of images that a one-shot search only classified; None where
            nobody says so.
    """

    searcher: str
    searches: int
    evaluations: int
    statuses: dict[str, int]
    stopped: dict[str, int]
    digest: str
    image_passes: float | None = field(default=None, metadata=IF_KNOWN)
    one_shot: bool = field(default=False, metadata=IF_KNOWN)
    short: bool = field(default=False, metadata=IF_KNOWN)
    classified: float | None = field(default=None, metadata=IF_KNOWN)


@dataclass(frozen=True)
class SampledCheck:
    """The sampled random search beside the exact one.

    Attributes:
        searcher: The sampled one's label.
        n: Searches.
        sampled: Their mean reported result.
        z: Its distance from the exact expectation in standard errors; None without spread.
        agrees: Whether |z| < 3.
    """

    searcher: str
    n: int
    sampled: float
    z: float | None
    agrees: bool


@dataclass(frozen=True)
class ExactBaseline:
    """Random search computed from the table.

    Attributes:
        replacement: Whether architectures may be drawn twice.
        shared: Whether a second visit repeats the first one's draw.
        same_as_sampled: Whether this is the distribution of the sampled random search; False
            where several encodings stand for one cell: here covered cells are drawn uniformly,
            there encodings.
        architectures: Number of architectures that are drawn from.
        curve: Expectations after each number of evaluations.
        n: Evaluations of the final result; None if the budget does not fix their number.
        final: Distribution of the final reported result.
        check: The sampled random search beside it.
    """

    replacement: bool
    shared: bool
    same_as_sampled: bool
    architectures: int
    curve: ExactCurve
    n: int | None
    final: Spread | None
    check: SampledCheck | None


@dataclass(frozen=True)
class BenchmarkSummary:
    """Everything about one benchmark.

    Attributes:
        name: Its label in the report.
        source: Registered name or path of the table.
        dataset: The table's data set.
        checksum: The table's.
        protocol: The protocol's fields.
        protocol_hash: Its hash.
        split: Role -> images.
        units: Role -> unit.
        leaks: How the search uses test images, in sentences.
        maximize: Whether larger reported results are better.
        optimum: Best mean reported result in the table; None if the table was not found.
        curves: By evaluations, one a searcher.
        time_curves: By virtual seconds, one a searcher.
        catching_up: When each strategy is where the sampled random search ends.
        exact: Exact random search; None if there is none.
        exact_missing: Why exact random search or its final result is not available; "".
        finals: One a searcher.
        comparisons: One a strategy and reference.
        searches: What was run, one a searcher.
        space: Name of the search space; "" if the table was not found.
        evidence: Dominance, equivalence and power, one a strategy but random search.
        views: Equivalent budgets, runtimes, percentiles, the space, what was evaluated.
        trainings: What the trainings of a live benchmark cost; None for others.
    """

    name: str
    source: str
    dataset: str
    checksum: str
    protocol: dict[str, Any]
    protocol_hash: str
    split: dict[str, str]
    units: dict[str, str]
    leaks: tuple[str, ...]
    maximize: bool
    optimum: float | None
    curves: tuple[AnytimeCurve, ...]
    time_curves: tuple[AnytimeCurve, ...]
    catching_up: tuple[CatchingUp, ...]
    exact: ExactBaseline | None
    exact_missing: str
    finals: tuple[FinalResults, ...]
    comparisons: tuple[Comparison, ...]
    searches: tuple[Searches, ...]
    space: str = ""
    evidence: tuple[Evidence, ...] = ()
    views: Views = field(default_factory=Views)
    trainings: TrainingCosts | None = None

    @property
    def one_shot(self) -> tuple[str, ...]:
        """Labels of the one-shot methods."""
        return tuple(run.searcher for run in self.searches if run.one_shot)

    @property
    def short(self) -> tuple[str, ...]:
        """Labels of strategies with evaluations that are shorter than a full training."""
        return tuple(run.searcher for run in self.searches if run.short)

    def comparison(self, searcher: str, reference: str) -> Comparison | None:
        """A strategy's comparison with one reference, if there is one."""
        found = (c for c in self.comparisons if (c.searcher, c.reference) == (searcher, reference))
        return next(found, None)

    def headline(self, searcher: str) -> Comparison | None:
        """The comparison that counts: with the exact distribution where it is random search's."""
        exact = self.comparison(searcher, "exact")
        sampled = self.comparison(searcher, "sampled")
        if exact and (sampled is None or (self.exact and self.exact.same_as_sampled)):
            return exact
        return sampled


@dataclass(frozen=True)
class Summary:
    """A report: every number that its page shows.

    Attributes:
        searchers: Label, strategy and options of each, random search first.
        random_search: Label of the sampled random search; None if there is none.
        seeds: The seeds that were asked for.
        budget: Its limits; None for none.
        workers: Simulated workers.
        versions: Package -> version.
        experiment: The experiment as a file for ``nas-harness run``.
        finished: Finished searches.
        expected: Searches that were asked for.
        evaluations: Recorded evaluations; derivations are none.
        family: Reference -> number of tests that Holm's method adjusts for.
        benchmarks: One each.
        declared: What the authors declare (`harness.declared`).
        checklist: How the experiment stands to the best practices of the field.
        overall: One verdict a strategy over all benchmarks.
        ranks: Mean ranks over search spaces; None if nothing was compared.
    """

    searchers: tuple[dict[str, Any], ...]
    random_search: str | None
    seeds: tuple[int, ...]
    budget: dict[str, int | float | None]
    workers: int
    versions: dict[str, str]
    experiment: str
    finished: int
    expected: int
    evaluations: int
    family: dict[str, int]
    benchmarks: tuple[BenchmarkSummary, ...]
    declared: dict[str, str] = field(default_factory=dict)
    checklist: tuple[Item, ...] = ()
    overall: tuple[Overall, ...] = ()
    ranks: Ranks | None = None

    @property
    def short(self) -> tuple[str, ...]:
        """Labels of strategies with short evaluations, in the order of the searchers."""
        found = {label for benchmark in self.benchmarks for label in benchmark.short}
        return tuple(s["searcher"] for s in self.searchers if s["searcher"] in found)

    @property
    def one_shot(self) -> tuple[str, ...]:
        """Labels of the one-shot methods, in the order of the searchers."""
        found = {label for benchmark in self.benchmarks for label in benchmark.one_shot}
        return tuple(s["searcher"] for s in self.searchers if s["searcher"] in found)

    @property
    def derivations(self) -> int:
        """Recorded derivations of the one-shot methods."""
        return sum(r.evaluations for b in self.benchmarks for r in b.searches if r.one_shot)

    def to_json(self) -> str:
        """The summary as JSON; numbers that do not exist are null."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Summary:
        """The inverse of `to_json`.

        Raises:
            UserError: If the text is no summary.
        """
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(cls).validate_json(text)
        except ValidationError as error:
            raise UserError(f"no summary of a report: {error.errors()[0]['msg']}") from None


def load_summary(path: str | Path) -> Summary:
    """The summary beside a report's page.

    Raises:
        UserError: If there is none.
    """
    try:
        return Summary.from_json(Path(path).read_text())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
