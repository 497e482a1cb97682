"""Each adapter on the graph beside the same adapter by peft in PyTorch, and the base alone beside the base."""

# B rows of a batch, T tokens, V vocabulary, C classes

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer

from slimtune.export.adapters.base import SharedBase
from slimtune.export.adapters.source import AdapterSource
from slimtune.export.bundle.adapter_folder import BASE
from slimtune.export.bundle.adapters_manifest import AdapterCheck
from slimtune.export.bundle.bundle import TOKENIZER
from slimtune.export.graph_names import FP32, Kind
from slimtune.export.runtime.encoder_session import EncoderSession, Text, TextSettings, decided
from slimtune.export.runtime.generation_session import CausalSession
from slimtune.export.runtime.last_token_session import LastTokenSession
from slimtune.export.runtime.tokenizer_file import open_tokenizer
from slimtune.training.errors import ModelError

# rows that are compared; of generative models, tokens of a row, and scores of all of them (64 MB)
MOST_ROWS, MOST_TOKENS, MOST_SCORES = 32, 32, 1 << 24
# share of the largest score
MAX_GAP = 1e-3
# tokens of a row that are also given one by one, with the cache
NUM_STEPS = 4
SENTENCES = (
    "The train was late again, so we walked along the river and talked about the summer.",
    "Please send the signed form back before Friday.",
    "I could not find the shop that you told me about.",
    "Water boils at a lower temperature in the mountains.",
    "Nobody had expected them to win, and yet they did.",
    "What a lovely evening!",
)


class AdapterRows(NamedTuple):
    """What models are compared on: texts of classifiers, tokens of generative models.

    Attributes:
        texts: For an encoder, as a user gives them.
        ids: For a causal model.
        settings: How texts become inputs.
        multi_label: Whether a text has any number of labels.
    """

    texts: Sequence[Text]
    ids: Sequence[Sequence[int]]
    settings: TextSettings
    multi_label: bool


class Expected(NamedTuple):
    """What PyTorch gives.

    Attributes:
        kind: What it answers.
        rows: What it was given.
        outputs: Class scores (C), or scores of the next token (T, V), row by row.
        answers: Tokens that it generates, where that was asked.
    """

    kind: Kind
    rows: AdapterRows
    outputs: Sequence[np.ndarray]
    answers: Sequence[Sequence[int]] = ()


def rows_of(base: SharedBase, source: AdapterSource | None) -> AdapterRows:
    """Validation rows of an adapter, if they can be read; else a few sentences."""
    length = base.max_length
    texts: Sequence[Text] = SENTENCES
    ids = [base.tokenizer(text)["input_ids"] for text in SENTENCES]
    multi_label = False
    if source is not None and source.trained is not None:
        trained = source.trained
        config = trained.config
        length = config.data.max_length
        examples = source.validation[:MOST_ROWS]
        if examples and base.kind is Kind.causal:
            encoded = trained.task.encode(examples, base.tokenizer)
            ids = [encoded.row(at).tolist() for at in range(min(len(encoded), MOST_ROWS))]
        elif examples:
            pairs = config.data.text_pair_column is not None
            texts = [example.given(pairs=pairs) for example in examples]
        multi_label = getattr(config.task, "multi_label", False)
    settings = TextSettings(length, int(base.tokenizer.pad_token_id), side=base.tokenizer.truncation_side)
    return AdapterRows(texts, _fewer([row[:MOST_TOKENS] for row in ids], base), settings, multi_label)


