"""The best practices of NAS research, as far as an experiment's records answer them.

The practices are those of Lindauer and Hutter, "Best Practices for Scientific Research on Neural
Architecture Search" (JMLR 21:243, 2020), in our words. Each is answered from the summary and from
what the tables say of themselves; what only the authors know counts as they declare it, and is
quoted as such. What neither answers stays unanswered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from harness.searcher_file import PREFIX
from reports.origins import Origin
from searchers import one_shot, registry

if TYPE_CHECKING:
    from reports.summary import BenchmarkSummary, Summary

YES, NO, UNANSWERED, NOT_APPLICABLE = "yes", "no", "unanswered", "not applicable"
RANDOM_SEARCH = "random_search"


@dataclass(frozen=True)
class Item:
    """One practice and how the experiment stands to it.

    Attributes:
        number: Its number in the paper, or two.
        practice: What is asked, in our words.
        answer: `YES`, `NO`, `UNANSWERED` or `NOT_APPLICABLE`.
        evidence: What the answer rests on, in sentences; what to declare where it is missing.
    """

    number: str
    practice: str
    answer: str
    evidence: str


def checklist(summary: Summary, origins: Sequence[Origin]) -> tuple[Item, ...]:
    """All practices, answered.

    Args:
        summary: The report without its checklist.
        origins: One a benchmark of the summary, in its order.
    """
    return (
        _training_code(summary, origins),
        _strategy_code(summary),
        _same_benchmark(summary),
        _ablations(summary),
        _same_protocol(summary),
        _any_time(summary),
        _random_search(summary),
        _seeds(summary),
        _tabular(origins),
        _confounders(summary, origins),
        _tuning(summary),
        _resources(summary),
        _details(summary, origins),
    )


def _training_code(summary: Summary, origins: Sequence[Origin]) -> Item:
    practice = "The code and settings that trained the networks are released."
    trained = [origin for origin in origins if origin.kind != "function"]
    if not trained:
        return Item("1", practice, NOT_APPLICABLE, "No benchmark of this report trains networks.")
    lacking = [origin.name for origin in trained if not origin.training]
    said = [
        f"{origin.name}: {origin.training['network']} of this package trained the cells on"
        f" {origin.training['dataset']}; the recipe"
        + (
            f" is {origin.training['recipe']}."
            if origin.kind == "live"
            else " stands in the table's header."
        )
        for origin in trained
        if origin.training
    ]
    answer = YES
    if lacking:
        told, answer = _declared(summary, "training_code")
        said.append(f"{_listed(lacking)}: the table does not say how to train its cells. {told}")
    return Item("1", practice, answer, " ".join(said))


def _strategy_code(summary: Summary) -> Item:
    practice = "The code of every strategy is released, as it was run."
    known = {**registry.builtin, **one_shot.registry.builtin}
    built_in = [s for s in summary.searchers if s["strategy"] in known]
    others = [s for s in summary.searchers if s["strategy"] not in known]
    said = []
    if built_in:
        version = summary.versions.get("nas-harness", "of an unknown version")
        names = _listed(s["searcher"] for s in built_in)
        said.append(f"Part of nas-harness {version}: {names}.")
    answer = YES
    if others:
        told, answer = _declared(summary, "code")
        names = _listed(
            s["searcher"] + (f" ({s['strategy']})" if s["strategy"].startswith(PREFIX) else "")
            for s in others
        )
        said.append(f"Not part of it: {names}. {told}")
    return Item("2, 3", practice, answer, " ".join(said))


def _same_benchmark(summary: Summary) -> Item:
    practice = "All strategies are run on the same space, data and training code."
    everyone = [s["searcher"] for s in summary.searchers]
    lacking = []
    for benchmark in summary.benchmarks:
        missing = [s for s in everyone if s not in {f.searcher for f in benchmark.finals}]
        if missing:
            lacking.append(f"{_listed(missing)} has no search on {benchmark.name}.")
    if lacking:
        return Item("4", practice, NO, " ".join(lacking))
    same = _listed(f"{b.name} (checksum {b.checksum[:16]})" for b in summary.benchmarks)
    said = f"All {len(everyone)} read their answers from {same}."
    if summary.one_shot:
        said += (
            f" {_listed(summary.one_shot)}: what they derive is judged there; their supernets"
            " are trained on the benchmark's own images, with code of their own."
        )
    return Item("4", practice, YES, said)


def _ablations(summary: Summary) -> Item:
    practice = "Ablations show which part of a strategy matters."
    pairs = []
    for a, b in combinations(summary.searchers, 2):
        if a["strategy"] != b["strategy"] or a["strategy"] == RANDOM_SEARCH:
            continue
        differing = [k for k in a["options"] if a["options"][k] != b["options"].get(k)]
        if len(differing) == 1:
            pairs.append(f"{a['searcher']} and {b['searcher']} differ in {differing[0]} alone.")
    if pairs:
        return Item("5", practice, YES, " ".join(pairs))
    told, answer = _declared(summary, "ablations")
    nothing = "No two searchers here are one strategy with a single option changed."
    return Item("5", practice, answer, f"{nothing} {told}")


def _same_protocol(summary: Summary) -> Item:
    practice = "All strategies are evaluated by the same protocol, without test data."
    said = [
        f"{b.name}: protocol {b.protocol['name']} ({b.protocol_hash}), selected on"
        f" {b.split['selection']}, reported on {b.split['report']}"
        + (f"; it leaks: {' '.join(b.leaks)}" if b.leaks else ".")
        for b in summary.benchmarks
    ]
    alone = bool(summary.one_shot) and summary.workers > 1
    workers = f"{_workers(summary)}{', but for one-shot methods, which have one' if alone else ''}"
    said.append(f"Every search has the budget {_budget(summary)} and {workers}.")
    if summary.one_shot:
        said.append(
            f"{_listed(summary.one_shot)}: supernets see training and validation images only; the"
            " budget is theirs in image passes, the derived network's full training among them."
        )
    leaks = any(b.leaks for b in summary.benchmarks)
    return Item("6", practice, NO if leaks else YES, " ".join(said))


def _any_time(summary: Summary) -> Item:
    practice = "Results are shown as a function of the resources spent."
    said = []
    for b in summary.benchmarks:
        evaluations = max((curve.x[-1] for curve in b.curves if curve.x), default=0)
        seconds = max((curve.x[-1] for curve in b.time_curves if curve.x), default=0.0)
        said.append(
            f"{b.name}: incumbents after 1 to {evaluations:,.0f} charged evaluations"
            f"{_as_many(b)} and up to"
            f" {seconds:,.4g} virtual seconds."
        )
    return Item("7", practice, YES, " ".join(said))


def _as_many(benchmark: BenchmarkSummary) -> str:
    """What evaluations stand for beside one-shot methods."""
    if not benchmark.one_shot:
        return ","
    if not benchmark.short:
        return ", or as many image passes,"
    return (
        f" (of one-shot methods as many image passes as full trainings have; those of"
        f" {_listed(benchmark.short)} are shorter)"
    )


def _random_search(summary: Summary) -> Item:
    practice = "Strategies are compared with random sampling and with random search."
    said, answered = [], True
    for b in summary.benchmarks:
        exact = b.exact
        if exact is not None and exact.curve.report and exact.curve.report[0] is not None:
            one = f"one random draw is worth {exact.curve.report[0]:.4g} {b.units['report']}"
            said.append(f"{b.name}: exactly, {one}; random search is computed from the table.")
        elif summary.random_search is not None:
            said.append(f"{b.name}: {summary.random_search} ran with the same seeds and budget.")
        else:
            answered = False
            said.append(f"{b.name}: neither sampled nor exact ({b.exact_missing}).")
    return Item("8", practice, YES if answered else NO, " ".join(said))


def _seeds(summary: Summary) -> Item:
    practice = "Every strategy is run several times; seeds and spread are reported."
    counts = [f.n for b in summary.benchmarks for f in b.finals]
    least, most = min(counts), max(counts)
    span = f"{least}" if least == most else f"{least} to {most}"
    first, last = summary.seeds[0], summary.seeds[-1]
    every = last - first + 1 == len(summary.seeds)
    seeds = f"{first} to {last}" if every and last > first else _listed(map(str, summary.seeds))
    said = f"{span} searches of each strategy, seeds {seeds}."
    if summary.finished < summary.expected:
        said += f" {summary.expected - summary.finished} of {summary.expected} are missing."
    if least > 1:
        said += " Means have 95% intervals; standard deviations are given."
    return Item("9", practice, YES if least > 1 else NO, said)


def _tabular(origins: Sequence[Origin]) -> Item:
    practice = "Tabular or surrogate benchmarks are used where possible."
    tables = [o.name for o in origins if o.kind == "table"]
    functions = [o.name for o in origins if o.kind == "function"]
    live = [o.name for o in origins if o.kind == "live"]
    unknown = [o.name for o in origins if not o.kind]
    said = [
        f"{_listed(names)}: {what}."
        for names, what in (
            (tables, "a table"),
            (functions, "a computed function"),
            (live, "live training"),
            (unknown, "not at hand as it was when the searches ran"),
        )
        if names
    ]
    answer = YES if tables and not unknown else UNANSWERED if unknown else NOT_APPLICABLE
    return Item("10", practice, answer, " ".join(said))


def _confounders(summary: Summary, origins: Sequence[Origin]) -> Item:
    practice = "Confounding factors (hardware, versions, run times) are controlled."
    missing = summary.expected - summary.finished
    if missing:
        said = f"{missing} of {summary.expected} searches are missing: seeds are not all shared."
        return Item("11", practice, NO, said)
    if not all(origin.kind for origin in origins):
        lost = _listed(o.name for o in origins if not o.kind)
        return Item("11", practice, UNANSWERED, f"{lost} is not at hand as it was.")
    versions = _listed(f"{name} {version}" for name, version in sorted(summary.versions.items()))
    live = any(origin.kind == "live" for origin in origins)
    devices = " Live trainings depend on their devices, which stand with their costs." * live
    supernets = (
        " What one-shot methods derive may depend on the device and the versions that their"
        " supernets were trained with."
    ) * bool(summary.one_shot)
    said = (
        "Results and times are the benchmarks' own: the machine of the searches changes none."
        f"{devices}{supernets} All strategies share {len(summary.seeds)} seeds."
        f" Versions: {versions}."
    )
    return Item("11", practice, YES, said)


def _tuning(summary: Summary) -> Item:
    practice = "Options are reported, and how they were chosen."
    told, answer = _declared(summary, "tuning")
    shown = f"The options of all {len(summary.searchers)} strategies stand in the experiment file."
    return Item("12", practice, answer, f"{shown} {told}")


def _resources(summary: Summary) -> Item:
    practice = "The resources of the entire work are reported, end to end."
    told, answer = _declared(summary, "resources")
    said = (
        f"{summary.finished:,} searches made {summary.evaluations:,} evaluations, whose virtual"
        " time is counted. Tuning, the strategies' own computing and a final training are not."
    )
    if summary.one_shot:
        said += (
            f" {_listed(summary.one_shot)}: the supernets' training and one full training of what"
            " they derive are counted."
        )
    return Item("13", practice, answer, f"{said} {told}")


def _details(summary: Summary, origins: Sequence[Origin]) -> Item:
    practice = "All details of the setup are reported, hardware included."
    said = ["Protocols, budget, seeds, versions, digests and the experiment file are given."]
    measured = [o for o in origins if o.kind != "function"]
    said += [
        f"{o.name} was measured on: {o.provenance['machine']}."
        for o in measured
        if o.provenance.get("machine")
    ]
    lacking = [o.name for o in measured if not o.provenance.get("machine")]
    answer = YES
    if lacking:
        told, answer = _declared(summary, "hardware")
        said.append(f"{_listed(lacking)}: the hardware is not recorded. {told}")
    return Item("14", practice, answer, " ".join(said))


def _declared(summary: Summary, name: str) -> tuple[str, str]:
    """What the authors declare of something, and the answer that follows."""
    if name in summary.declared:
        return f"The authors declare: {summary.declared[name]}", YES
    return f"Declare `{name}` in the experiment file.", UNANSWERED


def _budget(summary: Summary) -> str:
    return _listed(
        f"{v:,} image passes" if k == "image_passes" else f"{v:g} {k}"
        for k, v in summary.budget.items()
        if v is not None
    )


def _workers(summary: Summary) -> str:
    return f"{summary.workers} simulated worker{'s' if summary.workers > 1 else ''}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
