"""Which lane each batch of an experiment takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.experiment import Batch
from harness.resources import Resources


def run_batches(
    batches: list[Batch],
    out: Path,
    trials: str,
    resources: Resources,
    *,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Run searches on Ray Tune and write their traces.

    Args:
        batches: The searches.
        out: The experiment's directory.
        trials: What one trial is: "search" or "evaluation"; see `Experiment.run`.
        resources: What a training takes of the cluster.
        address: See `harness.tune.session.ray_session`.
        progress: Called with (finished searches, evaluations).

    Raises:
        UserError: If a search cannot be carried out as asked.
        HarnessError: If running fails.
    """
    # A supernet is one trial whatever the others are.
    supernets = [batch for batch in batches if batch.cell.one_shot]
    others = [batch for batch in batches if not batch.cell.one_shot]
    single = [batch for batch in others if trials == "evaluation" or batch.cell.live]
    whole = [batch for batch in others if not (trials == "evaluation" or batch.cell.live)]
    if whole:
        from harness.tune.searches import run_searches

        run_searches(whole, out, address=address, progress=progress)
    if single:
        from harness.tune.evaluations import run_evaluations

        run_evaluations(single, out, address=address, progress=progress, resources=resources)
    if supernets:
        from harness.tune.one_shot import run_one_shot

        run_one_shot(supernets, out, address=address, progress=progress, resources=resources)
