"""What a model answers, row by row, whatever its kind."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from slimtune.export.bundle.bundle import TOKENIZER, RunnableModel
from slimtune.export.bundle.interface import GenerationSettings, Interface
from slimtune.export.graph_names import Kind
from slimtune.export.runtime.classifier import Answer, Classifier, check_pairs
from slimtune.export.runtime.encoder_session import Text
from slimtune.export.runtime.execution import execution_for
from slimtune.export.runtime.generation_session import generated_ids, generation_session_of
from slimtune.export.runtime.last_token_session import encoder_of
from slimtune.export.runtime.prompter import Prompter
from slimtune.export.runtime.tagger import Tagger
from slimtune.training.errors import DataError

DIGITS = 6
# prompts to answers, as token ids
Generate = Callable[[Sequence[Sequence[int]]], list[list[int]]]


class LocatedRow(NamedTuple):
    """A row, and what to call it in an error."""

    row: Mapping[str, Any]
    where: str


class TextColumns(NamedTuple):
    """Where the rows have their texts.

    Attributes:
        text: The text's column; None is the one of training for generative models, and `text` for others.
        text_pair: The second text's.
    """

    text: str | None = None
    text_pair: str = "text_pair"


class RowPredictor(Protocol):
    """A model that is ready to run."""

    def answers(self, asked: Sequence[LocatedRow]) -> list[dict[str, Any]]:
        """What each row gets.

        Raises:
            DataError: A row lacks a text.
        """
        ...

    def row_of(self, text: str, pair: str | None) -> dict[str, Any]:
        """A row of a text, or of two.

        Raises:
            DataError: The model needs more than that.
        """
        ...


def row_predictor_of(model: RunnableModel, columns: TextColumns, *, max_new_tokens: int | None = None) -> RowPredictor:
    """The predictor of a model's kind.

    Args:
        model: What to run.
        columns: Where the rows have their texts.
        max_new_tokens: Longest answer of a generative model; None is what it was made for.

    Raises:
        DataError: `max_new_tokens` is given for a model that is not generative, or is not above 0.
    """
    kind = model.interface.kind
    if max_new_tokens is not None and (not kind.writes or max_new_tokens < 1):
        raise DataError(f"--max-new-tokens is {max_new_tokens}; use a number above 0, for a generative model")
    match kind:
        case Kind.labels:
            return _Labels(model, columns)
        case Kind.tags:
            return _Spans(model, columns)
        case Kind.embedding:
            return _Similarity(model, columns)
        case Kind.numbers:
            return _Numbers(model, columns)
        case _:
            return _Generated(model, columns, max_new_tokens)


class _OfTexts:
    """What predictors have in common whose rows are texts."""

    def __init__(self, columns: TextColumns) -> None:
        self._columns = columns

    def row_of(self, text: str, pair: str | None) -> dict[str, Any]:
        """As the protocol says."""
        columns = self._columns
        return {columns.text or "text": text} | ({columns.text_pair: pair} if pair is not None else {})


class _Labels(_OfTexts):
    """`prediction` and `probability`; lists of them with several labels."""

    def __init__(self, model: RunnableModel, columns: TextColumns) -> None:
        super().__init__(columns)
        self._interface = model.interface
        self._classifier = Classifier(model)

    def answers(self, asked: Sequence[LocatedRow]) -> list[dict[str, Any]]:
        """As the protocol says."""
        answers = self._classifier.answer([_text_or_pair(one, self._columns, self._interface) for one in asked])
        return [self._values(one) for one in answers]

    def row_of(self, text: str, pair: str | None) -> dict[str, Any]:
        """As the protocol says."""
        check_pairs(wanted=self._interface.takes_pairs, given=pair is not None)
        return super().row_of(text, pair)

    def _values(self, answer: Answer) -> dict[str, Any]:
        labels, likely = list(answer.labels), [round(one, DIGITS) for one in answer.probabilities]
        if self._interface.multi_label:
            return {"prediction": labels, "probability": likely}
        return {"prediction": labels[0], "probability": likely[0]}


class _Numbers(_OfTexts):
    """`prediction`: what the task's own graph gives, a number or a list of them."""

    def __init__(self, model: RunnableModel, columns: TextColumns) -> None:
        super().__init__(columns)
        self._interface = model.interface
        self._session = encoder_of(model)

    def answers(self, asked: Sequence[LocatedRow]) -> list[dict[str, Any]]:
        """As the protocol says."""
        outputs = self._session.outputs([_text_or_pair(one, self._columns, self._interface) for one in asked])
        return [{"prediction": one} for one in np.round(outputs.astype(np.float64), DIGITS).tolist()]

    def row_of(self, text: str, pair: str | None) -> dict[str, Any]:
        """As the protocol says."""
        check_pairs(wanted=self._interface.takes_pairs, given=pair is not None)
        return super().row_of(text, pair)