def _fewer(ids: Sequence[Sequence[int]], base: SharedBase) -> list[Sequence[int]]:
    """As many rows as there is room for, at least one."""
    room = max(1, MOST_SCORES // (MOST_TOKENS * len(base.tokenizer)))
    return [row for row in ids if len(row) > 1][:room]


def check_adapter_tokenizer(base: SharedBase, source: AdapterSource, rows: AdapterRows) -> None:
    """Whether an adapter reads tokens as the base does, if it says how it does.

    Raises:
        ModelError: It does not.
    """
    path = source.folder / TOKENIZER
    if not path.is_file():
        return
    own, shared = open_tokenizer(path), base.tokenizer.backend_tokenizer
    for tokenizer in (own, shared):
        tokenizer.no_truncation()
        tokenizer.no_padding()
    same_words = own.get_vocab() == shared.get_vocab()
    given = list(rows.texts)
    if not same_words or _ids(own, given) != _ids(shared, given):
        raise ModelError(
            f"adapter {source.name}: {path} reads texts as other tokens than the base's tokenizer, and one base has "
            "one tokenizer; export the adapter alone, by slimtune export"
        )


def _ids(tokenizer: Tokenizer, texts: Sequence[Text]) -> list[list[int]]:
    return [list(encoding.ids) for encoding in tokenizer.encode_batch(list(texts))]


def _both(text: Text) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else (text,)


@torch.inference_mode()
def expected_of(model: Any, base: SharedBase, rows: AdapterRows) -> Expected:
    """PyTorch's scores, row by row."""
    if base.kind is Kind.causal:
        outputs = [model(input_ids=torch.tensor([ids])).logits[0] for ids in rows.ids]
    else:
        outputs = [model(**_inputs(base, text, rows)).logits[0] for text in rows.texts]
    return Expected(base.kind, rows, [output.float().numpy() for output in outputs])


def _inputs(base: SharedBase, text: Text, rows: AdapterRows) -> dict[str, torch.Tensor]:
    given = base.tokenizer(*_both(text), truncation=True, max_length=rows.settings.max_length, return_tensors="pt")
    return {name: given[name] for name in base.inputs}


def check_adapters(
    base: SharedBase, folder: Path, expected: Mapping[str, Expected], files: Mapping[str, Path], *, graph: str
) -> list[AdapterCheck]:
    """Compare the folder's graph, with each adapter switched on in turn.

    Args:
        base: In PyTorch.
        folder: Holds `model.onnx` and `tokenizer.json`.
        expected: What PyTorch gives, by name.
        files: `.onnx_adapter` files by name; what has none is the base alone.
        graph: What the checks are to say of the graph.
    """
    writing = {name: one for name, one in expected.items() if one.kind is Kind.causal}
    reading = {name: one for name, one in expected.items() if name not in writing}
    found = _written(folder, writing, files) if writing else {}
    if reading:
        # over a generative base, classifiers have their head in the place of the output embedding
        kind = LastTokenSession if base.kind is Kind.causal else EncoderSession
        settings = next(iter(reading.values())).rows.settings
        found |= _classified(kind(folder, folder / TOKENIZER, settings), reading, files)
    return [_check(name, graph, one, found[name]) for name, one in expected.items()]


def _classified(
    session: EncoderSession, expected: Mapping[str, Expected], files: Mapping[str, Path]
) -> dict[str, list[np.ndarray]]:
    found = {}
    for name, one in expected.items():
        length = one.rows.settings.max_length
        used = session.with_adapter(files[name], max_length=length) if name in files else session
        found[name] = list(used.outputs(one.rows.texts))
    return found


def _written(folder: Path, expected: Mapping[str, Expected], files: Mapping[str, Path]) -> dict[str, list[np.ndarray]]:
    """Scores of whole rows; those of the last tokens are from steps with the cache."""
    session = CausalSession(folder)
    found = {}
    for name, one in expected.items():
        used = session.with_adapter(files[name]) if name in files else session
        found[name] = [_with_cache(used, ids, one.rows.settings.pad_id) for ids in one.rows.ids]
    return found


def _with_cache(session: CausalSession, ids: Sequence[int], pad_id: int) -> np.ndarray:
    num_first = max(1, len(ids) - NUM_STEPS)
    first = np.array([ids[:num_first]], dtype=np.int64)
    scores_TV = [*session.scores(first, np.ones_like(first))[0][:-1]]
    state, last_BV = session.begin([ids[:num_first]], pad_id)
    assert last_BV is not None
    scores_TV.append(last_BV[0])
    scores_TV += [session.step(state, np.array([token]))[0] for token in ids[num_first:]]
    return np.stack(scores_TV)


def within_limits(checks: list[AdapterCheck], *, min_agreement: float) -> list[AdapterCheck]:
    """The checks, if they pass: an fp32 graph gives PyTorch's scores, a quantized one keeps so many of its answers.

    Raises:
        ModelError: One does not.
    """
    for check in checks:
        who = "the base alone" if check.name == BASE else f"adapter {check.name}"
        if check.graph.endswith(FP32) and not check.relative_gap <= MAX_GAP:
            raise ModelError(
                f"{who} differs on the graph from PyTorch by {check.max_gap:.2e}, {check.relative_gap:.2e} of the "
                f"largest score (at most {MAX_GAP:g}); nothing was written: this is a fault of the export, please "
                "report it"
            )
        if check.agreement < min_agreement and check.graph != FP32:
            raise ModelError(
                f"{who} gives PyTorch's answer in {check.agreement:.1%} of {check.num_rows} rows with a base in "
                f"{check.graph} (--min-agreement {min_agreement:g}); nothing was written: use --precision fp32"
            )
    return checks


def _check(name: str, graph: str, expected: Expected, found: Sequence[np.ndarray]) -> AdapterCheck:
    rows = expected.rows
    gap = max(float(np.abs(own - other).max()) for own, other in zip(expected.outputs, found, strict=True))
    scale = max(float(np.abs(own).max()) for own in expected.outputs)
    same = np.concatenate(
        [_same(own, other, multi_label=rows.multi_label) for own, other in zip(expected.outputs, found, strict=True)]
    )
    return AdapterCheck(name, graph, len(found), gap, gap / scale, float(same.mean()))


def _same(own: np.ndarray, other: np.ndarray, *, multi_label: bool) -> np.ndarray:
    """Whether the decisions are the same: one of a classifier's row, one a token of a generative model."""
    own_BC, other_BC = np.atleast_2d(own), np.atleast_2d(other)
    pairs = (decided(scores, multi_label=multi_label) for scores in (own_BC, other_BC))
    exact, found = pairs
    return np.asarray((exact == found).all(1))
