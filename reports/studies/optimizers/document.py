"""What a reader is to see of a study of optimizers and epochs."""

from __future__ import annotations

from importlib.metadata import version

import altair as alt

from reports.charts import Row, finished, layers
from reports.document import Cell, Column, Document, Figure, Section, Table
from reports.intervals import Estimate
from reports.rank_correlation import Tau
from reports.studies.optimizers.result import OptimizerRanks
from reports.studies.rank_retention.document import METHODS

RAW, ROUNDED = "tau-b", "tau-b, rounded"
_CELL = 22


def optimizer_document(study: OptimizerRanks) -> Document:
    """The page of a study."""
    return Document(
        title="Which short trainings order networks as long ones do?",
        lead=_lead(study),
        sections=(
            Section(
                name="ranks",
                title="Rankings against those of full trainings",
                text=(_trainings(study),),
                figures=(_heat_map(study, "all", "ranks-all"),),
                tables=(_own(study),),
                # One figure a section: a matrix needs the page's whole width.
                parts=tuple(
                    Section(
                        f"ranks-{place}",
                        f"The {subset} of the networks",
                        figures=(_heat_map(study, subset, f"ranks-subset-{place}"),),
                    )
                    for place, subset in enumerate(_subsets(study)[1:])
                ),
            ),
            Section(
                name="trainings",
                title="The trainings",
                text=(
                    "Learning rates are constant and this project's choice: no other source"
                    " reports its own, and another rate may change an optimizer's row.",
                    f"Beside the optimizer: {study.recipe}.",
                ),
                tables=(_levels(study), _settings(study)),
            ),
            _published(),
            Section(name="methods", title="How to read this", text=METHODS),
        ),
        provenance={
            "nas-harness": version("nas-harness"),
            "scipy": version("scipy"),
            f"table {study.table}": study.checksum,
        },
    )


def _published() -> Section:
    """What Kyriakides (2022, chapter 5) found, figures 5.7 and 5.8."""
    return Section(
        name="published",
        title="Published values",
        text=(
            "Kyriakides (2022, chapter 5) trained 140 convolutional networks of up to 148,140"
            " parameters on CIFAR-10 by the same seven optimizers for 1, 5, 10, 20 and 50 epochs,"
            " and ranked them by test accuracy, rounded to whole percents.",
        ),
        tables=(
            Table(
                name="published-optimizers",
                title="Tau-b of rounded accuracies, as published",
                columns=(
                    Column("short training"),
                    Column("full training"),
                    Column("tau-b, rounded", digits=3),
                    Column("standard error", digits=3),
                ),
                rows=(
                    ("SGD, 20 epochs", "SGD, 50 epochs", 0.851, 0.028),
                    ("Adamax, 5 epochs", "Adamax, 50 epochs", 0.779, None),
                ),
            ),
        ),
        folded=True,
    )


def _trainings(study: OptimizerRanks) -> str:
    text = (
        f"{study.networks:,} random cells of the topology space, each trained by"
        f" {len(study.settings)} optimizers. Rankings are by validation accuracy."
    )
    if study.retrained:
        return text + (
            " Rows are first trainings and columns second ones, so that a row and a column share"
            " no luck: where an optimizer's longest training meets itself stands its noise"
            " ceiling."
        )
    return text + (
        " Each network was trained once by each optimizer, so that a row is a part of the training"
        " of its own column, with which it agrees too well."
    )


def _subsets(study: OptimizerRanks) -> list[str]:
    """All networks, and what else the rankings were compared on."""
    return list(dict.fromkeys(r.subset for r in study.retention))


def _lead(study: OptimizerRanks) -> tuple[str, ...]:
    which = "second full" if study.retrained else "full"
    found = [
        f"Against a {which} training of {study.epochs[-1]} epochs by the same optimizer,"
        f" {study.networks:,} networks keep their order with a tau-b of"
        f" {_by_epochs(study, own=True)}, the median of {len(study.settings)} optimizers."
    ]
    if study.retrained:
        found[0] += " The last number is the noise ceiling."
    else:
        found[0] += " There the short training is the beginning of the full one, and the last"
        found[0] += " number is that of a training with itself."
    found.append(
        f"Against full trainings by the other optimizers: {_by_epochs(study, own=False)}."
    )
    taus = [
        r.agreement.tau.value
        for r in study.retention
        if r.subset == "all" and r.epochs < study.epochs[-1] and r.agreement.tau.value is not None
    ]
    if taus:
        found.append(
            f"Single pairs of a shorter and a full training lie between {_number(min(taus))} and"
            f" {_number(max(taus))}. Of {len(taus)} pairs the extremes are partly luck; the table"
            " has the intervals of single ones."
        )
    return tuple(found)


