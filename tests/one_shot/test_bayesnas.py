"""BayesNAS: the method's loop, re-computed from its log, and its options."""

from __future__ import annotations

import copy
import io
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from harness.errors import UserError
from harness.one_shot import Diverged, Problem
from harness.recipes import Recipe
from harness.spaces import get_space
from harness.spec import SearcherSpec
from harness.testing import OneShotSuite
from searchers.one_shot.bayesnas import BayesNas
from searchers.one_shot.layouts import layout
from searchers.one_shot.supernets import supernet

torch = pytest.importorskip("torch", reason="trainings need torch")

RECIPE = Recipe(
    train_images=64,
    valid_images=32,
    test_images=32,
    epochs=2,
    batch_size=16,
    learning_rate=0.1,
    momentum=0.9,
    network={"width": 2, "depth": 1},
)
PROBLEM = Problem(get_space("tss"), "digits", RECIPE)
PASSES = 512
QUICK: dict[str, Any] = {
    "curvature": "diagonal",
    "curvature_batches": None,
    "sparsity": 0.05,
    "architecture_rate": 0.1,
}


def started(passes: int = PASSES, problem: Problem = PROBLEM, **options: Any) -> BayesNas:
    method = BayesNas(problem, 3, **{**QUICK, **options})
    method.start(passes)
    return method


