"""What PyTorch gives on the validation rows, and what a variant gives on the same ones."""

# B rows of a batch, T tokens, U of an answer, C classes, D dimensions, K labelled positions

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch.nn.functional import cosine_similarity

from slimtune.export.bundle.interface import GenerationSettings
from slimtune.export.graph_names import Kind
from slimtune.export.runtime.encoder_session import PREDICT_BATCH_SIZE, EncoderSession, Text, TextSettings, decided
from slimtune.export.runtime.execution import ON_CPU, Execution
from slimtune.export.runtime.generation_session import (
    CausalSession,
    EncoderDecoderSession,
    generated_ids,
    generation_session_of,
)
from slimtune.export.runtime.tokenizer_file import open_tokenizer
from slimtune.training.config.trial import TrialConfig
from slimtune.training.data.batching import IGNORED, Batch, EncodedSplit, by_length, collate
from slimtune.training.metrics import Measure, Tally, compute_all, merged
from slimtune.training.models.generate import Generation, generate
from slimtune.training.tasks import Task
from slimtune.training.tasks.loss import aligned
from slimtune.training.tasks.seq2seq_generation import shifted_right
from slimtune.training.tasks.text_to_text import TextToText

# cosines that are as good as the same
SAME_COSINE = 0.02
# numbers whose gap is this share of the range of PyTorch's, as that of such cosines is
SAME_SHARE = 0.01
# numbers whose gap is looked at: 32 MB of scores, of the first rows
MOST_OUTPUTS = 1 << 23
CPU_DEVICE = torch.device("cpu")


class Runner(Protocol):
    """A model, by whatever it is run."""

    def logits(self, batch: Batch) -> torch.Tensor:
        """What the task's `logits` gives for it."""
        ...

    def answers(self, prompts: Sequence[Sequence[int]]) -> list[str]:
        """Text that it writes."""
        ...