def _by_epochs(study: OptimizerRanks, *, own: bool) -> str:
    words = []
    for typical in study.typical:
        tau = typical.own if own else typical.others
        after = "epoch" if typical.epochs == 1 else "epochs"
        words.append(f"{_number(tau)} after {typical.epochs} {after}")
    return ", ".join(words)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def _heat_map(study: OptimizerRanks, subset: str, name: str) -> Figure:
    rows: list[Row] = []
    for r in study.retention:
        if r.subset != subset:
            continue
        for what, tau in ((RAW, r.agreement.tau), (ROUNDED, r.agreement.rounded)):
            if tau is not None:
                rows.append(
                    {
                        "level": f"{r.optimizer} {r.epochs}",
                        "reference": f"{r.reference} {study.epochs[-1]}",
                        "statistic": what,
                        "value": tau.value,
                        "low": tau.low,
                        "high": tau.high,
                        "n": r.agreement.n,
                    }
                )
    on = "all networks" if subset == "all" else f"the {subset} of the networks"
    title = f"Agreement with full trainings, {on}"
    shown = alt.param(
        name=f"shown_{name.replace('-', '_')}",
        value=RAW,
        bind=alt.binding_radio(options=[RAW, ROUNDED], name="shown: "),
    )
    levels = [level.label for level in study.levels]
    references = [f"{name} {study.epochs[-1]}" for name in study.settings]
    x = alt.X("reference:N", sort=references, axis=alt.Axis(title="full training", labelAngle=0))
    y = alt.Y("level:N", sort=levels, axis=alt.Axis(title=None))
    scale = alt.Scale(domain=[-1, 0, 1], range=["#b2182b", "#f7f7f7", "#2166ac"])
    base = alt.Chart().transform_filter(alt.datum.statistic == shown)
    squares = base.mark_rect().encode(
        x=x,
        y=y,
        color=alt.Color("value:Q", scale=scale, legend=alt.Legend(title=None)),
        tooltip=[
            alt.Tooltip("level:N"),
            alt.Tooltip("reference:N"),
            alt.Tooltip("value:Q", format=".3f"),
            alt.Tooltip("low:Q", title="95% from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
        ],
    )
    numbers = base.mark_text(fontSize=10).encode(
        x=x,
        y=y,
        text=alt.Text("value:Q", format=".2f"),
        color=alt.condition(
            alt.expr.abs(alt.datum.value) > 0.6, alt.value("white"), alt.value("#222222")
        ),
    )
    chart = layers(rows, squares, numbers).add_params(shown)
    names = tuple(rows[0])
    return Figure(
        name=name,
        title=title,
        caption=(
            "Each cell: Kendall's tau-b between the ranking after so many epochs (row) and that of"
            " a full training (column), raw or with accuracies rounded to whole percents."
        ),
        spec=finished(chart, title, height=_CELL * len(levels)),
        data=Table(
            f"{name}-data",
            title,
            tuple(Column(n) for n in names),
            tuple(tuple(row[n] for n in names) for row in rows),
        ),
    )


def _own(study: OptimizerRanks) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name in study.settings:
        for epochs in study.epochs:
            cells: list[Cell] = [name, epochs]
            for subset in _subsets(study):
                found = study.agreement(name, epochs, name, subset)
                cells += [found.n, _estimate(found.tau), _estimate(found.rounded or Tau(None))]
            rows.append(tuple(cells))
    columns = [Column("optimizer"), Column("epochs")]
    for subset in _subsets(study):
        on = "" if subset == "all" else f", {subset}"
        columns += [
            Column(f"networks{on}"),
            Column(f"{RAW}{on}", digits=2),
            Column(f"{ROUNDED}{on}", digits=2),
        ]
    return Table(
        name="own",
        title="Each optimizer against its own full training",
        columns=tuple(columns),
        rows=tuple(rows),
        note=(
            "The larger half by weights of a cell's convolutions. Intervals are the bootstrap's;"
            " with so few networks they are rough."
        ),
    )


def _estimate(tau: Tau) -> Estimate:
    return Estimate(tau.value, tau.low, tau.high)


def _levels(study: OptimizerRanks) -> Table:
    return Table(
        name="levels",
        title="Validation accuracy of the networks, and seconds to train one",
        columns=(
            Column("optimizer"),
            Column("epochs"),
            Column("mean accuracy", "%", digits=2),
            Column("standard deviation", "percentage points", digits=2),
            Column("seconds", "s"),
        ),
        rows=tuple((v.optimizer, v.epochs, v.accuracy, v.sd, v.seconds) for v in study.levels),
    )


def _settings(study: OptimizerRanks) -> Table:
    return Table(
        name="settings",
        title="The optimizers",
        columns=(Column("optimizer"), Column("settings")),
        rows=tuple((name, f"`{text}`") for name, text in study.settings.items()),
    )
