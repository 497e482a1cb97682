"""A row's score does not depend on the rows beside it, those of other trials in the same pass among them."""

# B rows, T tokens

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from slimtune.training.data.padding import padded_ids
from slimtune.training.engine.packed_lora import PackedLoraModel
from slimtune.training.engine.slots.segments import segment_table
from slimtune.training.engine.slots.slot_bank import Member, SlotBank
from slimtune.training.engine.slots.trained_parts import parts_of
from slimtune.training.methods import method_of
from slimtune.training.models.loading import Base, trial_copy
from slimtune.training.models.padding import settle_padding
from tests.cases.test_rows_alone import FEW, ROWS, same
from tests.conftest import method_config
from tests.training.methods.families import BOTH, DECODERS, END, PAD, SHAPES, Shape, make_model, setting_of

# layers that are no nn.Linear, and layers that are given what belongs to no row: their trials run alone
NEVER_PACKED = ("gpt2", "deberta-v2")
RANKS = (2, 4, 3)
SIDES = [(shape, False) for shape in SHAPES] + [(shape, True) for shape in SHAPES if shape.task == "CAUSAL_LM"]


def trials_of(shape: Shape, base: Base) -> list[Any]:
    """Of ranks, targets and updates of their own."""
    trials = []
    for rank in RANKS:
        torch.manual_seed(rank)
        config = method_config("lora", r=rank, target_modules=["all-linear"], modules_to_save=[])
        model: Any = method_of(config).prepare(trial_copy(base, share_weights=True), setting_of(shape, base.model))
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                nn.init.normal_(parameter, std=0.1)
        trials.append(model.eval())
    return trials


@torch.inference_mode()
def scores(model: Any, shape: Shape, rows: Sequence[Sequence[int]], *, left: bool) -> list[np.ndarray]:
    """Of each row, without its padding."""
    ids_BT, mask_BT = (torch.from_numpy(array) for array in padded_ids(rows, PAD, left=left))
    more = {"decoder_input_ids": ids_BT[:, :1] * 0 + 1} if shape.task == "SEQ_2_SEQ_LM" else {}
    if left:
        more["position_ids"] = (mask_BT.cumsum(-1) - 1).clamp(min=0)
    logits = model(input_ids=ids_BT, attention_mask=mask_BT, **more).logits.numpy()
    if shape.task not in ("TOKEN_CLS", "CAUSAL_LM"):
        return list(logits)
    return [row[mask] for row, mask in zip(logits, mask_BT.numpy() > 0, strict=True)]


@pytest.mark.parametrize(("shape", "left"), SIDES, ids=lambda one: str(one) if isinstance(one, Shape) else "")
def test_s3_in_a_pass_of_several_trials(shape: Shape, left: bool) -> None:
    """Each row as its own trial scores it alone, whatever rows of whichever trials are beside it."""
    base = Base(make_model(shape), frozenset())
    settle_padding(base.model, PAD, said="the model")
    # they score the last end-of-sequence, of which rows of a tokenizer have one each
    ends = [END] if shape.family in BOTH and shape.task == "SEQ_CLS" else []
    trials, packed = trials_of(shape, base), PackedLoraModel(base)
    parts = [parts_of(trial) for trial in trials]
    if shape.family in NEVER_PACKED:
        assert parts == [None] * len(trials)
        return
    packed.bind(SlotBank([Member(part) for part in parts if part is not None]))
    packed.model.eval()

    @FEW
    @given(st.lists(ROWS, min_size=len(trials), max_size=len(trials)))
    def holds(drawn: list[list[list[int]]]) -> None:
        by_trial = [[[*row, *ends] for row in rows] for rows in drawn]
        table = segment_table(range(len(trials)), [len(rows) for rows in by_trial])
        packed.begin(table, packed.room(table))
        # whole segments: the last row once more
        whole = [
            [*rows, *rows[-1:] * (padded - len(rows))]
            for rows, padded in zip(by_trial, table.padded_sizes, strict=True)
        ]
        given = iter(scores(packed.model, shape, [row for rows in whole for row in rows], left=left))
        together = [
            score
            for rows, more in zip(by_trial, whole, strict=True)
            for score in list(islice(given, len(more)))[: len(rows)]
        ]
        alone = [
            scores(trial, shape, [row], left=False)[0]
            for trial, rows in zip(trials, by_trial, strict=True)
            for row in rows
        ]
        same(together, alone)

    holds()


def test_every_family_that_writes_is_padded_on_either_side() -> None:
    assert {shape.family for shape, left in SIDES if left} == set(DECODERS)
