"""What an export will ask of model and rows, asked before the first trial."""

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from slimtune.export.bundle.bundle import TOKENIZER
from slimtune.export.config import OnnxExport, check_static_length, kind_of_task
from slimtune.export.genai.source import check_buildable
from slimtune.export.graph_names import Kind
from slimtune.export.manifest.interface import generation_settings_of, prompt_settings_of
from slimtune.export.pipeline import write_graphs
from slimtune.export.verification.limits import check_size
from slimtune.export.verification.reference import ComparedRows
from slimtune.export.verification.tokenizer_check import check_tokenizer
from slimtune.training.data.examples import Example
from slimtune.training.errors import ConfigError, ModelError
from slimtune.training.models.positions import positions_of
from slimtune.training.workbench.prepared_data import PreparedData

# rows that are tokenized twice: the longest ones, those with characters of their own, and others in even steps
MOST_ROWS, LONGEST, UNUSUAL = 300, 30, 60
# families whose graphs the tests of this project write and run
ENCODERS = ("albert", "bert", "deberta-v2", "distilbert", "electra", "modernbert", "mpnet", "roberta")
DECODERS = ("bloom", "gemma3_text", "gpt2", "gpt_neox", "llama", "mistral", "mixtral", "opt", "phi3", "qwen2", "qwen3")
TRACED = frozenset((*ENCODERS, *DECODERS, "bart", "marian", "mt5", "pegasus", "t5"))


def export_checks(data: PreparedData, config: OnnxExport) -> Iterator[Callable[[], object]]:
    """What will be asked, each by itself. Each raises a UserError, which says what does not fit.

    Raises:
        ConfigError: The task has no graph, of which nothing more can be asked.
    """
    kind = kind_of_task(data.config.task, data.task.export_kind)
    yield partial(check_static_length, config.target, positions_of(data.model).read)
    yield partial(check_size, data.model, config)
    rows = _rows(data, kind)
    yield partial(_check_tokens, rows)
    if kind.writes:
        yield partial(generation_settings_of, rows, data.model)
    if config.genai:
        yield partial(_check_genai, data, kind)
    if kind is Kind.numbers or data.model.config.model_type not in TRACED:
        yield partial(_check_graph, data, rows, opset=config.opset)


def _rows(data: PreparedData, kind: Kind) -> ComparedRows:
    examples = some_of_all_kinds([one for split in data.rows.named().values() for one in split])
    encoded = data.task.encode(examples, data.tokenizer)
    split = data.task.split(examples, encoded, name="training")
    return ComparedRows(kind=kind, task=data.task, split=split, tokenizer=data.tokenizer, config=data.config)


def some_of_all_kinds(examples: Sequence[Example]) -> list[Example]:
    """At most `MOST_ROWS` of them, in order: long ones, chats and plain ones, unusual characters, and any others."""
    if len(examples) <= MOST_ROWS:
        return list(examples)
    rows = range(len(examples))
    by_length = sorted(rows, key=lambda row: len(examples[row].both), reverse=True)
    unusual = [row for row in rows if not examples[row].both.isascii()]
    chats, plain = ([row for row in rows if bool(examples[row].messages) is kind] for kind in (True, False))
    chosen = {*by_length[:LONGEST], *_even(unusual, UNUSUAL), *_even(chats, UNUSUAL), *_even(plain, UNUSUAL)}
    chosen.update(_even(list(rows), MOST_ROWS - len(chosen)))
    return [examples[row] for row in sorted(chosen)]


def _even(rows: list[int], most: int) -> list[int]:
    return rows if len(rows) <= most else [rows[at] for at in np.linspace(0, len(rows) - 1, most, dtype=int)]


def _check_tokens(rows: ComparedRows) -> None:
    with TemporaryDirectory() as scratch:
        rows.tokenizer.save_pretrained(scratch)
        path = Path(scratch) / TOKENIZER
        if not path.is_file():
            raise ModelError(
                f"model.name_or_path is '{rows.config.model.name_or_path}', whose tokenizer has no fast form "
                f"({TOKENIZER}), which a bundle needs; save it with a fast tokenizer, or use export=none"
            )
        check_tokenizer(rows, path, prompt_settings_of(rows) if rows.kind.writes else None)


def _check_genai(data: PreparedData, kind: Kind) -> None:
    if kind is not Kind.causal:
        raise ConfigError(["export.genai is for causal models; use export.genai=[]"])
    settings = {**data.model.config.to_dict(), "architectures": [type(data.model).__name__]}
    check_buildable(settings, Path(str(data.config.model.name_or_path)))


def _check_graph(data: PreparedData, rows: ComparedRows, *, opset: int) -> None:
    write_graphs(_one_layer(data).eval(), None, rows, opset=opset)


def _one_layer(data: PreparedData) -> Any:
    """The model without weights, of one layer where all are alike."""
    small: Any = copy.deepcopy(data.model.config)
    types = getattr(small, "layer_types", None) or [None]
    if small.is_encoder_decoder or len(set(types)) > 1:
        return data.model
    build: Any = data.task.auto_class.from_config
    try:
        small.num_hidden_layers = 1
        if types != [None] and len(types) > 1:
            small.layer_types = types[:1]
        with torch.device("meta"):
            return build(small)
    except (ValueError, TypeError, KeyError, AttributeError):
        # then as it is
        return data.model
