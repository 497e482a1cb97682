"""Which command goes on with a sweep, and which is another one."""

import pytest

from slimtune.sweeper.campaigns.identity import check_same, identity_of
from slimtune.training.errors import StoreError
from tests.cases.sweep_requests import RequestOf, request_of

__all__ = ["request_of"]


@pytest.mark.parametrize(
    "changed",
    [
        "fit.micro_batch_size=4",
        "fit.max_memory_mb=4000",
        "fit.save_minutes=1",
        "fit.gradient_checkpointing=true",
        "data.name=other",
        "data.train_file=moved/rows.jsonl",
    ],
)
def test_t7_keys_that_do_not_change_a_result_do_not_forbid_a_resume(request_of: RequestOf, changed: str) -> None:
    known = identity_of(request_of(), "rows")
    check_same(known, identity_of(request_of(changed), "rows"), name="mine")


@pytest.mark.parametrize("changed", ["fit.epochs=9", "method.dropout=0.2", "data.max_length=32", "method=lora,full"])
def test_t7_others_do(request_of: RequestOf, changed: str) -> None:
    known = identity_of(request_of(), "rows")
    with pytest.raises(StoreError, match="begun with another config"):
        check_same(known, identity_of(request_of(changed), "rows"), name="mine")


def test_other_weights_of_the_base_are_another_sweep(request_of: RequestOf) -> None:
    known = identity_of(request_of(), "rows", "these")
    check_same(known, identity_of(request_of(), "rows", "these"), name="mine")
    with pytest.raises(StoreError, match="the weights of the base model: others than"):
        check_same(known, identity_of(request_of(), "rows", "those"), name="mine")
