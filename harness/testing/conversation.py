"""Asking and telling a searcher by hand: a log of what was said, without a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import SearchSpace
from harness.streams import key, uniform

Score = Callable[[str, int], float]
"""Value of an architecture, from its notation and the number of earlier visits to it."""


@dataclass(frozen=True)
class Ask:
    """An `ask` and what it gave."""

    proposal: Proposal | None


@dataclass(frozen=True)
class Tell:
    """A `tell`."""

    observation: Observation


@dataclass
class Conversation:
    """What was said so far.

    Attributes:
        searcher: The searcher, in the state in which the conversation left it.
        events: All asks and tells, in order.
        in_flight: Proposals that were not told, with their numbers, in order.
        over: Whether the searcher had no proposal while nothing was in flight.
    """

    searcher: Searcher
    events: list[Ask | Tell] = field(default_factory=list)
    in_flight: list[tuple[int, Proposal]] = field(default_factory=list)
    over: bool = False

    @property
    def proposals(self) -> list[Proposal]:
        """All proposals, in order."""
        asks = (event.proposal for event in self.events if isinstance(event, Ask))
        return [proposal for proposal in asks if proposal is not None]


def hashed_score(text: str, visit: int) -> float:
    """A value in [0, 100) without any structure, the same at every visit."""
    return 100.0 * uniform(key(0, "score", text), 0, 0)


def converse(
    searcher: Searcher,
    space: SearchSpace,
    asks: int,
    *,
    workers: int = 1,
    last_first: bool = False,
    failing: Callable[[int], bool] = lambda number: False,
    score: Score = hashed_score,
    history: Conversation | None = None,
) -> Conversation:
    """Ask for proposals and tell their values until there are enough, or the search is over.

    Args:
        searcher: Whom to ask.
        space: Its space.
        asks: Number of proposals, those of the history included. What is in flight at the last
            one is never told.
        workers: Number of proposals in flight.
        last_first: Whether the last proposal in flight is told first, instead of the first.
        failing: Which proposals fail, by number.
        score: What the others are worth.
        history: What was said to this searcher before; default: nothing.

    Returns:
        The whole conversation.
    """
    talk = Conversation(searcher)
    if history is not None:
        talk.events, talk.in_flight = list(history.events), list(history.in_flight)
    visits: dict[str, int] = {}
    number = len(talk.proposals)
    while True:
        while len(talk.in_flight) < workers and number < asks:
            proposal = searcher.ask()
            talk.events.append(Ask(proposal))
            if proposal is None:
                talk.over = not talk.in_flight
                break
            talk.in_flight.append((number, proposal))
            number += 1
        if talk.over or number >= asks:
            return talk
        told, (architecture, fidelity, _) = talk.in_flight.pop(-1 if last_first else 0)
        text = space.to_string(architecture)
        visit = visits[text] = visits.get(text, -1) + 1
        failed = failing(told)
        value = -inf if failed else score(text, visit)
        observation = Observation(told, architecture, fidelity, value, failed)
        searcher.tell(observation)
        talk.events.append(Tell(observation))


def notation(space: SearchSpace, proposals: Sequence[Proposal]) -> list[str]:
    """Proposals as text."""
    return [f"{space.to_string(p.architecture)} {p.fidelity}" for p in proposals]