def searched(epochs: int = 4, **options: Any) -> tuple[BayesNas, list[dict[str, Any]]]:
    """A finished search and its log."""
    method, logs, used = started(**options), [], 0
    for epoch in range(epochs):
        used += method.epoch(PASSES * (epoch + 1) // epochs - used)
        logs.append(method.log())
    assert method.weights.used == used <= PASSES
    return method, logs


def updates_of(logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [update for log in logs for update in log["updates"]]


def arrays(told: dict[str, Any]) -> dict[str, np.ndarray]:
    """The numbers of an update's cell, pruned entropies as -inf."""
    return {
        name: np.array(value, dtype=float)
        for name, value in told.items()
        if name not in ("gates", "kept")
    }


@pytest.mark.slow
class TestConformance(OneShotSuite):
    """What every one-shot method must do."""

    method = "bayesnas"
    options: ClassVar[dict[str, Any]] = {
        "curvature": "diagonal",
        "curvature_batches": 1,
        "iterations": 2,
        "dependency": "zero-own",
    }
    wrong: ClassVar[dict[str, Any]] = {"sparsity": 0.0, "iterations": 0, "warmup": 1.0}


# --- Algorithm 1 ------------------------------------------------------------------------


def test_an_update_follows_from_its_log_by_the_printed_equations() -> None:
    """(4-2), (4-3), (4-4), (3-5) and the entropy, as printed, from w, H and gamma(t-1)."""
    method, logs = searched(iterations=3, curvature_batches=1)
    dag = method.cells[0].cell.dag
    updates = updates_of(logs)
    assert [u["iteration"] for u in updates] == [1, 2, 3]
    alive = np.ones(dag.shape, dtype=bool)
    last = np.ones(dag.shape)
    for update in updates:
        u = arrays(update["cell"])
        gamma = u["gamma_before"]
        assert np.array_equal(gamma, last)
        h, w = np.maximum(u["H"][0] / 0.05, 1e-12), u["w"][0]
        on = gamma > 0
        C = 1 / (1 / gamma[on] + h[on])
        np.testing.assert_allclose(u["C"][0][on], C)
        np.testing.assert_allclose(
            u["omega"][on], np.sqrt(np.maximum(gamma[on] - C, 0)) / gamma[on], rtol=1e-5
        )
        np.testing.assert_allclose(u["s"][on], np.abs(w[on] / u["omega"][on]), rtol=1e-5)
        for e, (source, _) in enumerate(dag.edges):
            s = u["s"][e]
            with np.errstate(divide="ignore"):
                into = sum(u["s"][i].sum() for i, (_, t) in enumerate(dag.edges) if t == source)
                expected = s if source == 0 else 1 / (1 / into + 1 / s)
            np.testing.assert_allclose(u["gamma"][e], expected)
        with np.errstate(divide="ignore"):
            entropy = np.log(2 * np.pi * np.e * u["gamma"]) / 2
        np.testing.assert_allclose(np.nan_to_num(u["entropy"], nan=-np.inf), entropy)
        # What entropy prunes, and perhaps a path that is kept for the network's sake.
        kept = np.array(update["cell"]["kept"])
        relevant = alive & (entropy > 0)
        assert (kept >= relevant).all() and (kept <= alive).all()
        if relevant[dag.edges.index((0, 3))].any():
            assert np.array_equal(kept, relevant)
        alive, last = kept, u["gamma"]


def test_the_penalty_is_that_of_4_1() -> None:
    """Its gradient is lambda_w omega sign(w), that of the loss left alone."""
    method = started(dependency="zero-own", gate_sparsity=0.2)
    (cell,) = method.cells
    generator = torch.Generator().manual_seed(1)
    for parameter in method.parameters:
        parameter.detach().normal_(generator=generator)
    rng = np.random.default_rng(1)
    cell.prior = replace(cell.prior, omega=rng.random((6, 4)))
    cell.gate_prior = replace(cell.gate_prior, omega=rng.random(6))
    batch = method.weights.train.batch()
    with_penalty = torch.autograd.grad(method.objective(batch), method.parameters)
    loss = method.weights.loss(lambda x: method.forward(x, method.parameters), batch)
    without = torch.autograd.grad(loss, method.parameters)
    assert cell.gates is not None
    for more, less, strength, omega, w in zip(
        with_penalty,
        without,
        (0.05, 0.2),
        (cell.prior.omega, cell.gate_prior.omega),
        (cell.w, cell.gates),
        strict=True,
    ):
        expected = strength * omega * np.sign(w.detach().numpy())
        np.testing.assert_allclose((more - less).numpy(), expected, atol=1e-6)


def test_grouped_scalars_are_penalised_by_their_norm() -> None:
    method = started(scalars="grouped")
    (cell,) = method.cells
    assert cell.w.shape == (3, 6, 4)
    cell.w.detach().normal_(generator=torch.Generator().manual_seed(1))
    w = cell.w.detach().numpy()
    norms = np.sqrt((w.astype(float) ** 2).sum(axis=0))
    assert float(cell.penalty().detach()) == pytest.approx(0.05 * norms.sum(), rel=1e-6)
    (slope,) = torch.autograd.grad(cell.penalty(), [cell.w])
    np.testing.assert_allclose(slope.numpy(), 0.05 * w / norms, rtol=1e-5)
    curvature = np.abs(np.random.default_rng(1).normal(size=w.shape))
    told = cell.update([curvature])
    alpha = 1 - 1 / (1 + curvature / 0.05)  # 1/gamma - C/gamma^2 for gamma = 1
    np.testing.assert_allclose(told["omega"], np.sqrt(alpha.sum(axis=0)))
    np.testing.assert_allclose(told["s"], norms / np.sqrt(alpha.sum(axis=0)), rtol=1e-6)
    assert cell.prior.gamma.shape == (6, 4), "one variance for a group"


@pytest.mark.parametrize(("scale", "by"), [("1/lambda", 0.05), ("1", 1.0)])
def test_curvature_is_scaled_as_asked(scale: str, by: float) -> None:
    _, logs = searched(hessian_scale=scale)
    u = arrays(updates_of(logs)[0]["cell"])
    np.testing.assert_allclose(u["C"], 1 / (1 + np.maximum(u["H"] / by, 1e-12)))


def test_curvature_is_that_of_all_training_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """One mean over all of them, in evaluation mode, at the scalars as they are."""
    method = started(curvature="exact", passes=20 * PASSES)
    method.weights.network.double()
    for parameter in method.parameters:
        parameter.data = parameter.detach().double()
    batches = [(images.double(), labels) for images, labels in method.weights.train.plain(20)]
    assert [len(labels) for _, labels in batches] == [20, 20, 20, 4]
    monkeypatch.setattr(method.weights.train, "plain", lambda: iter(batches))
    (found,) = method._curvatures()
    network = method.weights.network.eval()
    images, labels = (torch.cat(part) for part in zip(*batches, strict=True))

    def loss(w: Any) -> Any:
        return torch.nn.functional.cross_entropy(network(images, [w]), labels)

    (w,) = (parameter.detach() for parameter in method.parameters)
    for e, o in ((0, 0), (3, 2), (5, 1)):
        step = torch.zeros_like(w)
        step[0, e, o] = 1e-5
        second = (loss(w + step) - 2 * loss(w) + loss(w - step)) / 1e-10
        assert found[0, e, o] == pytest.approx(float(second.detach()), rel=1e-3, abs=0.01)


def test_pruned_operations_stay_so() -> None:
    method = started(passes=PASSES)
    (cell,) = method.cells
    with torch.no_grad():
        cell.w[0, :, 1] = 1e-3
    cell.update([np.full((1, 6, 4), 10.0)])
    pruned = ~cell.kept
    assert np.array_equal(pruned, np.arange(4)[None].repeat(6, 0) == 1)
    method.epoch(PASSES // 2)
    assert not cell.w.detach().numpy()[0][pruned].any()
    assert (cell.w.detach().numpy()[0][~pruned] != 1).all(), "others are trained"
    cell.update([np.full((1, 6, 4), 10.0)])
    assert not cell.kept[pruned].any()
    assert not cell.scores("magnitude")[pruned].any()


@pytest.mark.parametrize("dependency", ["none", "predecessors", "zero-own"])
def test_a_path_is_left_however_irrelevant_all_are(dependency: str) -> None:
    method = started(dependency=dependency)
    (cell,) = method.cells
    with torch.no_grad():
        cell.w.fill_(1e-3)
        cell.w[0, [0, 4], 2] = 2e-3  # 0 -> 1 -> 3 is the best path
    for _ in range(2):
        told = cell.update([np.full((1, *p.shape[1:]), 10.0) for p in cell.parameters])
        assert (told["gamma"] < 0.0585).all()
        assert PROBLEM.space.has_path(method.derive())  # type: ignore[attr-defined]
        assert cell.w.detach().numpy().any() and cell.kept.sum() < 4


def test_relevances_converge_where_weights_and_curvature_stay() -> None:
    """The fixed point gamma = (w^2 + sqrt(w^4 + 4 w^2 / H)) / 2."""
    method = started(dependency="none", hessian_scale="1")
    (cell,) = method.cells
    rng = np.random.default_rng(1)
    w, h = rng.uniform(0.5, 2, (1, 6, 4)), rng.uniform(0.5, 20, (1, 6, 4))
    with torch.no_grad():
        cell.w.copy_(torch.from_numpy(w))
    w = cell.w.detach().numpy().astype(float)
    errors = []
    for _ in range(60):
        cell.update([h])
        fixed = (w**2 + np.sqrt(w**4 + 4 * w**2 / h)) / 2
        errors.append(np.abs(cell.prior.gamma - fixed[0]).max())
    assert errors[-1] < 1e-9 < errors[0]


# --- how the budget is spent ------------------------------------------------------------


def test_updates_are_spread_evenly_and_paid_for() -> None:
    method, logs = searched(epochs=4, iterations=2)
    assert method.update_passes == 192, "three an image"
    first, second = (u["passes"] for u in updates_of(logs))
    assert PASSES / 2 - 16 < first <= PASSES / 2 and PASSES - 16 < second <= PASSES
    assert [len(log["updates"]) for log in logs] == [0, 1, 0, 1]


def test_an_update_that_an_epoch_cannot_pay_waits() -> None:
    method, logs = searched(epochs=16)
    assert method.update_passes == 192, "twelve steps of training, or six epochs"
    assert [log["loss"] is None for log in logs] == [False] * 10 + [True] * 6
    assert [len(log["updates"]) for log in logs] == [0] * 15 + [1]


def test_a_curvature_is_charged_for_the_batches_that_there_are() -> None:
    method, logs = searched(epochs=1, curvature_batches=6)
    (update,) = updates_of(logs)
    assert method.update_passes == 3 * 6 * 16 and update["passes"] == PASSES
    _, logs = searched(epochs=1, curvature_batches=6, passes=304)
    (update,) = updates_of(logs)
    assert update["passes"] == 16 + 3 * 16, "one batch has been seen"


def test_images_that_renew_statistics_are_told_and_no_passes() -> None:
    method = BayesNas(PROBLEM, 3, **{**QUICK, "iterations": 2, "curvature_batches": 1})
    assert method.classified == 0
    method.start(PASSES)
    assert method.classified == 0
    method.epoch(PASSES)
    assert method.iteration == 2 and method.classified == 2 * 64
    other = started(iterations=2, curvature_batches=1)
    other.restore(method.state())
    assert other.classified == 2 * 64


def test_a_budget_too_small_is_refused() -> None:
    with pytest.raises(UserError, match=r"curvature=diagonal or curvature_batches=1"):
        started(passes=100, iterations=2)


def test_nothing_but_the_networks_weights_move_in_the_warm_up() -> None:
    method = started(warmup=0.5)
    before = copy.deepcopy(method.weights.network.state_dict())
    method.epoch(PASSES // 4)
    assert (method.cells[0].w == 1).all()
    assert method.weights.used == PASSES // 4
    assert any(
        not torch.equal(before[k], v) for k, v in method.weights.network.state_dict().items()
    )
    method.epoch(PASSES // 2)
    assert not (method.cells[0].w == 1).any()


@pytest.mark.slow
def test_the_supernet_learns() -> None:
    method, losses = started(passes=1024, sparsity=0.001), []
    for _ in range(3):
        method.epoch(256)
        losses.append(method.log()["loss"])
    assert losses[2] < losses[1] < losses[0] and losses[2] < 0.8 * losses[0]


def test_divergence_is_told() -> None:
    for options in ({"learning_rate": 1e6}, {"architecture_rate": 1e6}):
        method = started(**options)
        with pytest.raises(Diverged, match="finite"):
            method.epoch(PASSES)


# --- interruption -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"dependency": "zero-own", "iterations": 2, "scalars": "grouped"},
        {"curvature_batches": 2, "warmup": 0.2},
    ],
)
def test_an_interrupted_search_goes_on_bit_for_bit(options: dict[str, Any]) -> None:
    whole, logs = searched(epochs=5, **options)
    broken, told, used = started(**options), [], 0
    for epoch in range(5):
        stream = io.BytesIO()
        torch.save(broken.state(), stream)
        stream.seek(0)
        if epoch:
            broken = started(**options)
            broken.restore(torch.load(stream, weights_only=True))
        used += broken.epoch(PASSES * (epoch + 1) // 5 - used)
        told.append(broken.log())
    assert told == logs
    assert broken.derive() == whole.derive()
    ours, theirs = broken.weights.network.state_dict(), whole.weights.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


# --- derivation and options -------------------------------------------------------------


@pytest.mark.slow
def test_scores_change_the_derivation_only() -> None:
    """Training and log are the same; what is ranked by is not."""
    found = {s: searched(score=s) for s in ("gamma", "magnitude", "curvature")}
    logs = [log for _, log in found.values()]
    assert logs[0] == logs[1] == logs[2]
    for score, (method, log) in found.items():
        cell, update = method.cells[0], arrays(updates_of(log)[-1]["cell"])
        ranked = {
            "gamma": update["gamma"],
            "magnitude": np.abs(np.array(log[-1]["w"]["cell"])[0]),
            "curvature": np.maximum(update["H"][0], 0),
        }[score]
        np.testing.assert_allclose(cell.scores(score), ranked, rtol=1e-6)  # type: ignore[arg-type]


def test_the_best_unpruned_operation_of_each_edge_or_none() -> None:
    method = started()
    (cell,) = method.cells
    gamma = np.random.default_rng(1).random((6, 4))
    cell.prior = replace(cell.prior, gamma=gamma)
    cell.curvature = np.ones((1, 6, 4))
    cell.kept = gamma > 0.5
    cell.kept[[0, 4]] = False  # node 1 gets nothing, so 1->2 is on no path either
    expected: list[tuple[int, ...]] = [()] * 6
    for e in (1, 3, 5):
        expected[e] = (int(np.where(cell.kept, gamma, -1)[e].argmax()),)
    assert list(cell.derive("gamma", "argmax")) == expected
    several = cell.derive("gamma", "threshold")
    assert several[5] == tuple(np.flatnonzero(cell.kept[5])) and len(several[5]) > 1


def test_several_operations_on_an_edge_are_refused_where_the_space_has_one() -> None:
    method = started(rule="threshold")
    with pytest.raises(UserError, match="keeps 4 operations"):
        method.derive()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iterations": 0}, "iterations=0"),
        ({"warmup": 1.0}, "warmup=1.0"),
        ({"sparsity": 0.0}, "sparsity=0.0; must be at least 1e-12"),
        ({"sparsity": 1e7}, "sparsity=10000000.0; must be at most 1000000.0"),
        ({"sparsity": float("nan")}, "sparsity=nan"),
        ({"architecture_rate": 1e40}, r"architecture_rate=1e\+40; must be at most 1000000.0"),
        ({"gate_sparsity": -1.0}, "gate_sparsity=-1.0"),
        ({"curvature_batches": 0}, "curvature_batches=0"),
        ({"edges": 0}, "edges=0"),
        ({"learning_rate": -0.1}, "learning_rate=-0.1"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1"),
        ({"momentum": 1.5}, "momentum=1.5"),
        ({"epochs": 0}, "epochs=0"),
        ({"scalars": "some"}, "scalars='some'; must be one of shared, grouped, independent"),
        ({"dependency": "all"}, "dependency='all'"),
        ({"hessian_scale": "2"}, "hessian_scale='2'"),
        ({"curvature": "none"}, "curvature='none'"),
        ({"negative": "zero"}, "negative='zero'"),
        ({"score": "luck"}, "score='luck'"),
        ({"rule": "best"}, "rule='best'"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        BayesNas(PROBLEM, 0, **options)


def test_independent_scalars_need_independent_cells() -> None:
    with pytest.raises(UserError, match="scalars=independent"):
        started(scalars="independent")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scalars": "independent"}, "scalars=independent; cells of the space 'tss'"),
        ({"rule": "threshold"}, "rule=threshold .* the space 'tss' has one"),
        ({"topology": "bayesnas"}, "topology=bayesnas .* 'darts', and not of 'tss'"),
        ({"iterations": 3}, "iterations=3 take at least 624 image passes"),
        ({"curvature": "exact", "dependency": "gate"}, "at least 2,000 image passes"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_search(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        BayesNas(PROBLEM, 0, **{**QUICK, **options}).check(PASSES)
    BayesNas(PROBLEM, 0, **QUICK).check(PASSES)


@pytest.mark.parametrize(
    ("space", "options"),
    [("tss", {}), ("darts", {}), ("darts", {"topology": "bayesnas"}), ("pyramid-tree", {})],
)
def test_layouts_are_those_of_the_supernets(space: str, options: dict[str, str]) -> None:
    known = layout(get_space(space), **options)
    sizes = {} if space != "tss" else {"width": 2, "depth": 2}
    if space == "darts":
        sizes = {"channels": 2, "cells": 3}
    network = supernet(
        Problem(get_space(space), "digits", replace(RECIPE, network=sizes)), 0, **options
    )
    dags = [cell.dag for cell in network.cells]
    assert known is not None and known.edges == sum(len(dag.edges) for dag in dags)
    assert {known.operations} == {len(dag.operations) for dag in dags}
    assert known.repeated or all(cell.repeats == 1 for cell in network.cells)
    two = [((0, 1), *[()] * (len(dag.edges) - 1)) for dag in dags]
    if known.several:
        assert network.architecture(two) in get_space(space)
    else:
        with pytest.raises(UserError, match="keeps 2 operations"):
            network.architecture(two)


def test_a_sweep_kills_whole_chains() -> None:
    methods = [started(sweep=sweep) for sweep in (False, True)]
    for method in methods:
        with torch.no_grad():
            method.cells[0].w[0, 0] = 0.0  # nothing reaches node 1, which 1->2 and 1->3 read
            method.cells[0].w[0, 1] = 0.0  # nor node 2 but from there
    told = [method.cells[0].update([np.full((1, 6, 4), 10.0)]) for method in methods]
    assert told[0]["gamma"][5].all() and not told[1]["gamma"][5].any(), "2->3"


def test_options_are_read_from_a_word() -> None:
    spec = SearcherSpec.parse("bayesnas:sparsity=0.02,dependency=zero-own,curvature_batches=1")
    method = spec.build_one_shot(PROBLEM, 1)
    assert isinstance(method, BayesNas) and method.sparsity == 0.02
    with pytest.raises(UserError, match="dependency"):
        SearcherSpec.parse("bayesnas:dependency=all")