def _text_or_pair(asked: LocatedRow, columns: TextColumns, interface: Interface) -> Text:
    text = text_in(asked, columns.text or "text")
    return (text, text_in(asked, columns.text_pair)) if interface.takes_pairs else text


class _Spans(_OfTexts):
    """`prediction`: spans as `{"start", "end", "label", "text"}`, in characters of the text."""

    def __init__(self, model: RunnableModel, columns: TextColumns) -> None:
        super().__init__(columns)
        self._tagger = Tagger(model)

    def row_of(self, text: str, pair: str | None) -> dict[str, Any]:
        """As the protocol says."""
        check_pairs(wanted=False, given=pair is not None)
        return super().row_of(text, pair)

    def answers(self, asked: Sequence[LocatedRow]) -> list[dict[str, Any]]:
        """As the protocol says."""
        texts = [text_in(one, self._columns.text or "text") for one in asked]
        found = self._tagger.spans(texts)
        return [
            {"prediction": [{**span._asdict(), "text": text[span.start : span.end]} for span in spans]}
            for text, spans in zip(texts, found, strict=True)
        ]


class _Similarity(_OfTexts):
    """`prediction`: the cosine of a row's two texts; of a row with one text, its vector as `embedding`."""

    def __init__(self, model: RunnableModel, columns: TextColumns) -> None:
        super().__init__(columns)
        self._session = encoder_of(model)

    def answers(self, asked: Sequence[LocatedRow]) -> list[dict[str, Any]]:
        """As the protocol says."""
        given = [self._texts(one) for one in asked]
        vectors_ND = self._session.outputs([text for texts in given for text in texts])
        answers, at = [], 0
        for texts in given:
            answers.append(_compared(vectors_ND[at : at + len(texts)]))
            at += len(texts)
        return answers

    def _texts(self, asked: LocatedRow) -> list[str]:
        first = text_in(asked, self._columns.text or "text")
        has_pair = asked.row.get(self._columns.text_pair) is not None
        return [first, text_in(asked, self._columns.text_pair)] if has_pair else [first]


def _compared(vectors_ND: np.ndarray) -> dict[str, Any]:
    if len(vectors_ND) == 1:
        return {"embedding": [round(float(value), DIGITS) for value in vectors_ND[0]]}
    first_D, second_D = vectors_ND
    length = np.linalg.norm(first_D) * np.linalg.norm(second_D)
    return {"prediction": round(float(first_D @ second_D / max(float(length), 1e-12)), DIGITS)}


class _Generated:
    """`prediction`: the text that follows the prompt."""

    def __init__(self, model: RunnableModel, columns: TextColumns, max_new_tokens: int | None) -> None:
        prompt, generation = model.interface.prompt, model.interface.generation
        assert prompt is not None
        assert generation is not None
        if columns.text is not None:
            prompt = prompt._replace(text_column=columns.text)
        self._prompter = Prompter(model.folder / TOKENIZER, prompt)
        settings = generation._replace(max_new_tokens=max_new_tokens or generation.max_new_tokens)
        is_genai = model.interface.kind is Kind.genai
        self._generate = _by_genai(model, settings) if is_genai else _by_graphs(model, settings)

    def answers(self, asked: Sequence[LocatedRow]) -> list[dict[str, Any]]:
        """As the protocol says."""
        prompts = [self._prompter.of_row(one.row, one.where) for one in asked]
        answers = self._generate(prompts)
        return [{"prediction": self._prompter.decoded(ids).strip()} for ids in answers]

    def row_of(self, text: str, pair: str | None) -> dict[str, Any]:
        """As the protocol says."""
        if pair is not None:
            raise DataError("--text-pair goes with a model of two texts; this one continues a prompt")
        return self._prompter.row_of_text(text)


def _by_graphs(model: RunnableModel, settings: GenerationSettings) -> Generate:
    execution = execution_for(model.target)
    session = generation_session_of(model.interface.kind, model.folder, execution=execution, adapter=model.adapter)
    return lambda prompts: generated_ids(session, prompts, settings)


def _by_genai(model: RunnableModel, settings: GenerationSettings) -> Generate:
    from slimtune.export.runtime.genai_session import GenaiSession

    session = GenaiSession(model.folder)
    return lambda prompts: session.generate(prompts, max_new_tokens=settings.max_new_tokens)


def text_in(asked: LocatedRow, column: str) -> str:
    """A text of a row.

    Raises:
        DataError: It has none there.
    """
    value = asked.row.get(column)
    if value is None:
        raise DataError(
            f"{asked.where}: no text in column '{column}'; the row has {', '.join(map(str, asked.row))} "
            "(--text-column, --text-pair-column)"
        )
    return str(value)
