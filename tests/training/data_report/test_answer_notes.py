"""What a model cannot write as text is told where answers have it."""

from types import SimpleNamespace
from typing import Any

from slimtune.training.data.examples import Example
from slimtune.training.data_report.answer_notes import answer_notes
from slimtune.training.tasks.registry import TASK_KINDS

TOKENIZER: Any = SimpleNamespace(all_special_tokens=["<s>", "</s>", "<unk>"], unk_token="<unk>")


def notes(task: str, *answers: str) -> list[str]:
    kind = object.__new__(TASK_KINDS[task].rows)
    return answer_notes([Example("is 0 a number?", label=answer) for answer in answers], kind, TOKENIZER)


def test_an_end_that_is_written_out_is_told() -> None:
    for task in ("generation", "summarization", "translation"):
        (note,) = notes(task, "yes</s>", "no</s>", "<s>maybe</s>", "<unk>")
        assert "'</s>' in 3, '<s>' in 1 of 4 rows" in note


def test_other_answers_and_other_tasks_have_no_note() -> None:
    assert notes("generation", "yes", "a < s > b", "<unk>") == []
    assert notes("classification", "yes</s>") == []
