"""Generative models in onnxruntime: prompts to answers, token by token with a cache; no PyTorch or transformers."""

# B rows of a batch, T tokens, U of the answer, P past ones, V vocabulary

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import onnxruntime

from slimtune.export.bundle.interface import GenerationSettings
from slimtune.export.graph_names import DECODER, ENCODER, LOGITS, MODEL, POSITIONS, Kind
from slimtune.export.runtime.adapter_session import AdapterSession
from slimtune.export.runtime.encoder_session import PREDICT_BATCH_SIZE
from slimtune.export.runtime.execution import ON_CPU, Execution, open_graph
from slimtune.training.data.padding import padded_ids

Arrays = dict[str, np.ndarray]
MASK, ENCODER_MASK = "attention_mask", "encoder_attention_mask"


class GenerationSession(Protocol):
    """A generative model, which continues from a state that it changes."""

    def begin(self, prompts: Sequence[Sequence[int]], pad_id: int) -> tuple[Arrays, np.ndarray | None]:
        """The state after the prompts, and the scores (B, V) of the first token if they are known."""
        ...

    def step(self, state: Arrays, ids_B: np.ndarray) -> np.ndarray:
        """Scores (B, V) of the token that follows these."""
        ...


def generated_ids(
    session: GenerationSession,
    prompts: Sequence[Sequence[int]],
    settings: GenerationSettings,
    *,
    batch_size: int = PREDICT_BATCH_SIZE,
) -> list[list[int]]:
    """Token ids of each answer, without its end; prompts of like length share a batch."""
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    answers: list[list[int]] = [[] for _ in prompts]
    for at in range(0, len(order), batch_size):
        part = order[at : at + batch_size]
        for index, answer in zip(part, _answers(session, [prompts[index] for index in part], settings), strict=True):
            answers[index] = answer
    return answers


def _answers(
    session: GenerationSession, prompts: Sequence[Sequence[int]], settings: GenerationSettings
) -> list[list[int]]:
    state, scores_BV = session.begin(prompts, settings.pad_id)
    if scores_BV is None:
        scores_BV = session.step(state, np.full(len(prompts), settings.start_id))
    answers: list[list[int]] = [[] for _ in prompts]
    open_B = np.ones(len(prompts), dtype=bool)
    least_B = np.array([settings.least_new(len(prompt)) for prompt in prompts])
    for place in range(settings.max_new_tokens):
        ids_B = _best(scores_BV, settings, place=place, must_go_on_B=least_B > place)
        open_B &= ~np.isin(ids_B, list(settings.end_ids))
        for row in np.flatnonzero(open_B):
            answers[row].append(int(ids_B[row]))
        if not open_B.any() or place + 1 == settings.max_new_tokens:
            break
        scores_BV = session.step(state, np.where(open_B, ids_B, settings.pad_id))
    return answers


def _best(scores_BV: np.ndarray, settings: GenerationSettings, *, place: int, must_go_on_B: np.ndarray) -> np.ndarray:
    """The next token (B) of each row."""
    if place == 0 and settings.forced_start_id is not None:
        return np.full(len(scores_BV), settings.forced_start_id)
    if place + 1 == settings.max_new_tokens and settings.forced_end_id is not None:
        return np.full(len(scores_BV), settings.forced_end_id)
    if must_go_on_B.any() and len(settings.end_ids):
        scores_BV = scores_BV.copy()
        scores_BV[np.ix_(must_go_on_B, np.asarray(settings.end_ids))] = -np.inf
    return np.asarray(scores_BV.argmax(-1))


