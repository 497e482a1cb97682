"""What a model answers, row by row, whatever its kind.

A row whose text is null, empty or blank has no answer: its values are None.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from slimtune.export.bundle.bundle import TOKENIZER, RunnableModel
from slimtune.export.bundle.interface import GenerationSettings
from slimtune.export.graph_names import Kind
from slimtune.export.runtime.answer_names import EMBEDDING, PREDICTION, PROBABILITY
from slimtune.export.runtime.classifier import Answer, Classifier, check_pairs
from slimtune.export.runtime.encoder_session import Text
from slimtune.export.runtime.execution import execution_for
from slimtune.export.runtime.generation_session import generated_ids, generation_session_of
from slimtune.export.runtime.given_rows import LocatedRow as LocatedRow
from slimtune.export.runtime.given_rows import MovedText, TextReader
from slimtune.export.runtime.given_rows import TextColumns as TextColumns
from slimtune.export.runtime.last_token_session import encoder_of
from slimtune.export.runtime.prompter import Prompter
from slimtune.export.runtime.tagger import Tagger
from slimtune.training.data.cells import is_missing
from slimtune.training.errors import DataError

DIGITS = 6
# prompts to answers, as token ids
Generate = Callable[[Sequence[Sequence[int]]], list[list[int]]]
Values = dict[str, Any]
GivenT = TypeVar("GivenT")


class RowPredictor(Protocol):
    """A model that is ready to run."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of what it may answer."""
        ...

    def reads(self, asked: LocatedRow) -> bool:
        """Whether a row has a text to be answered.

        Raises:
            DataError: It lacks a column, or what stands there is no text.
        """
        ...

    def remarks(self, asked: LocatedRow) -> Iterable[str]:
        """What is answered although a part of it is blank, as rows of that kind are told of."""
        ...

    def moved(self, asked: LocatedRow) -> MovedText | None:
        """Where a text of a row stands, if that is another column than in training."""
        ...

    def answers(self, asked: Sequence[LocatedRow]) -> list[Values]:
        """What each row gets; None by the name of each value for a row without text.

        Raises:
            DataError: A row lacks a column, or what stands there is no text; the message names the row.
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
        DataError: `max_new_tokens` is given for a model that is not generative, is not above 0, or is more than the
            model has positions for.
    """
    kind = model.interface.kind
    said = f"{columns.asked_by.longest} is {max_new_tokens}"
    if max_new_tokens is not None and not kind.writes:
        raise DataError(f"{said}, and the model ({kind.value}) writes no text; leave it out")
    if max_new_tokens is not None and max_new_tokens < 1:
        raise DataError(f"{said}; use a number above 0")
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


class _Answering(Generic[GivenT]):
    """What all have in common: rows without text are left out, and get None in the end."""

    # what an answer may hold, and what a row without text gets None for
    names: tuple[str, ...] = (PREDICTION,)
    unanswered: tuple[str, ...] = (PREDICTION,)

    def answers(self, asked: Sequence[LocatedRow]) -> list[Values]:
        """As the protocol says."""
        given = [self._given(one) for one in asked]
        found = iter(self._answered([one for one in given if one is not None]))
        return [dict.fromkeys(self.unanswered) if one is None else next(found) for one in given]

    def reads(self, asked: LocatedRow) -> bool:
        """As the protocol says."""
        return self._given(asked) is not None

    def remarks(self, asked: LocatedRow) -> Iterable[str]:  # noqa: ARG002
        """As the protocol says; a text of its own has no parts."""
        return ()

    def moved(self, asked: LocatedRow) -> MovedText | None:  # noqa: ARG002
        """As the protocol says; a prompt's columns have one place."""
        return None

    def _given(self, asked: LocatedRow) -> GivenT | None:
        """What the model is given of a row; None if it has no text."""
        raise NotImplementedError

    def _answered(self, given: Sequence[GivenT]) -> list[Values]:
        raise NotImplementedError


