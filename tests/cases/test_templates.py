"""Fields of a template: every name that a column can have is filled, or refused."""

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slimtune.training.config.template import fields_of, template_problem
from slimtune.training.config.trial import parse_trial
from slimtune.training.data.prompt_template import fill, halves
from slimtune.training.errors import DataError
from tests.cases.reading import ConfigOf, splits_of
from tests.conftest import write_jsonl

NAMES = ["ok", "input text", "user-name", "a.b", "ns:tag", "Größe (cm)", "Q#1", "日本", "what?", "it's", "50%"]


def test_s7_names_with_blanks_and_hyphens_are_filled(tmp_path: Path, config_of: ConfigOf) -> None:
    rows = [{"ok": f"a{at}", "input text": f"b{at}", "user-name": f"c{at}", "target": f"d{at}"} for at in range(40)]
    splits = splits_of(
        config_of,
        write_jsonl(tmp_path / "odd.jsonl", rows),
        "task=generation",
        "data.target_column=target",
        r"data.text_template='Q: \{ok\} \{input text\} \{user-name\} A: \{target\}'".replace(r"\{", "{").replace(
            r"\}", "}"
        ),
    )
    assert {(row.text, row.label) for row in splits.train} <= {
        (f"Q: a{at} b{at} c{at} A: ", f"d{at}") for at in range(40)
    }


@pytest.mark.parametrize("name", NAMES)
def test_s7_sibling_every_name_is_filled_wherever_it_stands(name: str) -> None:
    """As a part of the prompt, as the target, and with blanks inside of the braces."""
    for template, target in ((f"x {{{name}}} y {{target}}", "target"), (f"x {{ {name} }}", name)):
        assert template_problem(template, text_column="text", target_column=target) is None
        turn = fill(template, {name: "VALUE", "target": "t"}, target_column=target, where="row 1")
        assert "VALUE" in turn.prompt + turn.answer
        assert name in fields_of(template)


def test_s7_sibling_a_path_is_filled() -> None:
    row = {"text": {"title": "T", "parts": ["p"]}, "target": "t"}
    assert fill("{text.title} {text.parts.0} {target}", row, target_column="target", where="row 1").prompt == "T p "


def test_s7_sibling_a_name_that_cannot_be_a_field_is_an_error() -> None:
    row = {"a, b": "x", "target": "t"}
    with pytest.raises(
        DataError, match=r"row 1: the name of column 'a, b' cannot stand in data\.text_template; rename it"
    ):
        fill("{a, b} {target}", row, target_column="target", where="row 1")


def test_s7_sibling_double_braces_are_asked_about(config_of: ConfigOf) -> None:
    values = config_of()
    values["data"]["text_template"] = "{{ input text }} {target}"
    (problem,) = parse_trial(values).problems
    asked = r"use {input text} for the value, or \{input text\} for the word in braces"
    assert problem == f"data.text_template has {{{{ input text }}}}; {asked}"


def test_s7_sibling_a_prompt_that_tells_the_target_is_an_error() -> None:
    problem = template_problem("{target}: {text} {target}", text_column="text", target_column="target")
    assert problem is not None
    assert "whose prompt tells the target {target}; name it once, at the end" in problem


def test_s7_sibling_columns_that_the_task_does_not_read_are_errors(config_of: ConfigOf) -> None:
    """A template for a classifier, and a second text for a model of prompts."""
    values = config_of()
    values["data"]["text_template"] = "{title} {target}"
    assert "which task=classification does not read; use data.text_column" in parse_trial(values).problems[0]
    values = config_of("task=generation")
    values["data"]["text_pair_column"] = "second"
    assert "data.text_pair_column is 'second', which task=generation does not read" in parse_trial(values).problems[0]


def test_braces_of_other_languages_stay() -> None:
    r"""JSON and CSS are no fields, and `\{` is a brace wherever it stands."""
    template = r'{"a": {x}, "b": [1]} p {color: red; size: 1} \{x\} \frac\{1\}\{2\} {target}'
    turn = fill(template, {"x": "{target}", "target": "t"}, target_column="target", where="row 1")
    assert turn == (r'{"a": {target}, "b": [1]} p {color: red; size: 1} {x} \frac{1}{2} ', "t")


@settings(deadline=None, max_examples=60)
@given(text=st.text(st.sampled_from('{}\\ n":ab.-é'), max_size=30), value=st.text(max_size=8))
def test_any_template_is_filled_or_refused(text: str, value: str) -> None:
    """What is before the target is the prompt; braces of values are never fields."""
    assume(not text.endswith("\\"))
    template, row = text + "{target}", {"a": value, "b": "{a}", "ab": None, "target": "t"}
    assert fields_of(template)[-1] == "target"
    assert halves(template, "target").answer == "{target}"
    if set(fields_of(template)) <= row.keys():
        turn = fill(template, row, target_column="target", where="row 1")
        assert turn.answer == "t"
        assert "{" in text or turn.prompt == halves(template, "target").prompt.replace("\\}", "}")
    else:
        with pytest.raises(DataError, match="row 1: no column"):
            fill(template, row, target_column="target", where="row 1")
