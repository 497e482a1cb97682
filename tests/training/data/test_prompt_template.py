import pytest

from slimtune.training.data.prompt_template import PromptAndAnswer, fill, filled
from slimtune.training.data.readers.row import MODEL_TEMPLATE_KEY
from slimtune.training.errors import DataError


def test_prompt_and_answer_meet_at_the_target() -> None:
    r"""`\n` written out is a new line; what follows the target belongs to the answer."""
    turn = fill(
        r"User: {input}\nAssistant: {output}!", {"input": "hi", "output": "yes"}, target_column="output", where="row 1"
    )
    assert turn == PromptAndAnswer("User: hi\nAssistant: ", "yes!")


def test_other_braces_and_special_tokens_stay() -> None:
    row = {"phrase": "{x}", "tone": "dry"}
    template = '<|start_header_id|>user<|end|>{"p": {phrase}}<|start_header_id|>assistant{tone}'
    turn = fill(template, row, target_column="tone", where="row 1")
    assert turn == PromptAndAnswer('<|start_header_id|>user<|end|>{"p": {x}}<|start_header_id|>assistant', "dry")


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(
        DataError,
        match=r"row 7: no column 'inputs' \(data.text_template\); the row has input, output; did you mean 'input'\?",
    ):
        fill("{inputs} {output}", {"input": "a", "output": "b"}, target_column="output", where="row 7")
    with pytest.raises(DataError, match=r"the row has ask, output; correct the template, or give rows .* a null there"):
        fill("{ask} {context} {output}", {"ask": "a", "output": "b"}, target_column="output", where="row 7")
    null = {"ask": "a", "context": None, "output": "b"}
    assert fill("{ask}{context} {output}", null, target_column="output", where="row 7") == PromptAndAnswer("a ", "b")


def test_a_model_that_is_there_already_asks_for_the_column_alone() -> None:
    """Nobody can correct the template that it was trained by."""
    with pytest.raises(DataError, match=r"give the rows that column, .*; null is taken there$"):
        filled("{who}: {ask}", {"ask": "a"}, "row 1", key=MODEL_TEMPLATE_KEY)