class _OfTexts(_Answering[GivenT]):
    """What predictors have in common whose rows are texts."""

    def __init__(self, model: RunnableModel, columns: TextColumns) -> None:
        self._interface = model.interface
        self._reader = TextReader(columns, model.trained)
        self._asked_by = columns.asked_by

    def moved(self, asked: LocatedRow) -> MovedText | None:
        """As the protocol says."""
        return self._reader.moved(asked)

    def row_of(self, text: str, pair: str | None) -> dict[str, Any]:
        """As the protocol says."""
        check_pairs(wanted=self._interface.takes_pairs, given=pair is not None, said=self._asked_by.pair)
        return self._reader.row_of(text, pair)


class _OfTextOrPair(_OfTexts[Text]):
    """Those that are given a text, or two together."""

    def _given(self, asked: LocatedRow) -> Text | None:
        """As training reads them: of two texts, the second may be empty."""
        text = self._reader.text(asked)
        if not self._interface.takes_pairs:
            return text or None
        pair = self._reader.pair(asked)
        return (text, pair) if text else None

    def remarks(self, asked: LocatedRow) -> Iterable[str]:
        """As the protocol says."""
        if self._interface.takes_pairs and self._reader.text(asked) and not self._reader.pair(asked):
            yield "rows with a blank second text, which are answered"


class _Labels(_OfTextOrPair):
    """`prediction` and `probability`; lists of them with several labels."""

    names: tuple[str, ...] = (PREDICTION, PROBABILITY)
    unanswered: tuple[str, ...] = names

    def __init__(self, model: RunnableModel, columns: TextColumns) -> None:
        super().__init__(model, columns)
        self._classifier = Classifier(model)

    def _answered(self, given: Sequence[Text]) -> list[Values]:
        return [self._values(one) for one in self._classifier.answer(given)] if given else []

    def _values(self, answer: Answer) -> Values:
        labels, likely = list(answer.labels), [round(one, DIGITS) for one in answer.probabilities]
        if self._interface.multi_label:
            return {PREDICTION: labels, PROBABILITY: likely}
        return {PREDICTION: labels[0], PROBABILITY: likely[0]}


class _Numbers(_OfTextOrPair):
    """`prediction`: what the task's own graph gives, a number or a list of them."""

    def __init__(self, model: RunnableModel, columns: TextColumns) -> None:
        super().__init__(model, columns)
        self._session = encoder_of(model)

    def _answered(self, given: Sequence[Text]) -> list[Values]:
        outputs = self._session.outputs(given) if given else np.empty(0)
        return [{PREDICTION: one} for one in np.round(outputs.astype(np.float64), DIGITS).tolist()]


class _Spans(_OfTexts[str]):
    """`prediction`: spans as `{"start", "end", "label", "text"}`, in characters of the text."""

    def __init__(self, model: RunnableModel, columns: TextColumns) -> None:
        super().__init__(model, columns)
        self._tagger = Tagger(model)

    def _given(self, asked: LocatedRow) -> str | None:
        text = self._reader.whole_text(asked)
        return text if text.strip() else None

    def remarks(self, asked: LocatedRow) -> Iterable[str]:
        """As the protocol says."""
        if self._reads_blank_words(asked):
            yield "rows with blank words in their list of words, which leave blanks in the text"

    def _reads_blank_words(self, asked: LocatedRow) -> bool:
        return self._given(asked) is not None and any(map(is_missing, self._reader.words(asked)))

    def _answered(self, given: Sequence[str]) -> list[Values]:
        return [
            {PREDICTION: [span.within(text) for span in spans]}
            for text, spans in zip(given, self._tagger.spans(given), strict=True)
        ]


class _Similarity(_OfTexts[list[str]]):
    """`prediction`: the cosine of a row's two texts; of a row with one text, its vector as `embedding`."""

    names: tuple[str, ...] = (PREDICTION, EMBEDDING)

    def __init__(self, model: RunnableModel, columns: TextColumns) -> None:
        super().__init__(model, columns)
        self._session = encoder_of(model)

    def row_of(self, text: str, pair: str | None) -> dict[str, Any]:
        """As the protocol says."""
        return self._reader.row_of(text, pair)

    def _given(self, asked: LocatedRow) -> list[str] | None:
        """One text of a row without a column of the second, and two of others: neither may be empty."""
        texts = [self._reader.text(asked)]
        if self._reader.has_pair(asked):
            texts.append(self._reader.pair(asked))
        return texts if all(texts) else None

    def _answered(self, given: Sequence[list[str]]) -> list[Values]:
        if not given:
            return []
        vectors_ND = self._session.outputs([text for texts in given for text in texts])
        answers, at = [], 0
        for texts in given:
            answers.append(_compared(vectors_ND[at : at + len(texts)]))
            at += len(texts)
        return answers


