"""How fast and how large a model runs, in a process of its own with a fixed number of threads.

python -m slimtune.export.verification.timing < request.json > timing.json
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from slimtune.export.bundle.interface import GenerationSettings
from slimtune.export.bundle.variant_report import Timing
from slimtune.export.graph_names import INPUTS, PAIR_INPUTS, Kind
from slimtune.export.runtime.encoder_session import PREDICT_BATCH_SIZE, EncoderSession, Text, TextSettings
from slimtune.export.runtime.execution import CPU_PROVIDER, Execution
from slimtune.export.runtime.generation_session import generated_ids, generation_session_of

RUNS, WARMUP = 50, 5
# a large model is run less often
MOST_SECONDS, FEWEST_RUNS = 10.0, 5
# new tokens, if the model may write so many
TIMED_TOKENS = 16
MB = 1e6
Runnable = Callable[[Sequence[Any]], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingRequest:
    """What to run.

    Attributes:
        folder: Of a variant's graphs, or of a checkpoint.
        kind: What the model answers, the name of a `Kind`.
        tokenizer: The `tokenizer.json` that goes with the graphs; None runs the checkpoint in PyTorch, eager.
        max_length: Longest input in tokens.
        pad_id: Token id that fills up a batch.
        start_id: What a decoder begins with; None for others.
        new_tokens: What a generative model is timed with.
        inputs: Texts, pairs, or token ids of prompts, as many as a batch of `predict` has; the first is also run alone.
        num_threads: Threads inside an operator.
        provider: onnxruntime's execution provider.
        provider_options: What it is given.
        dtype: How PyTorch stores and computes.
    """

    folder: str
    kind: str
    tokenizer: str | None
    max_length: int
    pad_id: int
    start_id: int | None
    new_tokens: int
    inputs: Sequence[Any]
    num_threads: int
    provider: str = CPU_PROVIDER
    provider_options: Mapping[str, str] = field(default_factory=dict)
    dtype: str = "float32"


def measure(request: TimingRequest) -> Timing:
    """Run it in a process of its own.

    Raises:
        RuntimeError: The process failed.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "slimtune.export.verification.timing"],
        input=json.dumps(asdict(request)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{request.folder} could not be measured:\n{done.stderr[-2000:]}")
    return Timing(**json.loads(done.stdout.splitlines()[-1]))


def measured(request: TimingRequest) -> Timing:
    """Measure in this process."""
    started = time.perf_counter()
    run, count = _torch(request) if request.tokenizer is None else _onnx(request)
    load_ms = 1000 * (time.perf_counter() - started)
    one, eight = _ms(lambda: run(request.inputs[:1])), _ms(lambda: run(request.inputs))
    return Timing(
        load_ms=load_ms,
        latency_ms=float(np.median(one)),
        latency_p95_ms=float(np.percentile(one, 95)),
        batch8_ms=float(np.median(eight)),
        batch8_p95_ms=float(np.percentile(eight, 95)),
        tokens_per_second=1000 * count / float(np.median(eight)),
        peak_mb=_peak_bytes() / MB,
    )


def _peak_bytes() -> float:
    """Of this process; `ru_maxrss` would begin with what its parent had when it was forked."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    for line in lines:
        if line.startswith("VmHWM:"):
            return 1024 * float(line.split()[1])
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset)
    import resource

    peak = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else 1024 * peak


def _onnx(request: TimingRequest) -> tuple[Runnable, int]:
    kind, folder = Kind(request.kind), Path(request.folder)
    execution = Execution(request.provider, request.provider_options, request.num_threads)
    if kind.writes:
        generator = generation_session_of(kind, folder, execution=execution)
        generation = GenerationSettings(request.new_tokens, request.pad_id, end_ids=(), start_id=request.start_id)
        return lambda prompts: generated_ids(generator, prompts, generation), request.new_tokens * len(request.inputs)
    settings = TextSettings(request.max_length, request.pad_id)
    session = EncoderSession(folder, Path(str(request.tokenizer)), settings, execution=execution)
    count = sum(len(row.ids) for row in session.encode(request.inputs))
    return lambda texts: session.run_rows(session.encode(texts), batch_size=PREDICT_BATCH_SIZE), count


def _torch(request: TimingRequest) -> tuple[Runnable, int]:
    import torch

    from slimtune.training.checkpoints.checkpoint import open_checkpoint

    torch.set_num_threads(request.num_threads)
    # who asks for its time has opened it before
    checkpoint = open_checkpoint(Path(request.folder), trust=True)
    model: Any = checkpoint.model().to(getattr(torch, request.dtype))
    if Kind(request.kind).writes:
        return _writing(model, request)
    return _encoding(model, checkpoint.tokenizer(), request)


def _encoding(model: Any, tokenizer: Any, request: TimingRequest) -> tuple[Runnable, int]:
    import torch

    def inputs_of(texts: Sequence[Text]) -> Any:
        cut = {"truncation": True, "max_length": request.max_length, "padding": True}
        given = zip(*texts, strict=True) if isinstance(texts[0], tuple) else (texts,)
        return tokenizer(*(list(part) for part in given), return_tensors="pt", **cut)

    @torch.inference_mode()
    def run(texts: Sequence[Text]) -> object:
        inputs = inputs_of(texts)
        names = PAIR_INPUTS if isinstance(texts[0], tuple) else INPUTS
        return model(**{name: inputs[name] for name in names if name in inputs})

    return run, int(inputs_of(request.inputs)["attention_mask"].sum())


def _writing(model: Any, request: TimingRequest) -> tuple[Runnable, int]:
    import torch

    from slimtune.training.data.padding import padded_ids

    @torch.inference_mode()
    def run(prompts: Sequence[Sequence[int]]) -> object:
        ids_BT, mask_BT = padded_ids(prompts, request.pad_id, left=Kind(request.kind) is Kind.causal)
        return model.generate(
            input_ids=torch.from_numpy(ids_BT),
            attention_mask=torch.from_numpy(mask_BT),
            min_new_tokens=request.new_tokens,
            max_new_tokens=request.new_tokens,
            do_sample=False,
            num_beams=1,
            use_cache=True,
            pad_token_id=request.pad_id,
        )

    return run, request.new_tokens * len(request.inputs)


def _ms(call: Callable[[], object]) -> list[float]:
    for _ in range(WARMUP):
        call()
    ms: list[float] = []
    while len(ms) < FEWEST_RUNS or (len(ms) < RUNS and sum(ms) < 1000 * MOST_SECONDS):
        started = time.perf_counter()
        call()
        ms.append(1000 * (time.perf_counter() - started))
    return ms


if __name__ == "__main__":
    # as the command line does it: a file of the user's does not stand before ours
    sys.path.append(os.getcwd())
    given = json.load(sys.stdin)
    # JSON has no tuples; pairs are two texts, and prompts are numbers
    pairs = any(isinstance(one, list) and isinstance(one[0], str) for one in given["inputs"])
    given["inputs"] = [tuple(one) for one in given["inputs"]] if pairs else given["inputs"]
    print(json.dumps(asdict(measured(TimingRequest(**given)))))  # noqa: T201
