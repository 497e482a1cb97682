"""An onnxruntime-genai folder that is ready to run: texts, answers and perplexity, without PyTorch or transformers."""

# B rows of a batch, T tokens, V vocabulary

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slimtune.export.bundle.bundle import TOKENIZER
from slimtune.export.graph_names import GENAI_SETTINGS
from slimtune.export.runtime.tokenizer_file import open_tokenizer
from slimtune.training.broken_files import BROKEN, fault_of, read_object, text_of_error
from slimtune.training.errors import ModelError

BATCH_ROWS, CHUNK_TOKENS = 16, 256
# in what the package says of graphs, which is a line of its own sources
SOURCES = "onnxruntime_src"


class RowNats(NamedTuple):
    """How well rows of tokens are predicted.

    Attributes:
        nats: Of each row, the sum of `-log p` of its tokens but the first.
        counts: How many tokens that is.
    """

    nats: list[float]
    counts: list[int]


def runtime() -> Any:
    """The package, without its reports home.

    Raises:
        ModelError: It is not installed.
    """
    try:
        import onnxruntime_genai
    except ImportError as error:
        raise ModelError(
            f"onnxruntime-genai cannot be imported ({error}); install it with: pip install 'slimtune[genai]'"
        ) from None
    onnxruntime_genai.disable_telemetry_events()
    return onnxruntime_genai


class GenaiSession:
    """Runs one folder on the CPU.

    Args:
        folder: What `build_genai` wrote.
        num_threads: Threads inside an operator; None leaves it to onnxruntime.

    Raises:
        ModelError: The package or a file is missing, or a file is broken.
    """

    def __init__(self, folder: Path, *, num_threads: int | None = None) -> None:
        self._package, self._folder = runtime(), folder
        try:
            settings = read_object(folder / GENAI_SETTINGS)["model"]
            self.pad_id, self.context_length = int(settings["pad_token_id"]), int(settings["context_length"])
            ends = settings["eos_token_id"]
            config = self._package.Config(str(folder))
            if num_threads is not None:
                threads = {"session_options": {"intra_op_num_threads": num_threads}}
                config.overlay(json.dumps({"model": {"decoder": threads}}))
            self._model = self._package.Model(config)
        except (*BROKEN, RuntimeError) as error:
            raise _unfit(folder, error) from error
        self._tokenizer = open_tokenizer(folder / TOKENIZER)
        self.end_ids: list[int] = ends if isinstance(ends, list) else [ends]
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of prompts, with what the tokenizer puts before a text, and without what it puts behind."""
        num_behind = len(self._ids("a")) - 1 - self._ids("a").index(self._ids("a", special=False)[-1])
        rows = [self._ids(text) for text in texts]
        return [ids[: len(ids) - num_behind] for ids in rows]

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Their texts, without special tokens."""
        texts: list[str] = self._tokenizer.decode_batch([list(row) for row in rows], skip_special_tokens=True)
        return texts

    def generate(self, prompts: Sequence[Sequence[int]], *, max_new_tokens: int, num_beams: int = 1) -> list[list[int]]:
        """Ids of the answers in the order of the prompts, without their end-of-sequence; nothing is sampled.

        Rows of one length share a batch, which gives what row by row would give.

        Raises:
            ModelError: A prompt is empty, or leaves no room for so long an answer.
        """
        for prompt in prompts:
            self._check_fits(len(prompt), max_new_tokens)
        answers: list[list[int]] = [[] for _ in prompts]
        for rows in self._batches(prompts, alone=num_beams > 1):
            written = self._answers([prompts[row] for row in rows], max_new_tokens, num_beams)
            for row, answer in zip(rows, written, strict=True):
                answers[row] = answer
        return answers

    def nats(self, rows: Sequence[Sequence[int]]) -> RowNats:
        """How well the tokens are predicted, each from all before it in its row.

        Raises:
            ModelError: A row is empty or too long.
        """
        for row in rows:
            self._check_fits(len(row), 0)
        return RowNats([self._row_nats(row) for row in rows], [len(row) - 1 for row in rows])

    def _ids(self, text: str, *, special: bool = True) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=special).ids
        return ids

    def _batches(self, prompts: Sequence[Sequence[int]], *, alone: bool) -> list[list[int]]:
        """Row numbers, those of one length together.

        Padding on the left gives other answers, and on the right other beams (0.18); what looks like padding is hidden
        from a batch wherever it stands, so that a row that holds such is alone.
        """
        batches: dict[tuple[int, int | None], list[int]] = {}
        for row, prompt in enumerate(prompts):
            batches.setdefault((len(prompt), row if alone or self.pad_id in prompt else None), []).append(row)
        return [rows[at : at + BATCH_ROWS] for rows in batches.values() for at in range(0, len(rows), BATCH_ROWS)]

    def _answers(self, prompts: Sequence[Sequence[int]], max_new_tokens: int, num_beams: int) -> list[list[int]]:
        ids_BT = np.asarray(prompts, dtype=np.int32)
        num_rows, num_tokens = ids_BT.shape
        generator = self._generator(batch_size=num_rows, num_beams=num_beams, max_length=num_tokens + max_new_tokens)
        with self._running():
            generator.append_tokens(ids_BT)
            while not generator.is_done():
                generator.generate_next_token()
        return [self._cut(generator.get_sequence(at)[num_tokens:]) for at in range(num_rows)]

    def _cut(self, ids: Sequence[int]) -> list[int]:
        """Up to the first end-of-sequence."""
        answer = []
        for number in ids:
            if int(number) in self.end_ids:
                break
            answer.append(int(number))
        return answer

    def _row_nats(self, row: Sequence[int]) -> float:
        generator = self._generator(batch_size=1, max_length=len(row))
        total = 0.0
        # the scores of a whole row would fill the memory
        for at in range(0, len(row) - 1, CHUNK_TOKENS):
            ids_T = np.asarray(row[at : at + CHUNK_TOKENS], dtype=np.int32)
            with self._running():
                generator.append_tokens(ids_T)
            next_T = np.asarray(row[at + 1 : at + 1 + CHUNK_TOKENS], dtype=np.int64)
            logits_TV = np.asarray(generator.get_output("logits"))[0, : len(next_T)].astype(np.float64)
            largest_T = logits_TV.max(1)
            log_sums_T = largest_T + np.log(np.exp(logits_TV - largest_T[:, None]).sum(1))
            total += float((log_sums_T - logits_TV[np.arange(len(next_T)), next_T]).sum())
        return total

    def _generator(self, **options: Any) -> Any:
        parameters = self._package.GeneratorParams(self._model)
        parameters.set_search_options(do_sample=False, **options)
        return self._package.Generator(self._model, parameters)

    @contextmanager
    def _running(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise _unfit(self._folder, error) from error

    def _check_fits(self, num_tokens: int, max_new_tokens: int) -> None:
        if num_tokens == 0:
            raise ModelError("a row has no tokens; a model continues at least one")
        if num_tokens + max_new_tokens > self.context_length:
            raise ModelError(
                f"a row has {num_tokens} tokens and an answer may have {max_new_tokens}; the model reads "
                f"{self.context_length} in all, so cut the row or ask for a shorter answer"
            )


def _unfit(folder: Path, error: Exception) -> ModelError:
    # the package raises RuntimeError alone
    if not isinstance(error, RuntimeError):
        said = f"of its {GENAI_SETTINGS}, {fault_of(error)}"
    elif SOURCES in str(error):
        said = "its graph or its weights are broken or cut off"
    else:
        said = text_of_error(error)
    return ModelError(f"{folder} cannot be run by onnxruntime-genai ({said}); build it again")
