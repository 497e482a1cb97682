"""Text that stands in every row: neither which rows are nearly the same nor the baselines depend on it."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slimtune.training.data_report.build import data_report_of
from slimtune.training.workbench.prepared_data import prepare_data
from tests.cases.reading import GENERATION, ConfigOf, splits_of, trial_of
from tests.conftest import write_jsonl

LONG = "Below is a question that somebody asked us. Answer it kindly, in as few words as you can, and say no more."
Way = Callable[[str], dict[str, Any]]


def in_columns(question: str) -> dict[str, Any]:
    return {"input": question, "output": "yes"}


def in_chat(question: str) -> dict[str, Any]:
    turns = (("system", LONG), ("user", f"Q: {question}\nA:"), ("assistant", "yes"))
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


DRAWN = (
    "model=tiny_llama",
    "model.name_or_path=null",
    "method=full",
    "model.scratch.vocab_size=320",
    "model.scratch.num_hidden_layers=1",
)

WAYS = {
    "a column": (in_columns, ""),
    "fields": (in_columns, "{input} {output}"),
    "a short template": (in_columns, "Q: {input}\\nA: {output}"),
    "a long template": (in_columns, f"{LONG}\\n\\n{{input}}\\n\\n{{output}}"),
    "written out": (lambda question: in_columns(f"{LONG}\nQ: {question}\nA:"), ""),
    "chats": (in_chat, ""),
}
# nearly the same: two words the other way round, and a last word of nine
NEAR = [("refund please", "please refund"), ("w1 w2 w3 w4 w5 w6 w7 w8 now", "w1 w2 w3 w4 w5 w6 w7 w8 then")]
APART = [f"topic{at} word{at} about{at % 7}" for at in range(40)]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_nearly_a_held_out_row_does_not_depend_on_what_all_rows_have(
    way: str, tmp_path: Path, config_of: ConfigOf
) -> None:
    """It neither hides such rows nor makes them."""
    written, template = WAYS[way]
    train = [*APART[:30], *(one for one, _ in NEAR)]
    held_out = [*APART[30:], *(other for _, other in NEAR)]
    paths = [
        str(write_jsonl(tmp_path / f"{name}.jsonl", list(map(written, questions))))
        for name, questions in (("train", train), ("held_out", held_out))
    ]
    given = [f"data.validation_file={paths[1]}", "data.test_share=0"]
    given += [f'data.text_template="{template}"'] if template else []
    splits = splits_of(config_of, Path(paths[0]), *GENERATION, *given)
    assert [tuple(map(question_in, leak)) for leak in splits.near_leaks] == NEAR
    assert (len(splits.train), splits.near_dropped) == (30, True)


def question_in(text: str) -> str:
    return next(question for pair in NEAR for question in pair if question in text)


@pytest.mark.parametrize("way", ["a short template", "a long template"])
def test_the_most_alike_row_does_not_depend_on_what_all_rows_have(
    way: str, tmp_path: Path, config_of: ConfigOf
) -> None:
    """Prompts of few words are as near to others as without the words that all of them have."""
    rng = random.Random(0)
    words = [[rng.choice("abcdefgh") * 3 for _ in range(rng.randint(1, 9))] for _ in range(90)]
    rows = [{"input": " ".join(some), "output": f"say {some[0]}"} for some in words]
    path = write_jsonl(tmp_path / "rows.jsonl", rows)
    scores = []
    for template in ("{input} {output}", WAYS[way][1]):
        config = trial_of(config_of, path, *GENERATION, *DRAWN, f'data.text_template="{template}"')
        scores.append(data_report_of(prepare_data(config)).baselines["nearest"])
    assert scores[0] == scores[1]