class Found(NamedTuple):
    """What a model gives on the rows.

    Attributes:
        tally: The metrics' state of the rows, in order.
        generated: Of the text that it wrote; None if it wrote none.
        decided: What each row got: ones and zeros by class, tags of words, the cosine of a pair, numbers, or tokens.
        outputs: Scores or vectors of the first rows, by row.
    """

    tally: Tally
    generated: Tally | None
    decided: list[np.ndarray]
    outputs: Mapping[int, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class ComparedRows:
    """What models are compared on.

    Attributes:
        kind: What they answer.
        task: What their scores mean.
        split: The rows.
        tokenizer: transformers'.
        config: The trial's.
    """

    kind: Kind
    task: Task
    split: EncodedSplit
    tokenizer: Any
    config: TrialConfig

    @property
    def texts(self) -> list[Text]:
        """What an encoder is given, row by row of the data; of similar texts, both by themselves."""
        examples = self.split.examples
        if self.kind is Kind.embedding:
            return [text for one in examples for text in (one.text, one.pair)]
        return [one.given(pairs=self.takes_pairs) for one in examples]

    @property
    def takes_pairs(self) -> bool:
        """Whether it is given two texts at a time."""
        return self.kind.takes_pairs and self.config.data.text_pair_column is not None

    @property
    def truncation_side(self) -> str:
        """Where a text is cut that is too long; windows begin at its beginning."""
        return "right" if self.kind is Kind.tags else str(self.tokenizer.truncation_side)

    @cached_property
    def asked(self) -> list[int]:
        """Rows that text is written for."""
        return self.task.asked(self.split) if isinstance(self.task, TextToText) else []

    def prompts(self, rows: Sequence[int]) -> list[list[int]]:
        """Token ids that an answer continues; of plain text, the first half of a block."""
        if not isinstance(self.task, TextToText):
            blocks = [self.split.encoded.row(row) for row in rows]
            return [block[: max(1, len(block) // 2)].tolist() for block in blocks]
        return self.task.prompts([self.split.examples[row] for row in rows], self.tokenizer)

    @torch.inference_mode()
    def run(self, runner: Runner, *, batch_size: int = PREDICT_BATCH_SIZE, writes: bool = True) -> Found:
        """What a model gives, in batches of rows of like length; text only if it is to write."""
        tallies, outputs = [], {}
        decisions: list[np.ndarray] = [np.empty(0)] * len(self.split)
        shown = self._shown
        for rows in by_length(self.split.encoded.lengths(), batch_size):
            batch = collate(self.split, rows, pad_id=self.tokenizer.pad_token_id, device=CPU_DEVICE)
            logits = runner.logits(batch)
            tallies.append(self.task.tally(logits, batch, self.split, rows.tolist()))
            for row, output in zip(rows.tolist(), self._outputs(logits, batch), strict=True):
                decisions[row] = self._decided(output)
                if row < shown:
                    outputs[row] = output
        generated = None
        if writes and self.asked:
            assert isinstance(self.task, TextToText)
            generated = self.task.answered(self.split, self.asked, runner.answers(self.prompts(self.asked)))
        return Found(merged(tallies).in_order(), generated, decisions, outputs)

    @property
    def _shown(self) -> int:
        """So many of the first rows' scores are kept."""
        if self.split.targets.labels_N is not None:
            return len(self.split)
        wide = len(self.tokenizer) if self.kind.writes else 1
        values_N = np.cumsum(self.split.encoded.lengths()) * wide
        return max(1, int(np.searchsorted(values_N, MOST_OUTPUTS)))

    def _outputs(self, logits: torch.Tensor, batch: Batch) -> list[np.ndarray]:
        """Scores of each row (C), of its labelled tokens (K, C), or its two vectors (2, D)."""
        arrays = logits.float().numpy()
        if self.split.targets.labels_N is not None:
            return list(arrays)
        real_BK = (aligned(batch) != IGNORED).numpy()
        return [array[real] for array, real in zip(arrays, real_BK, strict=True)]

    def _decided(self, output: np.ndarray) -> np.ndarray:
        match self.kind:
            case Kind.labels:
                labels_N = self.split.targets.labels_N
                # values by class are those of several labels a row
                multi_label = labels_N is not None and labels_N.ndim > 1
                return np.asarray(decided(output[None], multi_label=multi_label)[0])
            case Kind.embedding:
                first, second = torch.from_numpy(output)
                return np.array([cosine_similarity(first, second, dim=0).item()])
            case Kind.numbers:
                return np.asarray(output)
            case _:
                return np.asarray(output.argmax(-1))


@dataclass(frozen=True, kw_only=True)
class Reference:
    """PyTorch's answer.

    Attributes:
        rows: What it is on.
        found: What it gave, fp32, row by row.
    """

    rows: ComparedRows
    found: Found

    @property
    def metric(self) -> str:
        """Name of the task's metric."""
        return self.rows.config.task.metric

    @property
    def maximize(self) -> bool:
        """Whether more of it is better."""
        return self.rows.config.task.maximize

    def score(self, found: Found) -> float:
        """Of the metric."""
        return self.score_of(self.tally(found))

    def tally(self, found: Found) -> Tally:
        """What the metric is computed from: the rows, or the text that was written."""
        if found.generated is not None and self.metric not in self._scores(found.tally.take([0])):
            return found.generated
        return found.tally

    def score_of(self, tally: Tally) -> float:
        """Of all rows, or of those that were drawn."""
        return self._scores(tally)[self.metric]

    def _scores(self, tally: Tally) -> dict[str, float]:
        return compute_all(self._measures, tally)

    @cached_property
    def _measures(self) -> Sequence[Measure]:
        # a metric of the user's own may give scores that its measure does not name
        measures = self.rows.task.measures
        return [measure for measure in measures if self.metric in measure.keys] or measures

    def agreeing(self, found: Found) -> np.ndarray:
        """Which rows got PyTorch's answer, or which tokens where there is a score for each (bool)."""
        pairs = list(zip(self.found.decided, found.decided, strict=True))
        match self.rows.kind:
            case Kind.causal | Kind.encoder_decoder:
                return np.concatenate([exact == other for exact, other in pairs])
            case Kind.embedding:
                return np.array([bool(np.abs(exact - other).max() <= SAME_COSINE) for exact, other in pairs])
            case Kind.numbers:
                numbers = np.stack(self.found.decided)
                near = SAME_SHARE * np.ptp(numbers) or SAME_SHARE * np.abs(numbers).max()
                return np.array([bool(np.abs(exact - other).max() <= near) for exact, other in pairs])
            case _:
                return np.array([bool((exact == other).all()) for exact, other in pairs])

    def gap(self, found: Found) -> float:
        """Largest absolute difference of any score, or of any number of a vector."""
        return max(
            float(np.abs(output - found.outputs[row]).max(initial=0)) for row, output in self.found.outputs.items()
        )

    def same_text(self, found: Found) -> float | None:
        """Share of written answers that are PyTorch's; None if none were written."""
        if self.found.generated is None or found.generated is None:
            return None
        exact, other = (one.generated.columns["prediction"] for one in (self.found, found) if one.generated)
        return float(np.mean([first == second for first, second in zip(exact, other, strict=True)]))


class PyTorchRunner:
    """The trained model itself."""

    def __init__(self, model: torch.nn.Module, rows: ComparedRows) -> None:
        self._model, self._rows = model, rows

    def logits(self, batch: Batch) -> torch.Tensor:
        """As the protocol says."""
        return self._rows.task.logits(self._model, batch)

    def answers(self, prompts: Sequence[Sequence[int]]) -> list[str]:
        """As the protocol says."""
        task = self._rows.task
        assert isinstance(task, TextToText)
        settings = Generation(task.config.max_new_tokens, task.config.num_beams)
        return generate(self._model, prompts, self._rows.tokenizer, settings=settings, device=CPU_DEVICE)


class OnnxRunner:
    """A variant's folder.

    Args:
        folder: Its graphs.
        rows: What it is asked.
        tokenizer: The `tokenizer.json`.
        generation: How text is generated; None where none is.
        execution: Where it runs.
    """

    def __init__(
        self,
        folder: Path,
        rows: ComparedRows,
        tokenizer: Path,
        generation: GenerationSettings | None,
        *,
        execution: Execution = ON_CPU,
    ) -> None:
        self._rows, self._tokenizer, self._writing = rows, tokenizer, generation
        length, pad_id = rows.config.data.max_length, rows.tokenizer.pad_token_id
        settings = TextSettings(length, pad_id, side=rows.truncation_side)
        self._session: EncoderSession | CausalSession | EncoderDecoderSession = (
            generation_session_of(rows.kind, folder, execution=execution)
            if rows.kind.writes
            else EncoderSession(folder, tokenizer, settings, execution=execution)
        )

    def logits(self, batch: Batch) -> torch.Tensor:
        """As the protocol says."""
        inputs = {name: tensor.numpy() for name, tensor in batch.inputs.items()}
        return torch.from_numpy(self._logits(inputs, batch))

    def _logits(self, inputs: Mapping[str, np.ndarray], batch: Batch) -> np.ndarray:
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        match self._session:
            case CausalSession() as session:
                assert batch.kept_K is not None
                return session.scores(ids, mask)[:, batch.kept_K.numpy()]
            case EncoderDecoderSession() as session:
                return session.scores(ids, mask, self._decoder_ids(batch))
            case EncoderSession() as session if self._rows.kind is Kind.embedding:
                sides = [session.run({"input_ids": ids, "attention_mask": mask})]
                pair = {name: inputs[f"pair_{name}"] for name in ("input_ids", "attention_mask")}
                return np.stack([*sides, session.run(pair)], axis=1)
            case session:
                return session.run(inputs)

    def _decoder_ids(self, batch: Batch) -> np.ndarray:
        assert self._writing is not None
        assert self._writing.start_id is not None
        return shifted_right(batch.labels, start_id=self._writing.start_id, pad_id=self._writing.pad_id).numpy()

    def answers(self, prompts: Sequence[Sequence[int]]) -> list[str]:
        """As the protocol says."""
        assert self._writing is not None
        assert not isinstance(self._session, EncoderSession)
        tokenizer = open_tokenizer(self._tokenizer)
        answers = generated_ids(self._session, prompts, self._writing)
        return [tokenizer.decode(ids, skip_special_tokens=True) for ids in answers]
