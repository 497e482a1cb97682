"""A dimension that trials read, and that can change no result for what else is set, is refused before the first one."""

import pytest

from slimtune.sweeper.campaigns.idle_dimensions import check_dimensions
from slimtune.training.errors import ConfigError
from tests.cases.sweep_requests import RequestOf, request_of

__all__ = ["request_of"]

# 100 rows in batches of 10, four epochs of ten steps, an evaluation an epoch
ROWS = 100
WRITES = ("task=generation", "task.metric=perplexity", "task.direction=minimize", "search.direction=minimize")
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
