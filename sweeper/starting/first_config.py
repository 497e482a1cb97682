"""The text of a first config: choices, values, and what each is for."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from omegaconf import OmegaConf

from slimtune.sweeper.config_values import CONFIG_MODULE
from slimtune.sweeper.starting.questions import TEMPLATED, WRITING, Settled, model_options
from slimtune.training.config.model import SPACE, USUAL_EPOCHS, USUAL_RATE, shown_rate
from slimtune.training.config.template import fields_of
from slimtune.training.data.label_cells import shown_range

PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
# words that YAML reads as something else
WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
# tokens; encoders of short texts need no more, and prompts come with their answers
SHORT, LONG = 128, 512


def first_config(settled: Settled, path: str) -> str:
    """The file's text.

    Args:
        settled: What it says.
        path: Where it will lie, for the commands in it.
    """
    return "\n".join([*_head(settled, path), *_defaults(settled), *_data(settled), *_rest(settled)]) + "\n"


def _head(settled: Settled, path: str) -> Iterator[str]:
    given = shlex.quote(path)
    yield f"# a first config for {settled.data}, with the columns {', '.join(one.name for one in settled.columns)}"
    yield f"#   slimtune check --config {given}    tries what it needs, without training"
    yield f"#   slimtune train --config {given}    one trial, without a search"
    yield f"#   slimtune sweep --config {given}    searches, chooses, proves, exports and registers"
    yield f"#   slimtune sweep --config {given} --cfg job --resolve    shows every key with its value"
    yield "# slimtune explain <key> tells what a key is; docs/... are pages in slimtune's repository"


def _defaults(settled: Settled) -> Iterator[str]:
    yield "defaults:"
    yield "  # what is learned (docs/tasks.md)"
    yield f"  - override /task: {settled.guess.task}"
    yield "  # rows from files; hub reads a data set of the hub (docs/data.md)"
    yield "  - override /data: file"
    if settled.model in model_options():
        yield "  # model.name_or_path=<a folder or a name of the hub> takes another one (docs/models.md)"
        yield f"  - override /model: {settled.model}"
    if _is_drawn(settled.model):
        # adapters have nothing there to build on
        yield "  # all weights are trained, as the model's are drawn anew"
    else:
        yield "  # what is trained: lora, full, adapters, qlora, ... (docs/methods.md); lora,full searches both"
    yield f"  - override /method: {_method(settled)}"
    if _is_drawn(settled.model):
        yield "  # rates are searched that such weights need"
        yield f"  - override /space: {SPACE}"


def _data(settled: Settled) -> Iterator[str]:
    found = settled.guess
    yield "\ndata:"
    yield f"  train_file: {_scalar(settled.data)}"
    if settled.encoding is not None:
        yield f"  encoding: {_scalar(settled.encoding)}"
    yield "  # 15 % of the rows each are held out for validation and test, unless these name files"
    yield "  validation_file: null"
    yield "  test_file: null"
    if found.more_prompt:
        fields = [str(found.text), *found.more_prompt, str(found.target)]
        template = _lines(f"{{{name}}}" for name in fields)
        yield "  # the last field is the answer, what stands before it is the prompt"
        yield f"  text_template: {json.dumps(template, ensure_ascii=False)}"
    elif found.text is not None:
        yield f"  text_column: {_scalar(found.text)}"
        yield from _other_prompt(settled)
    if found.pair is not None:
        yield f"  text_pair_column: {_scalar(found.pair)}"
    if found.target is not None:
        yield f"  {'target_column' if found.task in WRITING else 'label_column'}: {_scalar(found.target)}"
    yield "  # tokens of a row; longer ones are cut, and the data report counts them"
    yield f"  max_length: {LONG if found.task in WRITING else SHORT}"


def _other_prompt(settled: Settled) -> Iterator[str]:
    """A template of the file's own columns, for tasks that take one."""
    found = settled.guess
    if found.target is None or found.task not in TEMPLATED:
        return
    prompt = [one.name for one in settled.columns if one.name != found.target]
    fields = [f"{{{name}}}" for name in [*prompt, found.target] if fields_of(f"{{{name}}}") == [name]]
    if fields and fields[-1] == f"{{{found.target}}}" and len(fields) > 1:
        yield "  # a prompt of several columns; text_column is not read then, and the last field is the answer"
        yield f"  # text_template: {json.dumps(_lines(fields), ensure_ascii=False)}"


