"""Prompts that are cut where a model writes are told."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from slimtune.training.data.examples import Example
from slimtune.training.data_report.prompt_notes import prompt_notes
from slimtune.training.tasks.causal_generation import Causal


class WordTokenizer:
    """A token a word, and one before a text."""

    eos_token_id = None

    def __call__(self, text: str, **_: object) -> dict[str, list[int]]:
        return {"input_ids": [0, *range(1, 1 + len(text.split()))]}


def notes(*lengths: int, most_new: int, positions: int | None = 64, train: Sequence[int] = ()) -> list[str]:
    task = object.__new__(Causal)
    vars(task).update(config=SimpleNamespace(max_new_tokens=most_new), max_length=60, max_positions=positions)
    named = {
        name: [Example("a " * (length - 1), label="b") for length in found]
        for name, found in (("train", train), ("validation", lengths[:1]), ("test", lengths[1:]))
    }
    return prompt_notes(named, task, WordTokenizer())


def test_prompts_that_leave_no_room_for_an_answer_are_told() -> None:
    (note,) = notes(40, 16, 17, most_new=48)
    assert "2 of 3; of its 64 positions, task.max_new_tokens=48 leaves 16 to a prompt" in note
    assert note.endswith("; task.max_new_tokens=24 leaves room for all of them")


@pytest.mark.parametrize("positions", [None, 64])
def test_those_that_leave_room_are_not(positions: int | None) -> None:
    assert notes(16, 10, most_new=48, positions=positions, train=[50]) == []
    assert notes(50, 40, most_new=4, positions=positions) == []
    assert notes(50, 40, most_new=48, positions=None) == []


def test_a_prompt_of_all_positions_has_no_repair() -> None:
    (note,) = notes(64, 70, most_new=8)
    assert note.endswith("up to data.max_length=60")
