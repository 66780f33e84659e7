"""How a report's numbers are computed, and how to compute them again."""

from __future__ import annotations

from reports.document import Section
from reports.sections.naming import exception
from reports.statistics.skewed_t import FEWEST
from reports.summary import Summary

ONE_SHOT = (
    "One-shot methods ({labels}) evaluate nothing: they train a supernet, which holds all"
    " architectures, and derive one from it each epoch. The incumbent is the latest derivation,"
    " not the best: the method is told nothing of what its derivations are worth, and its supernet"
    " saw training and validation images only. An image pass is one image on its way forward and"
    " backward through a network once, whatever is updated. Images that are only classified are"
    " free in image passes, and cost a third of a pass in virtual time. Methods are compared at"
    " equal image passes: after e evaluations a one-shot method has used as many as e full"
    " trainings, as have strategies whose evaluations are full trainings.{exception} One of these"
    " is the full training of the derived network"
    " itself, which is charged to every derivation; before the supernet's first epoch and that"
    " training there is no incumbent."
)
"""How one-shot methods stand beside others; for `str.format` with their labels, and a sentence on
strategies whose evaluations are short."""


def method(summary: Summary) -> Section:
    """The definitions that the page uses."""
    exact = (
        "Exact random search is the distribution of the best of n draws, from the order statistics"
        " of the table and its training seeds. Its curve, expectation and quantiles have no"
        " sampling error, so that a strategy's interval is all the uncertainty that there is. The"
        " test against it asks whether a search of the strategy is as likely to be better as to be"
        " worse than a random search."
    )
    if summary.workers > 1:
        exact += (
            " It counts evaluations; the sampled curves are in the order of completion, in which"
            f" {summary.workers} workers finish quick networks first, so that only the end of the"
            " exact curve holds for them."
        )
    labels = ", ".join(summary.one_shot)
    one_shot = (
        [ONE_SHOT.format(labels=labels, exception=exception(summary.short))] if labels else []
    )
    if labels and summary.workers > 1:
        one_shot.append(
            "A supernet is trained by one worker: by virtual time, the other strategies have"
            f" {summary.workers} at once."
        )
    return Section(
        "method",
        "How this was computed",
        text=(
            "The incumbent of a search is the evaluation with the best selection value so far, in"
            " the order of completion; of equal ones the earlier. Failed evaluations never become"
            " incumbents. Curves and tables show the incumbent's reported result.",
            *one_shot,
            exact,
            "A verdict of better or worse needs a Holm-adjusted p value below 0.05, and the 95%"
            " interval of the mean difference on the same side of zero as the probability of"
            " superiority is of one half. Everything else is called “no difference shown”, which"
            " is not evidence of equality.",
            "Curves: means over searches; searches that ended early keep their last incumbent;"
            " points that fewer than half of the searches have reached are left out. Intervals and"
            f" bands of means: 95%, Student's t, from {FEWEST} searches on with Hall's correction"
            " for skewness; no interval where there is one search. Intervals marked † promise"
            " nothing, because more than a fifth of the results are the same; the others assume"
            " that results have no heavy tails.",
        ),
    )