def _lines(fields: Iterable[str]) -> str:
    return "\n".join(fields)


def _rest(settled: Settled) -> Iterator[str]:
    if (alike := settled.guess.alike) is not None:
        yield "\ntask:\n  # of two labels, that of pairs that are alike: the other one is of pairs that differ"
        yield f"  alike_label: {alike if alike.isdecimal() else _scalar(alike)}"
        yield "  # how well alike pairs are told from the others; spearman is for scores: by two labels none has 1"
        yield "  metric: average_precision"
    if (ends := settled.guess.score_range) is not None:
        yield "\ntask:\n  # labels of pairs that are not alike at all, and of those that mean the same: read as 0 to 1"
        yield f"  score_range: {shown_range(ends)}"
    if settled.guess.task == "generation" and _is_drawn(settled.model):
        yield "\ntask:\n  # by loss, a model may be chosen that answers nothing yet; this compares letters of answers"
        yield "  metric: chrf"
    if settled.model not in model_options():
        yield f"\nmodel:\n  name_or_path: {_scalar(settled.model)}"
    yield from _training(settled)
    yield f"\nsearch:\n  name: {_scalar(settled.name)}"
    if settled.n_trials <= (startup := _option("search/sampler", "tpe")["n_startup_trials"]):
        others = ", the others are drawn at random" if settled.n_trials > 1 else ""
        yield f"  # the first trial is this config as it stands{others};"
        yield f"  # those beyond {startup} (slimtune resume --n-trials) learn from the ones before them"
    yield f"  n_trials: {settled.n_trials}"
    yield "  # ends a search early; null is no limit"
    yield "  max_minutes: null"
    yield "\nexport:\n  # the winner's name in the registry"
    yield f"  registered_model: {_scalar(settled.name)}"


def _training(settled: Settled) -> Iterator[str]:
    *others, last = _searched_keys(_method(settled))
    searched = f"  # method {_method(settled)} searches {', '.join(others)} and {last} (docs/search_space.md)"
    if not _is_drawn(settled.model):
        yield f"\nfit:\n{searched}\n  # passes over the training rows\n  epochs: 3"
        return
    yield f"\nfit:\n{searched}"
    yield "  # weights that are drawn anew need a higher rate and more passes over the training rows than trained"
    yield "  # ones; of millions of tokens fewer passes do (docs/tasks.md)"
    yield f"  learning_rate: {shown_rate(USUAL_RATE)}"
    yield f"  epochs: {USUAL_EPOCHS}"
    if settled.guess.task != "language_modelling":
        yield "  # their loss on few rows is lowest long before their answers are good: no trial ends by it, and the"
        yield "  # best evaluation is kept; a number ends trials after so many evaluations without a better one"
        yield "  patience: null"
    searched_rate = {**_rate_of("full"), **_rate_of(SPACE)}
    yield "\nspace:\n  fit:\n    # a key that is set in this file is not searched unless it has a range here as well"
    yield f"    learning_rate: {{{', '.join(f'{key}: {_value(value)}' for key, value in searched_rate.items())}}}"


def _method(settled: Settled) -> str:
    return "full" if _is_drawn(settled.model) else "lora"


def _rate_of(space: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _option("space", space)["fit"]["learning_rate"]
    return found


def _value(value: object) -> str:
    return shown_rate(value) if isinstance(value, float) else str(value).lower()


def _is_drawn(model: str) -> bool:
    """Whether an option's weights are drawn anew."""
    return model in model_options() and _option("model", model)["scratch"] is not None


def _searched_keys(method: str) -> list[str]:
    """Those of its space; another range (`full_drawn`) has the same."""
    return [f"{section}.{key}" for section, keys in _option("space", method).items() for key in keys]


def _option(group: str, name: str) -> Any:
    """An option that ships, as it is written."""
    text = files(CONFIG_MODULE).joinpath(group, f"{name}.yaml").read_text(encoding="utf-8")
    return OmegaConf.to_container(OmegaConf.create(text), resolve=False)


def _scalar(text: str) -> str:
    """A text as YAML reads it back."""
    if PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)
