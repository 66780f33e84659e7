"""What a benchmark's searches were asked: protocol, splits, budget, exact random search."""

from __future__ import annotations

from typing import Any

from reports.sections.naming import exception
from reports.summary import BenchmarkSummary, ExactBaseline, Summary


def warnings(benchmark: BenchmarkSummary) -> tuple[str, ...]:
    """What leaks, if anything does."""
    if not benchmark.leaks:
        return ()
    return (
        f"Leak, permitted by allow_leak: {'; '.join(benchmark.leaks)}. Results of this search are"
        " not results on unseen images.",
    )


def question(summary: Summary, benchmark: BenchmarkSummary) -> tuple[str, ...]:
    """Paragraphs."""
    found = [_protocol(benchmark)]
    if benchmark.protocol["fidelities"] and summary.budget["evaluations"] is not None:
        found.append(
            "The budget counts evaluations, and a short training counts like a full one: compare"
            " strategies that ask for fewer epochs by virtual time, or give the budget in seconds"
            " or epochs."
        )
    if benchmark.one_shot:
        found.append(
            f"{', '.join(benchmark.one_shot)}: one-shot, a supernet that is trained and asked for"
            " an architecture. What holds after e evaluations is the latest derivation after as"
            " many image passes as e full trainings have, its own full training among them."
            " Evaluations of the other strategies are full trainings." + exception(benchmark.short)
        )
    if benchmark.exact is not None and benchmark.exact.final is not None:
        found.append(_exact(benchmark.exact, benchmark.units["report"]))
    else:
        text = f"Exact random search not available: {benchmark.exact_missing}."
        if summary.random_search:
            text += " Comparisons are with the sampled one."
        found.append(text)
    return tuple(found)


def _protocol(benchmark: BenchmarkSummary) -> str:
    protocol: dict[str, Any] = benchmark.protocol
    select = protocol["select"] or protocol["search"]

    def images(role: str) -> str:
        return benchmark.split[role] or "no images"

    text = (
        f"Protocol {protocol['name']} (hash `{benchmark.protocol_hash}`): strategies are told"
        f" `{protocol['search']['column']}` ({images('search')}); the winner is selected by"
        f" `{select['column']}` ({images('selection')}); reported is"
        f" `{protocol['report']['column']}` ({images('report')})"
    )
    if not benchmark.leaks:
        text += ", which no strategy sees"
    text += f". {'Larger' if benchmark.maximize else 'Smaller'} is better."
    return f"{text} {_sentence(protocol['note'])}" if protocol["note"] else text


def _sentence(note: str) -> str:
    """A note as a sentence."""
    return f"{note[0].upper()}{note[1:].rstrip('.')}."


def _exact(exact: ExactBaseline, unit: str) -> str:
    assert exact.final is not None and exact.n is not None
    digits = ".3f" if unit == "%" else ".4g"
    replacement = "with" if exact.replacement else "without"
    text = (
        f"Exact random search: the best of {exact.n:,} uniform draws {replacement} replacement"
        f" from {exact.architectures:,} architectures, selected by its selection value, has an"
        f" expected result of {exact.final.mean:{digits}}{unit}"
    )
    if exact.final.sd is not None:
        text += f" (standard deviation {exact.final.sd:{digits}})"
    text += ", computed from the table without sampling."
    if exact.check is not None:
        check = exact.check
        text += f" The {check.n} sampled searches have a mean of {check.sampled:{digits}}{unit}"
        if check.z is not None:
            text += f", {abs(check.z):.1f} standard errors {'above' if check.z > 0 else 'below'}"
        if exact.same_as_sampled:
            agree = "they agree" if check.agrees else "they do not agree: look into this"
            text += f": {agree}"
        text += "."
    if not exact.same_as_sampled:
        text += (
            " It is uniform over covered cells, while the sampled random search is uniform over"
            " encodings, of which a cell has several: the two differ, and verdicts are against"
            " the sampled one where there is one."
        )
    return text
