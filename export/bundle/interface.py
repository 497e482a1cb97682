"""How a model is run: what it is given, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

from slimtune.export.bundle.record import exactly, picked
from slimtune.export.graph_names import Kind
from slimtune.training.data.least_new_tokens import least_new_tokens

SIDES = ("right", "left")


class GenerationSettings(NamedTuple):
    """How answers are generated: greedily.

    Attributes:
        max_new_tokens: Longest answer.
        pad_id: Token id that fills up a batch.
        end_ids: Tokens that end an answer; empty never ends one.
        start_id: What a decoder begins with; None for causal models.
        forced_start_id: First token of every answer, where the model was made so.
        forced_end_id: Token that an answer of `max_new_tokens` ends with, where the model was made so.
        min_length: Tokens that an answer has at least, the prompt of a causal model or the start among them.
        min_new_tokens: Tokens that an answer has at least, in place of that; None leaves it to `min_length`.
    """

    max_new_tokens: int
    pad_id: int
    end_ids: Sequence[int]
    start_id: int | None = None
    forced_start_id: int | None = None
    forced_end_id: int | None = None
    min_length: int = 0
    min_new_tokens: int | None = None

    def least_new(self, num_prompt_tokens: int) -> int:
        """Tokens that the answer to such a prompt has at least."""
        before = num_prompt_tokens if self.start_id is None else 1
        return least_new_tokens(self.min_length, self.min_new_tokens, before=before)


class PromptSettings(NamedTuple):
    """How the training rows became prompts.

    Attributes:
        text_column: The prompt's, where there is no template.
        template: With `{column}` fields; None gives the text as it is.
        chat_template: Of chats, in Jinja; None where the model was trained on none.
        special_tokens: Names and texts of tokens that a chat template may ask for.
        num_end_tokens: How many tokens the tokenizer puts behind a text by itself, which are left out.
        max_tokens: Longest prompt: of a longer one, a causal model is given the end.
        is_causal: Whether the answer continues the prompt.
        truncation_side: Where an encoder-decoder's prompt is cut, `right` or `left`.
    """

    text_column: str
    template: str | None
    chat_template: str | None
    special_tokens: Mapping[str, str]
    num_end_tokens: int
    max_tokens: int
    is_causal: bool
    truncation_side: str = "right"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """All that is needed to run a model's graphs.

    Attributes:
        kind: What it answers.
        labels: Label names in the order of their ids; empty where it answers none.
        max_length: Longest input in tokens.
        truncation_side: Where a longer one is cut, `right` or `left`.
        pad_id: Token id that fills up a batch.
        multi_label: Whether a text has any number of labels.
        takes_pairs: Whether a classifier is given two texts at a time.
        tags: Of words, in the order of their ids; of extraction alone.
        stride: Tokens that two windows of a longer text share; None cuts it.
        pooling: How the vectors of tokens become one of a text; of similarity alone.
        last_token: Whether a causal graph classifies, by the scores of the last token.
        max_positions: Most tokens of prompt and answer together; None is any number.
        generation: How a generative model answers.
        prompt: How rows become its prompts.
    """

    kind: Kind
    labels: Sequence[str]
    max_length: int
    truncation_side: str = "right"
    pad_id: int
    multi_label: bool = False
    takes_pairs: bool = False
    tags: Sequence[str] = ()
    stride: int | None = None
    pooling: str | None = None
    last_token: bool = False
    max_positions: int | None = None
    generation: GenerationSettings | None = None
    prompt: PromptSettings | None = None

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """From a manifest's plain values.

        Raises:
            KeyError, TypeError, ValueError: A value is missing or unknown.
        """
        kind = _kind(values["kind"])
        generation, prompt = values.get("generation"), values.get("prompt")
        if kind.writes and (generation is None or prompt is None):
            raise KeyError("generation" if generation is None else "prompt")
        made = picked(
            cls,
            values,
            kind=kind,
            generation=None if generation is None else exactly(GenerationSettings, generation),
            prompt=None if prompt is None else exactly(PromptSettings, prompt),
        )
        for name, least in (("max_length", 1), ("pad_id", 0), ("stride", 0)):
            if (getattr(made, name) or 0) < least:
                raise ValueError(f"its '{name}' is {getattr(made, name)}, and not {least} or more")
        if made.truncation_side not in SIDES:
            raise ValueError(f"its 'truncation_side' is '{made.truncation_side}', and not right or left")
        return made

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as a manifest holds them."""
        return {
            **asdict(self),
            "kind": self.kind.value,
            "generation": self.generation and self.generation._asdict(),
            "prompt": self.prompt and self.prompt._asdict(),
        }


def _kind(name: Any) -> Kind:
    known = [one.value for one in Kind]
    if name not in known:
        raise ValueError(f"its 'kind' is {name!r}, which this version of slimtune does not know")
    return Kind(name)
