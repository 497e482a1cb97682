"""What a config's model costs, known before anything is trained: its size, what is trained of it, and its speed."""

import copy
import hashlib
import json
import statistics
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from slimtune.training.config.method import LoraMethod
from slimtune.training.config.trial import TrialConfig, parse_trial
from slimtune.training.data.batching import Batch, collate
from slimtune.training.errors import ConfigError, ModelError
from slimtune.training.hardware.attention import attention_of
from slimtune.training.methods import Setting, method_of
from slimtune.training.workbench.prepared_data import PreparedData, ReadRows, prepare_data

CPU, FLOAT_BYTES = torch.device("cpu"), 4
# one number is the lowest median of these rounds: what else the machine does only makes it larger
ROUNDS, RUNS, WARMUP = 3, 15, 3
# a large model is run less often
ROUND_SECONDS, FEWEST_RUNS = 2.0, 3


class ModelCosts(NamedTuple):
    """A model without weights, as it would be exported, and what is known of it.

    Attributes:
        architecture: Equal where the models and the row that they are timed with are.
        size_mb: Its weights in fp32, adapters merged, in 10^6 bytes: what the export calls `fp32`.
        trained_parameters: Elements of all tensors that are trained.
        data: What it was made of.
    """

    architecture: str
    size_mb: float
    trained_parameters: int
    data: PreparedData


class CostMeter:
    """Looks at the models of trials; what the last one was made of is kept, since most trials share it.

    It is handed on to workers. In another process it begins empty.
    """

    def __init__(self, read: ReadRows | None = None) -> None:
        self._read = read or ReadRows()
        self._last: tuple[str, PreparedData] | None = None

    def __reduce__(self) -> tuple[type["CostMeter"], tuple[()]]:
        return CostMeter, ()

    def look(self, values: Mapping[str, Any]) -> ModelCosts:
        """Build a trial's model without its weights.

        Args:
            values: The trial's whole config.

        Raises:
            UserError: Its config, data or model cannot be used.
        """
        parsed = parse_trial(values)
        if parsed.problems:
            raise ConfigError(parsed.problems)
        data = self._data_of(parsed.section)
        model = trained_model(data)
        with torch.device("meta"):
            trained = sum(one.numel() for one in model.parameters() if one.requires_grad)
            merged = _merged(data, model)
        size_mb = FLOAT_BYTES * sum(one.numel() for one in merged.parameters()) / 1e6
        return ModelCosts(_architecture(merged, data), size_mb, trained, data)

    def latency_ms(self, costs: ModelCosts) -> float:
        """Time of a forward pass over one validation row of median length, in fp32 on one thread of the CPU.

        The weights are drawn: what they are makes no difference to time.
        """
        data, threads = costs.data, torch.get_num_threads()
        with torch.random.fork_rng(devices=[]):
            model = _merged(data, _prepared(data, _drawn(data))).eval()
        batch = _median_row(data)
        torch.set_num_threads(1)
        try:
            return min(_median_ms(model, data, batch) for _ in range(ROUNDS))
        finally:
            torch.set_num_threads(threads)

    def _data_of(self, config: TrialConfig) -> PreparedData:
        key = json.dumps([asdict(one) for one in (config.task, config.data, config.model)], default=str, sort_keys=True)
        if self._last is None or self._last[0] != key:
            self._last = key, prepare_data(config, self._read)
        data = self._last[1]
        return data._replace(config=data.config._replace(method=config.method, fit=config.fit))


def trained_model(data: PreparedData) -> nn.Module:
    """The model that trials train, without its weights."""
    with torch.device("meta"):
        return _prepared(data, copy.deepcopy(data.model))


def _prepared(data: PreparedData, model: Any) -> nn.Module:
    method = data.config.method
    if isinstance(method, LoraMethod):
        # what adapters begin with is taken out of weights that are not there
        method = replace(method, init_lora_weights="default")
    return method_of(method).prepare(model, Setting(data.task.peft_task_type, data.weights.new))


def _merged(data: PreparedData, model: Any) -> Any:
    try:
        return method_of(data.config.method).merge(model)
    except ModelError:
        # virtual tokens stay beside the weights
        return model


def _drawn(data: PreparedData) -> Any:
    settings = copy.deepcopy(data.model.config)
    attention = attention_of(data.config.model.attention, CPU, max_length=data.config.data.max_length)
    build: Any = data.task.auto_class.from_config
    trusted = data.config.model.trust_remote_code
    model = build(settings, attn_implementation=attention.asked, dtype=torch.float32, trust_remote_code=trusted)
    model.config.use_cache = False
    return model


def _median_row(data: PreparedData) -> Batch:
    split = data.encoded["validation"]
    lengths_N = split.encoded.lengths()
    row = int(np.argsort(lengths_N, kind="stable")[len(lengths_N) // 2])
    return collate(split, [row], pad_id=int(data.tokenizer.pad_token_id), device=CPU)


@torch.inference_mode()
def _median_ms(model: Any, data: PreparedData, batch: Batch) -> float:
    for _ in range(WARMUP):
        data.task.logits(model, batch)
    ms: list[float] = []
    while len(ms) < FEWEST_RUNS or (len(ms) < RUNS and sum(ms) < 1000 * ROUND_SECONDS):
        started = time.perf_counter()
        data.task.logits(model, batch)
        ms.append(1000 * (time.perf_counter() - started))
    return statistics.median(ms)


def _architecture(model: Any, data: PreparedData) -> str:
    parts = sorted((name, tuple(one.shape)) for name, one in model.named_parameters())
    settings = {key: value for key, value in model.config.to_dict().items() if not key.startswith("_name")}
    length = int(np.median(data.encoded["validation"].encoded.lengths()))
    text = json.dumps([type(model).__name__, parts, settings, length], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