class CausalSession:
    """Runs one causal model, as `graphs.causal_graph` writes it."""

    def __init__(self, folder: Path, *, execution: Execution = ON_CPU) -> None:
        self._session = open_graph(folder / MODEL, execution)
        self._inputs = {item.name: item for item in self._session.get_inputs()}
        self._outputs = [item.name for item in self._session.get_outputs()]

    def with_adapter(self, adapter: Path) -> Self:
        """A session on the same weights with an `.onnx_adapter` file switched on."""
        other = copy.copy(self)
        other._session = AdapterSession(self._session, adapter)
        return other

    def scores(self, ids_BT: np.ndarray, mask_BT: np.ndarray) -> np.ndarray:
        """Of the next token (B, T, V), for rows that are padded on the right."""
        state = {MASK: mask_BT, **empty_past(self._inputs, len(ids_BT))}
        return self._run(state, ids_BT, positions(mask_BT))

    def begin(self, prompts: Sequence[Sequence[int]], pad_id: int) -> tuple[Arrays, np.ndarray | None]:
        """As the protocol says; rows are padded on the left."""
        ids_BT, mask_BT = padded_ids(prompts, pad_id, left=True)
        state = {MASK: mask_BT, **empty_past(self._inputs, len(prompts))}
        return state, self._run(state, ids_BT, positions(mask_BT))[:, -1]

    def step(self, state: Arrays, ids_B: np.ndarray) -> np.ndarray:
        """As the protocol says."""
        state[MASK] = np.concatenate([state[MASK], np.ones((len(ids_B), 1), dtype=np.int64)], axis=1)
        return self._run(state, ids_B[:, None].astype(np.int64), positions(state[MASK])[:, -1:])[:, -1]

    def _run(self, state: Arrays, ids_BT: np.ndarray, positions_BT: np.ndarray) -> np.ndarray:
        feed = {"input_ids": ids_BT, **state} | ({POSITIONS: positions_BT} if POSITIONS in self._inputs else {})
        return _run(self._session, self._outputs, feed, state)


class EncoderDecoderSession:
    """Runs one encoder-decoder, as `graphs.seq2seq_graph` writes it."""

    def __init__(self, folder: Path, *, execution: Execution = ON_CPU) -> None:
        self._encoder = open_graph(folder / ENCODER, execution)
        self._decoder = open_graph(folder / DECODER, execution)
        self._read = [item.name for item in self._encoder.get_outputs()]
        self._inputs = {item.name: item for item in self._decoder.get_inputs()}
        self._outputs = [item.name for item in self._decoder.get_outputs()]

    def scores(self, ids_BT: np.ndarray, mask_BT: np.ndarray, decoder_ids_BU: np.ndarray) -> np.ndarray:
        """Of the answer's tokens (B, U, V), given what the decoder reads."""
        state = self._state(ids_BT, mask_BT)
        return _run(self._decoder, self._outputs, {"input_ids": decoder_ids_BU, **state}, state)

    def begin(self, prompts: Sequence[Sequence[int]], pad_id: int) -> tuple[Arrays, np.ndarray | None]:
        """As the protocol says; rows are padded on the right."""
        return self._state(*padded_ids(prompts, pad_id, left=False)), None

    def step(self, state: Arrays, ids_B: np.ndarray) -> np.ndarray:
        """As the protocol says."""
        feed = {"input_ids": ids_B[:, None].astype(np.int64), **state}
        return _run(self._decoder, self._outputs, feed, state)[:, -1]

    def _state(self, ids_BT: np.ndarray, mask_BT: np.ndarray) -> Arrays:
        read = self._encoder.run(None, {"input_ids": ids_BT, "attention_mask": mask_BT})
        looked_up = {
            name.replace("present", "past_key_values"): array for name, array in zip(self._read, read, strict=True)
        }
        own = {name: array for name, array in empty_past(self._inputs, len(ids_BT)).items() if name not in looked_up}
        return {ENCODER_MASK: mask_BT, **looked_up, **own}


def generation_session_of(
    kind: Kind, folder: Path, *, execution: Execution = ON_CPU, adapter: Path | None = None
) -> CausalSession | EncoderDecoderSession:
    """The session of a generative kind, a causal one with an adapter switched on if one is given."""
    if kind is Kind.encoder_decoder:
        return EncoderDecoderSession(folder, execution=execution)
    session = CausalSession(folder, execution=execution)
    return session if adapter is None else session.with_adapter(adapter)


def positions(mask_BT: np.ndarray) -> np.ndarray:
    """Places of the tokens (B, T), padding not counted."""
    return np.asarray(np.maximum(mask_BT.cumsum(-1) - 1, 0))


def empty_past(inputs: dict[str, onnxruntime.NodeArg], num_rows: int) -> Arrays:
    """Keys and values (B, H, 0, D), by name."""
    past = {name: item.shape for name, item in inputs.items() if name.startswith("past_key_values")}
    return {name: np.zeros((num_rows, shape[1], 0, shape[3]), dtype=np.float32) for name, shape in past.items()}


def _run(session: onnxruntime.InferenceSession, outputs: Sequence[str], feed: Arrays, state: Arrays) -> np.ndarray:
    """The scores; the state's past becomes the present one."""
    found = dict(zip(outputs, session.run(None, feed), strict=True))
    scores = found.pop(LOGITS)
    state.update({name.replace("present", "past_key_values"): array for name, array in found.items()})
    return np.asarray(scores, dtype=np.float32)
