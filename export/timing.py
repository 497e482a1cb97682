"""How fast and how large a model runs, in a process of its own with a fixed number of threads.

python -m export.timing < request.json > timing.json
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from export.session import PREDICT_BATCH_SIZE, ClassifierSession, Text, TextSettings

RUNS, WARMUP = 50, 5
MB = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to run.

    Attributes:
        model: An ONNX file, or the folder of a checkpoint, which runs in PyTorch, eager.
        tokenizer: The `tokenizer.json` that goes with it.
        max_length: Longest input in tokens.
        pad_id: Token id that fills up a batch.
        texts: Texts or pairs, as many as a batch of `predict` has; the first is the one that is run alone.
        num_threads: Threads inside an operator.
        dtype: How PyTorch stores and computes.
    """

    model: str
    tokenizer: str
    max_length: int
    pad_id: int
    texts: Sequence[Text]
    num_threads: int
    dtype: str = "float32"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Attributes:
    load_ms: From the file to a session that can run.
    latency_ms: Median time of one row, its tokenization included.
    latency_p95_ms: 95th percentile of it.
    batch8_ms: Median time of a batch of 8 rows.
    batch8_p95_ms: 95th percentile of it.
    tokens_per_second: Of such batches, padding not counted.
    peak_mb: Largest resident memory of the process.
    """

    load_ms: float
    latency_ms: float
    latency_p95_ms: float
    batch8_ms: float
    batch8_p95_ms: float
    tokens_per_second: float
    peak_mb: float


def measure(request: Request) -> Timing:
    """Run it in a process of its own.

    Raises:
        RuntimeError: The process failed.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", "export.timing"],
        input=json.dumps(asdict(request)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{request.model} could not be measured:\n{done.stderr[-2000:]}")
    return Timing(**json.loads(done.stdout.splitlines()[-1]))


def measured(request: Request) -> Timing:
    """Measure in this process."""
    started = time.perf_counter()
    run, count = _torch(request) if Path(request.model).is_dir() else _onnx(request)
    load_ms = 1000 * (time.perf_counter() - started)
    one, eight = _ms(lambda: run(request.texts[:1])), _ms(lambda: run(request.texts))
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
    peak = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else 1024 * peak


def _onnx(request: Request) -> tuple[Callable[[Sequence[Text]], object], int]:
    settings = TextSettings(request.max_length, request.pad_id)
    session = ClassifierSession(Path(request.model), Path(request.tokenizer), settings, num_threads=request.num_threads)
    count = sum(len(row.ids) for row in session.encode(request.texts))
    return lambda texts: session.logits(texts, batch_size=PREDICT_BATCH_SIZE), count


def _torch(request: Request) -> tuple[Callable[[Sequence[Text]], object], int]:
    import torch

    from export.graph import INPUTS, PAIR_INPUTS
    from training.checkpoint import load_model, load_own_tokenizer

    torch.set_num_threads(request.num_threads)
    folder = Path(request.model)
    model: Any = load_model(folder).to(getattr(torch, request.dtype))
    tokenizer = load_own_tokenizer(folder)

    def inputs_of(texts: Sequence[Text]) -> Any:
        cut = {"truncation": True, "max_length": request.max_length, "padding": True}
        given = zip(*texts, strict=True) if isinstance(texts[0], tuple) else (texts,)
        return tokenizer(*(list(part) for part in given), return_tensors="pt", **cut)

    @torch.inference_mode()
    def run(texts: Sequence[Text]) -> object:
        inputs = inputs_of(texts)
        names = PAIR_INPUTS if isinstance(texts[0], tuple) else INPUTS
        return model(**{name: inputs[name] for name in names if name in inputs}).logits

    return run, int(inputs_of(request.texts)["attention_mask"].sum())


def _ms(call: Callable[[], object]) -> list[float]:
    for _ in range(WARMUP):
        call()
    ms = []
    for _ in range(RUNS):
        started = time.perf_counter()
        call()
        ms.append(1000 * (time.perf_counter() - started))
    return ms


if __name__ == "__main__":
    # as the command line does it: a file of the user's does not stand before ours
    sys.path.append(os.getcwd())
    given = json.load(sys.stdin)
    # JSON has no tuples
    given["texts"] = [tuple(text) if isinstance(text, list) else text for text in given["texts"]]
    print(json.dumps(asdict(measured(Request(**given)))))  # noqa: T201
