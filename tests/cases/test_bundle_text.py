"""A bundle gives its model the tokens that training gave: chats, templates, and texts that are too long."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from slimtune.export.bundle.bundle import TOKENIZER
from slimtune.export.bundle.chat import chat_text, turns_of
from slimtune.export.bundle.interface import PromptSettings
from slimtune.export.config import onnx_config
from slimtune.export.preflight import MOST_ROWS, export_checks, some_of_all_kinds
from slimtune.export.runtime.prompter import Prompter
from slimtune.training.config.trial import parse_trial
from slimtune.training.data.examples import Example
from slimtune.training.data.spans import Span
from slimtune.training.errors import DataError, UserError, check_all
from slimtune.training.tasks.extraction import Extraction
from slimtune.training.workbench.prepared_data import prepare_data
from tests.cases.small_models import LLAMA, TURNS, changed, chats, pairs, rows_in, save_model, tokenizer_of, words
from tests.cases.small_models import llama as llama
from tests.conftest import make_rows

Compose = Callable[..., dict[str, Any]]
WRITES = ("task=generation", "data.text_column=text", "data.target_column=target", "method=full", "data.max_length=64")
# what transformers' templates use beyond plain Jinja
TEMPLATES = {
    "generation": TURNS.replace("{{ turn['content'] }}", "{% generation %}{{ turn['content'] }}{% endgeneration %}"),
    "strftime_now": "{{ strftime_now('%Y-%m-%d') }}|" + TURNS,
    "tojson": "{{ messages | tojson }}{{ messages | tojson(indent=2, ensure_ascii=true) }}",
    "none": "{% if tools is none and documents is none %}none{% endif %}" + TURNS,
    "loopcontrols": "{% for one in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ one.role }}{% endfor %}",
    "namespace": "{% set box = namespace(last='') %}{% for one in messages %}{% set box.last = one.role %}{% endfor %}"
    "{{ box.last }}{{ bos_token }}{{ dict(a=1) | tojson }}",
    "trimmed": "{% for turn in messages %}\n  {% if true %}\n{{ turn.content | trim }}\n  {% endif %}\n{% endfor %}",
}


def tried(config: dict[str, Any]) -> None:
    """What an export would ask, of a config as plain values."""
    check_all(export_checks(prepare_data(parse_trial(config).section), onnx_config()))


def test_l1_a_chat_that_is_too_long_keeps_the_end_of_its_prompt(
    config_of: Compose, llama: Path, tmp_path: Path
) -> None:
    given = rows_in(tmp_path, chats(30, length=60))
    tried(config_of(*WRITES, given, f"model.name_or_path={llama}"))


def test_l1_a_chat_with_more_than_roles_and_texts_is_written_as_in_training(
    config_of: Compose, llama: Path, tmp_path: Path
) -> None:
    """Names of speakers are not learned, so that they are not asked with either."""
    rows = chats(30, length=5)
    for row in rows:
        row["messages"][0] |= {"name": "Ann", "id": "m1"}
    tried(config_of(*WRITES, rows_in(tmp_path, rows), f"model.name_or_path={llama}"))


@pytest.mark.parametrize("side", ["right", "left"])
def test_l1_an_encoder_decoder_reads_a_chat_as_plain_text_from_either_side(
    config_of: Compose, tmp_path: Path, side: str
) -> None:
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 1, "num_heads": 4}
    model = save_model(tmp_path / "t5", "t5", **sizes)
    changed(model, "tokenizer_config.json", {"truncation_side": side})
    given = rows_in(tmp_path, chats(30, length=60))
    tried(config_of(*WRITES, given, f"model.name_or_path={model}", "data.max_length=16"))


@pytest.mark.parametrize("columns", [[], ["data.text_pair_column=other"]], ids=["texts", "pairs"])
def test_l2_texts_and_pairs_are_cut_on_the_tokenizers_side(
    config_of: Compose, tiny_model: Path, tmp_path: Path, columns: list[str]
) -> None:
    left = tmp_path / "left"
    shutil.copytree(tiny_model, left)
    changed(left, "tokenizer_config.json", {"truncation_side": "left"})
    rows = [{**row, "other": words(30, seed=at)} for at, row in enumerate(make_rows(60))]
    tried(config_of(rows_in(tmp_path, rows), f"model.name_or_path={left}", "data.max_length=9", *columns))


def test_l2_windows_of_a_text_begin_at_its_beginning_whatever_the_side(tiny_model: Path) -> None:
    """Each word is tagged once, in the order of the text."""
    examples = [Example(words(30, seed=1), spans=(Span(0, 3, "thing"),))]
    task = Extraction(("thing",), 16, 4)
    found = []
    for side in ("right", "left"):
        tokenizer = AutoTokenizer.from_pretrained(tiny_model, truncation_side=side)
        found.append(task.encode(examples, tokenizer).columns["input_ids"].values_T.tolist())
        assert tokenizer.truncation_side == side
    assert found[0] == found[1]


@pytest.mark.parametrize("name", TEMPLATES)
def test_l3_a_template_is_rendered_as_transformers_renders_it(name: str) -> None:
    tokenizer = tokenizer_of(["a b"] * 4, chat_template=TEMPLATES[name])
    turns = turns_of([{"role": "user", "content": " <b>Größe & 'x' </b>\n"}, {"role": "user", "content": "y"}], "row 1")
    expected = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert chat_text(turns, tokenizer.get_chat_template(), tokenizer.special_tokens_map, "row 1") == expected


def test_l3_a_template_may_refuse_a_chat(llama: Path) -> None:
    refusing = "{{ raise_exception('no system turn') }}"
    with pytest.raises(DataError, match=r"row 3: .*no system turn"):
        chat_text([{"role": "system", "content": "x"}], refusing, {}, "row 3")


def test_l3_the_date_of_a_template_is_that_of_the_day() -> None:
    assert chat_text([], "{{ strftime_now('%Y') }}", {}, "a row") == str(datetime.now().year)


def test_l4_of_named_templates_the_default_is_taken(config_of: Compose, tmp_path: Path) -> None:
    named = {"default": TURNS, "tool_use": "{{ tools }}" + TURNS}
    model = save_model(tmp_path / "named", "llama", chat_template=named, **LLAMA)
    tried(config_of(*WRITES, rows_in(tmp_path, chats(30, length=5)), f"model.name_or_path={model}"))


def test_l4_named_templates_without_a_default_are_refused(config_of: Compose, tmp_path: Path) -> None:
    named = {"rag": TURNS, "tool_use": TURNS}
    model = save_model(tmp_path / "named", "llama", chat_template=named, **LLAMA)
    with pytest.raises(UserError, match="template"):
        tried(config_of(*WRITES, rows_in(tmp_path, chats(30, length=5)), f"model.name_or_path={model}"))


def test_chats_and_plain_rows_may_stand_in_one_file(config_of: Compose, llama: Path, tmp_path: Path) -> None:
    given = rows_in(tmp_path, [*chats(30, length=5), *pairs(30)])
    tried(config_of(*WRITES, given, f"model.name_or_path={llama}"))


def test_s12_a_tokenizer_that_is_made_for_the_rows_gives_every_script_back(tmp_path: Path) -> None:
    texts = ["лодка берег", "日本語 テキスト", "naïve café", "🙂 ok", "שלום", "a\u0301 \t\n b"]
    tokenizer = tokenizer_of(texts)
    tokenizer.save_pretrained(tmp_path)
    settings = PromptSettings("text", None, None, {}, 0, 64, is_causal=True)
    prompter = Prompter(tmp_path / TOKENIZER, settings)
    assert [prompter.decoded(prompter.of_row({"text": text}, "a row")) for text in texts] == texts
    assert [tokenizer.decode(tokenizer(text)["input_ids"]) for text in texts] == texts


def test_rows_that_are_tried_are_of_all_kinds() -> None:
    plain = [Example(f"row {number}") for number in range(5000)]
    chat = Example("user: x", "y", messages=(("user", "x"), ("assistant", "y")))
    unusual, longest = Example("größer"), Example("x " * 400)
    chosen = some_of_all_kinds([*plain[:17], chat, *plain[17:4001], unusual, *plain[4001:], longest])
    assert len(chosen) <= MOST_ROWS
    assert all(one in chosen for one in (chat, unusual, longest))
