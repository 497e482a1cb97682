"""What onnxruntime-genai's folder answers beside PyTorch: greedy text, perplexity, size and time."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from slimtune.export.graph_names import MODEL
from slimtune.export.runtime.genai_session import GenaiSession
from slimtune.training.metrics.perplexity import perplexity
from slimtune.training.tasks.loss import at_least_float32, token_nats

TIMED_PROMPTS = 8
Ids = Sequence[Sequence[int]]
AnswerPrompt = Callable[[Sequence[int]], list[int]]


class GenaiSample(NamedTuple):
    """What a folder is compared on.

    Attributes:
        prompts: Token ids to continue.
        rows: Token ids to predict.
        max_new_tokens: Longest answer.
        num_beams: 1 is greedy.
    """

    prompts: Ids
    rows: Ids
    max_new_tokens: int
    num_beams: int = 1


class GenaiCheck(NamedTuple):
    """A folder for onnxruntime-genai beside PyTorch, on the same rows.

    Attributes:
        answers_equal: Share of prompts that are answered as PyTorch does it, token by token.
        tokens_equal: Share of PyTorch's tokens that stand before the first other one of their answer.
        perplexity: Of the rows, by the folder's graph in its runtime.
        perplexity_pytorch: Of the rows, in PyTorch.
        size_mb: Graph and weights, in 10^6 bytes.
        ms_per_token: Time of an answer over its tokens, prompt included; one prompt at a time.
        ms_per_token_pytorch: The same in PyTorch, with its cache.
    """

    answers_equal: float
    tokens_equal: float
    perplexity: float
    perplexity_pytorch: float
    size_mb: float
    ms_per_token: float
    ms_per_token_pytorch: float


def check_genai(
    folder: Path, model: Any, tokenizer: Any, sample: GenaiSample, *, num_threads: int | None = None
) -> GenaiCheck:
    """Compare a folder with the model that it was built from.

    Args:
        folder: What `build_genai` wrote.
        model: The merged model in fp32, on the CPU, in evaluation mode.
        tokenizer: Its own.
        sample: What to run.
        num_threads: Of the runtime; PyTorch's are as they are.

    Raises:
        ModelError: The folder cannot be run, or a prompt or row does not fit.
    """
    session = GenaiSession(folder, num_threads=num_threads)
    ends = {*session.end_ids, tokenizer.eos_token_id}

    def pytorch(prompt: Sequence[int]) -> list[int]:
        return greedy_answer(model, tokenizer, prompt, sample, ends=ends)

    def runtime(prompt: Sequence[int]) -> list[int]:
        return session.generate([prompt], max_new_tokens=sample.max_new_tokens, num_beams=sample.num_beams)[0]

    answers = session.generate(sample.prompts, max_new_tokens=sample.max_new_tokens, num_beams=sample.num_beams)
    expected = [pytorch(prompt) for prompt in sample.prompts]
    nats = session.nats(sample.rows)
    return GenaiCheck(
        answers_equal=sum(map(list.__eq__, answers, expected)) / len(expected),
        tokens_equal=tokens_equal(answers, expected),
        perplexity=perplexity(nats.nats, nats.counts),
        perplexity_pytorch=perplexity([_row_nats(model, row) for row in sample.rows], nats.counts),
        size_mb=sum(path.stat().st_size for path in folder.glob(f"{MODEL}*")) / 1e6,
        ms_per_token=_ms_per_token(runtime, sample),
        ms_per_token_pytorch=_ms_per_token(pytorch, sample),
    )


@torch.inference_mode()
def greedy_answer(
    model: Any, tokenizer: Any, prompt: Sequence[int], sample: GenaiSample, *, ends: set[int]
) -> list[int]:
    """As in training's evaluation, up to the first end."""
    ids_1T = torch.tensor([list(prompt)])
    output = model.generate(
        input_ids=ids_1T,
        attention_mask=torch.ones_like(ids_1T),
        max_new_tokens=sample.max_new_tokens,
        num_beams=sample.num_beams,
        do_sample=False,
        use_cache=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=sorted(ends) or None,
    )
    written: list[int] = output[0, len(prompt) :].tolist()
    end = next((at for at, token in enumerate(written) if token in ends), len(written))
    return written[:end]


def tokens_equal(answers: Ids, expected: Ids) -> float:
    """Share of the expected tokens that stand before the first other one of their answer, the end among them."""
    num_equal = num_tokens = 0
    for answer, own in zip(answers, expected, strict=True):
        # the end is a token too: two empty answers agree
        pairs = zip([*own, None], [*answer, None], strict=False)
        num_equal += next((at for at, (one, other) in enumerate(pairs) if one != other), len(own) + 1)
        num_tokens += len(own) + 1
    return num_equal / num_tokens


@torch.inference_mode()
def _row_nats(model: Any, row: Sequence[int]) -> float:
    ids_1T = torch.tensor([list(row)])
    logits_1TV = at_least_float32(model(input_ids=ids_1T).logits[:, :-1])
    return float(token_nats(logits_1TV, ids_1T[:, 1:]).double().sum())


def _ms_per_token(answer: AnswerPrompt, sample: GenaiSample) -> float:
    """Of the first prompts, after one that warms up."""
    prompts = sample.prompts[:TIMED_PROMPTS]
    answer(prompts[0])
    started = time.perf_counter()
    answers = [answer(prompt) for prompt in prompts]
    # the end is computed as well, unless the answer was stopped before it
    num_tokens = sum(min(len(one) + 1, sample.max_new_tokens) for one in answers)
    return 1000 * (time.perf_counter() - started) / num_tokens