def _compared(vectors_ND: np.ndarray) -> Values:
    if len(vectors_ND) == 1:
        return {EMBEDDING: [round(float(value), DIGITS) for value in vectors_ND[0]]}
    first_D, second_D = vectors_ND
    length = np.linalg.norm(first_D) * np.linalg.norm(second_D)
    return {PREDICTION: round(float(first_D @ second_D / max(float(length), 1e-12)), DIGITS)}


class _Generated(_Answering[list[int]]):
    """`prediction`: the text that follows the prompt."""

    def __init__(self, model: RunnableModel, columns: TextColumns, max_new_tokens: int | None) -> None:
        prompt, generation = model.interface.prompt, model.interface.generation
        assert prompt is not None
        assert generation is not None
        if columns.text is not None:
            prompt = prompt._replace(text_column=columns.text)
        self._settings = generation._replace(max_new_tokens=max_new_tokens or generation.max_new_tokens)
        self._asked_by = columns.asked_by
        self._positions = model.interface.max_positions
        self._is_causal = prompt.is_causal
        if max_new_tokens is not None:
            self._check_least()
        room = self._room(is_asked=max_new_tokens is not None)
        if room is not None:
            prompt = prompt._replace(max_tokens=min(prompt.max_tokens, room))
        self._prompter = Prompter(model.folder / TOKENIZER, prompt, columns.asked_by)
        is_genai = model.interface.kind is Kind.genai
        self._generate = _by_genai(model, self._settings) if is_genai else _by_graphs(model, self._settings)

    def row_of(self, text: str, pair: str | None) -> dict[str, Any]:
        """As the protocol says."""
        if pair is not None:
            raise DataError(f"{self._asked_by.pair} goes with a model of two texts; this one continues a prompt")
        return self._prompter.row_of_text(text)

    def reads(self, asked: LocatedRow) -> bool:
        """As the protocol says; without the tokens."""
        return self._prompter.reads(asked.row, asked.where)

    def remarks(self, asked: LocatedRow) -> Iterable[str]:
        """As the protocol says."""
        return self._prompter.remarks(asked.row, asked.where) if self.reads(asked) else ()

    def _given(self, asked: LocatedRow) -> list[int] | None:
        if not self.reads(asked):
            return None
        ids = self._prompter.of_row(asked.row, asked.where)
        return ids or None

    def _answered(self, given: Sequence[list[int]]) -> list[Values]:
        answers = self._generate(given)
        return [{PREDICTION: self._prompter.decoded(ids).strip()} for ids in answers]

    def _check_least(self) -> None:
        """Whether an answer that may have no more tokens than asked for can end; a longest prompt has the fewest."""
        most = self._settings.max_new_tokens
        if (least := self._settings.least_new(self._positions or most)) > most:
            raise DataError(
                f"{self._asked_by.longest} is {most}, and by the model's generation settings an answer has at least "
                f"{least} tokens; use {least} or more"
            )

    def _room(self, *, is_asked: bool) -> int | None:
        """Tokens of a prompt beside so long an answer, where a causal model has positions for both; None is any."""
        if self._positions is None:
            return None
        room = self._positions - self._settings.max_new_tokens
        if is_asked and room < (1 if self._is_causal else 0):
            raise DataError(
                f"{self._asked_by.longest} is {self._settings.max_new_tokens}, and the model has {self._positions} "
                f"positions; use at most {self._positions - self._is_causal}"
            )
        return room if self._is_causal and room > 0 else None


def _by_graphs(model: RunnableModel, settings: GenerationSettings) -> Generate:
    execution = execution_for(model.target)
    session = generation_session_of(model.interface.kind, model.folder, execution=execution, adapter=model.adapter)
    return lambda prompts: generated_ids(session, prompts, settings)


def _by_genai(model: RunnableModel, settings: GenerationSettings) -> Generate:
    from slimtune.export.runtime.genai_session import GenaiSession

    session = GenaiSession(model.folder)
    return lambda prompts: session.generate(prompts, max_new_tokens=settings.max_new_tokens)
