"""A dimension that trials read, and that can change no result for what else is set, is refused before the first one."""

from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from slimtune.sweeper.campaigns.idle_dimensions import check_dimensions, check_effects
from slimtune.training.config.trial import parse_trial
from slimtune.training.data.batching import EncodedSplit
from slimtune.training.data.encoding import Encoded
from slimtune.training.errors import ConfigError
from slimtune.training.models.weights import LoadedWeights
from slimtune.training.workbench import idle_keys
from slimtune.training.workbench.idle_keys import longest_uncut_row
from slimtune.training.workbench.prepared_data import PreparedData, prepare_data
from tests.cases.sweep_requests import RequestOf, request_of

__all__ = ["request_of"]

# 100 rows in batches of 10, four epochs of ten steps, an evaluation an epoch
ROWS = 100
WRITES = ("task=generation", "task.metric=perplexity")
PLAIN = ("fit.batch_size=10", "fit.epochs=4")


@pytest.mark.parametrize(
    ("searched", "message"),
    [
        (
            ["fit.epochs=range(2,5)", "fit.max_steps=10"],
            "fit.epochs is searched.*: fit.max_steps=10 ends every trial f",
        ),
        (["fit.epochs=choice(1,2)", "fit.max_steps=choice(4,5)"], "fit.epochs is searched.*: fit.max_steps ends every"),
        (["fit.max_steps=40,90,null"], "fit.max_steps is searched.*: fit.epochs=4 ends every trial first"),
        (["fit.patience=range(4,9)"], "fit.patience is searched.*: by fit.eval_every no trial is evaluated"),
        (["fit.warmup_share=interval(0.01,0.02)", "fit.max_steps=5"], "fit.warmup_share is searched.*are so short"),
        (["fit.min_improvement=choice(0,0.1)", "fit.patience=null"], "fit.min_improvement is .*: fit.patience is null"),
        (["model.double_quantization=choice(true,false)"], "model.double_quantization .*: model.quantization is null"),
        (["model.seed=range(1,5)"], "model.seed is searched.*: model.scratch is null"),
        (["model.revision=choice(a,b)"], "model.revision is searched.* is no model of the hub"),
        (
            [*WRITES, "task.num_beams=choice(1,4)"],
            "task.num_beams is searched.*: task.metric is perplexity",
        ),
    ],
)
def test_what_can_change_no_result_is_refused(searched: list[str], message: str, request_of: RequestOf) -> None:
    with pytest.raises(ConfigError, match=message):
        check_dimensions(request_of(*PLAIN, *searched), ROWS)


@pytest.mark.parametrize(
    "searched",
    [
        ["fit.epochs=range(2,5)", "fit.max_steps=21"],
        ["fit.epochs=choice(1,2)", "fit.max_steps=choice(4,11)"],
        # a batch of 50 has eight steps
        ["fit.max_steps=choice(20,30)", "fit.batch_size=choice(10,50)"],
        ["fit.patience=range(3,9)"],
        ["fit.patience=range(4,9)", "fit.eval_every=choice(20,100)"],
        ["fit.warmup_share=interval(0.01,0.05)"],
        ["fit.min_improvement=choice(0,0.1)", "fit.patience=2,null"],
        ["model.double_quantization=choice(true,false)", "method=lora,qlora"],
        ["fit.max_steps=choice(40,90)", "data.max_length=choice(32,64)"],
    ],
)
def test_what_can_change_a_result_beside_something_is_searched(searched: list[str], request_of: RequestOf) -> None:
    check_dimensions(request_of(*PLAIN, *searched), ROWS)


# what the rows and the model at hand leave without effect


@pytest.fixture
def data(config_of: Callable[..., dict[str, Any]]) -> PreparedData:
    """Texts of fewer than 20 tokens, and a model without the head of the task."""
    return prepare_data(parse_trial(config_of()).section)


NO_HEAD = LoadedWeights(frozenset(), frozenset())


@pytest.mark.parametrize(
    ("searched", "change", "message"),
    [
        (["data.max_length=20,32"], {}, "data.max_length is searched.*: no row has more than"),
        (["data.max_length=range(24,99)"], {}, "data.max_length is searched.*: no row has more than"),
        # methods share their rows
        (["data.max_length=20,32", "method=lora,full"], {}, "data.max_length is searched.*: no row has more than"),
        (["fit.head_lr_ratio=1,4"], {"weights": NO_HEAD}, "fit.head_lr_ratio .* no layers that its checkpoint lacks"),
    ],
)
def test_what_has_no_effect_on_these_rows_and_this_model_is_refused(
    searched: list[str], change: dict[str, Any], message: str, data: PreparedData, request_of: RequestOf
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_effects(request_of(*searched), data._replace(**change))


def test_decay_of_nothing_is_refused(
    data: PreparedData, request_of: RequestOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a causal model with `method.trained_layers=0`, whose last norm is trained alone."""
    monkeypatch.setattr(idle_keys, "trained_model", lambda _: nn.LayerNorm(4))
    with pytest.raises(ConfigError, match=r"fit.weight_decay is searched.*: matrices decay, and none is trained"):
        check_effects(request_of("fit.weight_decay=0,0.1"), data)
    check_effects(request_of("fit.weight_decay=0,0.1", "method=full", "method.trained_layers=0,1"), data)


@pytest.mark.parametrize(
    "searched",
    [
        ["data.max_length=8,32"],
        # other texts, and another model, may have other lengths and layers
        ["data.max_length=20,32", "data.text_column=text,title"],
        ["data.max_length=8,32", "method=lora,full"],
        ["data.max_length=20,32", "model=minilm,tiny_llama", "method=full"],
        ["fit.head_lr_ratio=1,4"],
        ["fit.weight_decay=0,0.1"],
    ],
)
def test_what_may_have_an_effect_is_searched(searched: list[str], data: PreparedData, request_of: RequestOf) -> None:
    check_effects(request_of(*searched), data)


def test_rows_that_were_cut_have_lengths_that_nobody_knows(data: PreparedData) -> None:
    assert longest_uncut_row(data) is not None
    train = data.encoded["train"]
    cut = EncodedSplit(Encoded(train.encoded.columns, num_cut=1), *train[1:])
    assert longest_uncut_row(data._replace(encoded={**data.encoded, "train": cut})) is None
