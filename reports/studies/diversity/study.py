"""The study: distances, tests, operations and drawings of what an experiment's searches found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path

import numpy as np

from harness.errors import UserError, unknown
from harness.spaces import SearchSpace
from harness.streams import stream
from reports.intervals import Estimate, estimate_mean
from reports.records import Question
from reports.studies.diversity.distance import distances
from reports.studies.diversity.found import TAKE, Found, read_found
from reports.studies.diversity.graphs import (
    CellGraph,
    base_architectures,
    cell_graph,
    operation_names,
)
from reports.studies.diversity.label_tests import (
    Labelled,
    benjamini_hochberg,
    ks_test,
    label_test,
)
from reports.studies.diversity.means import between, within
from reports.studies.diversity.operations import counted, operation_use, together
from reports.studies.diversity.overlay import overlay
from reports.studies.diversity.result import (
    BenchmarkDiversity,
    Diversity,
    Group,
    Pair,
)

BY = ("searcher", "seed")
MOST_SEARCHES = 100
MOST_PAIRED = 10
"""Groups up to which every two are compared."""

MOST_DRAWN = 8
"""Groups up to which each is drawn and its operations counted; else all searches as one."""

EVERYTHING = "all searches"
RANDOM_PAIRS = 500


def diversity(
    directory: str | Path,
    *,
    by: str = "searcher",
    take: str = "winner",
    count: int = 10,
    searches: int = MOST_SEARCHES,
) -> Diversity:
    """How different the architectures are that an experiment's searches found.

    Args:
        directory: The experiment's ``--out`` directory.
        by: What makes a group: "searcher" or "seed".
        take: Of each search its "winner", the "top" distinct networks by selection value,
            or the "last" evaluated ones.
        count: How many of them at most.
        searches: Most searches of a strategy, those with the least seeds.

    Raises:
        UserError: If the directory holds no finished search, or an option is unknown.
        HarnessError: If a trace file is damaged.
    """
    for kind, given, known in (("grouping", by, BY), ("choice", take, TAKE)):
        if given not in known:
            raise unknown(kind, given, known)
    if count < 1 or searches < 1:
        raise UserError(f"count={count}, searches={searches}; each at least 1")
    count = 1 if take == "winner" else count
    records, found = read_found(directory, take, count, searches)
    return Diversity(
        by=by,
        take=take,
        count=count,
        searches=searches,
        versions=dict(records.document["versions"]),
        benchmarks=tuple(
            compared(question, *found[question.key], by)
            for question in records.questions
            if question.key in found
        ),
    )


def compared(
    question: Question, space: SearchSpace, found: Sequence[Found], by: str = "searcher"
) -> BenchmarkDiversity:
    """How different the architectures are that searches on one benchmark found.

    Args:
        question: What they were asked.
        space: The benchmark's.
        found: What each search found, at least one.
        by: What makes a group: "searcher" or "seed".
    """
    name_of = [search.searcher if by == "searcher" else f"seed {search.seed}" for search in found]
    names = list(dict.fromkeys(name_of))
    graphs = [[cell_graph(space, a) for a in search.architectures] for search in found]
    data = Labelled(
        distance=_between_searches(graphs),
        label=np.array([names.index(name) for name in name_of]),
        block=_blocks(found, by),
    )
    reports = np.array([search.report for search in found])
    base, whole = base_architectures(space)
    base_graphs = [cell_graph(space, a) for a in base]
    kinds = operation_names(space) or tuple(
        sorted({o for g in chain(base_graphs, *graphs) for o in g.operations})
    )
    base_counts = counted(base_graphs, kinds)
    drawn = {name: np.flatnonzero(data.label == i).tolist() for i, name in enumerate(names)}
    if len(names) > MOST_DRAWN:
        drawn = {EVERYTHING: list(range(len(found)))}
    counts = {g: [counted(graphs[i], kinds) for i in members] for g, members in drawn.items()}
    drawings = [
        overlay(group, [graph for i in members for graph in graphs[i]], kinds)
        for group, members in drawn.items()
    ]
    return BenchmarkDiversity(
        benchmark=question.label,
        checksum=question.checksum,
        protocol_hash=question.protocol.hash,
        leaks=question.leaks,
        unit=question.units["report"],
        space=space.name,
        numbered=graphs[0][0].numbered,
        groups=tuple(_group(space, data, i, name, found, graphs) for i, name in enumerate(names)),
        random_pair=_random_pair(space),
        test=label_test(data) if 1 < len(names) < len(found) else None,
        pairs=_pairs(data, names, reports, by) if len(names) <= MOST_PAIRED else (),
        whole_space=whole,
        operations=tuple(
            use for g, c in counts.items() for use in operation_use(g, kinds, c, base_counts)
        ),
        together=tuple(
            both for g, c in counts.items() for both in together(g, kinds, c, base_counts)
        ),
        dots=tuple(dot for dots, _ in drawings for dot in dots),
        lines=tuple(line for _, lines in drawings for line in lines),
    )


def _between_searches(graphs: Sequence[Sequence[CellGraph]]) -> np.ndarray:
    """Mean distance between an architecture of one search and one of another, [n, n]."""
    search = np.repeat(np.arange(len(graphs)), [len(own) for own in graphs])
    distance = distances([graph for own in graphs for graph in own])
    member = (search[:, None] == np.arange(len(graphs))).astype(np.float64)
    member /= member.sum(axis=0)
    found = member.T @ distance @ member
    np.fill_diagonal(found, 0.0)
    return np.asarray(found)


def _blocks(found: Sequence[Found], by: str) -> np.ndarray:
    """What labels are permuted within: seeds, or where these are the groups, strategies."""
    if by == "searcher":
        return np.array([search.seed for search in found])
    names = list(dict.fromkeys(search.searcher for search in found))
    return np.array([names.index(search.searcher) for search in found])


def _group(
    space: SearchSpace,
    data: Labelled,
    label: int,
    name: str,
    found: Sequence[Found],
    graphs: Sequence[Sequence[CellGraph]],
) -> Group:
    members = np.flatnonzero(data.label == label)
    searches = [found[i] for i in members.tolist()]
    return Group(
        name=name,
        searches=len(members),
        distinct=len({graph for i in members.tolist() for graph in graphs[i]}),
        networks=len({space.canonical(a) for one in searches for a in one.architectures}),
        within=within(data.distance[np.ix_(members, members)]),
        report=estimate_mean(np.array([one.report for one in searches])),
    )


def _pairs(data: Labelled, names: Sequence[str], reports: np.ndarray, by: str) -> tuple[Pair, ...]:
    found = []
    for i, j in combinations(range(len(names)), 2):
        a, b = np.flatnonzero(data.label == i), np.flatnonzero(data.label == j)
        paired = by == "searcher" and np.array_equal(data.block[a], data.block[b])
        estimate = between(data.distance[np.ix_(a, b)], paired=paired)
        inner = [within(data.distance[np.ix_(m, m)]).mean for m in (a, b)]
        excess = None
        if inner[0] is not None and inner[1] is not None and estimate.mean is not None:
            excess = estimate.mean - (inner[0] + inner[1]) / 2.0
        p = label_test(data.only(i, j)).p if excess is not None else None
        ks, ks_p = ks_test(reports[a], reports[b]) if by == "searcher" else (None, None)
        found.append(Pair(names[i], names[j], estimate, excess, p, None, ks, ks_p, None))
    adjusted = benjamini_hochberg([pair.p for pair in found])
    ks_adjusted = benjamini_hochberg([pair.ks_p for pair in found])
    return tuple(
        replace(pair, p_adjusted=p, ks_adjusted=ks)
        for pair, p, ks in zip(found, adjusted, ks_adjusted, strict=True)
    )


def _random_pair(space: SearchSpace) -> Estimate:
    """The distance of two uniform draws, from `RANDOM_PAIRS` independent pairs."""
    rng = stream(0, "random pairs", space.name)
    values = []
    for _ in range(RANDOM_PAIRS):
        pair = [cell_graph(space, space.sample(rng)) for _ in range(2)]
        values.append(distances(pair)[0, 1])
    return estimate_mean(np.array(values, dtype=np.float64))
