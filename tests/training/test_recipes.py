"""Recipes as data: what is shipped, what is refused, and the learning rate of every step."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.recipes import Recipe, from_values, load, names
from harness.recipes.schedule import learning_rate

SOUND: dict[str, Any] = {
    "train_images": 64,
    "valid_images": 50,
    "test_images": None,
    "epochs": 20,
    "batch_size": 16,
    "learning_rate": 0.1,
}


def recipe(**changes: Any) -> Recipe:
    return from_values(SOUND | changes, "x")


def rates(found: Recipe, steps: int = 3) -> list[list[float]]:
    return [[learning_rate(found, e, s, steps) for s in range(steps)] for e in range(found.epochs)]


# --- what is shipped --------------------------------------------------------------------------


@pytest.mark.parametrize("name", names())
def test_a_record_of_a_shipped_recipe_is_the_recipe(name: str) -> None:
    found = load(name)
    assert from_values(json.loads(json.dumps(found.values())), "record") == found
    assert hash(found) == hash(load(name))


def test_final_trainings_alone_have_no_validation_images() -> None:
    without = {name for name in names() if not load(name).valid_images}
    assert without == {"era-final", "remnet-final", "darts-final"}


SGD = {"optimizer": "SGD", "learning_rate": 0.1, "momentum": 0.9}
NATS = SGD | {"valid_images": 25_000, "batch_size": 256, "nesterov": True, "weight_decay": 5e-4,
              "schedule": "cosine"}  # fmt: skip
ERA = SGD | {"batch_size": 128, "nesterov": False, "weight_decay": 1e-4, "schedule": "steps"}
DARTS = SGD | {"learning_rate": 0.025, "weight_decay": 3e-4, "gradient_clip": 5.0,
               "schedule": "cosine"}  # fmt: skip
PUBLISHED = {
    "nats-12": NATS | {"epochs": 12},
    "nats-90": NATS | {"epochs": 90},
    "nats-200": NATS | {"epochs": 200},
    "nasbench101": {"valid_images": 10_000, "epochs": 108, "batch_size": 256,
                    "optimizer": "RMSprop", "learning_rate": 0.2, "momentum": 0.9,
                    "weight_decay": 1e-4, "schedule": "cosine"},
    "era-search": ERA | {"valid_images": 5_000, "epochs": 20},
    "era-final": ERA | {"valid_images": 0, "epochs": 164},
    "darts-search": DARTS | {"valid_images": 0.5, "epochs": 50, "batch_size": 64,
                             "network": {"channels": 16, "cells": 8}},
    "darts-final": DARTS | {"valid_images": 0, "epochs": 600, "batch_size": 96,
                            "network": {"channels": 36, "cells": 20}},
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_values(name: str) -> None:
    """By the papers' own words; see the recipes' comments for what they leave open."""
    found = load(name)
    assert found.values().items() >= PUBLISHED[name].items()
    assert (found.flip, found.crop, found.erasing) == (True, 4, 0.0)
    assert found.train_images is found.test_images is None


def test_remnet_recipes_are_the_thesis() -> None:
    search, final = load("remnet-search"), load("remnet-final")
    assert (search.epochs, search.optimizer) == (10, "Adam")
    assert search.network == {"channels": 64, "dropout": 0.1}
    assert (final.epochs, final.optimizer, final.flip, final.crop) == (20, "Adamax", True, 0)
    assert final.erasing and final.network["channels"] == 128


def test_the_seven_optimizers_differ_in_nothing_but_the_optimizer() -> None:
    found = [load(name) for name in names() if name.startswith("xepo-")]
    own = ("optimizer", "learning_rate", "momentum", "nesterov")
    assert len({tuple(r.values()[field] for field in own) for r in found}) == len(found) == 7
    others = [{k: v for k, v in r.values().items() if k not in own} for r in found]
    assert all(other == others[0] for other in others)


def test_older_records_have_the_networks_size_beside_the_rest() -> None:
    assert recipe(width=4, depth=2) == recipe(network={"width": 4, "depth": 2})


# --- learning rates ---------------------------------------------------------------------------


def test_the_rates_of_eras_recipes() -> None:
    """0.1, and 0.01 for epochs 17 to 19 of 20; of 164, drops at epochs 82 and 123."""
    search, final = (rates(load(name)) for name in ("era-search", "era-final"))
    assert all(epoch == pytest.approx([0.1] * 3) for epoch in search[:17])
    assert all(epoch == pytest.approx([0.01] * 3) for epoch in search[17:]) and len(search) == 20
    for epochs, rate in (((0, 82), 0.1), ((82, 123), 0.01), ((123, 164), 0.001)):
        assert all(epoch == pytest.approx([rate] * 3) for epoch in final[slice(*epochs)])
    assert len(final) == 164


@pytest.mark.parametrize("per", ["step", "epoch"])
def test_cosines_are_pytorchs(per: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra 'live')")
    found = recipe(per=per)
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    total = 20 if per == "epoch" else 60
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)
    for epoch in rates(found):
        for i, rate in enumerate(epoch):
            assert rate == pytest.approx(optimizer.param_groups[0]["lr"])
            if per == "step" or i == 2:
                optimizer.step()
                cosine.step()


def test_a_warm_up_rises_in_equal_moves_and_the_schedule_follows() -> None:
    by_epoch = rates(recipe(warmup_epochs=4, per="epoch", schedule="constant"))
    assert by_epoch[:5] == [pytest.approx([0.1 * n / 4] * 3) for n in (1, 2, 3, 4, 4)]
    by_step = [rate for epoch in rates(recipe(warmup_epochs=2)) for rate in epoch]
    assert by_step[:6] == pytest.approx([0.1 * n / 6 for n in range(1, 7)])
    rest = [0.05 * (1 + math.cos(math.pi * n / 54)) for n in range(54)]
    assert by_step[6:] == pytest.approx(rest)
    steps = rates(recipe(warmup_epochs=1, schedule="steps", milestones=[2, 10], factor=0.5))
    assert [epoch[-1] for epoch in steps] == pytest.approx([0.1] * 2 + [0.05] * 8 + [0.025] * 10)


@given(
    schedule=st.sampled_from(["cosine", "constant", "steps"]),
    warmup=st.integers(0, 19),
    per=st.sampled_from(["step", "epoch"]),
    steps=st.integers(1, 5),
)
def test_every_rate_is_within_bounds(schedule: str, warmup: int, per: str, steps: int) -> None:
    milestones = [3, 7] if schedule == "steps" else []
    found = recipe(schedule=schedule, warmup_epochs=warmup, per=per, milestones=milestones)
    flat = [rate for epoch in rates(found, steps) for rate in epoch]
    assert all(0 < rate <= 0.1 + 1e-12 for rate in flat)
    if schedule != "steps":
        top = flat.index(max(flat))
        assert flat == sorted(flat[:top]) + sorted(flat[top:], reverse=True)


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": 1}, "unknown field 'epoch': did you mean epochs"),
        ({"width": 4, "network": {}}, "unknown field 'width'"),
        ({"epochs": 0}, "'epochs' is out of range: 0"),
        ({"epochs": True}, "epochs=True; must be a whole number"),
        ({"valid_images": 1.5}, "'valid_images' is out of range"),
        ({"valid_images": -1}, "'valid_images' is out of range"),
        ({"train_images": "all"}, "train_images='all'; must be a whole number or nothing"),
        ({"optimizer": "Adan"}, "unknown optimizer 'Adan': did you mean Adam"),
        ({"optimizer": "Adam", "momentum": 0.9}, "Adam has no momentum: leave the field out"),
        ({"nesterov": True}, "nesterov needs a momentum above 0"),
        ({"schedule": "step"}, "must be 'cosine' or 'steps' or 'constant'"),
        ({"schedule": "steps"}, "steps need each other"),
        ({"milestones": [3]}, "steps need each other"),
        ({"schedule": "steps", "milestones": [4, 3]}, "'milestones' is out of range"),
        ({"schedule": "steps", "milestones": [20]}, "'milestones' is out of range"),
        ({"warmup_epochs": 20}, "'warmup_epochs' is out of range: 20"),
        ({"precision": "fp16"}, "must be 'auto' or 'fp32' or 'bf16'"),
        ({"options": {"eps": {}}}, "options="),
        ({"network": [1]}, "network="),
        ({"batch_size": 65}, "batch_size exceeds train_images: lower it"),
        ({"learning_rate": math.inf}, "learning_rate=inf; must be a finite number"),
    ],
    ids=str,
)
def test_a_mistake_is_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as found:
        recipe(**changes)
    assert str(found.value).startswith("recipe x: ") and message in str(found.value)


def test_other_mistakes() -> None:
    with pytest.raises(UserError, match="recipe x: missing fields: epochs, batch_size"):
        from_values({k: v for k, v in SOUND.items() if k not in ("epochs", "batch_size")}, "x")
    wrongs: list[Any] = [None, [], "x", {1: 2}]
    for wrong in wrongs:
        with pytest.raises(UserError, match="recipe x: not names with values"):
            from_values(wrong, "x")
    with pytest.raises(UserError, match="unknown recipe 'nats-21': did you mean nats-12"):
        load("nats-21")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps(SOUND | {"valid_images": 0.25, "options": {"eps": 1}}))
    found = load(str(path))
    assert found.valid_images == 0.25 and found.options == {"eps": 1}
    assert asdict(found)["schedule"] == "cosine"
