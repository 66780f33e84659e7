"""Names of live benchmarks with an `@` in them, and what their trials take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.live.question import LiveQuestion, split_device, with_device
from harness.resources import Resources, for_questions


@pytest.mark.parametrize(
    ("name", "dataset", "recipe", "device"),
    [
        ("live:tss/me@home/data.npz", "me@home/data.npz", "nats-12", "cpu"),
        ("live:tss/my@data.npz:quick@cuda", "my@data.npz", "quick", "cuda"),
        ("live:tss/me@cuda-box/data.npz:quick", "me@cuda-box/data.npz", "quick", "cpu"),
        ("live:tss/digits:a@b/quick.yaml@cpu", "digits", "a@b/quick.yaml", "cpu"),
        ("live:tss/my@data@cpu", "my@data", "nats-12", "cpu"),
    ],
)
def test_an_at_in_a_path_is_no_device(name: str, dataset: str, recipe: str, device: str) -> None:
    assert LiveQuestion.parse(name) == LiveQuestion("tss", dataset, recipe, device)


@pytest.mark.parametrize("device", ["tpu", "cud", "cuda:0", "cuda*0", "cuda*1.5", "cpu*2-epochs"])
def test_misspelt_devices_are_refused(device: str) -> None:
    with pytest.raises(UserError, match="is neither cpu nor cuda") as caught:
        LiveQuestion.parse(f"live:tss/cifar10@{device}")
    assert f"device '{device}'" in str(caught.value)


_words = st.text("ab@/.*-4", min_size=1) | st.sampled_from(["x@cuda", "x@cpu*2", "@tpu", "x@"])


@given(_words, _words, st.sampled_from(["cpu", "cuda"]), st.sampled_from([1, 2]))
def test_every_name_is_read_as_it_was_written(
    dataset: str, recipe: str, device: str, workers: int
) -> None:
    question = LiveQuestion("tss", dataset, recipe, device, workers)
    assert LiveQuestion.parse(str(question)) == question
    assert split_device(with_device(f"live:tss/{dataset}:{recipe}", device))[1] == device


def test_trials_on_gpus_take_a_whole_one_unless_asked() -> None:
    cpu, cuda = "live:tss/digits:a@b.yaml", "live:tss/digits@cuda*2-epoch"
    assert for_questions([cpu, "tss-digits"]) == Resources(1.0, 0.0)
    assert for_questions(["tss-digits", cuda]) == Resources(1.0, 1.0)
    assert for_questions([cuda], 2.0, 0.25) == Resources(2.0, 0.25)
    with pytest.raises(UserError, match=r"no benchmark trains .*: leave out --gpus-per-trial"):
        for_questions(["tss-digits", "my@cuda.table"], None, 1.0)
    with pytest.raises(UserError, match="trains on processors: add @cuda"):
        for_questions([cpu], None, 1.0)
